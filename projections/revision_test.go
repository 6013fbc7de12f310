package projections

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// tally is a view that counts events, as revision 1; as revision 2 it counts double.
type tally struct {
	ID string `json:"id"`
	N  int    `json:"n"`
}

func (c tally) Apply(e events.Recorded) tally { c.ID = e.StreamID; c.N++; return c }

type tally2 tally

func (c tally2) Apply(e events.Recorded) tally2 { c.ID = e.StreamID; c.N += 2; return c }

var tallies = ports.View{Name: "tallies"}

func byStream(e events.Recorded) string { return e.StreamID }

func tallied() Projection {
	return project("tallies", tallies, byStream, func(tally) []any { return nil })
}

func talliedTwice() Projection {
	p := project("tallies", tallies, byStream, func(tally2) []any { return nil })
	p.Revision = 2
	return p
}

func (h *house) build(p Projection) *Runner {
	return &Runner{Store: h.store, Views: h.views, Projections: []Projection{p}, Log: slog.New(slog.DiscardHandler)}
}

func (h *house) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantTallies checks that the view is what p makes of the whole log.
func (h *house) wantTallies(t *testing.T, when string, p Projection) {
	t.Helper()
	fresh := &memory.Views{}
	h.must(t, (&Runner{Store: h.store, Views: fresh, Projections: []Projection{p}, Log: slog.New(slog.DiscardHandler)}).CatchUp(t.Context()))
	if diff := cmp.Diff(rows(t, fresh, p), rows(t, h.views, p)); diff != "" {
		t.Errorf("%s: %s", when, diff)
	}
}

func TestAViewOfAnOlderBuildIsMadeAnewWhileThatOneStillRuns(t *testing.T) {
	h := newHouse()
	h.ten(t)
	older, newer := h.build(tallied()), h.build(talliedTwice())
	h.must(t, older.CatchUp(t.Context()))
	h.must(t, h.build(talliedTwice()).CatchUp(t.Context()))
	if _, standing, err := Stand(t.Context(), h.views, talliedTwice()); standing != Outdated || err != nil {
		t.Fatalf("it stands as %d, %v", standing, err)
	}
	// Both builds keep it up until it is replaced, each event once.
	h.append(t, "msg_9", acceptedNow)
	h.must(t, newer.CatchUp(t.Context()))
	h.append(t, "msg_9", attempted)
	h.must(t, older.CatchUp(t.Context()))

	filler := h.filler()
	filler.Progress = func(int64) { // texts flow, and the older build applies them
		if head, _ := h.store.Head(t.Context()); head.LastPosition < 20 {
			h.append(t, "msg_9", attempted)
			h.must(t, older.CatchUp(t.Context()))
		}
	}
	h.must(t, filler.Upgrade(t.Context(), talliedTwice()))
	h.must(t, newer.CatchUp(t.Context()))
	h.wantTallies(t, "upgraded", talliedTwice())
	h.append(t, "msg_9", attempted)
	head, err := h.store.Head(t.Context())
	h.must(t, err)
	h.must(t, older.CatchUp(t.Context()))
	h.must(t, older.Handle(h.frame(t, 1, head.LastPosition)))
	h.must(t, older.Handle(h.frame(t, head.LastPosition, head.LastPosition)))
	h.must(t, newer.Handle(h.frame(t, head.LastPosition, head.LastPosition)))
	h.must(t, newer.CatchUp(t.Context()))
	h.wantTallies(t, "with both builds running on", talliedTwice())
	if lag, err := newer.Lag(t.Context()); err != nil || lag["tallies"] != 0 {
		t.Errorf("the lag is %v, %v", lag, err)
	}
}

// halted is a store of views that fails at the n-th call that changes anything.
type halted struct {
	ports.Views
	left int
}

var errHalted = errors.New("killed")

func (h *halted) step() error {
	if h.left--; h.left < 0 {
		return errHalted
	}
	return nil
}

func (h *halted) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	if err := h.step(); err != nil {
		return err
	}
	return h.Views.Advance(ctx, projection, apply)
}

func (h *halted) MakeShadow(ctx context.Context, view ports.View) error {
	if err := h.step(); err != nil {
		return err
	}
	return h.Views.MakeShadow(ctx, view)
}

func (h *halted) Swap(ctx context.Context, projection string, view ports.View) error {
	if err := h.step(); err != nil {
		return err
	}
	return h.Views.Swap(ctx, projection, view)
}

func TestAnUpgradeThatIsKilledAnywhereGoesOn(t *testing.T) {
	for n := 0; ; n++ {
		h := newHouse()
		h.ten(t)
		h.must(t, h.build(tallied()).CatchUp(t.Context()))
		filler := h.filler()
		filler.Views = &halted{h.views, n}
		err := filler.Upgrade(t.Context(), talliedTwice())
		if err != nil && !errors.Is(err, errHalted) {
			t.Fatal(err)
		}
		// In between both builds run, and texts flow.
		h.append(t, "msg_9", acceptedNow)
		h.must(t, h.build(talliedTwice()).CatchUp(t.Context()))
		h.must(t, h.build(tallied()).CatchUp(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		log := slog.New(&onInfo{slog.DiscardHandler, "a view is made anew", cancel})
		if err == nil {
			cancel()
		}
		h.must(t, Upgrader{Filler: h.filler(), Projections: []Projection{talliedTwice()}, Log: log}.Run(ctx))
		h.must(t, h.build(talliedTwice()).CatchUp(t.Context()))
		h.wantTallies(t, "after all", talliedTwice())
		if err == nil {
			if n < 5 {
				t.Errorf("only %d steps were killed", n)
			}
			return
		}
	}
}

// onInfo calls do when a message is logged.
type onInfo struct {
	slog.Handler
	message string
	do      func()
}

func (o *onInfo) Enabled(context.Context, slog.Level) bool { return true }

func (o *onInfo) Handle(_ context.Context, r slog.Record) error {
	if r.Message == o.message {
		o.do()
	}
	return nil
}

func TestAnOlderBuildTakesItsViewBack(t *testing.T) {
	h := newHouse()
	h.ten(t)
	h.must(t, h.build(tallied()).CatchUp(t.Context()))
	h.must(t, h.filler().Upgrade(t.Context(), talliedTwice()))
	if _, standing, err := Stand(t.Context(), h.views, tallied()); standing != Newer || err != nil {
		t.Fatalf("to the older build it stands as %d, %v", standing, err)
	}
	h.must(t, h.filler().TakeBack(t.Context(), tallied()))
	h.append(t, "msg_9", acceptedNow)
	h.must(t, h.build(tallied()).CatchUp(t.Context()))
	h.wantTallies(t, "taken back", tallied())
	h.must(t, h.filler().Upgrade(t.Context(), talliedTwice()))
	h.append(t, "msg_9", attempted)
	h.must(t, h.build(talliedTwice()).CatchUp(t.Context()))
	h.wantTallies(t, "upgraded once more", talliedTwice())
}
