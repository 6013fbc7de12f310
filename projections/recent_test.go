package projections

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
)

// asked counts the rows that are read.
type asked struct {
	*memory.Views
	rows int
}

func (a *asked) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	return a.Views.Advance(ctx, projection, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		return apply(askedTx{tx, a}, checkpoint)
	})
}

type askedTx struct {
	ports.ViewTx
	a *asked
}

func (tx askedTx) Get(ctx context.Context, view ports.View, ids []string) (map[string]ports.Row, error) {
	tx.a.rows += len(ids)
	return tx.ViewTx.Get(ctx, view, ids)
}

func TestTheRowOfARecentTextIsNotReadUnlessAnotherHasMovedTheView(t *testing.T) {
	h := newHouse()
	views := &asked{Views: h.views}
	runner := h.newRunner(views)
	runner.Projections = []Projection{Messages()}
	next := func(frame int64, by *Runner, want int) {
		t.Helper()
		views.rows = 0
		if err := by.Handle(h.frame(t, frame, frame)); err != nil {
			t.Fatal(err)
		}
		if views.rows != want {
			t.Errorf("frame %d: %d rows were read, want %d", frame, views.rows, want)
		}
	}
	h.append(t, "msg_1", acceptedNow, attempted, sent)
	next(1, runner, 0)
	next(2, runner, 0)
	next(3, h.runner, 0) // as the other instance, whose reads are not counted
	h.append(t, "msg_1", anything[14])
	next(4, runner, 1)
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.expect(t, 4)
}

// Whoever moves the view, and whatever is rolled back, the rows that a runner remembers
// are those of the view.
func TestRecentRowsAreThoseOfTheView(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse()
		h.runner.Projections = []Projection{Messages()}
		views := &broken{Views: h.views}
		runner := h.newRunner(views)
		runner.Projections, runner.mostRecent = h.runner.Projections, rapid.IntRange(1, 3).Draw(r, "recent rows")
		var head int64
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]string{"append", "this", "this", "other", "fault"}), 1, 40).Draw(r, "steps") {
			switch {
			case step == "append" || head == 0:
				head += int64(h.grow(r))
			case step == "fault":
				views.err = errors.New("disk is full")
				fallthrough
			case step == "this":
				_ = runner.CatchUp(context.Background()) // it goes on with the next
			default:
				if err := h.runner.CatchUp(context.Background()); err != nil {
					r.Fatal(err)
				}
			}
			h.settled(r)
		}
	})
}
