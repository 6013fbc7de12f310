package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// morgue is a world with n dead letters, msg_0 and on, and a replay of all of them.
type morgue struct {
	*world
	ids      []string
	replay   string
	now      time.Time
	replayer *Replayer
}

var (
	refusedAttempt = events.MessageFailed{Attempt: 1, Class: "permanent", Code: "21211"}
	deadLettered   = events.MessageDeadLettered{Reason: "permanent", Attempts: 1, Class: "permanent"}
	heldInDoubt    = events.MessageDeadLettered{Reason: "in_doubt", Attempts: 1, Class: "in_doubt"}
)

func newMorgue(t *testing.T, n int, request Replay) *morgue {
	m := &morgue{world: newWorld(t), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for i := range n {
		m.ids = append(m.ids, fmt.Sprint("msg_", i))
		m.record(m.ids[i], text(domain.Normal), events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered)
	}
	request.IDs, request.Reason = m.ids, "mended"
	var err error
	if m.replay, err = m.handler.RequestReplay(t.Context(), caller, request); err != nil {
		t.Fatal(err)
	}
	m.replayer = m.newReplayer(m.store)
	return m
}

// newReplayer is what a restart begins with. Its view knows the replay's first version only.
func (m *morgue) newReplayer(store ports.EventStore) *Replayer {
	return &Replayer{
		Store: store, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return m.now },
		Open: func(context.Context) ([]OpenReplay, error) { return []OpenReplay{{ID: m.replay, Version: 2}}, nil },
	}
}

// pass lets time pass, and a round after it.
func (m *morgue) pass(d time.Duration) {
	m.t.Helper()
	m.now = m.now.Add(d)
	if err := m.replayer.round(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

func (m *morgue) state() domain.Replay {
	m.t.Helper()
	s, err := load[domain.Replay](m.t.Context(), m.store, m.replay)
	if err != nil {
		m.t.Fatal(err)
	}
	return s.State
}

func (m *morgue) redriven() int {
	n := 0
	for _, id := range m.ids {
		if slices.Contains(m.types(id), "message.redriven") {
			n++
		}
	}
	return n
}

func TestAReplayGoesAtItsRate(t *testing.T) {
	m := newMorgue(t, 50, Replay{Rate: 10})
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Second, 11}, {250 * time.Millisecond, 13}, {250 * time.Millisecond, 16}, {time.Hour, 26}} {
		if m.pass(step.after); m.redriven() != step.want {
			t.Fatalf("%s later %d were redriven, want %d", step.after, m.redriven(), step.want)
		}
	}
}

func TestEveryItemOfAReplayHasItsOutcome(t *testing.T) {
	m := newMorgue(t, 5, Replay{Rate: 1000})
	m.record("msg_0", events.MessageDiscarded{By: "ada"})
	m.record("msg_1", events.MessageRedriven{ReplayID: "another"})
	m.pass(0)
	m.pass(time.Second)
	m.record("msg_2", events.MessageAttempted{Attempt: 2}, events.MessageDispatched{Attempt: 2, ProviderMessageID: "SM2"})
	m.record("msg_3", events.MessageAttempted{Attempt: 2}, events.MessageFailed{Attempt: 2, Class: "permanent"}, deadLettered)
	m.record("msg_4", events.MessageOptedOut{Source: "consent"})
	m.pass(time.Second)
	r := m.state()
	var got []string
	for i := range r.IDs {
		item := r.Item(i)
		got = append(got, strings.TrimSpace(item.Outcome+" "+item.Why))
	}
	want := []string{"skipped discarded", "skipped not_dead_lettered", "sent", "failed", "skipped opted_out"}
	if !slices.Equal(got, want) || r.Status != domain.ReplayCompleted {
		t.Errorf("%s with %q, want %q", r.Status, got, want)
	}
	m.expect("msg_3", "message.accepted", "message.attempted", "message.failed", "message.dead_lettered", "message.redriven",
		"message.attempted", "message.failed", "message.dead_lettered")
}

func TestADoubtIsRedrivenWithTheTickOnly(t *testing.T) {
	for _, ticked := range []bool{false, true} {
		m := newMorgue(t, 1, Replay{IncludeInDoubt: ticked})
		m.record("msg_0", events.MessageRedriven{}, events.MessageAttempted{Attempt: 2}, events.MessageInDoubt{Attempt: 2}, heldInDoubt)
		m.pass(0)
		if last := m.types("msg_0"); (last[len(last)-1] == "message.redriven") != ticked {
			t.Errorf("ticked %v: %v", ticked, last)
		}
		if item := m.state().Item(0); !ticked && item.Why != "in_doubt" {
			t.Errorf("item %+v", item)
		}
	}
}

func TestAReplayOfWhichTooManyFailAgainPausesItself(t *testing.T) {
	m := newMorgue(t, 30, Replay{Rate: 10})
	m.pass(0)
	m.pass(time.Second)
	for _, id := range m.state().Select(domain.ItemRedriven, 10) {
		m.record(id, events.MessageAttempted{Attempt: 2}, events.MessageFailed{Attempt: 2, Class: "permanent"}, deadLettered)
	}
	m.pass(time.Second)
	if r := m.state(); r.Status != domain.ReplayPaused || r.Count(domain.ItemFailed) != 10 {
		t.Fatalf("%s with %d failed", r.Status, r.Count(domain.ItemFailed))
	}
	before := m.redriven()
	m.pass(time.Minute)
	if m.redriven() != before {
		t.Errorf("paused, it redrove %d more", m.redriven()-before)
	}
	if err := m.handler.ResumeReplay(t.Context(), caller, m.replay, "mended now"); err != nil {
		t.Fatal(err)
	}
	m.replayer = m.newReplayer(m.store) // its view would show the new version
	m.pass(0)
	if m.redriven() != before+1 {
		t.Errorf("resumed, it redrove %d", m.redriven()-before)
	}
}

// flaky is a store some of whose appends fail: before they are made, or after.
type flaky struct {
	ports.EventStore
	fate func() string
}

var errLost = errors.New("connection lost")

func (f *flaky) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	switch f.fate() {
	case "before":
		return nil, errLost
	case "after":
		if _, err := f.EventStore.Append(ctx, writes...); err != nil {
			return nil, err
		}
		return nil, errLost
	}
	return f.EventStore.Append(ctx, writes...)
}

// However appends fail, whoever is killed and restarted, and with two replayers at
// once: a replay redrives each message of its selection once and counts it once.
func TestAReplayHandlesEachItemOnceWhateverFails(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &morgue{world: &world{t: t, store: &memory.EventStore{}}, now: time.Unix(0, 0)}
		m.handler = &Handler{Store: m.store, Lookup: Lookup("0123456789abcdef0123456789abcdef")}
		for i := range rapid.IntRange(1, 20).Draw(r, "messages") {
			m.ids = append(m.ids, fmt.Sprint("msg_", i))
			m.record(m.ids[i], text(domain.Normal), events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered)
		}
		var err error
		m.replay, err = m.handler.RequestReplay(context.Background(), caller, Replay{IDs: m.ids, Reason: "mended", Rate: 10})
		if err != nil {
			r.Fatal(err)
		}
		calm := false
		fates := rapid.SampledFrom([]string{"", "", "before", "after"})
		store := &flaky{m.store, func() string {
			if calm {
				return ""
			}
			return fates.Draw(r, "fate")
		}}
		replayers := []*Replayer{m.newReplayer(store), m.newReplayer(store)}
		round := func(i int) {
			m.now = m.now.Add(time.Second)
			if err := replayers[i].round(context.Background()); err != nil && !errors.Is(err, errLost) && !errors.Is(err, ports.ErrConflict) {
				r.Fatal(err)
			}
			m.settle(rapid.Bool().Draw(r, "fails again"))
		}
		for range rapid.IntRange(1, 30).Draw(r, "rounds") {
			i := rapid.IntRange(0, 1).Draw(r, "replayer")
			if rapid.IntRange(0, 4).Draw(r, "killed") == 0 {
				replayers[i] = m.newReplayer(store)
			}
			round(i)
		}
		calm = true
		for range 100 {
			if m.state().Ended() {
				break
			}
			if m.state().Status == domain.ReplayPaused {
				if err := m.handler.ResumeReplay(context.Background(), caller, m.replay, ""); err != nil {
					r.Fatal(err)
				}
			}
			replayers[0] = m.newReplayer(store)
			for range 3 {
				round(0)
			}
		}
		state := m.state()
		if done := state.Count(domain.ItemSent) + state.Count(domain.ItemFailed); state.Status != domain.ReplayCompleted || done != len(m.ids) {
			r.Fatalf("%s, %d of %d done", state.Status, done, len(m.ids))
		}
		for _, id := range m.ids {
			redriven := 0
			for _, e := range m.types(id) {
				if e == "message.redriven" {
					redriven++
				}
			}
			if redriven != 1 {
				r.Fatalf("%s was redriven %d times", id, redriven)
			}
		}
	})
}

// settle has what was redriven sent, or given up again.
func (m *morgue) settle(fails bool) {
	for _, id := range m.ids {
		if types := m.types(id); types[len(types)-1] != "message.redriven" {
			continue
		}
		outcome := []events.Event{events.MessageAttempted{Attempt: 2}, events.MessageDispatched{Attempt: 2, ProviderMessageID: "SM2"}}
		if fails {
			outcome = []events.Event{events.MessageAttempted{Attempt: 2}, refusedAttempt, deadLettered}
		}
		m.record(id, outcome...)
	}
}
