package commands

import (
	"errors"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestAReceiptIsRecordedOnceAndNeverLeadsBack(t *testing.T) {
	w := newWorld(t)
	work := w.accept(1)
	id := work[0].MessageID
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	delivered := domain.Receipt{Attempt: 1, ProviderMessageID: "SM1", ProviderStatus: "delivered", Result: domain.ReceiptDelivered}
	late := domain.Receipt{Attempt: 1, ProviderMessageID: "SM1", ProviderStatus: "sent"}
	for _, receipt := range []domain.Receipt{late, delivered, delivered, late, late} {
		if err := w.handler.Receive(t.Context(), id, receipt); err != nil {
			t.Fatal(err)
		}
	}
	w.expect(id, "message.accepted", "message.attempted", "message.dispatched", "message.delivered",
		"message.receipt_ignored", "message.receipt_ignored") // each kind once
	recorded, err := w.store.Load(t.Context(), id)
	if err != nil || recorded[3].Meta.Actor != "provider:carrier" || recorded[3].Meta.Tenant != "acme" {
		t.Errorf("the receipt came from %+v, %v", recorded[3].Meta, err)
	}
}

func TestAReceiptForWhatIsNoMessageIsRefused(t *testing.T) {
	w := newWorld(t)
	w.record("key_1", events.KeyIssued{Tenant: "acme"})
	for _, id := range []string{"", "msg_1", "key_1", "consent_1"} {
		if err := w.handler.Receive(t.Context(), id, domain.Receipt{Attempt: 1}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("receipt for %q: %v, want ErrNotFound", id, err)
		}
	}
}
