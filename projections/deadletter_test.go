package projections

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

var (
	givenUp  = events.MessageDeadLettered{Reason: "exhausted", Attempts: 1, Class: "throttled", Code: "20429", Detail: "too fast"}
	redriven = events.MessageRedriven{By: "ada", Reason: "mended", ReplayID: "replay_1"}
	aside    = events.MessageDiscarded{By: "ada", Reason: "obsolete"}
)

func TestRowsOfDeadLettersFollowFromEvents(t *testing.T) {
	at := func(n int) *time.Time { return ptr(minute(n)) }
	for _, tt := range []struct {
		name   string
		log    []events.Event
		want   func(*DeadLetter)
		listed bool
	}{
		{"given up", []events.Event{attempted, failed, givenUp}, func(*DeadLetter) {}, true},
		{"redriven", []events.Event{attempted, failed, givenUp, redriven}, func(d *DeadLetter) { d.Replays = 1 }, false},
		{"given up again", []events.Event{attempted, failed, givenUp, redriven, attempted, failed, givenUp}, func(d *DeadLetter) {
			d.Replays, d.DeadLetteredAt = 1, at(8)
		}, true},
		{"discarded", []events.Event{attempted, failed, givenUp, aside}, func(d *DeadLetter) {
			d.Discarded = &Discarded{By: "ada", Reason: "obsolete", At: minute(5)}
		}, false},
		{"proven to be sent", []events.Event{attempted, failed, givenUp, events.MessageReconciled{Attempt: 1, Outcome: "sent"}}, func(*DeadLetter) {}, false},
		{"of a doubt", []events.Event{attempted, inDoubt, givenUp}, func(*DeadLetter) {}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream := recorded("msg_1", append([]events.Event{acceptedNow}, tt.log...)...)
			want := DeadLetter{
				Message: Of[Message](stream), Reason: "exhausted", Class: "throttled", Code: "20429", Detail: "too fast", Attempts: 1,
				Group: errorGroup(givenUp), FirstFailedAt: at(3), DeadLetteredAt: at(4),
			}
			tt.want(&want)
			got := Of[DeadLetter](stream)
			if diff := cmp.Diff(want, got); diff != "" || got.Listed() != tt.listed {
				t.Errorf("listed %v, row (-want +got):\n%s", got.Listed(), diff)
			}
		})
	}
}

func TestErrorsThatAreAlikeAreOneGroup(t *testing.T) {
	base := events.MessageDeadLettered{Class: "permanent", Code: "21211", Detail: "Number 17 of account AC1f is  invalid"}
	alike, other := base, base
	alike.Detail, alike.Reason, alike.Attempts = "number 4 of account AC2e is invalid", "exhausted", 6
	other.Detail = "number 17 of account AC1f is unknown"
	code, class := base, base
	code.Code, class.Class = "21612", "sender"
	if errorGroup(base) != errorGroup(alike) {
		t.Error("numbers, case and spaces tell errors apart")
	}
	for _, e := range []events.MessageDeadLettered{other, code, class} {
		if errorGroup(e) == errorGroup(base) {
			t.Errorf("%+v is in the same group", e)
		}
	}
	if got := errorGroup(base); got != "203414d06cf03828" { // rows and clients keep it
		t.Errorf("the group is %s", got)
	}
}

func TestARowBeginsWithTheFirstDeadLetterAndKnowsWhatWasBefore(t *testing.T) {
	h := newHouse()
	h.append(t, "msg_1", acceptedNow, attempted, failed, retried)
	h.append(t, "msg_2", acceptedNow)
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.append(t, "msg_1", givenUp)
	if err := h.runner.Handle(h.frame(t, 6, 6)); err != nil {
		t.Fatal(err)
	}
	h.expect(t, 6)
	list, _, err := h.queries().DeadLetters(t.Context(), DeadLetterFilter{Tenant: "acme", Limit: 10})
	if err != nil || len(list) != 1 || list[0].Message.Body != "hello" || len(list[0].Message.Attempts) != 1 {
		t.Errorf("listed %+v, %v", list, err)
	}
	for _, of := range [][2]string{{"other", "msg_1"}, {"acme", "msg_2"}, {"acme", "msg_3"}} {
		if _, err := h.queries().DeadLetter(t.Context(), of[0], of[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("DeadLetter(%q, %q): %v, want ErrNotFound", of[0], of[1], err)
		}
	}
}

func TestASelectionIsTheOldestFirstAndBounded(t *testing.T) {
	h := newHouse()
	var want []string
	for _, id := range []string{"msg_3", "msg_1", "msg_2"} {
		h.accept(t, "acme", id, func(m *events.MessageAccepted) { m.Test = id == "msg_1" }, attempted, failed)
		h.append(t, id, givenUp)
		want = append(want, id)
	}
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for limit, more := range map[int]bool{2: true, 3: false} {
		ids, got, err := h.queries().DeadLetterIDs(t.Context(), DeadLetterFilter{Tenant: "acme", Limit: limit})
		if err != nil || !slices.Equal(ids, want[:limit]) || got != more {
			t.Errorf("the first %d are %v, more %v, %v", limit, ids, got, err)
		}
	}
	test := h.queries()
	test.TestOnly = true
	if ids, _, err := test.DeadLetterIDs(t.Context(), DeadLetterFilter{Tenant: "acme", Limit: 3}); err != nil || !slices.Equal(ids, []string{"msg_1"}) {
		t.Errorf("of test keys: %v, %v", ids, err)
	}
	groups, more, err := h.queries().DeadLetterGroups(t.Context(), DeadLetterFilter{Tenant: "acme", Limit: 2})
	if err != nil || len(groups) != 1 || groups[0].Count != 2 || !more || !groups[0].FirstSeen.Before(groups[0].LastSeen) {
		t.Errorf("grouped as %+v, more %v, %v", groups, more, err)
	}
}
