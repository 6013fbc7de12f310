package commands

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// unknownReceipts returns what the log has of receipts that no message is known for.
func (w *world) unknownReceipts() (found []events.ReceiptUnknown) {
	w.t.Helper()
	log, err := w.store.Read(w.t.Context(), 0, 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range log {
		if e, ok := r.Data.(events.ReceiptUnknown); ok {
			found = append(found, e)
		}
	}
	return found
}

func TestAFinalReceiptOfNoMessageIsRecordedOnce(t *testing.T) {
	w := newWorld(t)
	for _, status := range []string{"sent", "delivered", "delivered", "undelivered"} {
		receipt := domain.Receipt{Attempt: 2, Provider: "acme", ProviderMessageID: "SM9", ProviderStatus: status, Result: domain.ReceiptDelivered}
		if status == "sent" {
			receipt.Result = domain.ReceiptProgress
		}
		for _, id := range []string{"msg_gone", "malformed"} {
			if err := w.handler.Receive(t.Context(), id, receipt); !errors.Is(err, domain.ErrNotFound) {
				t.Errorf("%s of %s: %v", status, id, err)
			}
		}
	}
	want := []events.ReceiptUnknown{}
	for _, status := range []string{"delivered", "undelivered"} {
		for _, id := range []string{"msg_gone", ""} {
			want = append(want, events.ReceiptUnknown{Message: id, Attempt: 2, Provider: "acme", ProviderMessageID: "SM9", ProviderStatus: status})
		}
	}
	if diff := cmp.Diff(want, w.unknownReceipts()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnknownReceiptsAreBoundedByTheDay(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	w.handler.Now = func() time.Time { return now }
	report := func(n int, id string) {
		for i := range n {
			receipt := domain.Receipt{ProviderMessageID: fmt.Sprint(id, i), ProviderStatus: fmt.Sprint(i), Result: domain.ReceiptDelivered}
			if id == "one" {
				receipt.ProviderMessageID = id
			}
			if err := w.handler.Receive(t.Context(), "", receipt); !errors.Is(err, domain.ErrNotFound) {
				t.Fatal(err)
			}
		}
	}
	report(20, "one")
	if n := len(w.unknownReceipts()); n != 8 {
		t.Errorf("%d of one message", n)
	}
	report(straysADay, "SM")
	if n := len(w.unknownReceipts()); n != straysADay-20+8 {
		t.Errorf("%d on one day", n)
	}
	now = now.Add(12 * time.Hour)
	report(1, "next")
	if n := len(w.unknownReceipts()); n != straysADay-20+8+1 {
		t.Errorf("%d on two days", n)
	}
}

func TestAReceiptThatNamesNoMessageCountsForTheOneThatTheProviderKnows(t *testing.T) {
	w := newWorld(t)
	work := w.accept(1)
	id := work[0].MessageID
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	w.handler.SentAs = func(_ context.Context, _, providerMessageID string) (string, error) {
		return map[string]string{"SM1": id, "SM2": "msg_of_a_view_that_is_wrong"}[providerMessageID], nil
	}
	for providerID, want := range map[string]error{"SM1": nil, "SM2": domain.ErrNotFound, "SM3": domain.ErrNotFound} {
		receipt := domain.Receipt{Attempt: 7, ProviderMessageID: providerID, ProviderStatus: "delivered", Result: domain.ReceiptDelivered}
		if err := w.handler.Receive(t.Context(), "", receipt); !errors.Is(err, want) {
			t.Errorf("%s: %v", providerID, err)
		}
	}
	w.expect(id, "message.accepted", "message.attempted", "message.dispatched", "message.delivered")
	if n := len(w.unknownReceipts()); n != 2 {
		t.Errorf("%d unknown", n)
	}
}
