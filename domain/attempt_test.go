package domain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func claim(attempt int, now time.Time) domain.Claim {
	return domain.Claim{Attempt: attempt, ID: domain.AttemptID("msg_1", attempt), Provider: "twilio", Now: now}
}

func TestAnAttemptIsClaimedOnce(t *testing.T) {
	optedOut := claim(1, noon)
	optedOut.OptedOut = true
	optedOutRetry := claim(2, *at(1))
	optedOutRetry.OptedOut = true
	paused := func(c domain.Claim, until time.Time) domain.Claim { c.Paused = until; return c }
	held := events.MessageDeferred{Until: *at(3), Reason: "prefix_paused"}
	quiet := func(c domain.Claim, q domain.Quiet) domain.Claim { c.Quiet = q; return c }
	erased := func(c domain.Claim) domain.Claim { c.Erased = true; return c }
	gone := events.MessageDeadLettered{Reason: "erased"}
	deferred := events.MessageDeferred{Until: *at(3), Reason: "quiet_hours"}
	checkDecisions(t, []decision{
		{"the first attempt", accepted, claim(1, noon), history(attempted(1)), nil},
		{"twice is once", claimed, claim(1, noon), nil, nil},
		{"the second needs a retry", claimed, claim(2, noon), nil, nil},
		{"the second, when due", retrying, claim(2, noon.Add(30*time.Second)), history(attempted(2)), nil},
		{"not before it is due", retrying, claim(2, noon.Add(29*time.Second)), nil, nil},
		{"not the first again", retrying, claim(1, *at(1)), nil, nil},
		{"not one too far", accepted, claim(2, noon), nil, nil},
		{"not in doubt", inDoubt, claim(2, *at(1)), nil, nil},
		{"a scheduled text, when due", history(later), claim(1, *at(1)), history(attempted(1)), nil},
		{"a scheduled text, not before", history(later), claim(1, noon), nil, nil},
		{"a redriven text goes on counting", after(dead, redriven), claim(2, noon), history(attempted(2)), nil},

		{"an opt-out ends it instead", accepted, optedOut, history(events.MessageOptedOut{Source: "consent"}), nil},
		{"before a retry too", retrying, optedOutRetry, history(events.MessageOptedOut{Source: "consent"}), nil},
		{"its expiry ends it instead", history(expiring), claim(1, *at(1)), history(events.MessageExpired{ExpiresAt: *at(1)}), nil},
		{"a claim just in time", history(expiring), claim(1, at(1).Add(-1)), history(attempted(1)), nil},

		{"quiet hours defer it", accepted, quiet(claim(1, noon), domain.Quiet{Until: *at(3)}), history(deferred), nil},
		{"and a retry", retrying, quiet(claim(2, *at(1)), domain.Quiet{Until: *at(3)}), history(deferred), nil},
		{"until they are over", after(accepted, deferred), claim(1, *at(2)), nil, nil},
		{"then it is claimed", after(accepted, deferred), claim(1, *at(3)), history(attempted(1)), nil},
		{"or deferred again", after(accepted, deferred), quiet(claim(1, *at(3)), domain.Quiet{Until: *at(4)}), history(events.MessageDeferred{Until: *at(4), Reason: "quiet_hours"}), nil},
		{"quiet hours that are over", accepted, quiet(claim(1, noon), domain.Quiet{Until: noon}), history(attempted(1)), nil},
		{"quiet hours beyond its expiry end it", history(expiring), quiet(claim(1, noon), domain.Quiet{Until: *at(1)}), history(events.MessageExpired{ExpiresAt: *at(1)}), nil},
		{"quiet hours without end are for an operator", accepted, quiet(claim(1, noon), domain.Quiet{Never: true}), history(events.MessageDeadLettered{
			Reason: "permanent", Class: "permanent", Code: "no_sending_window", Detail: "the recipient's zones have no common hour in which it may be sent",
		}), nil},
		{"what cannot be read any more is given up", accepted, erased(claim(1, noon)), history(gone), nil},
		{"before it is due, too", history(later), erased(claim(1, noon)), history(gone), nil},
		{"and before a retry", retrying, erased(claim(2, *at(1))), history(events.MessageDeadLettered{Reason: "erased", Attempts: 1}), nil},
		{"an opt-out ends it all the same", accepted, erased(optedOut), history(events.MessageOptedOut{Source: "consent"}), nil},
		{"a paused prefix defers it", accepted, paused(claim(1, noon), *at(3)), history(held), nil},
		{"and a retry", retrying, paused(claim(2, *at(1)), *at(3)), history(held), nil},
		{"which it asks for again then", after(accepted, held), claim(1, *at(3)), history(attempted(1)), nil},
		{"but not beyond its expiry", history(expiring), paused(claim(1, noon), *at(3)), history(events.MessageDeferred{Until: *at(1), Reason: "prefix_paused"}), nil},
		{"a pause that is over", accepted, paused(claim(1, noon), noon), history(attempted(1)), nil},
		{"an opt-out ends it before quiet hours do", accepted, quiet(optedOut, domain.Quiet{Until: *at(3)}), history(events.MessageOptedOut{Source: "consent"}), nil},
	})
}

func TestAnAnswerEndsTheAttempt(t *testing.T) {
	answer := domain.RecordSent{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1", ProviderStatus: "queued"}
	ignored := func(reason string) []events.Event {
		return history(events.MessageReceiptIgnored{ProviderStatus: "queued", ProviderMessageID: "SM1", Reason: reason})
	}
	proven := history(reconciled(1, "sent", "SM1", "response"))
	unknown := answer
	unknown.Attempt = 2
	other := events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM9"}
	checkDecisions(t, []decision{
		{"sent", claimed, answer, history(sent), nil},
		{"the same again", dispatched, answer, nil, nil},
		{"after its receipt", after(dispatched, delivered), answer, nil, nil},
		{"in doubt: no longer", inDoubt, answer, proven, nil},
		{"retrying: no second attempt", retrying, answer, proven, nil},
		{"deferred after an attempt: no second one", after(retrying, events.MessageDeferred{Until: *at(1), Reason: "pacing"}), answer, proven, nil},
		{"redriven: no second attempt", after(dead, redriven), answer, proven, nil},
		{"an earlier attempt, while a third waits", after(inDoubt, reconciled(1, "not_sent", "", "no_trace"), retried(2, 0), attempted(2), throttled, retried(3, 0)), answer, proven, nil},
		{"held in doubt: sent after all", after(inDoubt, reconciled(1, "unknown", "", "no_trace"), held), answer, proven, nil},
		{"given up after doubts: sent after all", after(inDoubt, reconciled(1, "not_sent", "", "no_trace"), events.MessageDeadLettered{Reason: "exhausted", Attempts: 1, Class: "in_doubt"}), answer, proven, nil},
		{"given up for good: noted", dead, answer, ignored("final"), nil},
		{"expired meanwhile: noted", after(inDoubt, reconciled(1, "not_sent", "", "no_trace"), events.MessageExpired{ExpiresAt: noon}), answer, ignored("final"), nil},
		{"an earlier attempt, while the second is out: noted", after(retrying, attempted(2)), answer, ignored("duplicate_send"), nil},
		{"adopted as another message of the provider's: noted", after(claimed, other), answer, ignored("other_provider_message"), nil},
		{"noted once", after(dead, ignored("final")[0]), answer, nil, nil},
		{"an attempt never made: noted", claimed, unknown, ignored("unknown_attempt"), nil},
	})
}

func TestAFailureIsRetriedOrGivenUp(t *testing.T) {
	failure := func(f events.MessageFailed, wish time.Duration) domain.RecordFailure {
		return domain.RecordFailure{Failure: f, RetryAfter: wish, Retry: retry}
	}
	nth := func(f events.MessageFailed, attempt int) events.MessageFailed {
		f.Attempt = attempt
		return f
	}
	optedOut := events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "opted_out", Code: "21610"}
	fourth := after(retrying, attempted(2), retried(3, 0), attempted(3), retried(4, 0), attempted(4))
	exhausted := events.MessageDeadLettered{Reason: "exhausted", Attempts: 4, Class: "throttled", Code: "20429"}
	checkDecisions(t, []decision{
		{"retried", claimed, failure(throttled, 0), history(throttled, retried(2, 30*time.Second)), nil},
		{"later the second time", after(retrying, attempted(2)), failure(nth(throttled, 2), 0), history(nth(throttled, 2), retried(3, 5*time.Minute)), nil},
		{"the last delay holds on", after(retrying, attempted(2), retried(3, 0), attempted(3)), failure(nth(throttled, 3), 0), history(nth(throttled, 3), retried(4, 5*time.Minute)), nil},
		{"never more than max times", fourth, failure(nth(throttled, 4), 0), history(nth(throttled, 4), exhausted), nil},
		{"a redrive has all its retries", after(fourth, nth(throttled, 4), exhausted, redriven, attempted(5)), failure(nth(throttled, 5), 0), history(nth(throttled, 5), retried(6, 30*time.Second)), nil},
		{"not before the provider wants", claimed, failure(throttled, time.Hour), history(throttled, retried(2, time.Hour)), nil},
		{"not before our delay either", claimed, failure(throttled, time.Second), history(throttled, retried(2, 30*time.Second)), nil},
		{"no time left for another", history(expiring, attempted(1)), failure(throttled, time.Hour), history(throttled, events.MessageExpired{ExpiresAt: *at(1)}), nil},
		{"permanent", claimed, failure(permanent, 0), history(permanent, deadLetter), nil},
		{"the provider knows of an opt-out", claimed, failure(optedOut, 0), history(optedOut, events.MessageOptedOut{Source: "provider"}), nil},
		{"a doubt turns out to have failed", inDoubt, failure(throttled, 0), history(throttled, retried(2, 30*time.Second)), nil},
		{"of an attempt that is over", retrying, failure(throttled, 0), nil, nil},
		{"of an earlier attempt", after(retrying, attempted(2)), failure(throttled, 0), nil, nil},
		{"after proof that it was sent", dispatched, failure(throttled, 0), nil, nil},
	})
}

func TestADoubtIsNeverResentBlindly(t *testing.T) {
	lookup := func(id string, resend bool) domain.Reconcile {
		return domain.Reconcile{Attempt: 1, ProviderMessageID: id, Resend: resend, Retry: retry}
	}
	waited := func(how time.Duration) domain.Reconcile {
		c := lookup("", true)
		c.Retry.Since = noon.Add(-how)
		return c
	}
	noRetries := lookup("", true)
	noRetries.Retry.Schedule = domain.RetrySchedule{}
	noTrace := reconciled(1, "not_sent", "", "no_trace")
	checkDecisions(t, []decision{
		{"an attempt falls into doubt", claimed, domain.RecordDoubt{Attempt: 1, Cause: "timeout"}, history(doubt), nil},
		{"once", inDoubt, domain.RecordDoubt{Attempt: 1, Cause: "crash"}, nil, nil},
		{"not when its answer is known", dispatched, domain.RecordDoubt{Attempt: 1, Cause: "crash"}, nil, nil},
		{"not another attempt", claimed, domain.RecordDoubt{Attempt: 2, Cause: "crash"}, nil, nil},

		{"found: sent", inDoubt, lookup("SM1", true), history(reconciled(1, "sent", "SM1", "lookup")), nil},
		{"no trace, policy resend", inDoubt, lookup("", true), history(noTrace, retried(2, 30*time.Second)), nil},
		{"the delay counts from when the doubt arose", inDoubt, waited(10 * time.Second), history(noTrace, retried(2, 20*time.Second)), nil},
		{"what has waited for longer goes at once", inDoubt, waited(time.Hour), history(noTrace, retried(2, 0)), nil},
		{"no trace, policy hold", inDoubt, lookup("", false), history(reconciled(1, "unknown", "", "no_trace"), held), nil},
		{"no trace, no retries left", inDoubt, noRetries, history(noTrace, events.MessageDeadLettered{Reason: "exhausted", Attempts: 1, Class: "in_doubt"}), nil},
		{"no trace, no time left", history(expired, attempted(1), doubt), lookup("", true), history(noTrace, events.MessageExpired{ExpiresAt: noon}), nil},
		{"no longer in doubt", dispatched, lookup("", true), nil, nil},
		{"another attempt", after(inDoubt, noTrace, retried(2, 0), attempted(2), events.MessageInDoubt{Attempt: 2}), lookup("SM1", true), nil, nil},
	})
}

func TestDelaysVaryByAFifthAndNeverFallShortOfTheProvidersWish(t *testing.T) {
	for _, tt := range []struct {
		chance float64
		wish   time.Duration
		want   time.Duration
	}{
		{0, 0, 24 * time.Second},
		{0.5, 0, 30 * time.Second},
		{1, 0, 36 * time.Second},
		{0, 25 * time.Second, 25 * time.Second},
		{1, 25 * time.Second, 36 * time.Second},
	} {
		t.Run(fmt.Sprint(tt.chance, tt.wish), func(t *testing.T) {
			r := retry
			r.Chance = tt.chance
			got, err := message(claimed...).Decide(domain.RecordFailure{Failure: throttled, RetryAfter: tt.wish, Retry: r})
			if err != nil || len(got) != 2 {
				t.Fatalf("Decide = %v, %v", got, err)
			}
			if got[1] != retried(2, tt.want) {
				t.Errorf("retry %+v, want %+v", got[1], retried(2, tt.want))
			}
		})
	}
}

func TestAScheduleWithoutDelaysRetriesAtOnce(t *testing.T) {
	r := domain.Retry{Schedule: domain.RetrySchedule{Max: 1}, Now: noon}
	got, err := message(claimed...).Decide(domain.RecordFailure{Failure: throttled, Retry: r})
	if err != nil || len(got) != 2 || got[1] != retried(2, 0) {
		t.Errorf("Decide = %+v, %v", got, err)
	}
}
