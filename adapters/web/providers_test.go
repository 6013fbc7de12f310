package web

import (
	"testing"

	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
)

func TestAProviderThatIsNotCalledSaysWhichCallFailedLast(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_refused", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"})
	said := events.Meta{Tenant: "acme", Actor: "provider:twilio"}
	w.append("msg_refused", said, events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "provider_wide", HTTPStatus: 401, Code: "20003", Detail: "bad credentials"})
	w.get(admin, "/providers").hides(t, "The last call that failed")
	w.append("breaker_twilio", events.Meta{Actor: "breaker"}, events.BreakerOpened{Provider: "twilio", Reason: "provider_wide"})
	w.accept("acme", "msg_number", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"})
	w.append("msg_number", said, events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "permanent", HTTPStatus: 400, Code: "21211", Detail: "no number"}) // of the text, not of the provider
	w.get(admin, "/providers").shows(t, "The last call that failed: bad credentials (20003).", `href="/messages/msg_refused"`)
	w.append("breaker_twilio", events.Meta{Actor: "operator:ada"}, events.BreakerClosed{Provider: "twilio"}, events.BreakerOpened{Provider: "twilio", Reason: "operator: maintenance"})
	w.get(admin, "/providers").hides(t, "The last call that failed")
}

func TestAProviderSaysWhyItsBreakerOpenedAsFarAsIsKnown(t *testing.T) {
	for _, tt := range []struct {
		opened events.BreakerOpened
		want   string
	}{
		{events.BreakerOpened{Reason: "failure_rate", Succeeded: 11, Failed: 12}, "12 of 23 calls of its window failed"},
		{events.BreakerOpened{Reason: "consecutive", Failed: 10, InARow: 10}, "10 calls in a row failed"},
		{events.BreakerOpened{Reason: "failure_rate"}, "too many calls of its window failed"}, // by an earlier build
		{events.BreakerOpened{Reason: "consecutive"}, "too many calls in a row failed"},
		{events.BreakerOpened{Reason: "probe"}, "the call that was to show whether it is back failed"},
		{events.BreakerOpened{Reason: "operator: maintenance"}, "an operator opened the breaker: maintenance"},
	} {
		if got := (providerData{State: breaker.State{}.Evolve(tt.opened)}).Because(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.opened, got, tt.want)
		}
	}
}
