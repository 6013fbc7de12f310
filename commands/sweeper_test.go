package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// archive is a provider that is asked what became of texts.
type archive struct {
	carrier
	mu     sync.Mutex
	status map[string]domain.Receipt // by id; none: an error
	asked  []string
}

func (a *archive) Status(_ context.Context, id string) (domain.Receipt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, id)
	receipt, ok := a.status[id]
	if !ok {
		return receipt, errors.New("no answer")
	}
	receipt.ProviderMessageID = id
	return receipt, nil
}

// took returns the ids that were asked about since the last call, sorted.
func (a *archive) took() []string {
	defer func() { a.asked = nil }()
	slices.Sort(a.asked)
	return a.asked
}

// newArchive is an office with n messages that were dispatched now and whose
// receipt does not come.
func newArchive(t *testing.T, n int) (*office, *archive) {
	o, a := newOffice(t), &archive{status: map[string]domain.Receipt{}}
	o.scheduler.Sweeper = &Sweeper{
		Store: o.store, Providers: Providers{Live: a}, Delays: []time.Duration{time.Minute, time.Hour},
		Dispatched: o.queries.Dispatched, Limit: 2, Log: o.scheduler.Log,
	}
	for i := range n {
		id := fmt.Sprintf("msg_%d", i+1)
		o.record(id, text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"},
			events.MessageDispatched{Attempt: 1, Provider: "carrier", ProviderMessageID: fmt.Sprintf("SM%d", i+1)})
	}
	return o, a
}

// sweep has rounds, with the view caught up before each.
func (o *office) sweep(rounds int) {
	o.t.Helper()
	for range rounds {
		o.catchUp()
		if err := o.scheduler.sweepRound(o.t.Context()); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (a *archive) expectAsked(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := a.took(); !slices.Equal(got, want) {
		t.Errorf("%s: asked about %v, want %v", when, got, want)
	}
}

func TestAReceiptThatDidNotComeIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newArchive(t, 3)
		a.status["SM1"] = domain.Receipt{ProviderStatus: "delivered", Result: domain.ReceiptDelivered}
		a.status["SM2"] = domain.Receipt{ProviderStatus: "sent"}
		o.sweep(3)
		a.expectAsked(t, "at once")
		time.Sleep(time.Minute)
		o.sweep(3)
		a.expectAsked(t, "after the first delay, page by page", "SM1", "SM2", "SM3")
		o.expect("msg_1", "message.accepted", "message.attempted", "message.dispatched", "message.delivered")
		o.expect("msg_2", "message.accepted", "message.attempted", "message.dispatched")
		if events := o.types("msg_3"); len(events) != 3 {
			t.Errorf("without an answer: %v", events)
		}
		o.sweep(3)
		a.expectAsked(t, "between the delays")
		a.status["SM2"] = domain.Receipt{ProviderStatus: "undelivered", ErrorCode: "30003", Result: domain.ReceiptUndelivered}
		time.Sleep(time.Hour)
		o.sweep(3)
		a.expectAsked(t, "after the second delay", "SM2", "SM3")
		o.expect("msg_2", "message.accepted", "message.attempted", "message.dispatched", "message.undelivered")
		time.Sleep(100 * time.Hour)
		o.sweep(3)
		a.expectAsked(t, "after the last delay")
	})
}

func TestAfterARestartNothingIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newArchive(t, 1)
		time.Sleep(59 * time.Minute) // the process that should have asked after one was not there
		o.sweep(1)
		a.expectAsked(t, "before the next delay is over", "SM1")
		time.Sleep(time.Minute)
		o.sweep(1)
		a.expectAsked(t, "when it is over", "SM1")
	})
}

func TestAReceiptThatComesMeanwhileWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newArchive(t, 1)
		a.status["SM1"] = domain.Receipt{ProviderStatus: "failed", Result: domain.ReceiptUndelivered}
		o.scheduler.Sweeper.Store = &meddled{o.store, func() {
			o.record("msg_1", events.MessageDelivered{ProviderStatus: "delivered"})
		}}
		o.sweep(1)
		time.Sleep(time.Minute)
		o.sweep(1)
		o.expect("msg_1", "message.accepted", "message.attempted", "message.dispatched", "message.delivered")
	})
}

func TestAProviderThatCannotBeAskedIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := newArchive(t, 1)
		o.scheduler.Sweeper.Providers = Providers{Live: o.carrier}
		o.sweep(1)
		time.Sleep(time.Minute)
		o.sweep(1)
		o.expect("msg_1", "message.accepted", "message.attempted", "message.dispatched")
	})
}
