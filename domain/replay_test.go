package domain_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func replayOf(list ...events.Event) domain.Replay {
	var r domain.Replay
	for _, e := range list {
		r = r.Evolve(e)
	}
	return r
}

// numbered returns n ids.
func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint("msg_", i)
	}
	return ids
}

// came is what progress says of all of ids.
func came(outcome string, ids ...string) []events.ReplayItem {
	items := make([]events.ReplayItem, len(ids))
	for i, id := range ids {
		items[i] = events.ReplayItem{ID: id, Outcome: outcome}
	}
	return items
}

func TestAReplayIsSteeredAndCompletes(t *testing.T) {
	ids := numbered(20)
	requested := history(events.ReplayRequested{By: "ada", Reason: "mended", Selected: 20, Rate: 5}, events.ReplaySelected{IDs: ids})
	progressed := func(items ...events.ReplayItem) events.ReplayProgressed { return events.ReplayProgressed{Items: items} }
	under := func(outcome string, ids ...string) domain.Progress {
		return domain.Progress{Items: came(outcome, ids...)}
	}
	tenSettled := func(failed int) []events.Event {
		return after(requested, progressed(came("redriven", ids[:10]...)...), progressed(came("failed", ids[:failed]...)...), progressed(came("sent", ids[failed:9]...)...))
	}
	paused := events.ReplayPaused{By: "replayer", Reason: "more than 20 % failed again"}
	two := history(events.ReplayRequested{Selected: 2}, events.ReplaySelected{IDs: ids[:2]})
	inDoubt := events.ReplayItem{ID: "msg_0", Outcome: "skipped", Why: "in_doubt"}
	for _, d := range []decision{
		{"requested", nil, domain.RequestReplay{Request: events.ReplayRequested{By: "ada", Reason: "mended", Rate: 5}, IDs: ids}, requested, nil},
		{"once", requested, domain.RequestReplay{}, nil, domain.ErrExists},
		{"what was never requested is not found", nil, domain.PauseReplay{}, nil, domain.ErrNotFound},
		{"what only looks like a command is unknown", requested, "go", nil, domain.ErrUnknownCommand},

		{"progress is recorded", requested, under("redriven", "msg_0", "msg_1"), history(progressed(came("redriven", "msg_0", "msg_1")...)), nil},
		{"with why", requested, domain.Progress{Items: []events.ReplayItem{inDoubt}}, history(progressed(inDoubt)), nil},
		{"once", after(requested, progressed(came("redriven", "msg_0")...)), under("redriven", "msg_0"), nil, nil},
		{"once in one go", requested, under("redriven", "msg_0", "msg_0"), history(progressed(came("redriven", "msg_0")...)), nil},
		{"not of what was not selected", requested, under("redriven", "msg_99"), nil, nil},
		{"nothing is settled before it was redriven", requested, under("sent", "msg_0"), nil, nil},
		{"nor again", after(requested, progressed(came("redriven", "msg_0")...), progressed(came("sent", "msg_0")...)), under("failed", "msg_0"), nil, nil},
		{"also while it is paused", after(requested, paused), under("redriven", "msg_0"), history(progressed(came("redriven", "msg_0")...)), nil},

		{"the last outcome completes it", after(two, progressed(inDoubt, came("redriven", "msg_1")[0])), under("sent", "msg_1"),
			history(progressed(came("sent", "msg_1")...), events.ReplayCompleted{Sent: 1, Skipped: 1}), nil},
		{"not once it is canceled", after(two, progressed(inDoubt, came("redriven", "msg_1")[0]), events.ReplayCanceled{}), under("sent", "msg_1"),
			history(progressed(came("sent", "msg_1")...)), nil},

		{"more than a fifth failed again: paused", tenSettled(2), under("failed", "msg_9"), history(progressed(came("failed", "msg_9")...), paused), nil},
		{"a fifth: goes on", tenSettled(1), under("failed", "msg_9"), history(progressed(came("failed", "msg_9")...)), nil},
		{"of too few: goes on", requested, under("redriven", ids[:9]...), history(progressed(came("redriven", ids[:9]...)...)), nil},
		{"after a resume it counts anew", after(tenSettled(9), paused, events.ReplayResumed{}), under("failed", "msg_9"), history(progressed(came("failed", "msg_9")...)), nil},

		{"what was redriven before does not count", after(tenSettled(0), progressed(came("redriven", ids[10:20]...)...), paused, events.ReplayResumed{}), under("failed", ids[10:19]...),
			history(progressed(came("failed", ids[10:19]...)...)), nil},

		{"paused", requested, domain.PauseReplay{By: "ada", Reason: "lunch"}, history(events.ReplayPaused{By: "ada", Reason: "lunch"}), nil},
		{"twice is once", after(requested, paused), domain.PauseReplay{By: "ada"}, nil, nil},
		{"resumed", after(requested, paused), domain.ResumeReplay{By: "ada"}, history(events.ReplayResumed{By: "ada"}), nil},
		{"running goes on running", requested, domain.ResumeReplay{By: "ada"}, nil, nil},
		{"canceled", after(requested, paused), domain.CancelReplay{By: "ada"}, history(events.ReplayCanceled{By: "ada"}), nil},
		{"for good", after(requested, events.ReplayCanceled{}), domain.ResumeReplay{By: "ada"}, nil, domain.ErrReplayEnded},
		{"what is completed is not canceled", after(requested, events.ReplayCompleted{}), domain.CancelReplay{By: "ada"}, nil, domain.ErrReplayEnded},
	} {
		t.Run(d.name, func(t *testing.T) {
			got, err := replayOf(d.given...).Decide(d.when)
			if diff := cmp.Diff(d.then, got); diff != "" || !errors.Is(err, d.err) {
				t.Errorf("Decide: %v, want %v (-want +got):\n%s", err, d.err, diff)
			}
		})
	}
}

func TestALargeSelectionIsFrozenInSeveralEvents(t *testing.T) {
	ids := numbered(2*events.MaxReplayItems + 1)
	list, err := domain.Replay{}.Decide(domain.RequestReplay{IDs: ids})
	if err != nil || len(list) != 4 {
		t.Fatalf("%d events, %v", len(list), err)
	}
	r := replayOf(list...)
	if !slices.Equal(r.IDs, ids) || !slices.Equal(r.Select(domain.ItemPending, len(ids)), ids) {
		t.Error("the selection came back as another")
	}
}

// Whatever is told, in any order and however often, by several runners: each item
// is redriven or skipped once and settled once, and the counts are those of items.
func TestARandomlyToldReplayHandlesEachItemOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := numbered(rapid.IntRange(1, 30).Draw(t, "items"))
		list, err := domain.Replay{}.Decide(domain.RequestReplay{IDs: ids})
		if err != nil {
			t.Fatal(err)
		}
		r := replayOf(list...)
		begun, settled := map[string]int{}, map[string]int{}
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			outcomes := rapid.SampledFrom([]string{"redriven", "redriven", "sent", "failed", "skipped"})
			var command domain.Command = domain.Progress{Items: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.ReplayItem {
				return events.ReplayItem{ID: rapid.SampledFrom(append(ids, "msg_other")).Draw(t, "id"), Outcome: outcomes.Draw(t, "outcome")}
			}), 1, 40).Draw(t, "told")}
			switch rapid.IntRange(0, 9).Draw(t, "steer") {
			case 0:
				command = domain.PauseReplay{}
			case 1:
				command = domain.ResumeReplay{}
			}
			before := r
			list, err := r.Decide(command)
			if err != nil && !errors.Is(err, domain.ErrReplayEnded) {
				t.Fatal(err)
			}
			for _, e := range list {
				r = r.Evolve(e)
				progressed, _ := e.(events.ReplayProgressed)
				for _, item := range progressed.Items {
					if slices.Contains(before.Select(domain.ItemPending, 100), item.ID) {
						begun[item.ID]++
					} else {
						settled[item.ID]++
					}
				}
			}
		}
		total := 0
		for _, outcome := range []string{domain.ItemPending, "redriven", "sent", "failed", "skipped"} {
			total += r.Count(outcome)
		}
		if total != len(ids) || begun["msg_other"] > 0 {
			t.Fatalf("%d items are counted of %d", total, len(ids))
		}
		for _, id := range ids {
			if begun[id] > 1 || settled[id] > begun[id] {
				t.Fatalf("%s was begun %d times and settled %d times", id, begun[id], settled[id])
			}
		}
		open := r.Count(domain.ItemPending) + r.Count(domain.ItemRedriven)
		if (r.Status == domain.ReplayCompleted) != (open == 0) {
			t.Fatalf("%s with %d open items", r.Status, open)
		}
	})
}
