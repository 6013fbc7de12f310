package projections

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func (h *house) filler() Filler { return Filler{Store: h.store, Views: h.views, FrameSize: 3} }

// rows returns a view's rows by id.
func rows(t fataler, views ports.Views, p Projection) []string {
	t.Helper()
	var all []ports.Row
	if err := p.Rows(context.Background(), views, func(row ports.Row) error { all = append(all, row); return nil }); err != nil {
		t.Fatal(err)
	}
	return texts(all)
}

func TestARebuildReplacesWhatWasWrong(t *testing.T) {
	h := newHouse()
	h.ten(t)
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.spoil(t)
	if err := h.filler().Rebuild(t.Context(), Messages()); err != nil {
		t.Fatal(err)
	}
	h.expect(t, 10)
}

// spoil writes a row that no event gives and changes another.
func (h *house) spoil(t fataler) {
	t.Helper()
	err := h.views.Advance(context.Background(), "messages", func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		got, err := tx.Get(context.Background(), messagesView, []string{"msg_1"})
		wrong, surplus := got["msg_1"], got["msg_1"]
		wrong.Keys = slices.Clone(wrong.Keys)
		wrong.Keys[1], wrong.Doc = "delivered", []byte(`{"id":"msg_1"}`)
		surplus.ID = "msg_0"
		return checkpoint, errors.Join(err, tx.Put(context.Background(), messagesView, []ports.Row{wrong, surplus}))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADifferenceIsNamedWithoutItsValues(t *testing.T) {
	h := newHouse()
	h.ten(t)
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.spoil(t)
	h.append(t, "msg_3", acceptedNow) // the view need not be at the head
	var found []Difference
	compared, err := h.filler().Compare(t.Context(), Messages(), &memory.Views{}, func(d Difference) { found = append(found, d) })
	if err != nil || compared != (Comparison{Position: 10, Rows: 3, Differences: 2}) {
		t.Errorf("Compare = %+v, %v", compared, err)
	}
	if len(found) != 2 || found[0].ID != "msg_0" || found[0].What != "surplus" || found[1].ID != "msg_1" ||
		!slices.Contains(found[1].Fields, "column status") || !slices.Contains(found[1].Fields, "body") {
		t.Errorf("found %+v", found)
	}
}

func TestARebuildGoesOnWhereItWasStopped(t *testing.T) {
	h := newHouse()
	h.ten(t)
	ctx, stop := context.WithCancel(t.Context())
	filler := h.filler()
	filler.Progress = func(position int64) {
		if position >= 6 {
			stop()
		}
	}
	if err := filler.Rebuild(ctx, Messages()); !errors.Is(err, context.Canceled) {
		t.Fatalf("Rebuild: %v", err)
	}
	if checkpoint, err := h.views.Checkpoint(t.Context(), "messages"); checkpoint != 0 || err != nil {
		t.Errorf("the live view is at %d, %v", checkpoint, err)
	}
	pending, err := filler.Pending(t.Context(), Messages())
	if err != nil || pending != 6 {
		t.Errorf("pending at %d, %v; want 6", pending, err)
	}
	var first int64
	filler.Progress = func(position int64) {
		if first == 0 {
			first = position
		}
	}
	if err := filler.Rebuild(t.Context(), Messages()); err != nil || first != 9 {
		t.Errorf("Rebuild: %v, first frame up to %d; want 9", err, first)
	}
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.expect(t, 10)
}

// spoiltLog cannot read one event, as if its payload were malformed.
type spoiltLog struct {
	ports.EventStore
	at int64
}

func (s spoiltLog) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	if position < s.at && s.at <= position+int64(limit) {
		return nil, errors.New("malformed payload")
	}
	return s.EventStore.Read(ctx, position, limit)
}

func TestAnEventThatCannotBeAppliedStopsARebuildWithItsPosition(t *testing.T) {
	refusing := Messages()
	step := refusing.step
	refusing.step = func(value any, recorded []events.Recorded) (any, error) {
		for _, e := range recorded {
			if e.Position == 6 {
				return nil, errors.New("cannot be")
			}
		}
		return step(value, recorded)
	}
	for name, tt := range map[string]struct {
		log        func(ports.EventStore) ports.EventStore
		projection Projection
	}{
		"not readable": {func(s ports.EventStore) ports.EventStore { return spoiltLog{s, 6} }, Messages()},
		"not foldable": {func(s ports.EventStore) ports.EventStore { return s }, refusing},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse()
			h.ten(t)
			if err := h.runner.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			live := rows(t, h.views, Messages())
			for _, size := range []int{1, 2, 4, 7, 100} {
				filler := Filler{Store: tt.log(h.store), Views: h.views, FrameSize: size, Rows: size % 3}
				err := filler.Rebuild(t.Context(), tt.projection)
				var u Unappliable
				if !errors.As(err, &u) || u.Position != 6 {
					t.Errorf("frames of %d: %v; want position 6", size, err)
				}
				if pending, err := filler.Pending(t.Context(), tt.projection); pending != 5 || err != nil {
					t.Errorf("frames of %d: pending at %d, %v; want 5", size, pending, err)
				}
				if err := filler.Discard(t.Context(), tt.projection); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(live, rows(t, h.views, Messages())); diff != "" {
				t.Errorf("the live view has changed (-want +got):\n%s", diff)
			}
		})
	}
}

// A past state by as-of equals a rebuild stopped there (law 12), for texts folded
// one by one and for whole views.
func TestAPastStateEqualsARebuildStoppedThere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse()
		var head int64
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			head += int64(h.grow(r))
		}
		log, err := h.store.Read(context.Background(), 0, int(head))
		if err != nil {
			r.Fatal(err)
		}
		at := AsOf{Position: rapid.Int64Range(0, head).Draw(r, "position")}
		if rapid.Bool().Draw(r, "by time") {
			at = AsOf{Time: rapid.SampledFrom(log).Draw(r, "event").RecordedAt}
		}
		position, err := at.In(context.Background(), h.store)
		if err != nil {
			r.Fatal(err)
		}
		for i, e := range log {
			if at.Includes(e) != (int64(i) < position) {
				r.Fatalf("%v is position %d, but of event %d it says %t", at, position, e.Position, at.Includes(e))
			}
		}
		scratch := &memory.Views{}
		if err := (Filler{Store: h.store, Views: scratch, FrameSize: 4}).Fill(context.Background(), Messages(), position); err != nil {
			r.Fatal(err)
		}
		rebuilt := map[string]string{}
		if err := Messages().Rows(context.Background(), scratch, func(row ports.Row) error {
			rebuilt[row.ID] = string(row.Doc)
			return nil
		}); err != nil {
			r.Fatal(err)
		}
		byID := map[string][]events.Recorded{}
		for _, e := range log {
			if at.Includes(e) && Messages().belongs(e) != "" {
				byID[e.StreamID] = append(byID[e.StreamID], e)
			}
		}
		folded := map[string]string{}
		for id, stream := range byID {
			row, err := Messages().apply(ports.Row{ID: id}, stream)
			if err != nil {
				r.Fatal(err)
			}
			folded[id] = string(row.Doc)
		}
		if diff := cmp.Diff(rebuilt, folded); diff != "" {
			r.Errorf("as of %v (-rebuilt +folded):\n%s", at, diff)
		}
	})
}

// However many rows and frames one transaction takes, the view is the same.
func TestRowsThatAreHeldForLongGiveTheSameView(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse()
		var head int64
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			head += int64(h.grow(r))
		}
		size, held := rapid.IntRange(1, 9).Draw(r, "frame"), rapid.IntRange(1, 9).Draw(r, "rows")
		middle := rapid.Int64Range(0, head).Draw(r, "stopped at")
		for _, p := range h.runner.Projections {
			at := map[int]*memory.Views{0: {}, held: {}}
			for rows, views := range at {
				filler := Filler{Store: h.store, Views: views, FrameSize: size, Rows: rows}
				for _, to := range []int64{middle, head} {
					if err := filler.Fill(context.Background(), p, to); err != nil {
						r.Fatal(err)
					}
				}
				if checkpoint, err := views.Checkpoint(context.Background(), p.Name); err != nil || checkpoint != head {
					r.Fatalf("%s with %d rows held is at %d, %v; want %d", p.Name, rows, checkpoint, err, head)
				}
			}
			if diff := cmp.Diff(rows(r, at[0], p), rows(r, at[held], p)); diff != "" {
				r.Fatalf("%s (-one frame +%d rows held):\n%s", p.Name, held, diff)
			}
		}
	})
}

func TestWhatIsNoMomentIsRefused(t *testing.T) {
	for _, text := range []string{"", "-1", "yesterday", "2026-01-02", "2026-01-02T03:04:05"} {
		if moment, err := ParseAsOf(text); err == nil {
			t.Errorf("ParseAsOf(%q) = %v", text, moment)
		}
	}
	if moment, err := ParseAsOf("2026-01-02T03:04:05+01:00"); err != nil || !moment.Time.Equal(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)) {
		t.Errorf("ParseAsOf = %v, %v", moment, err)
	}
}
