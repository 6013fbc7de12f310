package commands

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// safe is a provider that keeps texts until it is asked not to.
type safe struct {
	mu      sync.Mutex
	refuses map[string]ports.Redaction // by id; none: it complies
	asked   []string                   // id and what
}

func (s *safe) redact(_ context.Context, id, what string) ports.Redaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, id+" "+what)
	if refusal, ok := s.refuses[id]; ok {
		return refusal
	}
	return ports.Redaction{Done: true}
}

// vault is an office whose provider keeps texts.
type vault struct {
	*office
	safe     *safe
	redactor *Redactor
}

func newVault(t *testing.T) *vault {
	v := &vault{office: newOffice(t), safe: &safe{refuses: map[string]ports.Redaction{}}}
	v.restart()
	return v
}

// restart forgets all that is only in memory.
func (v *vault) restart() {
	v.redactor = &Redactor{
		Log: v.store, Store: v.sealer, Views: v.runner.Views, SentTo: v.queries.SentTo, Logger: slog.New(slog.DiscardHandler),
		Providers: map[string]func(context.Context, string, string) ports.Redaction{"carrier": v.safe.redact},
		Delays:    []time.Duration{time.Minute, time.Hour},
	}
}

// sent takes a text on that the provider has, under a name, and with what followed.
func (v *vault) sent(number, name string, then ...events.Event) string {
	v.t.Helper()
	got, err := v.handler.Send(v.t.Context(), caller, Send{To: number, Body: "text"})
	if err != nil {
		v.t.Fatal(err)
	}
	v.record(got.ID, append([]events.Event{
		events.MessageAttempted{Attempt: 1, Provider: "carrier"}, events.MessageDispatched{Attempt: 1, Provider: "carrier", ProviderMessageID: name},
	}, then...)...)
	return got.ID
}

// round lets time pass and expects the provider to be asked for these.
func (v *vault) round(when string, after time.Duration, want ...string) {
	v.t.Helper()
	time.Sleep(after)
	v.catchUp()
	if err := v.redactor.Round(v.t.Context()); err != nil {
		v.t.Errorf("%s: %v", when, err)
	}
	slices.Sort(v.safe.asked)
	if !slices.Equal(v.safe.asked, want) {
		v.t.Errorf("%s: the provider was asked for %q, want %q", when, v.safe.asked, want)
	}
	v.safe.asked = nil
}

func (v *vault) checkpoint() int64 {
	v.t.Helper()
	at, err := v.runner.Views.Checkpoint(v.t.Context(), redacted)
	if err != nil {
		v.t.Fatal(err)
	}
	return at
}

func TestWhatHasEndedIsRedactedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		delivered := v.sent("+14155552671", "SM1", events.MessageDelivered{})
		v.sent("+14155552672", "SM2", events.MessageUndelivered{})
		under := v.sent("+14155552673", "SM3")
		v.round("at once", 0)
		v.round("after a while", 2*time.Minute, "SM1 body", "SM2 body")
		if types := v.types(delivered); types[len(types)-1] != "message.redacted" {
			t.Errorf("its events are %v", types)
		}
		v.round("again", 2*time.Minute)
		v.restart()
		v.round("after a restart", 2*time.Minute)
		v.record(under, events.MessageDelivered{})
		v.round("once the last has ended", 2*time.Minute, "SM3 body")
		v.record(delivered, events.MessageReceiptIgnored{ProviderMessageID: "SM4", ProviderStatus: "sent", Reason: "duplicate_send"})
		v.round("when it turned out that one was sent twice", 2*time.Minute, "SM4 body")
		if err := v.runner.Views.Advance(t.Context(), redacted, func(ports.ViewTx, int64) (int64, error) { return 0, nil }); err != nil {
			t.Fatal(err)
		}
		v.restart()
		v.round("when the checkpoint is lost", 2*time.Minute)
	})
}

func TestRecordsAreDeletedOfTextsThatWereRedactedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.sent("+14155552671", "SM1", events.MessageDelivered{})
		v.round("bodies", 2*time.Minute, "SM1 body")
		v.restart()
		v.redactor.Delete = true
		v.round("records", 0, "SM1 record")
		v.restart()
		v.round("bodies again", 0)
	})
}

func TestATextWithoutAReceiptIsRedactedOnceNoneIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.redactor.Unanswered, v.redactor.After = true, 72*time.Hour
		silent := v.sent("+14155552671", "SM1")
		v.sent("+14155552672", "SM2", events.MessageDelivered{})
		doubted := v.sent("+14155552673", "SM3")
		v.record(doubted, events.MessageUndelivered{}, events.MessageRedacted{Provider: "carrier", ProviderMessageID: "SM3", What: "body"})
		v.round("while receipts are awaited", 71*time.Hour)
		late := v.sent("+14155552674", "SM4")
		v.round("after that", 2*time.Hour, "SM1 body", "SM2 body")
		v.record(silent, events.MessageDelivered{})
		v.record(late, events.MessageDelivered{})
		v.redactor.Unanswered, v.redactor.After = false, 0
		v.redactor.begun = false
		v.round("by the other one", 2*time.Minute, "SM4 body")
	})
}

func TestARedactionThatFailsIsTriedAgainAndThenToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		id := v.sent("+14155552671", "SM1", events.MessageDelivered{})
		v.sent("+14155552672", "SM2", events.MessageDelivered{})
		v.safe.refuses["SM1"] = ports.Redaction{Code: "20009", HTTPStatus: 409}
		v.round("first", 2*time.Minute, "SM1 body", "SM2 body")
		kept := v.checkpoint()
		v.round("before the delay", 30*time.Second)
		v.round("after the delay", time.Minute, "SM1 body")
		v.restart() // the tries begin anew, and what the other has is not asked for
		v.round("after a restart", 0, "SM1 body")
		v.round("second", time.Minute, "SM1 body")
		if kept != v.checkpoint() {
			t.Error("the checkpoint moved beyond what is not redacted")
		}
		v.round("last", time.Hour, "SM1 body")
		if types := v.types(id); types[len(types)-1] != "message.redaction_failed" {
			t.Errorf("its events are %v", types)
		}
		v.round("never again", 48*time.Hour)
		if kept >= v.checkpoint() {
			t.Error("the checkpoint did not move on")
		}
	})
}

func TestOfAPersonWhoIsForgottenTheProviderKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.sent("+14155552671", "SM1", events.MessageDelivered{})
		under := v.sent("+14155552671", "SM2")
		v.sent("+14155552672", "SM3", events.MessageDelivered{})
		v.round("before", 2*time.Minute, "SM1 body", "SM3 body")
		forget(t, v.handler, "+14155552671")
		v.round("forgotten", 2*time.Minute, "SM1 record")
		v.record(under, events.MessageDelivered{})
		v.round("what was under way", 2*time.Minute, "SM2 record")
		v.restart()
		v.redactor.Delete = true
		v.sent("+14155552673", "SM4", events.MessageDelivered{})
		v.round("with records", 2*time.Minute, "SM3 record", "SM4 record")
	})
}

func TestAStoreThatIsGoneUsesUpNoTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		id := v.sent("+14155552671", "SM1", events.MessageDelivered{})
		v.safe.refuses["SM1"] = ports.Redaction{}
		v.redactor.Store = gone{v.sealer}
		time.Sleep(2 * time.Minute)
		for range 5 {
			if err := v.redactor.Round(t.Context()); !errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("without the store: %v", err)
			}
		}
		v.safe.asked = nil
		v.redactor.Store = v.sealer
		v.round("with it", 0, "SM1 body")
		if types := v.types(id); types[len(types)-1] != "message.delivered" {
			t.Errorf("its events are %v", types)
		}
	})
}

// gone is a store that cannot be loaded from.
type gone struct{ ports.EventStore }

func (gone) LoadMany(context.Context, []string) (map[string][]events.Recorded, error) {
	return nil, ports.ErrUnavailable
}

// detachedStore is a store of which all messages were detached.
type detachedStore struct{ ports.EventStore }

func detach(recorded []events.Recorded) {
	for i, e := range recorded {
		if strings.HasPrefix(e.Type, "message.") {
			recorded[i].RawData, recorded[i].Data = []byte("null"), events.Detached{Type: e.Type}
		}
	}
}

func (s detachedStore) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	recorded, err := s.EventStore.Read(ctx, position, limit)
	detach(recorded)
	return recorded, err
}

func (s detachedStore) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	streams, err := s.EventStore.LoadMany(ctx, ids)
	for _, recorded := range streams {
		detach(recorded)
	}
	return streams, err
}

func TestATextThatWasDetachedIsNotRedactedAndToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		id := v.sent("+14155552671", "SM1", events.MessageDelivered{})
		var told strings.Builder
		v.redactor.Log, v.redactor.Store = detachedStore{v.store}, detachedStore{v.sealer}
		v.redactor.Logger = slog.New(slog.NewTextHandler(&told, nil))
		v.round("detached", 2*time.Minute)
		if !strings.Contains(told.String(), "texts=1 message="+id) {
			t.Errorf("it was told: %q", told.String())
		}
		told.Reset()
		v.round("again", 2*time.Minute)
		if told.Len() > 0 {
			t.Errorf("it was told again: %q", told.String())
		}
	})
}
