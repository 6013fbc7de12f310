package domain

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pro-sms/prosms/events"
)

// ErrReplayEnded says that a replay is canceled or completed.
var ErrReplayEnded = errors.New("replay has ended")

// ReplayStatus is where a replay stands; the API shows these words.
type ReplayStatus string

// The statuses of a replay.
const (
	ReplayRunning   ReplayStatus = "running"
	ReplayPaused    ReplayStatus = "paused"
	ReplayCanceled  ReplayStatus = "canceled"
	ReplayCompleted ReplayStatus = "completed"
)

// Bounds of a replay.
const (
	MaxReplay     = 10_000 // messages
	MaxReplayRate = 1_000  // messages a second
)

// A replay pauses itself when, of at least pauseFrom messages that were redriven
// since somebody last let it go on, and are settled, more than one in pauseShare
// failed again.
const (
	pauseFrom  = 10
	pauseShare = 5
)

// By whom and why a replay pauses itself.
const (
	replayer      = "replayer"
	tooManyFailed = "more than 20 % failed again"
)

// Replay is the state of one replay of dead letters, folded from its events. Its
// selection is frozen when it is requested. The zero value does not exist yet.
type Replay struct {
	Status  ReplayStatus
	Request events.ReplayRequested
	IDs     []string       // the selection, in the order in which it is redriven
	index   map[string]int // of each in IDs
	items   items          // what came of each
	settled int            // sent or failed, redriven since it began or was resumed
	failed  int            // of those
}

// RequestReplay starts a replay over messages, which are distinct.
type RequestReplay struct {
	Request events.ReplayRequested
	IDs     []string
}

// Progress says what came of some items.
type Progress struct{ Items []events.ReplayItem }

// PauseReplay, ResumeReplay and CancelReplay steer a replay.
type (
	PauseReplay  struct{ By, Reason string }
	ResumeReplay struct{ By, Reason string }
	CancelReplay struct{ By, Reason string }
)

// Decide answers c with events. None, and no error, mean that c no longer matters.
func (r Replay) Decide(c Command) ([]events.Event, error) {
	if request, ok := c.(RequestReplay); ok {
		return r.request(request)
	}
	if r.Status == "" {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Progress:
		return r.progress(c), nil
	case PauseReplay:
		return r.steer(ReplayPaused, events.ReplayPaused{By: c.By, Reason: c.Reason})
	case ResumeReplay:
		return r.steer(ReplayRunning, events.ReplayResumed{By: c.By, Reason: c.Reason})
	case CancelReplay:
		return r.steer(ReplayCanceled, events.ReplayCanceled{By: c.By, Reason: c.Reason})
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

// Evolve returns r after e.
func (r Replay) Evolve(e events.Event) Replay {
	switch e := e.(type) {
	case events.ReplayRequested:
		r.Status, r.Request = ReplayRunning, e
	case events.ReplaySelected:
		r = r.evolveSelected(e)
	case events.ReplayProgressed:
		r = r.evolveProgressed(e)
	case events.ReplayPaused:
		r.Status = ReplayPaused
	case events.ReplayResumed:
		r.Status, r.items, r.settled, r.failed = ReplayRunning, r.items.resumed(), 0, 0
	case events.ReplayCanceled:
		r.Status = ReplayCanceled
	case events.ReplayCompleted:
		r.Status = ReplayCompleted
	}
	return r
}

func (r Replay) evolveSelected(e events.ReplaySelected) Replay {
	index := maps.Clone(r.index)
	if index == nil {
		index = map[string]int{}
	}
	for i, id := range e.IDs {
		index[id] = len(r.IDs) + i
	}
	r.IDs, r.index = append(slices.Clip(r.IDs), e.IDs...), index
	r.items = append(slices.Clip(r.items), make(items, len(e.IDs))...)
	return r
}

func (r Replay) evolveProgressed(e events.ReplayProgressed) Replay {
	r.items = slices.Clone(r.items)
	for _, item := range e.Items {
		i, ok := r.index[item.ID]
		if !ok {
			continue
		}
		lately := r.items[i] == redrivenLately
		r.items[i] = stateOf(item)
		if lately && item.Outcome != ItemSkipped {
			r.settled++
		}
		if lately && item.Outcome == ItemFailed {
			r.failed++
		}
	}
	return r
}

// Item returns what came of the i-th of IDs; its outcome is empty while it is pending.
func (r Replay) Item(i int) events.ReplayItem {
	item := itemStates[r.items[i]]
	item.ID = r.IDs[i]
	return item
}

// Count returns how many items have an outcome.
func (r Replay) Count(outcome string) int { return r.items.count(outcome) }

// Select returns up to limit items that have an outcome, in order.
func (r Replay) Select(outcome string, limit int) []string {
	var found []string
	for i, state := range r.items {
		if len(found) == limit {
			break
		}
		if itemStates[state].Outcome == outcome {
			found = append(found, r.IDs[i])
		}
	}
	return found
}

// Ended reports whether r redrives nothing any more.
func (r Replay) Ended() bool { return r.Status == ReplayCanceled || r.Status == ReplayCompleted }

func (r Replay) request(c RequestReplay) ([]events.Event, error) {
	if r.Status != "" {
		return nil, ErrExists
	}
	c.Request.Selected = len(c.IDs)
	list := []events.Event{c.Request}
	for part := range slices.Chunk(c.IDs, events.MaxReplayItems) {
		list = append(list, events.ReplaySelected{IDs: part})
	}
	return list, nil
}

func (r Replay) steer(to ReplayStatus, e events.Event) ([]events.Event, error) {
	switch {
	case r.Status == to:
		return nil, nil
	case r.Ended():
		return nil, fmt.Errorf("replay is %s: %w", r.Status, ErrReplayEnded)
	}
	return []events.Event{e}, nil
}

// progress records what is news, and draws the consequence: a replay of which all
// items are done is completed, one of which too many failed again is paused. What
// was done is recorded whatever the status is now.
func (r Replay) progress(c Progress) []events.Event {
	var list []events.Event
	for part := range slices.Chunk(r.news(c.Items), events.MaxReplayItems) {
		list = append(list, events.ReplayProgressed{Items: part})
	}
	after := r
	for _, e := range list {
		after = after.Evolve(e)
	}
	switch done := after.Count(ItemSent) + after.Count(ItemSkipped) + after.Count(ItemFailed); {
	case after.Ended():
	case done == len(after.IDs):
		list = append(list, events.ReplayCompleted{
			Sent: after.Count(ItemSent), Skipped: after.Count(ItemSkipped), Failed: after.Count(ItemFailed),
		})
	case after.Status == ReplayRunning && after.settled >= pauseFrom && after.failed*pauseShare > after.settled && after.Count(ItemPending) > 0:
		list = append(list, events.ReplayPaused{By: replayer, Reason: tooManyFailed})
	}
	return list
}

// news returns the items that have come further: a pending one is redriven or
// skipped, a redriven one settled. Each counts once, however often it is told.
func (r Replay) news(told []events.ReplayItem) []events.ReplayItem {
	known := map[string]bool{}
	var news []events.ReplayItem
	for _, item := range told {
		i, ok := r.index[item.ID]
		if !ok || known[item.ID] {
			continue
		}
		switch was := r.Item(i).Outcome; {
		case was == ItemPending && (item.Outcome == ItemRedriven || item.Outcome == ItemSkipped):
		case was == ItemRedriven && item.Outcome != ItemRedriven:
		default:
			continue
		}
		known[item.ID] = true
		news = append(news, item)
	}
	return news
}
