package projections

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// refusing is Messages, unable to apply the event at a position as fail does it.
func refusing(position int64, fail func() error) Projection {
	p := Messages()
	step := p.step
	p.step = func(value any, recorded []events.Recorded) (any, error) {
		if slices.ContainsFunc(recorded, func(e events.Recorded) bool { return e.Position == position }) {
			if err := fail(); err != nil {
				return nil, err
			}
		}
		return step(value, recorded)
	}
	return p
}

func cannotBe() error { return errors.New("cannot be") }

// skip records that a projection passes over the event at a position.
func (h *house) skip(t fataler, projection string, position int64) {
	t.Helper()
	h.append(t, ports.SkipsOf(projection), events.ProjectionSkipped{
		Projection: projection, Revision: 1, Position: position, By: "ada", Reason: "malformed",
	})
}

// at returns where a projection stands.
func (h *house) at(t *testing.T, name string) int64 {
	t.Helper()
	checkpoint, err := h.views.Checkpoint(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint
}

func TestAnEventThatCannotBeAppliedStopsItsProjectionAlone(t *testing.T) {
	for name, fail := range map[string]func() error{
		"refused":          cannotBe,
		"panic":            func() error { panic("+14155552671") },
		"panic of runtime": func() error { var none []error; return none[0] },
	} {
		t.Run(name, func(t *testing.T) {
			mended := false
			h := newHouse()
			h.ten(t)
			var said strings.Builder
			h.runner.Log = slog.New(slog.NewTextHandler(&said, nil))
			h.runner.Projections[0] = refusing(6, func() error {
				if mended {
					return nil
				}
				return fail()
			})
			for _, f := range [][2]int64{{1, 4}, {5, 8}, {9, 10}} {
				if err := h.runner.Handle(h.frame(t, f[0], f[1])); err != nil {
					t.Fatalf("frame %v: %v", f, err)
				}
			}
			stops := h.runner.Stopped()
			if len(stops) != 1 || stops["messages"].Position != 6 || h.at(t, "messages") != 5 || h.at(t, "keys") != 10 {
				t.Errorf("stopped %+v, messages at %d, keys at %d", stops, h.at(t, "messages"), h.at(t, "keys"))
			}
			var fault Unappliable
			if err := h.runner.CatchUp(t.Context()); !errors.As(err, &fault) || fault.Position != 6 {
				t.Errorf("CatchUp = %v", err)
			}
			if err := h.runner.CatchUp(t.Context(), "keys", "replays"); err != nil {
				t.Errorf("CatchUp of others = %v", err)
			}
			if log := said.String(); strings.Count(log, "position=6") != 1 || strings.Contains(log, "4155552671") {
				t.Errorf("logged:\n%s", log)
			}
			mended = true
			if err := h.runner.CatchUp(t.Context()); err != nil || len(h.runner.Stopped()) > 0 {
				t.Errorf("mended: %v, %v", err, h.runner.Stopped())
			}
			h.expect(t, 10)
		})
	}
}

func TestWhatAnOperatorHasDecidedToSkipIsPassedOverLiveAndInARebuild(t *testing.T) {
	for _, size := range []int{1, 3, 5, 100} {
		h := newHouse()
		h.ten(t)
		h.runner.FrameSize = size
		h.runner.Projections[0] = refusing(6, cannotBe)
		if err := h.runner.CatchUp(t.Context()); err == nil {
			t.Fatal("it was applied")
		}
		h.skip(t, "messages", 6) // position 11
		if err := h.runner.CatchUp(t.Context()); err != nil || h.at(t, "messages") != 11 || len(h.runner.Stopped()) > 0 {
			t.Fatalf("frames of %d: %v, at %d, stopped %v", size, err, h.at(t, "messages"), h.runner.Stopped())
		}
		live := rows(t, h.views, Messages())
		// The same revision passes over it, also where it could apply it.
		filler := Filler{Store: h.store, Views: h.views, FrameSize: size, Rows: size % 4}
		for _, p := range []Projection{refusing(6, cannotBe), Messages()} {
			compared, err := filler.Compare(t.Context(), p, &memory.Views{}, func(Difference) {})
			if err != nil || compared.Differences > 0 || compared.Position != 11 {
				t.Errorf("frames of %d: %+v, %v", size, compared, err)
			}
			if err := filler.Rebuild(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(live, rows(t, h.views, Messages())); diff != "" {
				t.Errorf("rebuilt (-live +rebuilt):\n%s", diff)
			}
		}
		// A later revision has to be able to.
		later := refusing(6, cannotBe)
		later.Revision = 2
		var fault Unappliable
		if err := filler.Fill(t.Context(), later.shadow(), 11); !errors.As(err, &fault) || fault.Position != 6 {
			t.Errorf("a later revision: %v", err)
		}
	}
}

func TestWhatCannotBeReadIsSkippedByEachProjectionForItself(t *testing.T) {
	for _, size := range []int{1, 3, 100} {
		h := newHouse()
		h.ten(t)
		h.runner.FrameSize = size
		h.runner.Store = spoiltLog{h.store, 6}
		if err := h.runner.CatchUp(t.Context()); err == nil || len(h.runner.Stopped()) != 4 {
			t.Fatalf("%v, stopped %v", err, h.runner.Stopped())
		}
		h.skip(t, "keys", 6)
		if err := h.runner.CatchUp(t.Context()); err == nil || h.at(t, "keys") != 11 || h.at(t, "messages") != 5 {
			t.Errorf("frames of %d: %v, keys at %d, messages at %d", size, err, h.at(t, "keys"), h.at(t, "messages"))
		}
		filler := Filler{Store: h.runner.Store, Views: h.views, FrameSize: size, Rows: size}
		if err := filler.Rebuild(t.Context(), Keys()); err != nil || h.at(t, "keys") != 11 {
			t.Errorf("frames of %d: rebuilding keys: %v", size, err)
		}
	}
}
