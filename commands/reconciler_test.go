package commands

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// ledger is a provider that knows what it has accepted by recipient and text
// only, as real ones do.
type ledger struct {
	carrier
	accepted []entry
	down     error // of every look-up
	lookUps  int
}

type entry struct {
	id       string
	to, body events.Personal
}

func (l *ledger) Find(_ context.Context, lookup ports.Lookup) (ports.Found, error) {
	l.lookUps++
	if l.down != nil {
		return ports.Found{}, l.down
	}
	for _, e := range l.accepted {
		if e.to == lookup.To && e.body == lookup.Body && !lookup.Bound(e.id) {
			return ports.Found{ProviderMessageID: e.id}, nil
		}
	}
	return ports.Found{}, nil
}

// newDoubts is an office with messages of the same text to one number in doubt,
// looked up after one, two and five minutes.
func newDoubts(t *testing.T, ids ...string) (*office, *ledger) {
	o, l := newOffice(t), &ledger{}
	r := o.scheduler.Reconciler
	r.Providers = Providers{Live: l}
	r.Delays = func(domain.Lane) []time.Duration {
		return []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute}
	}
	for _, id := range ids {
		o.record(id, text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"},
			events.MessageInDoubt{Attempt: 1, Provider: "carrier", Cause: "timeout"})
	}
	return o, l
}

// after has a round see to doubts when a time has passed.
func (o *office) after(d time.Duration) {
	o.t.Helper()
	time.Sleep(d)
	o.doubts()
}

// settledAs checks what came after the doubt.
func (o *office) settledAs(id string, want ...string) {
	o.t.Helper()
	o.expect(id, append([]string{"message.accepted", "message.attempted", "message.in_doubt"}, want...)...)
}

func (w *world) message(id string) domain.Message {
	w.t.Helper()
	s, err := load[domain.Message](w.t.Context(), w.store, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.State
}

func TestADoubtIsLookedUpWhenItIsTimeAndNotOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := newDoubts(t, "msg_1")
		for _, step := range []struct {
			wait time.Duration
			want int
		}{
			{time.Minute - time.Microsecond, 0},
			{time.Microsecond, 1},
			{time.Second, 1},
			{58 * time.Second, 1},
			{time.Second, 2},
			{2 * time.Minute, 2},
		} {
			if o.after(step.wait); l.lookUps != step.want {
				t.Errorf("%v later: %d look-ups, want %d", step.wait, l.lookUps, step.want)
			}
		}
		o.settledAs("msg_1") // no trace decides nothing before the last
		if o.after(time.Minute); l.lookUps != 3 {
			t.Errorf("%d look-ups, want 3", l.lookUps)
		}
		o.settledAs("msg_1", "message.reconciled", "message.dead_lettered")
	})
}

func TestWhatTheProviderHasIsAdoptedAndNeverResent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := newDoubts(t, "msg_1")
		o.scheduler.Reconciler.Resend = func(domain.Lane, bool) bool { return true }
		l.accepted = []entry{{"SM0", "+14155550000", "hello"}, {"SM1", "+14155552671", "hello"}}
		o.after(time.Minute)
		o.settledAs("msg_1", "message.reconciled")
		if m := o.message("msg_1"); m.Status != domain.Dispatched || m.ProviderMessageID != "SM1" {
			t.Errorf("it is %s as %q, want dispatched as SM1", m.Status, m.ProviderMessageID)
		}
		if o.after(time.Hour); l.lookUps != 1 || len(o.issued()) > 0 {
			t.Errorf("%d look-ups, and it is issued again", l.lookUps)
		}
	})
}

func TestWithoutATraceThePolicyDecides(t *testing.T) {
	for _, tt := range []struct {
		name string
		down error // of look-ups
		want []string
	}{
		{"resend", nil, []string{"message.reconciled", "message.retried"}},
		{"hold", nil, []string{"message.reconciled", "message.dead_lettered"}},
		{"resend", ports.ErrNoLookup, []string{"message.reconciled", "message.retried"}},
		{"hold", ports.ErrNoLookup, []string{"message.reconciled", "message.dead_lettered"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, l := newDoubts(t, "msg_1")
				l.down = tt.down
				o.scheduler.Reconciler.Resend = func(lane domain.Lane, canLookUp bool) bool {
					if lane != domain.Normal || canLookUp != (tt.down == nil) {
						t.Errorf("the policy is asked about lane %s, can look up %v", lane, canLookUp)
					}
					return tt.name == "resend"
				}
				o.after(5*time.Minute - time.Microsecond)
				o.settledAs("msg_1")
				o.after(time.Microsecond)
				o.settledAs("msg_1", tt.want...)
				if tt.name == "resend" {
					if due := o.message("msg_1").DueAt; !due.Equal(time.Now()) {
						t.Errorf("after five minutes of doubt it waits for %s more", time.Until(due))
					}
				}
			})
		})
	}
}

// eager would resend whatever is left to the policy.
func eager(domain.Lane, bool) bool { return true }

func TestALookUpThatFailsIsRepeatedAndDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := newDoubts(t, "msg_1")
		o.scheduler.Reconciler.Resend = eager
		l.accepted, l.down = []entry{{"SM1", "+14155552671", "hello"}}, ports.ErrUnavailable
		o.after(5 * time.Minute)
		o.after(time.Hour)
		o.settledAs("msg_1")
		l.down = nil
		o.after(again - time.Microsecond)
		o.settledAs("msg_1") // a provider that is down is not hammered
		o.after(time.Microsecond)
		o.settledAs("msg_1", "message.reconciled")
	})
}

func TestNobodyKnowingWhoseAMessageIsNeverLeadsToAResend(t *testing.T) {
	for name, breakIt := range map[string]func(*Reconciler){
		"the binding cannot be told": func(r *Reconciler) {
			r.Bound = func(context.Context, string) (bool, error) { return false, ports.ErrUnavailable }
		},
		"what is under way cannot be told": func(r *Reconciler) {
			r.UnderWay = func(context.Context, string, string) ([]string, error) { return nil, ports.ErrUnavailable }
		},
		"it is bound by now": func(r *Reconciler) {
			asked := 0
			r.Bound = func(context.Context, string) (bool, error) { asked++; return asked > 1, nil }
		},
		"its provider is no longer configured": func(r *Reconciler) { r.Providers = Providers{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, l := newDoubts(t, "msg_1")
				o.scheduler.Reconciler.Resend = eager
				l.accepted = []entry{{"SM1", "+14155552671", "hello"}}
				breakIt(o.scheduler.Reconciler)
				o.after(5 * time.Minute)
				o.settledAs("msg_1")
			})
		})
	}
}

func TestTwoDoubtsOfOneTextAdoptTwoMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := newDoubts(t, "msg_1", "msg_2", "msg_3")
		l.accepted = []entry{{"SM1", "+14155552671", "hello"}, {"SM2", "+14155552671", "hello"}}
		o.after(time.Minute)
		var adopted []string
		for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
			adopted = append(adopted, o.message(id).ProviderMessageID)
		}
		slices.Sort(adopted)
		if want := []string{"", "SM1", "SM2"}; !slices.Equal(adopted, want) {
			t.Errorf("three doubts adopted %q, want %q", adopted, want)
		}
	})
}

func TestADoubtWaitsWhileItsTwinIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := newDoubts(t, "msg_1")
		l.accepted = []entry{{"SM1", "+14155552671", "hello"}}
		time.Sleep(5*time.Minute - time.Second)
		o.record("msg_2", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		o.after(time.Second)
		o.settledAs("msg_1")
		o.record("msg_2", events.MessageDispatched{Attempt: 1, Provider: "carrier", ProviderMessageID: "SM1"})
		o.after(again)
		o.settledAs("msg_1", "message.reconciled", "message.dead_lettered") // SM1 was the twin's
	})
}

func TestADoubtWaitsForATextThatCannotBeReadOnlyWhereItsWordsMayBeTheSame(t *testing.T) {
	for name, tt := range map[string]struct {
		body    events.Personal
		version int64 // that is spoiled
		waits   bool
	}{
		"other words, a later event spoiled":     {"goodbye", 2, false},
		"the same words, a later event spoiled":  {"hello", 2, true},
		"words that nobody can read, in its row": {"goodbye", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, l := newDoubts(t, "msg_1")
				l.accepted = []entry{{"SM1", "+14155552671", "hello"}}
				time.Sleep(time.Minute - time.Second)
				other := text(domain.Normal)
				other.Body = tt.body
				o.record("msg_2", other, events.MessageAttempted{Attempt: 1, Provider: "carrier"})
				spoiled := &porttest.Spoiled{EventStore: o.store}
				spoiled.Spoil(o.position("msg_2") + tt.version - 1)
				o.scheduler.Reconciler.Store = spoiled
				o.after(time.Second)
				if tt.waits {
					o.settledAs("msg_1")
					spoiled.Spoil()
					o.record("msg_2", events.MessageFailed{Attempt: 1, Class: "permanent"}, events.MessageDeadLettered{Reason: "permanent"})
					o.after(time.Minute)
				}
				o.settledAs("msg_1", "message.reconciled")
			})
		})
	}
}

func TestAFaultOfTheStoreIsReportedAndTheDoubtStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := newDoubts(t, "msg_1")
		l.accepted = []entry{{"SM1", "+14155552671", "hello"}}
		o.scheduler.Reconciler.Store = &outage{EventStore: o.store, until: time.Now().Add(time.Hour)}
		time.Sleep(5 * time.Minute)
		o.catchUp()
		if err := o.scheduler.doubtRound(t.Context()); !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("doubtRound = %v, want ErrUnavailable", err)
		}
		o.settledAs("msg_1")
		o.after(time.Hour)
		o.settledAs("msg_1", "message.reconciled")
	})
}
