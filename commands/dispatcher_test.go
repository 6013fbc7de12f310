package commands

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// carrier is a provider in memory: it answers as told and keeps what it was sent.
type carrier struct {
	answer func(ports.Text) ports.Outcome // nil: accepts everything
	mu     sync.Mutex
	texts  []ports.Text
}

func (c *carrier) Name() string { return "carrier" }

func (c *carrier) Send(_ context.Context, text ports.Text) ports.Outcome {
	c.mu.Lock()
	c.texts = append(c.texts, text)
	n := len(c.texts)
	c.mu.Unlock()
	if c.answer != nil {
		return c.answer(text)
	}
	return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: fmt.Sprint("SM", n), ProviderStatus: "queued"}
}

func (c *carrier) Find(_ context.Context, lookup ports.Lookup) (ports.Found, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, text := range c.texts {
		if id := fmt.Sprint("SM", i+1); text.MessageID == lookup.MessageID && !lookup.Bound(id) {
			return ports.Found{ProviderMessageID: id}, nil
		}
	}
	return ports.Found{}, nil
}

func (c *carrier) Status(context.Context, string) (domain.Receipt, error) {
	return domain.Receipt{}, ports.ErrNoLookup
}

func (c *carrier) sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.texts)
}

// world is a gateway's core on memory stores, with the clock of the test.
type world struct {
	t          testing.TB
	store      *memory.EventStore
	sealer     *Sealer
	carrier    *carrier
	handler    *Handler
	dispatcher *Dispatcher
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, store: &memory.EventStore{}, carrier: &carrier{}}
	lookup := Lookup("0123456789abcdef0123456789abcdef")
	w.sealer = &Sealer{EventStore: w.store, Keyring: w.store.Keyring(), Lookup: lookup}
	w.handler = &Handler{Store: w.sealer, Sealer: w.sealer, Lookup: lookup}
	w.dispatcher = &Dispatcher{
		Store: w.sealer, Providers: Providers{Live: w.carrier, Test: w.carrier}, Slots: 16,
		Lookup:   lookup,
		Schedule: domain.RetrySchedule{Delays: []time.Duration{30 * time.Second}, Max: 1},
		Log:      slog.New(slog.DiscardHandler),
	}
	t.Cleanup(func() {
		if err := w.dispatcher.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

var caller = Caller{Tenant: "acme", Actor: "key:test"}

func (w *world) accept(n int) []ports.Work {
	w.t.Helper()
	work := make([]ports.Work, n)
	for i := range work {
		sent, err := w.handler.Send(w.t.Context(), caller, Send{To: "+14155552671", Body: fmt.Sprint("text ", i)})
		if err != nil {
			w.t.Fatal(err)
		}
		work[i] = ports.Work{MessageID: sent.ID, Attempt: 1}
	}
	return work
}

// settled waits until every claimed attempt has an outcome.
func (w *world) settled() {
	w.t.Helper()
	w.dispatcher.init()
	w.dispatcher.calls.Wait()
}

func (w *world) types(id string) []string {
	w.t.Helper()
	recorded, err := w.store.Load(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	var types []string
	for _, r := range recorded {
		types = append(types, r.Type)
	}
	return types
}

func (w *world) expect(id string, want ...string) {
	w.t.Helper()
	if got := w.types(id); !slices.Equal(got, want) {
		w.t.Errorf("%s: %v\nwant %v", id, got, want)
	}
}

func TestAFrameIsClaimedInOneCommitAndSent(t *testing.T) {
	w := newWorld(t)
	work := w.accept(10)
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	for _, item := range work {
		w.expect(item.MessageID, "message.accepted", "message.attempted", "message.dispatched")
	}
	commits, err := w.store.Commits(t.Context(), 10, 1)
	if err != nil || commits[0].LastPosition-commits[0].FirstPosition+1 != 10 {
		t.Errorf("claims were committed as %+v, %v; want all ten in one", commits, err)
	}
}

func TestAFrameThatComesTwiceIsSentOnce(t *testing.T) {
	w := newWorld(t)
	work := w.accept(20)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, append(slices.Clone(work), work...)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	w.settled()
	if n := w.carrier.sent(); n != len(work) {
		t.Errorf("%d texts were sent for %d messages", n, len(work))
	}
}

func TestNoMoreIsClaimedThanThereAreFreeSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hang := make(chan struct{})
		w.carrier.answer = func(ports.Text) ports.Outcome {
			<-hang
			return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: "SM"}
		}
		work := w.accept(40)
		done := make(chan error, 1)
		go func() { done <- w.dispatcher.Dispatch(t.Context(), domain.Bulk, work) }()
		synctest.Wait()
		claimed := 0
		for _, item := range work {
			claimed += len(w.types(item.MessageID)) - 1
		}
		if claimed != 8 || w.carrier.sent() != 8 {
			t.Errorf("%d claimed and %d being sent; want 8, half of the slots, for lane bulk", claimed, w.carrier.sent())
		}
		close(hang)
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.settled()
		if w.carrier.sent() != 40 {
			t.Errorf("%d texts were sent in the end, want 40", w.carrier.sent())
		}
	})
}

func TestAnOptOutCommittedBeforeTheClaimWins(t *testing.T) {
	w := newWorld(t)
	work := w.accept(1)
	_, _, err := execute(t.Context(), w.store, w.handler.Lookup.ConsentStream("acme", "+14155552671"),
		func(stream[domain.Consent]) (domain.Command, events.Meta, error) {
			return domain.OptOut{Event: events.ConsentOptedOut{Number: "+14155552671", Source: "api"}}, caller.meta(), nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.opted_out")
	if w.carrier.sent() != 0 {
		t.Error("a text was sent after the opt-out")
	}
}

func TestOutcomesOfAnAttempt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outcome ports.Outcome
		want    []string
	}{
		{"sent", ports.Outcome{Class: domain.ClassSent, ProviderMessageID: "SM1"}, []string{"message.dispatched"}},
		{"never to be accepted", ports.Outcome{Class: domain.ClassPermanent, Code: "21211"}, []string{"message.failed", "message.dead_lettered"}},
		{"opted out at the provider", ports.Outcome{Class: domain.ClassOptedOut, Code: "21610"}, []string{"message.failed", "message.opted_out"}},
		{"too fast", ports.Outcome{Class: domain.ClassThrottled}, []string{"message.failed", "message.retried"}},
		{"provider gone", ports.Outcome{Class: domain.ClassProviderWide}, []string{"message.failed", "message.retried"}},
		{"not sent", ports.Outcome{Class: domain.ClassNotSent}, []string{"message.failed", "message.retried"}},
		{"unknown", ports.Outcome{Class: domain.ClassInDoubt, Cause: "timeout"}, []string{"message.in_doubt"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.outcome.ProviderRequestID = "RQ1"
			w.carrier.answer = func(ports.Text) ports.Outcome { return tt.outcome }
			work := w.accept(1)
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
				t.Fatal(err)
			}
			w.settled()
			w.expect(work[0].MessageID, append([]string{"message.accepted", "message.attempted"}, tt.want...)...)
			stream, err := w.dispatcher.Store.Load(t.Context(), work[0].MessageID)
			if err != nil {
				t.Fatal(err)
			}
			if data, _, err := events.Encode(stream[2].Data); err != nil || !strings.Contains(string(data), `"provider_request_id":"RQ1"`) {
				t.Errorf("the outcome does not name the provider's request: %s, %v", data, err)
			}
			optedOut, err := w.handler.OptedOut(t.Context(), "acme", "+14155552671")
			if err != nil || optedOut != (tt.outcome.Class == domain.ClassOptedOut) {
				t.Errorf("opted out: %v, %v", optedOut, err)
			}
		})
	}
}

func TestAReceiptThatOvertakesTheResponseIsKept(t *testing.T) {
	w := newWorld(t)
	w.carrier.answer = func(text ports.Text) ports.Outcome {
		err := w.handler.Receive(context.Background(), text.MessageID, domain.Receipt{
			Attempt: text.Attempt, ProviderMessageID: "SM1",
			ProviderStatus: "delivered", Result: domain.ReceiptDelivered,
		})
		if err != nil {
			t.Error(err)
		}
		return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: "SM1"}
	}
	work := w.accept(1)
	if err := w.dispatcher.Dispatch(t.Context(), domain.High, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched", "message.delivered")
}

func TestAnOutcomeOutlastsAnOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		flaky := &outage{EventStore: w.sealer}
		w.dispatcher.Store = flaky
		w.carrier.answer = func(ports.Text) ports.Outcome {
			flaky.until = time.Now().Add(20 * time.Second)
			return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: "SM1"}
		}
		work := w.accept(1)
		if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
			t.Fatal(err)
		}
		w.settled()
		w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched")
	})
}

// outage is a store that is gone for a while.
type outage struct {
	ports.EventStore
	until time.Time
}

func (o *outage) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if time.Now().Before(o.until) {
		return nil, ports.ErrUnavailable
	}
	return o.EventStore.Append(ctx, writes...)
}
