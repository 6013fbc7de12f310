package domain_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestTheRoutesThatFitATextMostCloselyCount(t *testing.T) {
	t.Parallel()
	routes := []domain.Route{
		{Provider: "world", Weight: 1},
		{Provider: "spare", Weight: 1, Priority: 1},
		{Provider: "bulk", Weight: 1, Lane: domain.Bulk},
		{Provider: "britain", Weight: 1, Prefix: "+44"},
		{Provider: "world", Weight: 1, Prefix: "+44", Priority: 2},
		{Provider: "jersey", Weight: 1, Prefix: "+441534"},
		{Provider: "drained", Weight: 0, Prefix: "+4415"},
		{Provider: "britain", Weight: 1, Prefix: "+44", Priority: 3},
	}
	for _, tt := range []struct {
		to   events.Personal
		lane domain.Lane
		want []string
	}{
		{"+14155552671", domain.Normal, []string{"world", "spare"}},
		{"+14155552671", domain.Bulk, []string{"bulk"}},
		{"+447911123456", domain.Bulk, []string{"britain", "world"}},
		{"+441534123456", domain.High, []string{"jersey"}},
		{"+441511234567", domain.High, []string{"britain", "world"}},
	} {
		text := events.MessageAccepted{To: tt.to, Lane: string(tt.lane)}
		if got := domain.Candidates(routes, text, "msg_1"); !slices.Equal(got, tt.want) {
			t.Errorf("lane %s: got %v, want %v", tt.lane, got, tt.want)
		}
	}
}

func TestProvidersLeadAsOftenAsTheirWeightSays(t *testing.T) {
	t.Parallel()
	routes := []domain.Route{{Provider: "a", Weight: 7}, {Provider: "b", Weight: 2}, {Provider: "c", Weight: 1}}
	const texts = 20_000
	led := map[string]int{}
	for i := range texts {
		id := fmt.Sprintf("msg_%032x", i)
		first := domain.Candidates(routes, text, id)
		if again := domain.Candidates(routes, text, id); len(first) != 3 || !slices.Equal(first, again) {
			t.Fatalf("%v, then %v", first, again)
		}
		led[first[0]]++
	}
	for name, share := range map[string]float64{"a": 0.7, "b": 0.2, "c": 0.1} {
		if got := float64(led[name]) / texts; math.Abs(got-share) > 0.02 {
			t.Errorf("%s leads %.3f of the texts, want %.1f", name, got, share)
		}
	}
}

// by is attempt n with a provider.
func by(n int, provider string) events.MessageAttempted {
	return events.MessageAttempted{Attempt: n, AttemptID: domain.AttemptID("msg_1", n), Provider: provider}
}

func failed(n int, provider string, class domain.Class) events.MessageFailed {
	return events.MessageFailed{Attempt: n, Provider: provider, Class: string(class)}
}

func TestFailingOver(t *testing.T) {
	t.Parallel()
	both := []string{"a", "b"}
	atOnce := func(n int) events.MessageRetried { return events.MessageRetried{Attempt: n, DueAt: noon} }
	tried := history(text, by(1, "a"), failed(1, "a", domain.ClassNotSent), atOnce(2), by(2, "b"))
	wished := failed(1, "a", domain.ClassThrottled)
	wished.RetryAfter = events.Duration(time.Hour)
	lastOne := domain.Retry{Schedule: domain.RetrySchedule{Max: 1}, Now: noon}
	var table []decision
	for _, class := range []domain.Class{
		domain.ClassNotSent, domain.ClassProviderWide, domain.ClassThrottled, domain.ClassSender, domain.ClassUnroutable,
	} {
		table = append(table, decision{
			name:  "what failed as " + string(class) + " goes to the next provider at once",
			given: history(text, by(1, "a")),
			when:  domain.RecordFailure{Failure: failed(1, "a", class), Candidates: both, Retry: retry},
			then:  history(failed(1, "a", class), atOnce(2)),
		})
	}
	checkDecisions(t, append(table, []decision{
		{
			name:  "an opt-out is never evaded",
			given: history(text, by(1, "a")),
			when:  domain.RecordFailure{Failure: failed(1, "a", domain.ClassOptedOut), Candidates: both, Retry: retry},
			then:  history(failed(1, "a", domain.ClassOptedOut), events.MessageOptedOut{Source: "provider"}),
		},
		{
			name:  "nor is what no provider will take",
			given: history(text, by(1, "a")),
			when:  domain.RecordFailure{Failure: failed(1, "a", domain.ClassPermanent), Candidates: both, Retry: retry},
			then: history(failed(1, "a", domain.ClassPermanent),
				events.MessageDeadLettered{Reason: "permanent", Attempts: 1, Class: "permanent"}),
		},
		{
			name:  "a doubt stays where it is",
			given: history(text, by(1, "a")),
			when:  domain.RecordDoubt{Attempt: 1, Cause: "timeout"},
			then:  history(events.MessageInDoubt{Attempt: 1, Provider: "a", Cause: "timeout"}),
		},
		{
			name:  "a doubt that no look-up could confirm is sent again after the delay",
			given: history(text, by(1, "a"), events.MessageInDoubt{Attempt: 1, Provider: "a"}),
			when:  domain.Reconcile{Attempt: 1, Resend: true, Retry: retry},
			then:  history(reconciled(1, "not_sent", "", "no_trace"), retried(2, 30*time.Second)),
		},
		{
			name:  "once all have been tried the delays begin, with the first",
			given: tried,
			when:  domain.RecordFailure{Failure: failed(2, "b", domain.ClassNotSent), Candidates: both, Retry: retry},
			then:  history(failed(2, "b", domain.ClassNotSent), retried(3, 30*time.Second)),
		},
		{
			name:  "and go on, each provider once in a drive",
			given: after(tried, failed(2, "b", domain.ClassNotSent), retried(3, 30*time.Second), by(3, "a")),
			when:  domain.RecordFailure{Failure: failed(3, "a", domain.ClassNotSent), Candidates: both, Retry: retry},
			then:  history(failed(3, "a", domain.ClassNotSent), retried(4, 5*time.Minute)),
		},
		{
			name:  "a wish that was passed by holds for the next delay",
			given: history(text, by(1, "a"), wished, atOnce(2), by(2, "b")),
			when:  domain.RecordFailure{Failure: failed(2, "b", domain.ClassNotSent), Candidates: both, Retry: retry},
			then:  history(failed(2, "b", domain.ClassNotSent), retried(3, time.Hour)),
		},
		{
			name:  "whom none can reach is given up",
			given: history(text, by(1, "a"), failed(1, "a", domain.ClassUnroutable), atOnce(2), by(2, "b")),
			when:  domain.RecordFailure{Failure: failed(2, "b", domain.ClassUnroutable), Candidates: both, Retry: retry},
			then: history(failed(2, "b", domain.ClassUnroutable),
				events.MessageDeadLettered{Reason: "permanent", Attempts: 2, Class: "unroutable"}),
		},
		{
			name:  "who cannot reach the recipient is not asked again, while another may",
			given: history(text, by(1, "a"), failed(1, "a", domain.ClassUnroutable), atOnce(2), by(2, "b")),
			when:  domain.RecordFailure{Failure: failed(2, "b", domain.ClassNotSent), Candidates: both, Retry: retry},
			then:  history(failed(2, "b", domain.ClassNotSent), retried(3, 30*time.Second)),
		},
		{
			name:  "attempts stay bounded",
			given: tried,
			when:  domain.RecordFailure{Failure: failed(2, "b", domain.ClassNotSent), Candidates: []string{"a", "b", "c"}, Retry: lastOne},
			then: history(failed(2, "b", domain.ClassNotSent),
				events.MessageDeadLettered{Reason: "exhausted", Attempts: 2, Class: "not_sent"}),
		},
		{
			name:  "a receipt of another provider's is no proof",
			given: tried,
			when:  domain.Receipt{Provider: "b", Attempt: 1, ProviderMessageID: "B1", ProviderStatus: "delivered", Result: domain.ReceiptDelivered},
			then:  history(events.MessageReceiptIgnored{ProviderMessageID: "B1", ProviderStatus: "delivered", Reason: "unknown_attempt"}),
		},
	}...))
}

func TestTheProviderIsTheOneThatProvedToHaveSent(t *testing.T) {
	t.Parallel()
	m := message(text, by(1, "a"), failed(1, "a", domain.ClassNotSent), retried(2, 0), by(2, "b"), failed(2, "b", domain.ClassNotSent),
		retried(3, time.Minute), reconciled(1, domain.OutcomeSent, "A1", "receipt"))
	if m.Status != domain.Dispatched || m.Provider != "a" {
		t.Errorf("%s by %s, want dispatched by a", m.Status, m.Provider)
	}
}

func TestTheNextProviderIsTheOneTriedLeast(t *testing.T) {
	t.Parallel()
	candidates := []string{"a", "b", "c"}
	redrivenLater := history(text, by(1, "a"), failed(1, "a", domain.ClassUnroutable), deadLetter, redriven)
	for name, tt := range map[string]struct {
		given []events.Event
		want  []string
	}{
		"none yet":            {accepted, []string{"a", "b", "c"}},
		"one":                 {history(text, by(1, "a")), []string{"b", "c", "a"}},
		"all":                 {history(text, by(1, "a"), by(2, "c"), by(3, "b")), []string{"a", "b", "c"}},
		"all and one again":   {history(text, by(1, "a"), by(2, "b"), by(3, "c"), by(4, "a")), []string{"b", "c", "a"}},
		"one that cannot":     {history(text, by(1, "a"), failed(1, "a", domain.ClassUnroutable)), []string{"b", "c"}},
		"in the drive before": {redrivenLater, []string{"a", "b", "c"}},
	} {
		if got := message(tt.given...).Order(candidates); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	unable := message(text, by(1, "a"), failed(1, "a", domain.ClassUnroutable))
	if got := unable.Order([]string{"a"}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("where routes leave none that can: %v, want to hear it again", got)
	}
}
