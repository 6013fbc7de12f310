package api

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Pace of looking for changes on behalf of all who wait.
const (
	minPause = 20 * time.Millisecond // after a look, whatever happens in the log
	restRate = 9                     // a look that took t is followed by a pause of 9 t: a tenth of the time at most
	maxPause = time.Second           // without a hint from the store, which may come late
	maxLook  = 500                   // streams loaded at once
)

// polls lets requests wait for streams to grow. One of those who wait leads: it
// loads the streams of all of them together when the log has grown, so that a
// thousand cost one query and not a thousand. There is no goroutine behind it;
// when the leader leaves, another takes the lead.
type polls struct {
	store ports.EventStore
	max   int
	lead  slots // holds one while somebody leads

	mu      sync.Mutex
	waiting map[*poll]struct{}
}

// poll waits for one stream to be at another version.
type poll struct {
	streamID string
	version  int
	changed  chan []events.Recorded // gets the stream, once
}

func newPolls(store ports.EventStore, limit int) *polls {
	return &polls{store: store, max: limit, lead: make(slots, 1), waiting: map[*poll]struct{}{}}
}

// join begins to listen; nil when too many listen already. Who joins must leave.
func (p *polls) join(streamID string, version int) *poll {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= p.max {
		return nil
	}
	joined := &poll{streamID: streamID, version: version, changed: make(chan []events.Recorded, 1)}
	p.waiting[joined] = struct{}{}
	return joined
}

// leave ends listening.
func (p *polls) leave(joined *poll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, joined)
}

// wait returns the stream of joined once it is at another version; nil, and no
// error, when ctx ends first. An error means that the store could not be asked.
func (p *polls) wait(ctx context.Context, joined *poll) ([]events.Recorded, error) {
	select {
	case stream := <-joined.changed:
		return stream, nil
	case <-ctx.Done():
		return nil, nil
	case p.lead <- struct{}{}:
	}
	defer p.lead.free()
	for {
		grown, start := p.store.Changed(), time.Now()
		err := p.look(ctx)
		select {
		case stream := <-joined.changed:
			return stream, nil
		default:
		}
		switch {
		case ctx.Err() != nil:
			return nil, nil
		case err != nil:
			return nil, err
		}
		pause(ctx, max(minPause, restRate*time.Since(start)), nil)
		pause(ctx, maxPause, grown)
	}
}

// pause lets d pass, or less when ctx ends or early is closed.
func pause(ctx context.Context, d time.Duration, early <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
	}
}

// look loads all streams that somebody waits for and hands out those that changed.
func (p *polls) look(ctx context.Context) error {
	ids := p.ids()
	for len(ids) > 0 {
		n := min(len(ids), maxLook)
		streams, err := p.store.LoadMany(ctx, ids[:n])
		if err != nil && !errors.Is(err, events.ErrUnreadable) {
			return err
		}
		maps.DeleteFunc(streams, func(_ string, stream []events.Recorded) bool {
			return slices.ContainsFunc(stream, func(r events.Recorded) bool { return r.Unreadable() != nil })
		})
		p.handOut(streams)
		ids = ids[n:]
	}
	return nil
}

func (p *polls) ids() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := make(map[string]bool, len(p.waiting))
	ids := make([]string, 0, len(p.waiting))
	for w := range p.waiting {
		if !seen[w.streamID] {
			seen[w.streamID] = true
			ids = append(ids, w.streamID)
		}
	}
	return ids
}

func (p *polls) handOut(streams map[string][]events.Recorded) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.waiting {
		stream := streams[w.streamID]
		if len(stream) == 0 || stream[len(stream)-1].Version == w.version {
			continue
		}
		w.changed <- stream // never blocks: it has room for one and leaves with it
		delete(p.waiting, w)
	}
}
