package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestAnAttemptShowsWhatWasAskedAndAnsweredWithoutAnythingPersonal(t *testing.T) {
	w := newWorld(t, func(u *UI) {
		u.Request = func(provider string, text ports.Text, at time.Time) string {
			if provider != "twilio" || at.IsZero() {
				t.Errorf("asked of %q at %s", provider, at)
			}
			return fmt.Sprintf("POST /Messages %s %d To: %s Body: %s", text.MessageID, text.Attempt, string(text.To), string(text.Body))
		}
	})
	w.admin()
	olga := w.join("olga", domain.RoleOperator)
	id := w.accept("acme", "msg_1", nil,
		events.MessageAttempted{Attempt: 1, Provider: "twilio"},
		events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled", Code: "20429", HTTPStatus: 429, Detail: "too many requests"},
		events.MessageRetried{Attempt: 2, DueAt: time.Now()},
		events.MessageAttempted{Attempt: 2, Provider: "twilio"},
		events.MessageInDoubt{Attempt: 2, Provider: "twilio", Cause: "connection_lost"})
	page := w.get(olga, "/messages/"+id)
	page.shows(t, "Request and answer", "POST /Messages msg_1 1 To: •••• 71 Body: •••• 19 characters", "msg_1 2 To: ", "HTTP 429", "20429", "unclear", "connection lost")
	page.hides(t, "To: "+number1, "Body: "+bodyText)
}
