package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// postInbound sends the text in the form's from, to and body, and goes back to the
// phone in n.
func (s *Sandbox) postInbound(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err != nil || form.Get("from") == "" || form.Get("to") == "" {
		http.Error(w, "a form with from, to and body is needed", http.StatusBadRequest)
		return
	}
	said := reply{From: form.Get("from"), To: form.Get("to"), Body: form.Get("body"), At: time.Now()}
	if err := s.Inbound(r.Context(), said.From, said.To, said.Body); err != nil {
		said.Fault = err.Error() // shown with the text, as a phone would
	}
	s.replies.add(said)
	s.changed.raise()
	http.Redirect(w, r, back(form), http.StatusSeeOther)
}

// Inbound sends a text from a phone to InboundURL, once, signed as Twilio does.
// The error says that the other side did not take it.
func (s *Sandbox) Inbound(ctx context.Context, from, to, body string) error {
	if s.config.InboundURL == "" {
		return fmt.Errorf("sending inbound text: no inbound URL is configured")
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	sid := newSID()
	form := url.Values{
		"AccountSid": {s.config.AccountSID}, "ApiVersion": {"2010-04-01"}, "MessageSid": {sid}, "SmsSid": {sid},
		"SmsMessageSid": {sid}, "SmsStatus": {"received"}, "From": {from}, "To": {to}, "Body": {body},
		"NumMedia": {"0"}, "NumSegments": {fmt.Sprint(segments(body))},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.InboundURL, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("sending inbound text: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("I-Twilio-Idempotency-Token", sid+"-"+time.Now().UTC().Format("20060102T150405"))
	req.Header.Set("X-Twilio-Signature", sign(s.config.AuthToken, s.config.InboundURL, form))
	resp, err := s.courier.client.Do(req)
	if err != nil {
		return fmt.Errorf("sending inbound text: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxForm))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("sending inbound text: status %d", resp.StatusCode)
	}
	return nil
}
