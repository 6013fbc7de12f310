package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
)

// What the pulse looks at.
const (
	pulseSeconds = 120    // of history
	pulseBack    = 4000   // events read when somebody begins to look
	pulseFrame   = 1000   // events read at once
	pulseOpen    = 20_000 // texts whose time is taken
	pulseTimes   = 2000   // newest latencies that percentiles are of
)

// beat is the state of the gateway at one moment.
type beat struct {
	At       time.Time        `json:"at"`
	Series   map[string][]int `json:"series"` // events a second, oldest first
	P50      int64            `json:"p50"`    // ms from acceptance to the provider's answer
	P95      int64            `json:"p95"`
	Timed    int              `json:"timed"` // texts that the percentiles are of
	Statuses map[string]int64 `json:"statuses"`
	Waiting  map[string]int   `json:"waiting"` // by lane; -1: not known
	Lag      map[string]int64 `json:"lag"`     // events by projection
	Relay    int64            `json:"relay"`   // events that the bus has yet to be told; -1: not known
	Head     int64            `json:"head"`

	calls map[string]outcomes // of the last minute, by provider
}

// Behind is by how many events the view that is furthest behind lags.
func (b beat) Behind() (most int64) {
	for _, n := range b.Lag {
		most = max(most, n)
	}
	return most
}

// outcomes counts how calls to a provider ended, by the log.
type outcomes struct{ Good, Bad int }

// Calls is how many there were.
func (o outcomes) Calls() int { return o.Good + o.Bad }

// series names what the pulse counts, by event type.
var series = map[string]string{
	"message.accepted": "accepted", "message.dispatched": "dispatched", "message.delivered": "delivered",
	"message.failed": "failed", "message.undelivered": "failed", "message.dead_lettered": "failed", "message.in_doubt": "failed",
}

// pulse follows the log as long as somebody looks, and not otherwise.
type pulse struct {
	*ui
	closing context.Context

	mu       sync.Mutex
	watchers map[chan beat]struct{}
	running  bool
	work     sync.WaitGroup

	counting sync.Mutex
	counts   map[string]int64 // by status; replaced, never changed
	countAt  time.Time        // when they are counted anew
}

// stop ends closing by cancel, and returns when nothing is done any more.
func (p *pulse) stop(cancel func()) {
	p.mu.Lock() // so that none begins meanwhile
	cancel()
	p.mu.Unlock()
	p.work.Wait()
}

func newPulse(closing context.Context, u *ui) *pulse {
	return &pulse{ui: u, closing: closing, watchers: map[chan beat]struct{}{}}
}

// watch returns beats, one a second, until ctx ends. A watcher that is slow misses some.
func (p *pulse) watch(ctx context.Context) <-chan beat {
	beats := make(chan beat, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[beats] = struct{}{}
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, beats)
	})
	if !p.running && p.closing.Err() == nil {
		p.running = true
		p.work.Go(p.run)
	}
	return beats
}

func (p *pulse) run() {
	m := newMeter()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		b := p.beat(p.closing, m)
		p.mu.Lock()
		if p.running = len(p.watchers) > 0 && p.closing.Err() == nil; !p.running {
			p.mu.Unlock()
			return
		}
		for w := range p.watchers {
			select {
			case w <- b:
			default:
			}
		}
		p.mu.Unlock()
		select {
		case <-ticker.C:
		case <-p.closing.Done():
		}
	}
}

// beat brings m up to the head of the log and asks for the rest.
func (p *pulse) beat(ctx context.Context, m *meter) beat {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	store, views := p.Oversight.Queries.AsStored(), p.Oversight.Queries.Views
	head, err := store.Head(ctx)
	if err == nil {
		m.skipTo(head.LastPosition)
		for m.position < head.LastPosition {
			frame, err := store.Read(ctx, m.position, pulseFrame)
			if err != nil && !errors.Is(err, events.ErrUnreadable) || len(frame) == 0 {
				break
			}
			for _, e := range frame {
				m.add(e)
			}
		}
	}
	b := m.beat(p.Now())
	b.Head = head.LastPosition
	b.Statuses = p.statuses(ctx)
	b.Waiting, b.Lag = map[string]int{}, map[string]int64{}
	if p.Depth != nil {
		for _, lane := range domain.Lanes {
			n, err := p.Depth(ctx, lane)
			if err != nil {
				n = -1
			}
			b.Waiting[string(lane)] = n
		}
	}
	b.Relay = -1
	if p.RelayLag != nil {
		if behind, err := p.RelayLag(ctx); err == nil {
			b.Relay = behind
		}
	}
	for _, name := range p.Projections {
		if at, err := views.Checkpoint(ctx, name); err == nil {
			b.Lag[name] = max(0, head.LastPosition-at)
		}
	}
	return b
}

// statuses counts texts. With many of them counting takes a while, so it is done
// for a twentieth of the time at the most, for all who look together.
func (p *pulse) statuses(ctx context.Context) map[string]int64 {
	p.counting.Lock()
	defer p.counting.Unlock()
	if time.Now().Before(p.countAt) {
		return p.counts
	}
	start := time.Now()
	if counts, err := p.Oversight.Queries.CountByStatus(ctx); err == nil {
		p.counts = counts
	}
	p.countAt = time.Now().Add(20 * time.Since(start))
	return p.counts
}

// meter counts events by second of the log's own clock.
type meter struct {
	position int64
	seconds  map[int64]map[string]int
	calls    map[int64]map[string]outcomes // by second and provider
	accepted map[string]time.Time          // texts not sent yet
	times    []time.Duration
}

func newMeter() *meter {
	return &meter{seconds: map[int64]map[string]int{}, calls: map[int64]map[string]outcomes{}, accepted: map[string]time.Time{}}
}

// skipTo passes over what is too old to be worth reading.
func (m *meter) skipTo(head int64) { m.position = max(m.position, head-pulseBack, 0) }

func (m *meter) add(e events.Recorded) {
	m.position = e.Position
	if name := series[e.Type]; name != "" {
		second := e.RecordedAt.Unix()
		if m.seconds[second] == nil {
			m.seconds[second] = map[string]int{}
		}
		m.seconds[second][name]++
	}
	m.judge(e)
	switch d := e.Data.(type) {
	case events.MessageAccepted:
		if d.SendAt == nil && len(m.accepted) < pulseOpen {
			m.accepted[e.StreamID] = e.RecordedAt
		}
	case events.MessageDispatched:
		if at, ok := m.accepted[e.StreamID]; ok {
			delete(m.accepted, e.StreamID)
			m.times = append(m.times, e.RecordedAt.Sub(at))
			m.times = m.times[max(0, len(m.times)-pulseTimes):]
		}
	case events.MessageDeadLettered, events.MessageCanceled, events.MessageExpired, events.MessageOptedOut:
		delete(m.accepted, e.StreamID)
	}
}

// judge counts the outcome of a call.
func (m *meter) judge(e events.Recorded) {
	provider, verdict := verdictOf(e)
	second := e.RecordedAt.Unix()
	o := m.calls[second][provider]
	switch verdict {
	case breaker.Healthy:
		o.Good++
	case breaker.Failing, breaker.Down:
		o.Bad++
	default:
		return
	}
	if m.calls[second] == nil {
		m.calls[second] = map[string]outcomes{}
	}
	m.calls[second][provider] = o
}

func (m *meter) beat(now time.Time) beat {
	b := beat{At: now, Series: map[string][]int{}, Timed: len(m.times)}
	last := now.Unix() - 1 // the present second is not over
	for _, name := range []string{"accepted", "dispatched", "delivered", "failed"} {
		values := make([]int, pulseSeconds)
		for i := range values {
			values[i] = m.seconds[last-int64(pulseSeconds-1-i)][name]
		}
		b.Series[name] = values
	}
	for second := range m.seconds {
		if second < last-pulseSeconds {
			delete(m.seconds, second)
		}
	}
	b.calls = map[string]outcomes{}
	for second, providers := range m.calls {
		if second < last-breakerWindow {
			delete(m.calls, second)
			continue
		}
		for name, o := range providers {
			b.calls[name] = outcomes{b.calls[name].Good + o.Good, b.calls[name].Bad + o.Bad}
		}
	}
	if sorted := slices.Sorted(slices.Values(m.times)); len(sorted) > 0 {
		b.P50 = sorted[len(sorted)/2].Milliseconds()
		b.P95 = sorted[len(sorted)*95/100].Milliseconds()
	}
	return b
}
