package commands

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestTextsOfTestKeysReachTheTestProviderOnly(t *testing.T) {
	w := newWorld(t)
	live, sandbox := w.carrier, &carrier{}
	w.dispatcher.Providers = Providers{Live: live, Test: sandbox}
	tester := caller
	tester.Test = true
	sent, err := w.handler.Send(t.Context(), tester, Send{To: "+14155552671", Body: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	work := []ports.Work{{MessageID: sent.ID, Attempt: 1}}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if live.sent() != 0 || sandbox.sent() != 1 {
		t.Errorf("%d live and %d in the sandbox", live.sent(), sandbox.sent())
	}
}

// named is a carrier with another name.
type named struct {
	*carrier
	name string
}

func (n named) Name() string { return n.name }

// answers makes a carrier that gives every text the same outcome.
func answers(name string, o ports.Outcome) named {
	return named{&carrier{answer: func(ports.Text) ports.Outcome { return o }}, name}
}

// withTwo gives w two providers, the first of which answers with an outcome.
func (w *world) withTwo(first ports.Outcome) (a, b named) {
	a, b = answers("a", first), named{&carrier{}, "b"}
	w.dispatcher.Providers = Providers{
		Live: a, All: []ports.Provider{a, b},
		Routes: []domain.Route{{Provider: "a", Weight: 1}, {Provider: "b", Weight: 1, Priority: 1}},
	}
	return a, b
}

func TestTheNextAttemptGoesToAnotherProviderAtOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.withTwo(ports.Outcome{Class: domain.ClassThrottled, RetryAfter: time.Hour})
	work := w.accept(5)
	for attempt := 1; attempt <= 2; attempt++ {
		for i := range work {
			work[i].Attempt = attempt
		}
		if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
			t.Fatal(err)
		}
		w.settled()
	}
	for _, item := range work {
		w.expect(item.MessageID, "message.accepted", "message.attempted", "message.failed", "message.retried",
			"message.attempted", "message.dispatched")
	}
	if a.sent() != 5 || b.sent() != 5 {
		t.Errorf("%d and %d attempts, want 5 each", a.sent(), b.sent())
	}
}

func TestADoubtIsLookedUpAtTheProviderThatHasIt(t *testing.T) {
	w := newWorld(t)
	a, b := w.withTwo(ports.Outcome{Class: domain.ClassInDoubt, Cause: "timeout"})
	work := w.accept(1)
	for range 2 {
		if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
			t.Fatal(err)
		}
		work[0].Attempt++
		w.settled()
	}
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.in_doubt")
	if a.sent() != 1 || b.sent() != 0 {
		t.Errorf("%d and %d attempts, want one by the first", a.sent(), b.sent())
	}
	r := Reconciler{
		Store: w.store, Providers: w.dispatcher.Providers, Log: slog.New(slog.DiscardHandler),
		Delays:   func(domain.Lane) []time.Duration { return []time.Duration{time.Minute} },
		Resend:   func(domain.Lane, bool) bool { return true },
		Bound:    func(context.Context, string) (bool, error) { return false, nil },
		UnderWay: func(context.Context, string, string) ([]string, error) { return nil, nil },
	}
	if err := r.Reconcile(t.Context(), []string{work[0].MessageID}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.in_doubt", "message.reconciled")
}

func TestTheSenderOfATextMayBelongToAProvider(t *testing.T) {
	w := newWorld(t)
	w.withTwo(ports.Outcome{})
	p := w.dispatcher.Providers
	p.Routes = append(p.Routes, domain.Route{Provider: "a", Prefix: "+44", Weight: 1})
	p.Owners = map[events.Personal][]string{"ACME": {"b"}}
	for _, tt := range []struct {
		to, from events.Personal
		want     []string
	}{
		{"+14155552671", "", []string{"a", "b"}},
		{"+14155552671", "OTHER", []string{"a", "b"}},
		{"+14155552671", "ACME", []string{"b"}},
		{"+447911123456", "ACME", []string{"b"}}, // although no route leads there
	} {
		m := domain.Message{Text: events.MessageAccepted{To: tt.to, From: tt.from}}
		if got := p.Candidates("msg_1", m); !slices.Equal(got, tt.want) {
			t.Errorf("a text from %q: %v, want %v", string(tt.from), got, tt.want)
		}
	}
}
