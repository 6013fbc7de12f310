package whatif_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands/whatif"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/domain/quiethours"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

var rule = breaker.Rule{
	Window: time.Minute, FailureRate: 0.5, MinRequests: 6, Consecutive: 4, Cooldown: 30 * time.Second, Probes: 2, Lease: 20 * time.Second,
}

// policy is one of two providers, with marketing from 9 to 20 o'clock UTC.
func policy() whatif.Policy {
	return whatif.Policy{
		Schedule:   domain.RetrySchedule{Delays: []time.Duration{30 * time.Second, 5 * time.Minute}, Max: 2},
		Candidates: routed("a", "b"),
		Test:       "sandbox",
		Quiet:      hours("09:00-20:00"),
		Resend:     func(lane domain.Lane, canLookUp bool) bool { return canLookUp && lane != domain.Bulk },
		Breaker:    func(string) breaker.Rule { return rule },
	}
}

// routed leads every text to these providers, best first.
func routed(names ...string) func(string, domain.Message) []string {
	return func(_ string, m domain.Message) []string {
		if m.Text.Test {
			return nil
		}
		return names
	}
}

func hours(window string) func(events.MessageAccepted, time.Time) domain.Quiet {
	parsed, err := quiethours.Parse(window)
	if err != nil {
		panic(err)
	}
	return func(text events.MessageAccepted, now time.Time) domain.Quiet {
		if text.Kind != string(domain.Marketing) {
			return domain.Quiet{}
		}
		until, ok := parsed.Next(now, []*time.Location{time.UTC})
		return domain.Quiet{Until: until, Never: !ok}
	}
}

// history writes what commands decide under a policy, by a clock of its own.
type history struct {
	testing.TB
	store *memory.EventStore
	p     whatif.Policy
	now   time.Time
	at    []time.Time // when each position was recorded
}

// newHistory begins at noon.
func newHistory(t testing.TB) *history {
	return &history{TB: t, store: &memory.EventStore{}, p: policy(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// dated is the store with the history's times.
type dated struct {
	*memory.EventStore
	at []time.Time
}

func (d dated) date(recorded []events.Recorded) []events.Recorded {
	for i := range recorded {
		recorded[i].RecordedAt = d.at[recorded[i].Position-1]
	}
	return recorded
}

func (d dated) Load(ctx context.Context, id string) ([]events.Recorded, error) {
	recorded, err := d.EventStore.Load(ctx, id)
	return d.date(recorded), err
}

func (d dated) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	streams, err := d.EventStore.LoadMany(ctx, ids)
	for _, recorded := range streams {
		d.date(recorded)
	}
	return streams, err
}

func (d dated) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	recorded, err := d.EventStore.Read(ctx, position, limit)
	return d.date(recorded), err
}

func (d dated) Commits(ctx context.Context, position int64, limit int) ([]ports.Commit, error) {
	commits, err := d.EventStore.Commits(ctx, position, limit)
	for i := range commits {
		commits[i].RecordedAt = d.at[commits[i].LastPosition-1]
	}
	return commits, err
}

func (h *history) load(id string) []events.Recorded {
	h.Helper()
	recorded, err := dated{h.store, h.at}.Load(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	return recorded
}

// pass lets time pass.
func (h *history) pass(d time.Duration) { h.now = h.now.Add(d) }

// do appends what a command decides, and reports whether that is anything.
func (h *history) do(id string, c domain.Command) bool {
	h.Helper()
	recorded := h.load(id)
	m := folded(recorded)
	decided, _ := m.Decide(c) // a refusal changes nothing
	if len(decided) == 0 {
		return false
	}
	h.append(id, len(recorded), decided...)
	return true
}

func (h *history) append(id string, version int, decided ...events.Event) {
	h.Helper()
	results, err := h.store.Append(h.Context(), ports.Write{StreamID: id, Expected: version, Events: decided})
	if err != nil || results[0].Err != nil {
		h.Fatal(err, results)
	}
	for range decided {
		h.at = append(h.at, h.now.Truncate(time.Microsecond))
	}
}

func folded(recorded []events.Recorded) domain.Message {
	var m domain.Message
	for _, e := range recorded {
		m = m.Evolve(e.Data)
	}
	return m
}

func (h *history) message(id string) (m domain.Message, doubted time.Time) {
	h.Helper()
	recorded := h.load(id)
	for _, e := range recorded {
		if _, ok := e.Data.(events.MessageInDoubt); ok {
			doubted = e.RecordedAt
		}
	}
	return folded(recorded), doubted
}

// claim asks for the next attempt, as the dispatcher does; the gate does not admit
// the first so many providers.
func (h *history) claim(id string, passed int) bool {
	m, _ := h.message(id)
	order := []string{h.p.Test}
	if !m.Text.Test {
		order = m.Order(h.p.Candidates(id, m))
	}
	now := h.now
	return h.do(id, domain.Claim{
		Attempt: m.Attempt + 1, ID: domain.AttemptID(id, m.Attempt+1), Provider: order[min(passed, len(order)-1)],
		Quiet: h.p.Quiet(m.Text, now), Now: now,
	})
}

// paused asks for the next attempt while texts to the recipient's prefix are paused.
func (h *history) paused(id string) bool {
	m, _ := h.message(id)
	return h.do(id, domain.Claim{
		Attempt: m.Attempt + 1, ID: domain.AttemptID(id, m.Attempt+1), Provider: "a",
		Quiet: h.p.Quiet(m.Text, h.now), Paused: h.now.Add(time.Minute), Now: h.now,
	})
}

// fail records that the last attempt failed for certain.
func (h *history) fail(id, class string, wish time.Duration, chance float64) bool {
	m, _ := h.message(id)
	return h.do(id, domain.RecordFailure{
		Failure:    events.MessageFailed{Attempt: m.Attempt, Provider: m.Provider, Class: class},
		RetryAfter: wish, Candidates: h.p.Candidates(id, m),
		Retry: domain.Retry{Schedule: h.p.Schedule, Chance: chance, Now: h.now},
	})
}

// settle says that the last look-up showed no trace.
func (h *history) settle(id string, canLookUp bool, chance float64) bool {
	m, doubted := h.message(id)
	return h.do(id, domain.Reconcile{
		Attempt: m.Attempt, Resend: h.p.Resend(domain.Lane(m.Text.Lane), canLookUp),
		Retry: domain.Retry{Schedule: h.p.Schedule, Chance: chance, Since: doubted, Now: h.now},
	})
}

// step does something that may happen to a text, whether or not it is expected.
func (h *history) step(r *rapid.T, id string) {
	m, _ := h.message(id)
	attempt := m.Attempt + rapid.SampledFrom([]int{0, 0, 0, 0, -1}).Draw(r, "attempt")
	chance := rapid.Float64Range(0, 1).Draw(r, "chance")
	if m.Waiting() && m.DueAt.After(h.now) && rapid.IntRange(0, 3).Draw(r, "early") > 0 {
		h.pass(m.DueAt.Sub(h.now) + time.Duration(rapid.IntRange(0, 2_000_000).Draw(r, "late us"))*time.Microsecond)
	}
	sent := fmt.Sprint("SM", attempt)
	switch rapid.SampledFrom([]int{0, 0, 0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}).Draw(r, "kind") {
	case 0:
		h.claim(id, rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(r, "passed"))
	case 1:
		h.do(id, domain.Claim{Attempt: m.Attempt + 1, OptedOut: true, Now: h.now})
	case 2:
		class := rapid.SampledFrom([]string{"not_sent", "not_sent", "throttled", "unroutable", "permanent", "opted_out", "sender"}).Draw(r, "class")
		wish := time.Duration(0)
		if class == "throttled" {
			wish = time.Duration(rapid.SampledFrom([]int{0, 1, 40, 3600}).Draw(r, "wish")) * time.Second
		}
		h.fail(id, class, wish, chance)
	case 3:
		h.do(id, domain.RecordSent{Attempt: attempt, Provider: m.Provider, ProviderMessageID: sent})
	case 4:
		h.do(id, domain.RecordDoubt{Attempt: attempt, Cause: "timeout"})
	case 5:
		h.settle(id, rapid.Bool().Draw(r, "can look up"), chance)
	case 6:
		h.do(id, domain.Reconcile{Attempt: attempt, ProviderMessageID: sent})
	case 7:
		result := rapid.SampledFrom([]domain.ReceiptResult{domain.ReceiptProgress, domain.ReceiptDelivered, domain.ReceiptUndelivered}).Draw(r, "result")
		h.do(id, domain.Receipt{Attempt: attempt, ProviderMessageID: sent, ProviderStatus: fmt.Sprint(result), Result: result, At: h.now})
	case 8:
		h.do(id, domain.Cancel{By: "key:1"})
	case 9:
		h.do(id, domain.Expire{Now: h.now})
	case 10:
		h.do(id, domain.Redrive{By: "ada", ReplayID: fmt.Sprint("replay", m.Attempt), IncludeInDoubt: true})
	case 11:
		h.do(id, domain.Discard{By: "ada", Reason: "done"})
	case 12:
		h.do(id, domain.Resolve{Attempt: attempt, Verdict: rapid.SampledFrom(domain.Verdicts).Draw(r, "verdict"), ProviderMessageID: sent, By: "ada", Reason: "asked"})
	case 13:
		h.do(id, domain.Defer{Attempt: m.Attempt + 1, Until: h.now.Add(time.Minute), Reason: domain.DeferredForBreaker})
	case 14:
		h.do(id, domain.Suspect{ID: domain.AttemptID(id, m.Attempt+1), Provider: "a", Now: h.now})
	case 15:
		h.paused(id)
	case 16:
		for _, sent := range m.Unredacted(domain.RedactBody, true) {
			h.do(id, domain.RecordRedaction{Provider: m.Provider, ID: sent, What: domain.RedactBody, Failed: rapid.Bool().Draw(r, "kept")})
		}
	}
}

// accept takes a random text on.
func (h *history) accept(r *rapid.T, id string) {
	text := events.MessageAccepted{
		Lane: rapid.SampledFrom([]string{"high", "normal", "bulk"}).Draw(r, "lane"),
		Kind: rapid.SampledFrom([]string{"transactional", "marketing"}).Draw(r, "kind"),
		Test: rapid.IntRange(0, 9).Draw(r, "test") == 0,
	}
	if rapid.Bool().Draw(r, "expires") {
		at := h.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(r, "minutes")) * time.Minute)
		text.ExpiresAt = &at
	}
	h.do(id, domain.Accept{Text: text})
}

func (h *history) run(was, would whatif.Policy, from int64) *whatif.Report {
	h.Helper()
	report, err := whatif.Run(h.Context(), whatif.Options{
		Store: dated{h.store, h.at}, From: from, To: h.head(), Was: was, Would: would, PageSize: 7,
	})
	if err != nil {
		h.Fatal(err)
	}
	return report
}

func (h *history) head() int64 {
	h.Helper()
	head, err := h.store.Head(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return head.LastPosition
}

// later ends the history a month on: nothing waits any more.
func (h *history) later() {
	h.Helper()
	h.pass(30 * 24 * time.Hour)
	h.append("key_1", 0, events.KeyRevoked{By: "ada"})
}
