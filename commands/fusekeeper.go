package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// fusePrefix is before a day of UTC in the id of the stream of its fuses.
const fusePrefix = "fuse_"

// fuseStreams returns the streams with all that may be in force at now, oldest first.
func fuseStreams(now time.Time) [2]string {
	stream := func(day time.Time) string { return fusePrefix + day.UTC().Format(time.DateOnly) }
	return [2]string{stream(now.Add(-fuse.MaxPause)), stream(now)}
}

// followed is what this instance has read of fuses.
type followed struct {
	streams  [2]string
	versions [2]int
	state    fuse.State
}

// take adds what streams have beyond what was read, and returns what is new. On another
// day it begins anew.
func (f *followed) take(now time.Time, recorded map[string][]events.Recorded) (news []events.Event) {
	if ids := fuseStreams(now); f.streams != ids {
		*f = followed{streams: ids}
	}
	for i, id := range f.streams {
		for _, r := range recorded[id][min(f.versions[i], len(recorded[id])):] {
			f.state, f.versions[i] = f.state.Evolve(r.Data), r.Version
			news = append(news, r.Data)
		}
	}
	return news
}

// loadFuses reads what may be in force at now, and the write that a decision goes into.
func loadFuses(ctx context.Context, store ports.EventStore, now time.Time) (fuse.State, ports.Write, error) {
	ids := fuseStreams(now)
	recorded, err := store.LoadMany(ctx, ids[:])
	if err != nil {
		return fuse.State{}, ports.Write{}, fmt.Errorf("loading fuses: %w", err)
	}
	var f followed
	f.take(now, recorded)
	return f.state, f.write(), nil
}

// write is what a decision goes into.
func (f *followed) write() ports.Write {
	return ports.Write{StreamID: f.streams[1], Expected: f.versions[1]}
}

// appendOne appends a write; false: its stream has moved.
func appendOne(ctx context.Context, store ports.EventStore, w ports.Write) (bool, error) {
	results, err := store.Append(ctx, w)
	if err == nil && !errors.Is(results[0].Err, ports.ErrConflict) {
		err = results[0].Err
	}
	if err != nil {
		return false, fmt.Errorf("appending to stream %s: %w", w.StreamID, err)
	}
	return results[0].Err == nil, nil
}

// Run keeps the fuse in step with the log, and judges samples, until ctx ends. What
// other instances decide is noticed within Interval. Without the store the fuse stays
// as it is.
func (f *Fuse) Run(ctx context.Context) error {
	interval := orDefault(f.Interval, time.Second)
	told := time.Time{} // when a fault was last logged
	for {
		if err := f.round(ctx); err != nil && ctx.Err() == nil && f.now().Sub(told) > 10*time.Second {
			f.Log.Error("following fuses", "error", err)
			told = f.now()
		}
		if wait(ctx, interval) != nil {
			return nil
		}
	}
}

func (f *Fuse) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := f.follow(ctx); err != nil {
		return err
	}
	f.share(ctx)
	for range 8 { // samples are some dozens of streams each
		judged, err := f.judge(ctx)
		if err != nil || !judged {
			return err
		}
	}
	return nil
}

// follow takes what the log says.
func (f *Fuse) follow(ctx context.Context) error {
	now := f.now()
	ids := fuseStreams(now)
	recorded, err := f.Store.LoadMany(ctx, ids[:])
	if err != nil {
		return fmt.Errorf("loading fuses: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.followed.take(now, recorded) {
		switch e := e.(type) {
		case events.FuseBlown:
			if now.Before(e.Until) {
				f.Log.Warn("texts to a prefix look pumped", "tenant", e.Tenant, "prefix", e.Prefix, "texts", e.Texts, "delivered", e.Delivered, "paused", e.Paused, "until", e.Until)
			}
		case events.FuseLifted:
			f.Log.Info("texts go to a prefix again", "tenant", e.Tenant, "prefix", e.Prefix)
		}
	}
	return nil
}

// share adds what was seen here to what all instances see. Where they cannot be asked,
// what was seen here counts here alone.
func (f *Fuse) share(ctx context.Context) {
	f.mu.Lock()
	seen := f.gathering.share()
	f.mu.Unlock()
	if f.Sightings == nil || len(seen) == 0 {
		return
	}
	complete, err := f.Sightings.Add(ctx, ports.SampleSize{Texts: f.Rule.Texts, Window: f.Rule.Window}, seen)
	if err != nil {
		f.Log.Debug("sharing what the fuse has seen", "error", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for block, sightings := range complete {
		f.gathering.drop(block)
		f.keep(block, sightings, f.now())
	}
}

// compared is how many texts elsewhere a sample is compared with.
const compared = 64

// judge judges one sample whose receipts have had their time; false: there is none.
func (f *Fuse) judge(ctx context.Context) (bool, error) {
	block, seen, elsewhere, ok := f.ripe()
	if !ok {
		return false, nil
	}
	ids := make([]string, len(seen))
	for i, one := range seen {
		ids[i] = one.MessageID
	}
	recorded, err := f.Store.LoadMany(ctx, append(ids, elsewhere...))
	if fatal(err) != nil {
		return false, fmt.Errorf("judging a sample: %w", err)
	}
	texts, others := became(ids, recorded), became(elsewhere, recorded)
	if f.Rule.Blows(texts, others) {
		if err := f.blow(ctx, block, texts); err != nil {
			return false, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.complete, block)
	return true, nil
}

// ripe returns a sample whose receipts have had their time, and texts elsewhere that
// were sent until it was complete.
func (f *Fuse) ripe() (block fuse.Block, seen []ports.Sighting, elsewhere []string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	for block, s := range f.complete {
		if now.Sub(s.at) >= f.Rule.Wait {
			return block, s.seen, f.elsewhere.before(s.at, block, compared), true
		}
	}
	return fuse.Block{}, nil, nil, false
}

// became counts what became of texts. The types of their events say so, also where
// payloads are in an archive or cannot be read.
func became(ids []string, recorded map[string][]events.Recorded) (s fuse.Sample) {
	for _, id := range ids {
		s.Texts++
		for _, r := range recorded[id] {
			switch r.Type {
			case events.MessageDelivered{}.EventType():
				s.Delivered++
			case events.MessageUndelivered{}.EventType():
				s.Undelivered++
			}
		}
	}
	return s
}

// blow appends that a block is pumped. Of many instances one wins, and all follow it.
func (f *Fuse) blow(ctx context.Context, block fuse.Block, texts fuse.Sample) error {
	for range tries {
		f.mu.Lock()
		state, write := f.followed.state, f.followed.write()
		f.mu.Unlock()
		decided, err := state.Decide(fuse.Blow{Block: block, Sample: texts, Rule: f.Rule, Now: f.now()})
		if err != nil || len(decided) == 0 {
			return err
		}
		write.Events, write.Meta = decided, events.Meta{Tenant: block.Tenant, Actor: "fuse"}
		done, err := appendOne(ctx, f.Store, write)
		if err = errors.Join(err, f.follow(ctx)); err != nil || done {
			return err
		}
	}
	return nil // decided again with its next sample
}
