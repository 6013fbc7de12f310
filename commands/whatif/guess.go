package whatif

import (
	"slices"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// lag is by how much a decision may be older than its record, and the database's
// clock slow against the gateway's: the moment of a claim is not in the log.
const lag = 5 * time.Second

// guesses returns what may have happened for rest to be recorded, the likeliest
// first. Each is tried, so a guess too many does no harm.
func guesses(p Policy, id string, m domain.Message, since time.Time, rest []events.Recorded) []fact {
	at := rest[0].RecordedAt
	switch e := rest[0].Data.(type) {
	case events.MessageAccepted:
		return said(other, 0, at, domain.Accept{Text: e})
	case events.MessageDeferred:
		if e.Reason == domain.DeferredForHours {
			return claims(id, m, at, asked{})
		}
		return said(wait, m.Attempt+1, at, domain.Defer{Attempt: m.Attempt + 1, Until: e.Until, Reason: e.Reason})
	case events.MessageAttempted:
		made := claims(id, m, at, asked{passed: before(p.order(id, m), e.Provider)})
		if doubt, ok := after(rest).(events.MessageInDoubt); ok && doubt.Cause == domain.CauseRestored {
			return append(said(other, e.Attempt, at, domain.Suspect{ID: e.AttemptID, Provider: e.Provider, Now: at.Add(lag)}), made...)
		}
		return made
	case events.MessageOptedOut:
		return claims(id, m, at, asked{optedOut: true})
	case events.MessageExpired:
		return append(claims(id, m, at, asked{}), claims(id, m, e.ExpiresAt, asked{})...)
	case events.MessageDeadLettered:
		if e.Reason == domain.ReasonPoison {
			return said(claim, m.Attempt+1, at, domain.GiveUp{Attempt: m.Attempt + 1, Detail: e.Detail})
		}
		return claims(id, m, at, asked{erased: e.Reason == domain.ReasonErased})
	case events.MessageDispatched:
		return said(answer, e.Attempt, at, domain.RecordSent{
			Attempt: e.Attempt, Provider: e.Provider, ProviderMessageID: e.ProviderMessageID, ProviderStatus: e.ProviderStatus, ProviderRequestID: e.ProviderRequestID,
		})
	case events.MessageFailed:
		return failures(p, id, m, e, rest)
	case events.MessageInDoubt:
		if e.Cause == domain.CauseRestored {
			return said(other, e.Attempt, at, domain.Suspect{Now: at.Add(lag)})
		}
		return said(answer, e.Attempt, at, domain.RecordDoubt{Attempt: e.Attempt, Cause: e.Cause, ProviderRequestID: e.ProviderRequestID})
	case events.MessageReconciled:
		return reconciliations(p, m, since, e, rest)
	case events.MessageDelivered:
		return said(receipt, m.Attempt, at, domain.Receipt{
			ProviderMessageID: m.ProviderMessageID, ProviderStatus: e.ProviderStatus, Result: domain.ReceiptDelivered, At: e.At,
		})
	case events.MessageUndelivered:
		return said(receipt, m.Attempt, at, domain.Receipt{
			ProviderMessageID: m.ProviderMessageID, ProviderStatus: e.ProviderStatus, ErrorCode: e.ErrorCode,
			Result: domain.ReceiptUndelivered, At: e.At,
		})
	case events.MessageReceiptIgnored:
		return ignored(m, at, e)
	case events.MessageRedacted:
		return said(other, 0, at, domain.RecordRedaction{Provider: e.Provider, ID: e.ProviderMessageID, What: e.What})
	case events.MessageRedactionFailed:
		return said(other, 0, at, domain.RecordRedaction{
			Provider: e.Provider, ID: e.ProviderMessageID, What: e.What, Failed: true, Code: e.Code, HTTPStatus: e.HTTPStatus,
		})
	}
	return persons(at, rest[0].Data)
}

// said is a fact that no policy has a part in.
func said(k kind, attempt int, at time.Time, c domain.Command) []fact {
	return []fact{{kind: k, attempt: attempt, at: at, command: func(Policy, domain.Message, time.Time, time.Time) domain.Command { return c }}}
}

// persons are what somebody asked for.
func persons(at time.Time, e events.Event) []fact {
	switch e := e.(type) {
	case events.MessageCanceled:
		return said(other, 0, at, domain.Cancel{By: e.By})
	case events.MessageRedriven:
		return said(other, 0, at, domain.Redrive{By: e.By, Reason: e.Reason, ReplayID: e.ReplayID, IncludeInDoubt: e.InDoubt})
	case events.MessageDiscarded:
		if e.ReplacedBy != "" {
			return said(other, 0, at, domain.Replace{By: e.By, Reason: e.Reason, MessageID: e.ReplacedBy, IncludeInDoubt: true})
		}
		return said(other, 0, at, domain.Discard{By: e.By, Reason: e.Reason})
	}
	return nil
}

// asked is what was found when an attempt was to be claimed.
type asked struct {
	optedOut, erased bool
	passed           []string // providers that the gate did not admit
}

// claims are the moments at which the next attempt may have been asked for.
func claims(id string, m domain.Message, at time.Time, a asked) []fact {
	moments := []time.Time{at}
	if m.DueAt.After(at) && m.DueAt.Sub(at) <= lag {
		moments = append(moments, m.DueAt)
	}
	if end := m.Text.ExpiresAt; end != nil && !at.Before(*end) && at.Sub(*end) <= lag {
		moments = append(moments, end.Add(-time.Microsecond))
	}
	moments = append(moments, at.Add(-lag)) // quiet hours may have begun or ended meanwhile
	facts := make([]fact, 0, len(moments))
	for _, moment := range moments {
		facts = append(facts, fact{
			kind: claim, attempt: m.Attempt + 1, at: moment, optedOut: a.optedOut,
			command: func(p Policy, m domain.Message, now, _ time.Time) domain.Command { return a.claim(p, id, m, now) },
		})
	}
	return facts
}

// claim asks for the next attempt at m.
func (a asked) claim(p Policy, id string, m domain.Message, now time.Time) domain.Command {
	c := domain.Claim{
		Attempt: m.Attempt + 1, ID: domain.AttemptID(id, m.Attempt+1), OptedOut: a.optedOut, Erased: a.erased, Now: now,
	}
	if !a.erased {
		c.Provider, c.Quiet = a.provider(p.order(id, m)), p.Quiet(m.Text, now)
	}
	return c
}

// provider returns the best that the gate would have admitted, or that is to be
// waited for.
func (a asked) provider(order []string) string {
	for _, name := range order {
		if !slices.Contains(a.passed, name) {
			return name
		}
	}
	if len(order) == 0 {
		return ""
	}
	return order[0]
}

// failures are how an attempt may have failed for certain. The provider's wish is in
// the log only where another one was tried first; elsewhere it shows in a delay of
// whole seconds after a throttled attempt, which chance would hardly give.
func failures(p Policy, id string, m domain.Message, e events.MessageFailed, rest []events.Recorded) []fact {
	failed, wish := e, time.Duration(e.RetryAfter)
	failed.RetryAfter = 0
	at, wishes := rest[0].RecordedAt, []time.Duration{wish}
	throttled := domain.Class(e.Class) == domain.ClassThrottled
	switch next := after(rest).(type) {
	case events.MessageRetried:
		delay := time.Duration(next.Delay)
		at = next.DueAt.Add(-delay)
		if throttled && delay > 0 && delay%time.Second == 0 {
			wishes = []time.Duration{delay, wish}
		}
	case events.MessageExpired:
		if throttled {
			wishes = append(wishes, next.ExpiresAt.Sub(at))
		}
	}
	var facts []fact
	for _, wish := range wishes {
		ask := func(chance float64) func(Policy, domain.Message, time.Time, time.Time) domain.Command {
			return func(p Policy, m domain.Message, now, _ time.Time) domain.Command {
				return domain.RecordFailure{
					Failure: failed, RetryAfter: wish, Candidates: p.Candidates(id, m),
					Retry: domain.Retry{Schedule: p.Schedule, Chance: chance, Now: now},
				}
			}
		}
		chance := chanceOf(m, after(rest), func(chance float64) domain.Command { return ask(chance)(p, m, at, time.Time{}) })
		facts = append(facts, fact{kind: answer, attempt: e.Attempt, at: at, command: ask(chance)})
	}
	return facts
}

// reconciliations are what may have settled a doubt.
func reconciliations(p Policy, m domain.Message, since time.Time, e events.MessageReconciled, rest []events.Recorded) []fact {
	at := rest[0].RecordedAt
	switch e.Evidence {
	case domain.EvidenceOperator:
		return verdicts(at, e, rest)
	case "lookup":
		return said(lookup, e.Attempt, at, domain.Reconcile{Attempt: e.Attempt, ProviderMessageID: e.ProviderMessageID})
	case "response":
		return said(lookup, e.Attempt, at, domain.RecordSent{Attempt: e.Attempt, ProviderMessageID: e.ProviderMessageID})
	case "receipt":
		return said(receipt, e.Attempt, at, domain.Receipt{Attempt: e.Attempt, ProviderMessageID: e.ProviderMessageID})
	}
	if next, ok := after(rest).(events.MessageRetried); ok {
		at = next.DueAt.Add(-time.Duration(next.Delay))
	}
	var facts []fact
	for _, canLookUp := range []bool{true, false} { // which of them is not in the log
		ask := func(chance float64) func(Policy, domain.Message, time.Time, time.Time) domain.Command {
			return func(p Policy, m domain.Message, now, since time.Time) domain.Command {
				return domain.Reconcile{
					Attempt: e.Attempt, Resend: p.Resend(domain.Lane(m.Text.Lane), canLookUp),
					Retry: domain.Retry{Schedule: p.Schedule, Chance: chance, Since: since, Now: now},
				}
			}
		}
		// As of when the doubt arose, a delay is not cut short by the look-ups.
		chance := chanceOf(m, after(rest), func(chance float64) domain.Command { return ask(chance)(p, m, since, since) })
		facts = append(facts, fact{kind: lookup, attempt: e.Attempt, at: at, command: ask(chance)})
	}
	return facts
}

// verdicts are what an operator said of a doubt.
func verdicts(at time.Time, e events.MessageReconciled, rest []events.Recorded) []fact {
	c := domain.Resolve{Attempt: e.Attempt, Verdict: domain.VerdictSent, ProviderMessageID: e.ProviderMessageID}
	for _, next := range rest[1:min(3, len(rest))] {
		switch next := next.Data.(type) {
		case events.MessageRedriven:
			c.Verdict, c.By, c.Reason = domain.VerdictResend, next.By, next.Reason
		case events.MessageDiscarded:
			c.Verdict, c.By, c.Reason = domain.VerdictGiveUp, next.By, next.Reason
		}
	}
	if e.Outcome == domain.OutcomeSent {
		c.Verdict = domain.VerdictSent
	}
	return said(other, e.Attempt, at, c)
}

// ignored are receipts that change nothing: about any attempt, or one never made.
func ignored(m domain.Message, at time.Time, e events.MessageReceiptIgnored) (facts []fact) {
	for attempt := m.Attempt + 1; attempt > 0; attempt-- {
		facts = append(facts, said(wait, attempt, at, domain.Receipt{
			Attempt: attempt, ProviderMessageID: e.ProviderMessageID, ProviderStatus: e.ProviderStatus, ErrorCode: e.ErrorCode,
		})...)
	}
	return facts
}

// chanceOf returns the chance with which ask makes next of m: delays grow linearly
// with it. Where next is no delay, it does not show, and is taken for the mean.
func chanceOf(m domain.Message, next events.Event, ask func(chance float64) domain.Command) float64 {
	switch next := next.(type) {
	case events.MessageExpired:
		return 1 // the delay was too long
	case events.MessageRetried:
		m.Text.ExpiresAt = nil // or the longest delay may not show
		shortest, longest := dueAfter(m, ask(0)), dueAfter(m, ask(1))
		if longest.After(shortest) {
			return min(1, max(0, float64(next.DueAt.Sub(shortest))/float64(longest.Sub(shortest))))
		}
	}
	return 0.5
}

func dueAfter(m domain.Message, c domain.Command) time.Time {
	decided, _ := m.Decide(c) // a refusal plans nothing
	for _, e := range decided {
		if retried, ok := e.(events.MessageRetried); ok {
			return retried.DueAt
		}
	}
	return time.Time{}
}

// after returns the second event of rest; nil: there is none.
func after(rest []events.Recorded) events.Event {
	if len(rest) < 2 {
		return nil
	}
	return rest[1].Data
}

// before returns what comes before name in names; nothing where it is not among them.
func before(names []string, name string) []string {
	return names[:max(0, slices.Index(names, name))]
}
