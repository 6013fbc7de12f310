package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Replayer carries out replays: it redrives what they select, as fast as each
// wants, and follows what was redriven until it is settled. It acts on the log and
// only uses the view to find what is open. A message is redriven first and told to
// its replay afterwards; whoever is killed in between finds in the message that it
// was redriven already.
//
// One instance runs it at a time (ports.Leader); two would do no harm.
type Replayer struct {
	Store ports.EventStore
	// Open returns replays that have something left to do, and their versions.
	Open     func(context.Context) ([]OpenReplay, error)
	Interval time.Duration    // between rounds; 0: 250 ms
	Follow   time.Duration    // between looks at what was redriven; 0: 1 s
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger

	known map[string]*replaying // by id
}

// OpenReplay is a replay as the view shows it.
type OpenReplay struct {
	ID      string
	Version int
}

// replaying is a replay under way. It stays in memory between rounds: its stream
// grows long.
type replaying struct {
	stream[domain.Replay]
	paced    time.Time // when allowed was brought up to date; zero: never
	allowed  float64   // messages that may be redriven now
	followed time.Time
	window   int // where the next look at what was redriven begins
}

// Run carries replays out until ctx ends.
func (r *Replayer) Run(ctx context.Context) error {
	for {
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("replaying", "error", err)
		}
		if wait(ctx, orDefault(r.Interval, 250*time.Millisecond)) != nil {
			return nil
		}
	}
}

// round brings every open replay a step further.
func (r *Replayer) round(ctx context.Context) error {
	open, err := r.Open(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]*replaying, len(open))
	var faults []error
	for _, o := range open {
		replay := r.known[o.ID]
		if replay == nil {
			replay = &replaying{}
		}
		if replay.Version < o.Version { // new to us, or steered by somebody
			if replay.stream, err = load[domain.Replay](ctx, r.Store, o.ID); err != nil {
				faults = append(faults, err)
				continue
			}
		}
		known[o.ID] = replay
		if err := r.advance(ctx, replay); err != nil {
			delete(known, o.ID) // what it came to is not certain: load it again
			faults = append(faults, fmt.Errorf("replay %s: %w", o.ID, err))
		}
	}
	r.known = known
	return errors.Join(faults...)
}

// advance redrives what may be redriven now and tells the replay what is new.
func (r *Replayer) advance(ctx context.Context, replay *replaying) error {
	now := r.now()
	var came []events.ReplayItem
	if replay.State.Status == domain.ReplayRunning {
		items, err := r.redrive(ctx, replay, replay.allow(now))
		if err != nil {
			return err
		}
		came = items
	}
	if now.Sub(replay.followed) >= orDefault(r.Follow, time.Second) {
		items, err := r.follow(ctx, replay)
		if err != nil {
			return err
		}
		came, replay.followed = append(came, items...), now
	}
	if len(came) == 0 {
		return nil
	}
	after, _, err := executeOn(ctx, r.Store, replay.stream, func(s stream[domain.Replay]) (domain.Command, events.Meta, error) {
		return domain.Progress{Items: came}, s.consequence("replayer"), nil
	})
	if err == nil {
		replay.stream = after
	}
	return err
}

// allow returns how many messages may be redriven at now: as many as the rate gave
// since it was asked last, one at first, and never more than a second's worth.
func (r *replaying) allow(now time.Time) int {
	rate := float64(max(1, r.State.Request.Rate))
	if r.paced.IsZero() {
		r.allowed = 1
	} else {
		r.allowed = min(r.allowed+rate*now.Sub(r.paced).Seconds(), rate)
	}
	r.paced = now
	return min(int(r.allowed), events.MaxReplayItems)
}

// redrive redrives up to n messages, in one commit, and returns what came of those
// that are decided. One that others moved meanwhile stays pending.
func (r *Replayer) redrive(ctx context.Context, replay *replaying, n int) ([]events.ReplayItem, error) {
	ids := replay.State.Select(domain.ItemPending, n)
	if len(ids) == 0 {
		return nil, nil
	}
	recorded, err := readable(r.Store.LoadMany(ctx, ids))
	if err != nil {
		return nil, err
	}
	request := replay.State.Request
	command := domain.Redrive{By: request.By, Reason: request.Reason, ReplayID: replay.ID, IncludeInDoubt: request.IncludeInDoubt}
	var came []events.ReplayItem
	var writes []ports.Write
	for _, id := range ids {
		m := fold[domain.Message](id, recorded[id])
		if m.Version == 0 {
			came = append(came, events.ReplayItem{ID: id, Outcome: domain.ItemSkipped, Why: string(domain.Unreadable)})
			continue
		}
		if m.State.Redriven(replay.ID) { // by whoever was killed before it could tell
			came = append(came, events.ReplayItem{ID: id, Outcome: domain.ItemRedriven})
			continue
		}
		if why := m.State.Refusal(command); why != "" {
			came = append(came, events.ReplayItem{ID: id, Outcome: domain.ItemSkipped, Why: string(why)})
			continue
		}
		decided, err := m.State.Decide(command)
		if err != nil {
			return nil, fmt.Errorf("redriving %s: %w", id, err)
		}
		meta := m.consequence(request.By)
		meta.CausationID = fmt.Sprintf("%s:%d", replay.ID, replay.Version)
		writes = append(writes, ports.Write{StreamID: id, Expected: m.Version, Events: decided, Meta: meta})
	}
	if len(writes) == 0 {
		return came, nil
	}
	results, err := r.Store.Append(ctx, writes...)
	if err != nil {
		return nil, fmt.Errorf("redriving %d messages: %w", len(writes), err)
	}
	for i, result := range results {
		if result.Err == nil {
			replay.allowed--
			came = append(came, events.ReplayItem{ID: writes[i].StreamID, Outcome: domain.ItemRedriven})
		}
	}
	return came, nil
}

// follow looks at a part of what was redriven, another one each time.
func (r *Replayer) follow(ctx context.Context, replay *replaying) ([]events.ReplayItem, error) {
	unsettled := replay.State.Select(domain.ItemRedriven, domain.MaxReplay)
	if len(unsettled) == 0 {
		return nil, nil
	}
	if replay.window >= len(unsettled) || len(unsettled) <= loadedAtOnce {
		replay.window = 0
	}
	ids := unsettled[replay.window:min(replay.window+loadedAtOnce, len(unsettled))]
	replay.window += len(ids)
	recorded, err := readable(r.Store.LoadMany(ctx, ids))
	if err != nil {
		return nil, err
	}
	var came []events.ReplayItem
	for _, id := range ids {
		if item, ok := fold[domain.Message](id, recorded[id]).State.Became(); ok {
			item.ID = id
			came = append(came, item)
		}
	}
	return came, nil
}

func (r *Replayer) now() time.Time {
	if r.Now == nil {
		return time.Now().UTC()
	}
	return r.Now().UTC()
}
