package web

import (
	"testing"

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
