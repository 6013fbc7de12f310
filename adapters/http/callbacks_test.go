package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// acme believes whoever repeats the URL in the signature.
var acme = api.Callback{
	Header: "X-Acme",
	Verify: func(url string, _ []byte, signature string) bool { return signature == url },
	Parse: func(body []byte) (domain.Receipt, error) {
		var report struct{ ID string }
		if err := json.Unmarshal(body, &report); err != nil || report.ID == "" {
			return domain.Receipt{}, errors.New("no id")
		}
		return domain.Receipt{ProviderMessageID: report.ID, ProviderStatus: "arrived", Result: domain.ReceiptDelivered}, nil
	},
}

func TestAConfiguredProviderReportsOnItsOwnAttemptsOnly(t *testing.T) {
	w := newWorld(t, withTwilio, func(s *api.Server) { s.Callbacks = map[string]api.Callback{"acme": acme} })
	id := w.accept(text())
	w.happen(id,
		events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"},
		events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled"},
		events.MessageRetried{Attempt: 2},
		events.MessageAttempted{Attempt: 2, AttemptID: "y", Provider: "acme"})
	post := func(path, body, signed string) int {
		return w.do("POST", path, body, "Authorization:", "Content-Type: application/json", "X-Acme: https://sms.example.com"+signed).status
	}
	first, second := "/webhooks/acme/status?m="+id+"&a=1", "/webhooks/acme/status?m="+id+"&a=2"
	for _, tt := range []struct {
		name, path, body, signed string
		want                     int
	}{
		{"forged", second, `{"id":"m-1"}`, first, http.StatusForbidden},
		{"unreadable", second, "{}", second, http.StatusBadRequest},
		{"of nobody that is configured", "/webhooks/other/status?m=" + id, `{"id":"m-1"}`, "/webhooks/other/status?m=" + id, http.StatusNotFound},
		{"of another's attempt", first, `{"id":"m-1"}`, first, http.StatusNoContent},
		{"of its own", second, `{"id":"m-1"}`, second, http.StatusNoContent},
		{"of no message", "/webhooks/acme/status?m=msg_0", `{"id":"m-1"}`, "/webhooks/acme/status?m=msg_0", http.StatusNoContent},
	} {
		if got := post(tt.path, tt.body, tt.signed); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	var got []string
	for _, e := range w.timeline(id, "") {
		got = append(got, e.Type)
	}
	if want := []string{"message.receipt_ignored", "message.dispatched", "message.delivered"}; !slices.Equal(got[len(got)-3:], want) {
		t.Errorf("%v, want %v at the end", got, want)
	}
}
