package api

import (
	"net/http"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

// Callback is what the status callbacks of a provider need of its adapter.
type Callback struct {
	Header string // of the signature
	Verify func(url string, body []byte, signature string) bool
	Parse  func(body []byte) (domain.Receipt, error)
}

// providerStatus takes a status callback of a configured provider, and answers it
// as one of Twilio's. What it says counts for that provider's own attempts only.
func (a *api) providerStatus(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	name := r.PathValue("provider")
	callback, ok := a.Callbacks[name]
	if !ok {
		return errNotFound
	}
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return err
	}
	if !callback.Verify(a.PublicURL+r.URL.RequestURI(), body, r.Header.Get(callback.Header)) {
		return a.forged(w, r)
	}
	receipt, err := callback.Parse(body)
	if err != nil {
		a.log.WarnContext(r.Context(), "reading a status callback", "request_id", caller.RequestID, "provider", name, "error", err)
		return errMalformedCallback
	}
	receipt.Provider = name
	return a.receive(w, r, caller, receipt)
}
