package domain_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// life is a message under random commands, with what the invariants need to know.
type life struct {
	*rapid.T
	m        domain.Message
	now      time.Time
	attempts int  // made
	drive    int  // of them, since the last redrive
	proven   bool // some attempt is known to have been sent
}

func TestRandomCommandsKeepTheInvariants(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := &life{T: r, now: noon}
		l.do(domain.Accept{Text: rapid.SampledFrom([]events.MessageAccepted{text, later, expiring}).Draw(r, "text")})
		for range rapid.IntRange(1, 60).Draw(r, "commands") {
			l.now = l.now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, 10 * time.Minute}).Draw(r, "pause"))
			l.do(l.command())
		}
	})
}

// command draws one that the present state may or may not expect.
func (l *life) command() domain.Command {
	attempt := l.m.Attempt + rapid.SampledFrom([]int{0, 0, 0, -1, 1}).Draw(l.T, "attempt")
	id := fmt.Sprint("SM", attempt)
	if rapid.IntRange(0, 9).Draw(l.T, "stray") == 0 {
		id = "SM?"
	}
	r := domain.Retry{Schedule: schedule, Chance: rapid.Float64Range(0, 1).Draw(l.T, "chance"), Now: l.now}
	kinds := []func() domain.Command{
		func() domain.Command {
			quiet := rapid.SampledFrom([]domain.Quiet{{}, {}, {}, {Until: l.now.Add(5 * time.Minute)}, {Never: true}}).Draw(l.T, "quiet")
			paused := rapid.SampledFrom([]time.Time{{}, {}, {}, l.now.Add(time.Minute)}).Draw(l.T, "paused")
			return domain.Claim{Attempt: l.m.Attempt + 1, Provider: l.provider(), Quiet: quiet, Paused: paused, Now: l.now}
		},
		func() domain.Command {
			return domain.Claim{Attempt: attempt, Provider: "twilio", Now: l.now, OptedOut: true}
		},
		func() domain.Command {
			return domain.RecordSent{Attempt: attempt, Provider: "twilio", ProviderMessageID: id}
		},
		func() domain.Command {
			class := rapid.SampledFrom([]string{"not_sent", "not_sent", "not_sent", "throttled", "unroutable", "permanent", "opted_out"}).Draw(l.T, "class")
			return domain.RecordFailure{
				Failure:    events.MessageFailed{Attempt: attempt, Provider: l.m.Provider, Class: class},
				Candidates: rapid.SampledFrom([][]string{nil, {"twilio"}, {"twilio", "acme"}}).Draw(l.T, "candidates"),
				Retry:      r,
			}
		},
		func() domain.Command { return domain.RecordDoubt{Attempt: attempt, Cause: "timeout"} },
		func() domain.Command {
			found := rapid.SampledFrom([]string{"", "", id}).Draw(l.T, "found")
			return domain.Reconcile{Attempt: attempt, ProviderMessageID: found, Resend: rapid.Bool().Draw(l.T, "resend"), Retry: r}
		},
		func() domain.Command {
			result := rapid.SampledFrom([]domain.ReceiptResult{domain.ReceiptProgress, domain.ReceiptDelivered, domain.ReceiptUndelivered}).Draw(l.T, "result")
			return domain.Receipt{Attempt: attempt, ProviderMessageID: id, ProviderStatus: fmt.Sprint(result), Result: result, At: l.now}
		},
		func() domain.Command { return domain.Cancel{By: "key:1"} },
		func() domain.Command { return domain.Expire{Now: l.now} },
		func() domain.Command {
			replay := rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(l.T, "replay")
			return domain.Redrive{By: "ada", ReplayID: replay, IncludeInDoubt: rapid.Bool().Draw(l.T, "in doubt too")}
		},
		func() domain.Command { return domain.Discard{By: "ada"} },
		func() domain.Command { return domain.GiveUp{Attempt: attempt + 1} },
		func() domain.Command {
			return domain.Resolve{Attempt: attempt, Verdict: rapid.SampledFrom(domain.Verdicts).Draw(l.T, "verdict"), ProviderMessageID: id}
		},
		func() domain.Command {
			return domain.Replace{MessageID: "msg_2", IncludeInDoubt: rapid.Bool().Draw(l.T, "in doubt too")}
		},
	}
	often := []int{0, 0, 0, 0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 9, 10, 11, 12, 13}
	return kinds[rapid.SampledFrom(often).Draw(l.T, "kind")]()
}

// provider draws one of two.
func (l *life) provider() string {
	return rapid.SampledFrom([]string{"twilio", "acme"}).Draw(l.T, "provider")
}

// do decides c, checks what it comes to, and decides it again: a command that
// arrives twice does no harm. A repeated receipt is noted, once.
func (l *life) do(c domain.Command) {
	before := l.m
	list, err := l.m.Decide(c)
	if err != nil && len(list) > 0 {
		l.Fatalf("%T has events and the error %v", c, err)
	}
	for _, e := range list {
		l.happen(c, stored(l.T, e))
	}
	if _, ok := c.(domain.Receipt); ok {
		l.checkForward(before.Status)
	}
	for noted := 0; ; noted++ {
		again, err := l.m.Decide(c)
		if err != nil && !slices.ContainsFunc(refusals, func(known error) bool { return errors.Is(err, known) }) {
			l.Fatalf("%+v twice, on %s: %v", c, l.m.Status, err)
		}
		if len(again) == 0 {
			return
		}
		if _, ok := again[0].(events.MessageReceiptIgnored); !ok || len(again) > 1 || noted > 0 {
			l.Fatalf("%+v twice, on %s: %+v", c, l.m.Status, again)
		}
		l.happen(c, again[0])
	}
}

// refusals are what a command may meet that comes too late.
var refusals = []error{
	domain.ErrExists, domain.ErrFinal, domain.ErrClaimed,
	domain.ErrNotDeadLettered, domain.ErrDiscarded, domain.ErrInDoubt, domain.ErrNotInDoubt,
}

// stored returns e as it comes back from the log.
func stored(t *rapid.T, e events.Event) events.Event {
	data, schema, err := events.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.Decode(e.EventType(), schema, data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Fatalf("%s came back as another:\n%s", e.EventType(), diff)
	}
	return got
}

// happen applies e and holds it to the invariants.
func (l *life) happen(c domain.Command, e events.Event) {
	was := l.m
	l.m = l.m.Evolve(e)
	switch e := e.(type) {
	case events.MessageAttempted:
		l.attempts++
		l.drive++
		claim, ok := c.(domain.Claim)
		switch {
		case !ok || claim.OptedOut || !was.Waiting():
			l.Fatalf("%+v attempts a message that is %s", c, was.Status)
		case e.Attempt != l.attempts:
			l.Fatalf("attempt %d is called %d", l.attempts, e.Attempt)
		case l.drive > schedule.Max+1:
			l.Fatalf("attempt %d of a drive", l.drive)
		case l.now.Before(was.DueAt):
			l.Fatalf("attempted at %v, due at %v", l.now, was.DueAt)
		case was.Text.ExpiresAt != nil && !l.now.Before(*was.Text.ExpiresAt):
			l.Fatal("attempted after it expired")
		case l.proven:
			l.Fatal("attempted although proven to be sent")
		}
	case events.MessageRedriven:
		l.drive = 0
		if resolve, ok := c.(domain.Resolve); ok && resolve.Verdict == domain.VerdictResend && was.Status == domain.InDoubt {
			break
		}
		switch redrive := c.(domain.Redrive); {
		case was.Discarded() || was.Redriven(e.ReplayID):
			l.Fatalf("%+v redriven, discarded %v", e, was.Discarded())
		case e.InDoubt != was.InDoubtHeld() || e.InDoubt && !redrive.IncludeInDoubt:
			l.Fatalf("%+v redriven, in doubt %v", e, was.InDoubtHeld())
		}
	case events.MessageDispatched:
		l.proven = true
	case events.MessageReconciled:
		l.proven = l.proven || e.Outcome == domain.OutcomeSent
	}
	l.checkChange(was.Status, e)
}

// checkChange holds that a final status stays, but for that of a dead letter: it
// may be redriven, and proven to be sent after all.
func (l *life) checkChange(was domain.Status, e events.Event) {
	if !(domain.Message{Status: was}).Final() || l.m.Status == was {
		return
	}
	switch e.(type) {
	case events.MessageRedriven, events.MessageReconciled:
		if was == domain.DeadLettered {
			return
		}
	}
	l.Fatalf("%s moves %s to %s", e.EventType(), was, l.m.Status)
}

// checkForward holds that a receipt leaves the status, or moves it to where only
// sent messages are, and never from its end.
func (l *life) checkForward(was domain.Status) {
	order := []domain.Status{domain.Dispatched, domain.Delivered, domain.Undelivered}
	from, to := slices.Index(order, was), slices.Index(order, l.m.Status)
	if was != l.m.Status && (to < 0 || from > 0 || to < from) {
		l.Fatalf("a receipt moves %s to %s", was, l.m.Status)
	}
}
