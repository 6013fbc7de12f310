package web

import (
	"testing"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestMessagesAreFoundByTheirError(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.deadLetter("msg_1", "permanent", "21211")
	w.deadLetter("msg_2", "permanent", "21614")
	w.accept("acme", "msg_3", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"})
	olga := w.join("olga", domain.RoleOperator)
	byCode, byClass := w.get(olga, "/messages?tenant=acme&error=21614"), w.get(olga, "/messages?tenant=acme&error=in+doubt")
	byCode.shows(t, "/messages/msg_2", `value="21614"`)
	byCode.hides(t, "/messages/msg_1", "/messages/msg_3")
	byClass.shows(t, "/messages/msg_3")
	byClass.hides(t, "/messages/msg_1", "/messages/msg_2")
}

func TestATextThatCannotBeReadIsSaidToBeHeld(t *testing.T) {
	spoiled := new(porttest.Spoiled)
	w := newWorld(t, func(ui *UI) {
		sealer := ui.Oversight.Queries.Store.(*commands.Sealer)
		spoiled.EventStore, sealer.EventStore = sealer.EventStore, spoiled
	})
	w.admin()
	w.accept("acme", "msg_1", nil)
	recorded, err := w.store.Load(t.Context(), "msg_1")
	if err != nil {
		t.Fatal(err)
	}
	olga := w.join("olga", domain.RoleOperator)
	spoiled.Spoil(recorded[0].Position)
	w.get(olga, "/messages/msg_1").shows(t, "is held", "prosms explain")
}
