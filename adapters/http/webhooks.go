package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Twilio is what its webhooks need of the adapter that knows Twilio. The zero
// value means that Twilio is not configured: its webhooks do not exist.
type Twilio struct {
	Verify       func(url string, body []byte, signature string) bool
	ParseStatus  func(body []byte) (domain.Receipt, error)
	ParseInbound func(body []byte) (commands.Inbound, error)
}

var errMalformedCallback = &refusal{status: http.StatusBadRequest, code: "malformed_callback", detail: "The callback cannot be read."}

// twilioStatus takes a status callback for attempt "a" at message "m". Whatever
// asking again would not change is answered with 204; when the store is gone the
// answer is 503, so that Twilio asks again.
func (a *api) twilioStatus(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	body, err := a.verified(w, r)
	if err != nil {
		return err
	}
	receipt, err := a.Twilio.ParseStatus(body)
	if err != nil {
		a.log.WarnContext(r.Context(), "reading a status callback", "request_id", caller.RequestID, "error", err)
		return errMalformedCallback
	}
	return a.receive(w, r, caller, receipt)
}

// receive records a receipt for the attempt that the callback's URL names.
func (a *api) receive(w http.ResponseWriter, r *http.Request, caller commands.Caller, receipt domain.Receipt) error {
	query := r.URL.Query()
	id := query.Get("m")
	// Without a number of the attempt the receipt counts for the one it fits.
	if attempt, err := strconv.Atoi(query.Get("a")); err == nil && attempt > 0 {
		receipt.Attempt = attempt
	}
	if !wellFormed(id) {
		id = "malformed"
	}
	err := a.Commands.Receive(r.Context(), id, receipt)
	if errors.Is(err, ports.ErrUnavailable) {
		return err // nor is it recorded that nobody knows it
	}
	if errors.Is(err, domain.ErrNotFound) {
		a.log.WarnContext(r.Context(), "receipt for an unknown message",
			"request_id", caller.RequestID, "message", id, "provider_message", receipt.ProviderMessageID)
		err = nil
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// noReply is TwiML that sends nothing back. An answer of another type would be
// sent to the phone as a text.
const noReply = `<?xml version="1.0" encoding="UTF-8"?><Response/>`

// twilioInbound takes a text to us. What there is to answer is a text of its own, with
// a record of its own, not a part of this answer.
func (a *api) twilioInbound(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	body, err := a.verified(w, r)
	if err != nil {
		return err
	}
	in, err := a.Twilio.ParseInbound(body)
	if err != nil {
		a.log.WarnContext(r.Context(), "reading an inbound text", "request_id", caller.RequestID, "error", err)
		return errMalformedCallback
	}
	in.RequestID, in.TraceParent = caller.RequestID, caller.TraceParent
	if err := a.Commands.ReceiveText(r.Context(), in); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	if _, err := io.WriteString(w, noReply); err != nil {
		return errGone
	}
	return nil
}

// verified returns the body of a webhook that Twilio signed for our public URL.
// Who forges one is counted like anybody without a key.
func (a *api) verified(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if a.Twilio.Verify == nil {
		return nil, errNotFound
	}
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	if a.Twilio.Verify(a.PublicURL+r.URL.RequestURI(), body, r.Header.Get("X-Twilio-Signature")) {
		return body, nil
	}
	return nil, a.forged(w, r)
}

// forged answers a webhook without a valid signature.
func (a *api) forged(w http.ResponseWriter, r *http.Request) error {
	if err := a.limitAddress(r.Context(), w.(*response), r); err != nil {
		return err
	}
	return errForged
}
