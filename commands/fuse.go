package commands

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Fuse watches the texts that are sent, by block of numbers, and stops those to a
// block that looks pumped: new ones are refused, those accepted wait.
//
// Telling it of a text and asking it need no store and no counts; Run, in the
// background, follows what the log says, shares what was seen, and judges samples. It
// is safe for concurrent use; a nil one pauses nothing.
type Fuse struct {
	Store     ports.EventStore // what is personal may be sealed in it
	Rule      fuse.Rule
	Sightings ports.Sightings  // nil, or gone: each instance counts for itself
	Interval  time.Duration    // of following and sharing; 0: 1 s
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger

	mu        sync.Mutex
	gathering gathering
	complete  map[fuse.Block]sample // that wait for their receipts
	elsewhere trickle
	followed  followed
}

// sample is a complete one.
type sample struct {
	at   time.Time // when it was complete
	seen []ports.Sighting
}

// mostSamples bounds those that wait for their receipts. Others are not judged.
const mostSamples = 1000

// sent tells of a text that a provider has taken.
func (f *Fuse) sent(tenant, id string, text events.MessageAccepted) {
	if f == nil || text.Test {
		return
	}
	block, ok := f.Rule.Block(tenant, string(text.To))
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	f.elsewhere.add(now, f.Rule.Wait, block, id)
	if _, waits := f.complete[block]; waits || f.Rule.Rests(f.followed.state.Of(block), now) {
		return
	}
	if seen := f.gathering.add(f.Rule, now, block, ports.Sighting{Number: numberHash(text.Consent), MessageID: id}); seen != nil {
		f.keep(block, seen, now)
	}
}

// keep lets a complete sample wait for its receipts. f.mu is held.
func (f *Fuse) keep(block fuse.Block, seen []ports.Sighting, now time.Time) {
	if f.complete == nil {
		f.complete = map[fuse.Block]sample{}
	}
	if _, waits := f.complete[block]; !waits && len(f.complete) < mostSamples {
		f.complete[block] = sample{at: now, seen: seen}
	}
}

// numberHash tells numbers apart: the stream of a consent is named by a keyed hash of
// its number.
func numberHash(consent string) uint64 {
	const digits = 16
	if len(consent) < len(consentPrefix)+digits {
		return 0
	}
	hash, _ := strconv.ParseUint(consent[len(consentPrefix):][:digits], 16, 64)
	return hash
}

// paused returns why texts of a tenant to a number are not sent at now; false: they are.
func (f *Fuse) paused(tenant, number string, now time.Time) (fuse.Standing, bool) {
	if f == nil || f.Rule.ReportOnly {
		return fuse.Standing{}, false
	}
	block, ok := f.Rule.Block(tenant, number)
	if !ok {
		return fuse.Standing{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	standing := f.followed.state.Of(block)
	return standing, standing.Paused && standing.InForce(now)
}

// Holding a text whose prefix is paused: an operator may lift the pause, so it asks
// again after as long as the pause has lasted, within these bounds.
const (
	shortestHold = time.Minute
	longestHold  = 15 * time.Minute
)

// hold returns until when a text has to wait before it asks again; zero: it need not.
func (f *Fuse) hold(tenant string, text events.MessageAccepted, now time.Time) time.Time {
	if text.Test {
		return time.Time{}
	}
	standing, paused := f.paused(tenant, string(text.To), now)
	if !paused {
		return time.Time{}
	}
	again := now.Truncate(time.Second).Add(min(max(now.Sub(standing.At), shortestHold), longestHold))
	if standing.Until.Before(again) {
		return standing.Until
	}
	return again
}

// Blown returns how many blocks are paused, and how many are only reported.
func (f *Fuse) Blown() (paused, reported int) {
	if f == nil {
		return 0, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, standing := range f.followed.state.InForce(f.now()) {
		switch {
		case standing.Lifted:
		case standing.Paused && !f.Rule.ReportOnly:
			paused++
		default:
			reported++
		}
	}
	return paused, reported
}

func (f *Fuse) now() time.Time {
	if f.Now == nil {
		return time.Now().UTC().Truncate(time.Microsecond)
	}
	return f.Now().UTC()
}

// PrefixPaused says that texts to numbers that begin like the recipient's are paused.
type PrefixPaused struct{ RetryAfter time.Duration }

// Error says so.
func (PrefixPaused) Error() string { return "texts to the recipient's prefix are paused" }

// refusePaused refuses what is offered to numbers whose prefix is paused, and returns
// the rest. What repeats a request that was accepted before is answered as that was.
func (h *Handler) refusePaused(ctx context.Context, caller Caller, offers []offer, results []SendResult) []offer {
	if h.Fuse == nil || caller.Test {
		return offers
	}
	now := h.now()
	kept := offers[:0]
	for _, o := range offers {
		standing, paused := h.Fuse.paused(caller.Tenant, string(o.text().To), now)
		if !paused {
			kept = append(kept, o)
			continue
		}
		results[o.index] = h.refuseBeyond(ctx, o, PrefixPaused{RetryAfter: standing.Until.Sub(now)})
	}
	return kept
}

// Fuses returns what is decided of blocks of numbers, and in force, as the log has it.
// What was paused before the fuse came to report, or was turned off, is paused no more.
func (h *Handler) Fuses(ctx context.Context) ([]fuse.Standing, error) {
	now := h.now()
	state, _, err := loadFuses(ctx, h.Store, now)
	all := state.InForce(now)
	if h.Fuse == nil || h.Fuse.Rule.ReportOnly {
		for i := range all {
			all[i].Paused = false
		}
	}
	return all, err
}

// LiftFuse lets texts go to a block again, and its fuse not blow for a while.
// Instances that run notice within a second. ErrNotFound: it is not blown.
func (h *Handler) LiftFuse(ctx context.Context, caller Caller, block fuse.Block, during time.Duration) (fuse.Standing, error) {
	caller.Tenant = block.Tenant
	for range tries {
		now := h.now()
		state, write, err := loadFuses(ctx, h.Store, now)
		if err != nil {
			return fuse.Standing{}, err
		}
		decided, err := state.Decide(fuse.Lift{Block: block, For: during, Now: now})
		if err != nil || len(decided) == 0 {
			return state.Of(block), err
		}
		write.Events, write.Meta = decided, caller.meta()
		if done, err := appendOne(ctx, h.Store, write); err != nil {
			return fuse.Standing{}, err
		} else if done {
			return state.Evolve(decided[0]).Of(block), nil
		}
	}
	return fuse.Standing{}, ports.ErrConflict
}
