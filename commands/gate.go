package commands

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/ports"
)

// Gate says whether a provider may be called just now: its breaker and its pace
// let a call pass or have it wait. Neither refuses anything for good.
//
// Admitting and reporting need no store and no counts; Run, in the background,
// follows what the log says of the breakers, appends transitions and shares
// counts. Until Run has read the log nothing passes. Gate is safe for concurrent
// use; a nil one lets everything pass.
type Gate struct {
	Store     ports.EventStore
	Rule      breaker.Rule
	Providers []string            // that Run follows from the start; any other from its first call on
	Counts    ports.BreakerCounts // nil, or gone: each instance counts for itself
	Limiter   ports.Limiter       // of PerSecond
	PerSecond int                 // calls a second to a provider; 0: unlimited
	PerSender int                 // the same from one sender; 0: unlimited
	InFlight  int                 // most calls at once, at which a pace that was slowed has no bound; 0: 128
	Own       map[string]Terms    // of providers for which not all of that holds
	Interval  time.Duration       // of following and sharing; 0: 1 s
	Now       func() time.Time    // nil: time.Now
	Log       *slog.Logger

	mu        sync.Mutex
	providers map[string]*guarded
	changed   chan struct{} // closed, and replaced, when something may pass that could not
	news      chan struct{} // holds a token when Run has something to do
}

// Terms are those on which one provider is called: what Gate has for all of them.
type Terms struct {
	Rule      breaker.Rule
	PerSecond int
	PerSender int
	InFlight  int
}

func (g *Gate) terms(provider string) Terms {
	t, ok := g.Own[provider]
	if !ok {
		t = Terms{g.Rule, g.PerSecond, g.PerSender, g.InFlight}
	}
	t.InFlight = orDefault(t.InFlight, 128)
	return t
}

// guarded is one provider.
type guarded struct {
	watch   *breaker.Watch // nil until the log is read
	state   breaker.State
	version int       // of the breaker's stream
	since   time.Time // when this instance learned of state
	pace    pace
}

// Pass is the right to make one call. Exactly one of Cancel and Done ends it.
type Pass struct {
	gate     *Gate
	provider string
	version  int // of the breaker's stream when it was given
	lease    int
	began    time.Time
}

// Delay says why a call has to wait.
type Delay struct {
	Reason string
	Until  time.Time // when to ask again at the latest; zero: when Changed says so
}

// sooner reports whether d is known to end before other.
func (d Delay) sooner(other Delay) bool {
	return !d.Until.IsZero() && (other.Until.IsZero() || d.Until.Before(other.Until))
}

// Admit gives a pass for a call to provider with a text from sender, empty for the
// provider's own, or says what it waits for.
func (g *Gate) Admit(ctx context.Context, provider, sender string) (Pass, Delay, bool) {
	if g == nil {
		return Pass{}, Delay{}, true
	}
	pass, delay, ok := g.admit(provider)
	limits := g.limits(provider, sender)
	if !ok || len(limits) == 0 {
		return pass, delay, ok
	}
	taken, err := g.Limiter.Take(ctx, limits)
	if err != nil || !taken.Allowed {
		pass.Cancel()
		return Pass{}, Delay{domain.DeferredForPacing, g.now().Add(max(taken.RetryAfter, time.Millisecond))}, false
	}
	return pass, Delay{}, true
}

// sparing is for how long nothing probes a provider with its last attempt: what has
// more of them to lose comes first, where there is any.
const sparing = 5 * time.Second

// AdmitTired is Admit for a text that has failed before and has one attempt left: a
// provider that is just being probed is left to others for a while.
func (g *Gate) AdmitTired(ctx context.Context, provider, sender string) (Pass, Delay, bool) {
	if until, ok := g.spares(provider); ok {
		return Pass{}, Delay{domain.DeferredForBreaker, until}, false
	}
	return g.Admit(ctx, provider, sender)
}

func (g *Gate) spares(provider string) (until time.Time, ok bool) {
	if g == nil {
		return time.Time{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.guarded(provider)
	until = p.since.Add(sparing)
	return until, p.state.Phase == breaker.HalfOpen && g.now().Before(until)
}

// limits are those of a call, taken from all at once or from none.
func (g *Gate) limits(provider, sender string) (limits []ports.Limit) {
	terms := g.terms(provider)
	if terms.PerSecond > 0 {
		limits = append(limits, ports.Limit{Key: "provider:" + provider, Rate: terms.PerSecond, Burst: max(1, terms.PerSecond/10)})
	}
	if terms.PerSender > 0 {
		limits = append(limits, ports.Limit{Key: "sender:" + provider + ":" + sender, Rate: terms.PerSender, Burst: max(1, terms.PerSender/10)})
	}
	return limits
}

func (g *Gate) admit(provider string) (Pass, Delay, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, now := g.guarded(provider), g.now()
	if p.watch == nil {
		g.tell()
		return Pass{}, Delay{Reason: domain.DeferredForBreaker}, false
	}
	again, ok := p.pace.admit(now)
	if !ok {
		return Pass{}, Delay{domain.DeferredForPacing, again}, false
	}
	lease, ok := p.watch.Admit(now)
	if !ok {
		p.pace.leave()
		return Pass{}, Delay{domain.DeferredForBreaker, p.watch.Again()}, false
	}
	return Pass{g, provider, p.version, lease, now}, Delay{}, true
}

// Cancel gives the pass back: no call is made.
func (p Pass) Cancel() {
	p.end(func(g *guarded, _ time.Time) {
		g.pace.leave()
		if g.version == p.version {
			g.watch.Return(p.lease)
		}
	})
}

// Done reports what the call came to. What was seen in an earlier state of the
// breaker says nothing about this one.
func (p Pass) Done(o ports.Outcome) {
	p.end(func(g *guarded, now time.Time) {
		g.pace.returned(p.began, now, o.Class == domain.ClassThrottled, o.RetryAfter, p.gate.terms(p.provider).InFlight)
		if g.version != p.version {
			return
		}
		g.watch.Report(p.lease, breaker.Judge(o.Class, o.HTTPStatus, o.Cause), now)
		if g.watch.Wants(p.provider, now, 0) != nil {
			p.gate.tell()
		}
	})
}

func (p Pass) end(how func(*guarded, time.Time)) {
	if p.gate == nil {
		return
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	g := p.gate.guarded(p.provider)
	waiting := g.pace.limit > 0 || g.state.Phase == breaker.HalfOpen
	how(g, p.gate.now())
	if waiting {
		p.gate.ring()
	}
}

// Changed returns a channel that is closed when what had to wait may ask again.
func (g *Gate) Changed() <-chan struct{} {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.init()
	return g.changed
}

// Shut reports whether nothing at all passes to provider until its breaker's
// cooldown is over.
func (g *Gate) Shut(provider string) bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.guarded(provider).state.Phase == breaker.Open
}

// Closed reports whether provider's breaker lets everything pass: one that is about to
// open does not.
func (g *Gate) Closed(provider string) bool {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.guarded(provider)
	return p.watch != nil && p.state.Phase == breaker.Closed && !p.watch.Tripped()
}

// States returns where each breaker stands: 0 closed, 1 open, 0.5 half open.
func (g *Gate) States() map[string]float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	states := map[string]float64{}
	for _, name := range g.Providers {
		g.guarded(name)
	}
	for name, p := range g.providers {
		states[name] = map[breaker.Phase]float64{breaker.Open: 1, breaker.HalfOpen: 0.5}[p.state.Phase]
	}
	return states
}

// guarded returns the provider of that name. g.mu is held.
func (g *Gate) guarded(name string) *guarded {
	g.init()
	p := g.providers[name]
	if p == nil {
		p = &guarded{}
		g.providers[name] = p
	}
	return p
}

func (g *Gate) init() {
	if g.providers == nil {
		g.providers, g.changed, g.news = map[string]*guarded{}, make(chan struct{}), make(chan struct{}, 1)
	}
}

// ring wakes whatever waits for Changed. g.mu is held.
func (g *Gate) ring() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// tell wakes Run. g.mu is held.
func (g *Gate) tell() {
	select {
	case g.news <- struct{}{}:
	default:
	}
}

func (g *Gate) now() time.Time {
	if g.Now == nil {
		return time.Now().UTC()
	}
	return g.Now().UTC()
}
