package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// fatal returns err unless it says no more than that some events cannot be read, which
// stand in what came along with it as events.Unreadable.
func fatal(err error) error {
	if errors.Is(err, events.ErrUnreadable) {
		return nil
	}
	return err
}

// readable is for who has something to do with each of many streams: of what LoadMany
// returned it leaves out those that cannot be read, as if they did not exist.
func readable(streams map[string][]events.Recorded, err error) (map[string][]events.Recorded, error) {
	if errors.Is(err, events.ErrUnreadable) {
		for id, recorded := range streams {
			if unreadable(recorded) {
				delete(streams, id)
			}
		}
	}
	return streams, fatal(err)
}

// unreadable reports whether anything in a stream cannot be read.
func unreadable(recorded []events.Recorded) bool {
	return slices.ContainsFunc(recorded, func(r events.Recorded) bool { return r.Unreadable() != nil })
}

// Unreadables are the events that could not be read, and have not been since. Each is
// told in the log once. It is safe for concurrent use.
type Unreadables struct {
	Log *slog.Logger

	mu    sync.Mutex
	found map[int64]unreadEvent // by position
}

// unreadEvent is one that could not be read in the stores that are named.
type unreadEvent struct {
	event events.Recorded
	in    map[*watched]bool
}

// mostUnread bounds what is remembered: of more it need not be known which.
const mostUnread = 1000

// In returns store, such that what cannot be read there is found. What can be read of
// a log may still be unreadable in a store that unseals it: both are to be watched.
func (u *Unreadables) In(store ports.EventStore) ports.EventStore { return &watched{store, u} }

// Found returns the events that cannot be read, in the order of the log.
func (u *Unreadables) Found() []events.Recorded {
	u.mu.Lock()
	defer u.mu.Unlock()
	found := make([]events.Recorded, 0, len(u.found))
	for _, position := range slices.Sorted(maps.Keys(u.found)) {
		found = append(found, u.found[position].event)
	}
	return found
}

// Err returns why the first of them cannot be read; nil: there is none.
func (u *Unreadables) Err() error {
	for _, r := range u.Found() {
		return fmt.Errorf("stream %s: %w", r.StreamID, r.Unreadable())
	}
	return nil
}

// look notes what of recorded cannot be read in a store, and what can be by now.
func (u *Unreadables) look(w *watched, err error, recorded []events.Recorded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.found) == 0 && !errors.Is(err, events.ErrUnreadable) {
		return
	}
	for _, r := range recorded {
		known, ok := u.found[r.Position]
		switch fault := r.Unreadable(); {
		case fault == nil && known.in[w]:
			if delete(known.in, w); len(known.in) == 0 {
				delete(u.found, r.Position)
				u.Log.Info("an event can be read again", "position", r.Position, "stream", r.StreamID)
			}
		case fault != nil && ok:
			known.in[w] = true
		case fault != nil && len(u.found) < mostUnread:
			if u.found == nil {
				u.found = map[int64]unreadEvent{}
			}
			u.found[r.Position] = unreadEvent{r, map[*watched]bool{w: true}}
			u.Log.Error("an event cannot be read: what depends on it is held, and nothing else",
				"position", r.Position, "stream", r.StreamID, "type", r.Type, "error", fault)
		}
	}
}

// watched is a store in which what cannot be read is found.
type watched struct {
	ports.EventStore
	found *Unreadables
}

// Load implements ports.EventStore.
func (w *watched) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	recorded, err := w.EventStore.Load(ctx, streamID)
	w.found.look(w, err, recorded)
	return recorded, err
}

// LoadMany implements ports.EventStore.
func (w *watched) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	streams, err := w.EventStore.LoadMany(ctx, streamIDs)
	for _, recorded := range streams {
		w.found.look(w, err, recorded)
	}
	return streams, err
}

// Read implements ports.EventStore.
func (w *watched) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := w.EventStore.Read(ctx, position, limit)
	w.found.look(w, err, page)
	return page, err
}
