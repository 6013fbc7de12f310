package commands

import (
	"context"
	"fmt"
	"maps"
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
	// Probes of a provider that is down cost attempts: of those who have most.
	slices.SortStableFunc(candidates, func(a, b *candidate) int {
		return b.State.AttemptsLeft(d.Schedule) - a.State.AttemptsLeft(d.Schedule)
	})
	writes, asked := make([]ports.Write, 0, len(candidates)), make([]*candidate, 0, len(candidates))
	now := d.now()
	for _, c := range candidates {
		claim := domain.Claim{
			Attempt: c.work.Attempt, ID: domain.AttemptID(c.ID, c.work.Attempt),
			OptedOut: c.optedOut(), Erased: c.erased(), Now: now,
		}
		if !claim.Erased {
			claim.Provider, claim.Quiet = c.providers[0].Name(), d.Hours.Quiet(c.State.Text, now)
			claim.Paused = d.Fuse.hold(c.Origin.Tenant, c.State.Text, now)
		}
		decided, err := c.State.Decide(claim)
		if err != nil || len(decided) == 0 {
			continue // duplicate, too late or too early: somebody else's, or the scheduler's
		}
		if attempted, ok := decided[0].(events.MessageAttempted); ok {
			delay, ok := c.admit(ctx, d.Gate, c.State.Tired(d.Schedule))
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
	*claims = slices.Grow(*claims, len(results))
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
// its tenant, and towards every tenant; and with whether they were forgotten since it
// was accepted. Of one that is Erased neither the recipient nor a provider is known.
type candidate struct {
	stream[domain.Message]
	work      ports.Work
	position  int64 // at which it was accepted
	consents  []stream[domain.Consent]
	forgotten ports.Require    // the recipient's subject, as it was read
	forgetAt  int64            // position of the last time they were forgotten; 0: never
	providers []ports.Provider // that may send it, best first
	provider  ports.Provider   // of these, the one that is to send it
	pass      Pass
}

// worthWaiting is how long a text waits for the pace of a better provider rather
// than go by the next one.
const worthWaiting = time.Second

// admit picks the best provider that may be called now. Otherwise it says what
// there is to wait for.
func (c *candidate) admit(ctx context.Context, gate *Gate, tired bool) (shortest Delay, ok bool) {
	admit := gate.Admit
	if tired {
		admit = gate.AdmitTired
	}
	for i, provider := range c.providers {
		pass, delay, ok := admit(ctx, provider.Name(), string(c.State.Text.From))
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

// optedOut reports whether the recipient has opted out. What confirms an opt-out is not
// blocked by that one: it is its cause.
func (c *candidate) optedOut() bool {
	return slices.ContainsFunc(c.consents, func(s stream[domain.Consent]) bool {
		return s.State.OptedOut && c.Origin.CausationID != causeOf(s.ID, s.Version)
	})
}

// grounds are the versions that the decision depends on: an opt-out, and a
// forgetting, that is committed before the claim wins.
func (c *candidate) grounds() []ports.Require {
	var grounds []ports.Require
	for _, s := range c.consents {
		grounds = append(grounds, ports.Require{StreamID: s.ID, Version: s.Version})
	}
	if c.forgotten.StreamID != "" {
		grounds = append(grounds, c.forgotten)
	}
	return grounds
}

// erased reports whether there is nothing to send any more. What was accepted before
// its recipient was forgotten is not sent, even where its key is still at hand.
func (c *candidate) erased() bool { return c.Erased || c.forgetAt > c.position }

// load reads the streams that claiming work depends on. What cannot be read is held:
// nobody knows what has become of it, so it is neither claimed nor given up, until the
// scheduler finds that it can be read.
func (d *Dispatcher) load(ctx context.Context, work []ports.Work) ([]*candidate, error) {
	messages, others := d.Fresh.take(work)
	if len(others) > 0 {
		loaded, err := d.Store.LoadMany(ctx, others)
		if d.Foreign != nil && fatal(err) == nil && slices.ContainsFunc(others, func(id string) bool { return len(loaded[id]) == 0 }) {
			d.Foreign()
		}
		if loaded, err = readable(loaded, err); err != nil {
			return nil, err
		}
		maps.Copy(messages, loaded)
	}
	candidates := make([]*candidate, 0, len(work))
	seen := map[string]bool{}
	for _, w := range work {
		s := fold[domain.Message](w.MessageID, messages[w.MessageID])
		if seen[w.MessageID] || !s.State.Waiting() || s.State.Attempt+1 != w.Attempt {
			continue
		}
		c := &candidate{stream: s, work: w, position: messages[w.MessageID][0].Position}
		if !s.Erased {
			c.providers = d.Providers.For(s.ID, s.State)
		}
		if len(c.providers) == 0 && !s.Erased {
			continue
		}
		if s.State.Text.To.Sealed() {
			return nil, fmt.Errorf("claiming %s: it is sealed: the dispatcher needs a store that unseals", s.ID)
		}
		seen[w.MessageID] = true
		candidates = append(candidates, c)
	}
	return d.loadGrounds(ctx, candidates)
}

// loadGrounds reads what is known of the recipients of candidates. It leaves out those
// of whose recipient it cannot be read: they may have opted out.
func (d *Dispatcher) loadGrounds(ctx context.Context, candidates []*candidate) ([]*candidate, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	var ids []string
	for _, c := range candidates {
		text := c.State.Text
		c.consents = []stream[domain.Consent]{{ID: text.Consent}}
		if !c.Erased {
			c.consents = append(c.consents, stream[domain.Consent]{ID: d.Lookup.ConsentStream(EveryTenant, text.To)})
			c.forgotten.StreamID = subjectStream(d.Lookup.Subject(c.Origin.Tenant, text.To))
			ids = append(ids, c.forgotten.StreamID)
		}
		for _, consent := range c.consents {
			ids = append(ids, consent.ID)
		}
	}
	recorded, err := d.Store.LoadMany(ctx, ids)
	if fatal(err) != nil {
		return nil, err
	}
	candidates = slices.DeleteFunc(candidates, func(c *candidate) bool {
		return err != nil && slices.ContainsFunc(c.grounds(), func(r ports.Require) bool { return unreadable(recorded[r.StreamID]) })
	})
	for _, c := range candidates {
		for n, consent := range c.consents {
			c.consents[n] = fold[domain.Consent](consent.ID, recorded[consent.ID])
		}
		if forgotten := recorded[c.forgotten.StreamID]; len(forgotten) > 0 {
			c.forgotten.Version, c.forgetAt = len(forgotten), forgotten[len(forgotten)-1].Position
		}
	}
	return candidates, nil
}
