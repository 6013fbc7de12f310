package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// breakerPrefix is before a provider's name in the id of its breaker's stream.
const breakerPrefix = "breaker_"

// Run keeps the gate in step with the log until ctx ends. Transitions that this
// instance asks for are appended at once, those of others are noticed within
// Interval. Without the store the gate stays as it is.
func (g *Gate) Run(ctx context.Context) error {
	g.mu.Lock()
	g.init()
	for _, name := range g.Providers {
		g.guarded(name)
	}
	g.mu.Unlock()
	interval := orDefault(g.Interval, time.Second)
	told := time.Time{} // when a fault was last logged
	for tick := time.NewTimer(interval); ; tick.Reset(interval) {
		if err := g.round(ctx); err != nil && ctx.Err() == nil && g.now().Sub(told) > 10*time.Second {
			g.Log.Error("following breakers", "error", err)
			told = g.now()
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		case <-g.news:
		}
	}
}

// round follows the log, shares counts and makes the transitions that are due.
func (g *Gate) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := g.follow(ctx); err != nil {
		return err
	}
	g.share(ctx)
	moved, err := g.move(ctx)
	if moved {
		err = errors.Join(err, g.follow(ctx))
	}
	return err
}

func (g *Gate) names() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.providers))
}

// follow takes what the log says of every breaker.
func (g *Gate) follow(ctx context.Context) error {
	names := g.names()
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = breakerPrefix + name
	}
	streams, err := readable(g.Store.LoadMany(ctx, ids))
	if err != nil {
		return fmt.Errorf("loading breakers: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, name := range names {
		s, p := fold[breaker.State](ids[i], streams[ids[i]]), g.guarded(name)
		if p.watch != nil && s.Version <= p.version {
			continue
		}
		if p.watch != nil || s.State.Phase != breaker.Closed {
			g.Log.Warn("breaker is "+s.State.Phase.String(), "provider", name, "reason", s.State.Reason)
		}
		p.watch, p.state, p.version, p.since = breaker.NewWatch(g.terms(name).Rule, s.State), s.State, s.Version, g.now()
		g.ring()
	}
	if len(g.providers) > len(names) {
		g.tell() // one came meanwhile
	}
	return nil
}

// share adds what was counted here to the counts of all instances, and learns
// them. Where they cannot be asked, what was counted here counts here alone.
func (g *Gate) share(ctx context.Context) {
	if g.Counts == nil {
		return
	}
	for _, name := range g.names() {
		g.mu.Lock()
		p := g.guarded(name)
		var t breaker.Tally
		if p.watch != nil {
			t = p.watch.Share()
		}
		version := p.version
		g.mu.Unlock()
		if t == (breaker.Tally{}) {
			continue
		}
		all, err := g.Counts.Add(ctx, ports.CountWindow{Provider: name, Epoch: version, Span: g.terms(name).Rule.Window}, t)
		if err != nil {
			g.Log.Debug("counting for all instances", "provider", name, "error", err)
			continue
		}
		g.mu.Lock()
		if p.version == version {
			p.watch.Learn(all)
		}
		g.mu.Unlock()
	}
}

// move appends the transitions that are due. Each names the version at which the
// breaker was watched: of many instances one wins, and the others follow it.
func (g *Gate) move(ctx context.Context) (moved bool, err error) {
	var writes []ports.Write
	for _, name := range g.names() {
		if w, ok := g.due(name); ok {
			writes = append(writes, w)
		}
	}
	if len(writes) == 0 {
		return false, nil
	}
	if _, err := g.Store.Append(ctx, writes...); err != nil {
		return true, fmt.Errorf("appending transitions of breakers: %w", err)
	}
	return true, nil
}

// due returns the transition that is due for a provider.
func (g *Gate) due(name string) (ports.Write, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.guarded(name)
	if p.watch == nil {
		return ports.Write{}, false
	}
	command := p.watch.Wants(name, g.now(), rand.Float64())
	if command == nil {
		return ports.Write{}, false
	}
	decided, err := p.state.Decide(command)
	if err != nil || len(decided) == 0 {
		return ports.Write{}, false
	}
	return ports.Write{
		StreamID: breakerPrefix + name, Expected: p.version, Events: decided, Meta: events.Meta{Actor: "breaker"},
	}, true
}

// Breaker returns the breaker of a provider as the log has it.
func (h *Handler) Breaker(ctx context.Context, provider string) (breaker.State, error) {
	s, err := load[breaker.State](ctx, h.Store, breakerPrefix+provider)
	return s.State, err
}

// OpenBreaker stops all calls to a provider: for a while, after which probes
// decide, or for as long as it is not closed where that is 0. Instances that run
// notice within a second.
func (h *Handler) OpenBreaker(ctx context.Context, caller Caller, provider, why string, during time.Duration) (breaker.State, error) {
	hold := breaker.Hold{Provider: provider, Why: why}
	if during > 0 {
		hold.Until = h.now().Add(during)
	}
	return h.moveBreaker(ctx, caller, provider, hold)
}

// CloseBreaker lets all calls to a provider pass again.
func (h *Handler) CloseBreaker(ctx context.Context, caller Caller, provider, why string) (breaker.State, error) {
	return h.moveBreaker(ctx, caller, provider, breaker.Close{Provider: provider, Reason: breaker.ReasonOperator + why})
}

func (h *Handler) moveBreaker(ctx context.Context, caller Caller, provider string, command domain.Command) (breaker.State, error) {
	s, _, err := execute(ctx, h.Store, breakerPrefix+provider, func(stream[breaker.State]) (domain.Command, events.Meta, error) {
		return command, caller.meta(), nil
	})
	return s.State, err
}
