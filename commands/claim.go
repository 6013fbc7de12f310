package commands

import (
	"context"
	"slices"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// claimed is an attempt that this process has the right, and the duty, to make.
type claimed struct {
	stream[domain.Message]
	provider ports.Provider
	pass     Pass
	at       time.Time
}

// claim claims what of work still waits, in one commit, and once more for those
// whose stream or consent moved in between. What the gate does not admit it adds
// to kept. With an error, too, it may have claimed some.
func (d *Dispatcher) claim(ctx context.Context, work []ports.Work, kept *kept) ([]claimed, error) {
	var claims []claimed
	for range tries {
		conflicts, err := d.claimOnce(ctx, work, &claims, kept)
		if err != nil || len(conflicts) == 0 {
			return claims, err
		}
		work = conflicts
	}
	return claims, nil // the scheduler issues the rest again
}

func (d *Dispatcher) claimOnce(ctx context.Context, work []ports.Work, claims *[]claimed, kept *kept) (conflicts []ports.Work, err error) {
	candidates, err := d.load(ctx, work)
	if err != nil {
		return nil, err
	}
	var writes []ports.Write
	var asked []candidate
	now := d.now()
	for _, c := range candidates {
		decided, err := c.State.Decide(domain.Claim{
			Attempt: c.work.Attempt, ID: domain.AttemptID(c.ID, c.work.Attempt),
			Provider: c.providers[0].Name(), OptedOut: c.optedOut(), Quiet: d.Hours.quiet(c.State.Text, now), Now: now,
		})
		if err != nil || len(decided) == 0 {
			continue // duplicate, too late or too early: somebody else's, or the scheduler's
		}
		if attempted, ok := decided[0].(events.MessageAttempted); ok {
			delay, ok := c.admit(ctx, d.Gate)
			if !ok {
				kept.add(c.work, delay)
				continue
			}
			attempted.Provider = c.provider.Name()
			decided[0] = attempted
		}
		writes = append(writes, ports.Write{
			StreamID: c.ID, Expected: c.Version, Events: decided, Meta: c.consequence("dispatcher"),
			Requires: c.grounds(),
		})
		asked = append(asked, c)
	}
	if len(writes) == 0 {
		return nil, nil
	}
	results, err := d.Store.Append(ctx, writes...)
	if err != nil {
		for _, c := range asked {
			c.pass.Cancel()
		}
		return nil, err
	}
	for i, result := range results {
		c, w := asked[i], writes[i]
		if result.Err != nil {
			c.pass.Cancel()
			conflicts = append(conflicts, c.work)
			continue
		}
		if _, ok := w.Events[0].(events.MessageAttempted); ok {
			*claims = append(*claims, claimed{c.then(w.Events, w.Meta), c.provider, c.pass, result.RecordedAt})
		}
	}
	return conflicts, nil
}

// candidate is a message that work asks for, with its recipient's consents: towards
// its tenant, and towards every tenant.
type candidate struct {
	stream[domain.Message]
	work      ports.Work
	consents  []stream[domain.Consent]
	providers []ports.Provider // that may send it, best first
	provider  ports.Provider   // of these, the one that is to send it
	pass      Pass
}

// worthWaiting is how long a text waits for the pace of a better provider rather
// than go by the next one.
const worthWaiting = time.Second

// admit picks the best provider that may be called now. Otherwise it says what
// there is to wait for.
func (c *candidate) admit(ctx context.Context, gate *Gate) (shortest Delay, ok bool) {
	for i, provider := range c.providers {
		pass, delay, ok := gate.Admit(ctx, provider.Name(), string(c.State.Text.From))
		if ok {
			c.provider, c.pass = provider, pass
			return Delay{}, true
		}
		if i == 0 || delay.sooner(shortest) {
			shortest = delay
		}
		if delay.Reason == domain.DeferredForPacing && !delay.Until.After(gate.now().Add(worthWaiting)) {
			break
		}
	}
	return shortest, false
}

func (c candidate) optedOut() bool {
	return slices.ContainsFunc(c.consents, func(s stream[domain.Consent]) bool { return s.State.OptedOut })
}

// grounds are the versions that the decision depends on: an opt-out that is
// committed before the claim wins.
func (c candidate) grounds() []ports.Require {
	var grounds []ports.Require
	for _, s := range c.consents {
		grounds = append(grounds, ports.Require{StreamID: s.ID, Version: s.Version})
	}
	return grounds
}

// load reads the streams that claiming work depends on.
func (d *Dispatcher) load(ctx context.Context, work []ports.Work) ([]candidate, error) {
	ids := make([]string, len(work))
	for i, w := range work {
		ids[i] = w.MessageID
	}
	messages, err := d.Store.LoadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	var consents []string
	seen := map[string]bool{}
	for _, w := range work {
		s := fold[domain.Message](w.MessageID, messages[w.MessageID])
		if seen[w.MessageID] || !s.State.Waiting() || s.State.Attempt+1 != w.Attempt {
			continue
		}
		providers := d.Providers.For(s.ID, s.State)
		if len(providers) == 0 {
			continue
		}
		seen[w.MessageID] = true
		candidates = append(candidates, candidate{stream: s, work: w, providers: providers})
		consents = append(consents, s.State.Text.Consent, d.Lookup.ConsentStream(EveryTenant, s.State.Text.To))
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	recorded, err := d.Store.LoadMany(ctx, consents)
	if err != nil {
		return nil, err
	}
	for i := range candidates {
		for _, id := range consents[2*i : 2*i+2] {
			candidates[i].consents = append(candidates[i].consents, fold[domain.Consent](id, recorded[id]))
		}
	}
	return candidates, nil
}
