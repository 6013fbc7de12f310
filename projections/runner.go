package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// Runner keeps views in step with the log. Frames from the bus only make it
// quick: it skips what it has, reads the store where a frame does not join on,
// and looks at the log now and then by itself, so that losing, repeating or
// reordering messages of the bus does not matter.
//
// An event that cannot be applied stops its projection, and no other. It is tried
// again with every look at the log, until it can be, or an operator has decided to
// skip it.
type Runner struct {
	Store       ports.EventStore
	Views       ports.Views
	Projections []Projection
	Log         *slog.Logger
	FrameSize   int           // events read from the store at once; 0: 500
	Interval    time.Duration // between looks at the log; 0: 2 s

	mu       sync.Mutex
	standing []Projection      // those whose events it may apply, as of the last look
	settled  bool              // all of them, under their own revision: they need not be looked at again
	stopped  map[string]Stop   // by name
	recent   map[string]recent // by checkpoint

	mostRecent int    // 0: mostRecent
	Foreign    func() // told of each frame that was of another log; nil: nobody
}

// Handle is the Watermill handler of TopicEvents. Of a frame that is ports.ErrMalformed
// it has read the log instead.
func (r *Runner) Handle(msg *message.Message) error {
	frame, err := ports.DecodeEvents(msg.Payload)
	if err != nil && !errors.Is(err, events.ErrUnreadable) {
		// The log has what the frame should have had.
		return cmp.Or(r.catchUp(msg.Context(), nil), err)
	}
	ours, err := frame.Of(msg.Context(), r.Store)
	if err != nil {
		return err
	}
	if !ours { // the log has what is ours
		if r.Foreign != nil {
			r.Foreign()
		}
		return r.catchUp(msg.Context(), nil)
	}
	if slices.ContainsFunc(frame.Events, events.Recorded.Detached) {
		return r.CatchUp(msg.Context()) // whoever has it in the log, has it from the archive
	}
	able, err := r.able(msg.Context())
	if err != nil {
		return err
	}
	var idle []Projection
	for _, p := range able {
		if r.isStopped(p) {
			continue // the log has what it lacks when it goes on
		}
		if !p.concerned(frame.Events) {
			idle = append(idle, p)
			continue
		}
		if err := r.advanceOrStop(msg.Context(), p, frame.Events); err != nil {
			return fmt.Errorf("projecting %s: %w", p.Name, err)
		}
	}
	return r.pass(msg.Context(), idle, frame)
}

// pass moves projections that frame does not concern past it, all at once. Those
// that are behind read what they lack.
func (r *Runner) pass(ctx context.Context, idle []Projection, frame ports.EventFrame) error {
	names := make([]string, len(idle))
	for i, p := range idle {
		names[i] = p.key()
	}
	behind, err := r.Views.Pass(ctx, names, frame.First-1, frame.Last)
	if err != nil {
		return fmt.Errorf("projecting: %w", err)
	}
	for _, p := range idle {
		if !slices.Contains(behind, p.key()) {
			continue
		}
		if err := r.advanceOrStop(ctx, p, frame.Events); err != nil {
			return fmt.Errorf("projecting %s: %w", p.Name, err)
		}
	}
	return nil
}

// Run looks at the log until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	interval := r.Interval
	if interval == 0 {
		interval = 2 * time.Second
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	seen := map[string]int64{} // checkpoints at the last look
	for {
		// What has moved since gets its frames from the bus: reading them from
		// the store as well would be the same work twice.
		if err := r.catchUp(ctx, seen); err != nil && ctx.Err() == nil {
			r.Log.Error("catching up with the log", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// CatchUp applies everything up to the head of the log. The error wraps an Unappliable
// where an event keeps a projection from it, one of those named if any is.
func (r *Runner) CatchUp(ctx context.Context, names ...string) error {
	if err := r.catchUp(ctx, nil); err != nil {
		return err
	}
	return r.Standstill(names...)
}

// catchUp is CatchUp for those projections that no event stops. It leaves out projections whose checkpoint has moved since seen, in which
// it notes where they are.
func (r *Runner) catchUp(ctx context.Context, seen map[string]int64) error {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the head: %w", err)
	}
	able, err := r.stand(ctx)
	if err != nil {
		return err
	}
	for _, p := range able {
		checkpoint, err := r.Views.Checkpoint(ctx, p.key())
		if before, known := seen[p.Name]; known && before < checkpoint {
			seen[p.Name] = checkpoint
			continue
		}
		for err == nil && checkpoint < head.LastPosition {
			if err = r.advanceOrStop(ctx, p, nil); err == nil {
				checkpoint, err = r.Views.Checkpoint(ctx, p.key())
			}
			if r.isStopped(p) {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("projecting %s: %w", p.Name, err)
		}
		if seen != nil {
			seen[p.Name] = checkpoint
		}
	}
	return nil
}

// Lag returns by how many events each projection is behind the log.
func (r *Runner) Lag(ctx context.Context) (map[string]int64, error) {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	able, err := r.able(ctx)
	if err != nil {
		return nil, err
	}
	lag := make(map[string]int64, len(able))
	for _, p := range able {
		checkpoint, err := r.Views.Checkpoint(ctx, p.key())
		if err != nil {
			return nil, err
		}
		lag[p.Name] = max(0, head.LastPosition-checkpoint)
	}
	return lag, nil
}

// errBehind says that frames are missing before the one at hand.
var errBehind = errors.New("frame does not join on")

// advance applies recorded, reading the store for what is missing before it.
// Without recorded it applies one frame from the store.
func (r *Runner) advance(ctx context.Context, p Projection, recorded []events.Recorded) error {
	for {
		frame := recorded
		if frame == nil {
			checkpoint, err := r.Views.Checkpoint(ctx, p.key())
			if err != nil {
				return err
			}
			frame, err = r.Store.Read(ctx, checkpoint, r.frameSize())
			if err != nil && !errors.Is(err, events.ErrUnreadable) || len(frame) == 0 {
				return err
			}
		}
		err := r.apply(ctx, p, frame)
		switch {
		case recorded == nil && errors.Is(err, errBehind):
			return nil // another instance moved the checkpoint; the caller looks again
		case errors.Is(err, errBehind):
			if err := r.advance(ctx, p, nil); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// apply folds frame into the view, in one transaction with its checkpoint.
func (r *Runner) apply(ctx context.Context, p Projection, frame []events.Recorded) error {
	var changed *held
	err := r.Views.Advance(ctx, p.key(), func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		changed = nil
		if frame[0].Position > checkpoint+1 {
			return checkpoint, errBehind
		}
		for len(frame) > 0 && frame[0].Position <= checkpoint {
			frame = frame[1:]
		}
		if len(frame) == 0 {
			return checkpoint, nil
		}
		changed = newHeld(r.take(p, checkpoint))
		if err := r.fold(ctx, p, tx, frame, changed); err != nil {
			return checkpoint, err
		}
		if err := changed.put(ctx, p, tx); err != nil {
			return checkpoint, err
		}
		crash.At(crash.ViewsAdvancing)
		return frame[len(frame)-1].Position, nil
	})
	if err == nil {
		crash.At(crash.ViewsAdvanced)
		if changed != nil {
			r.keep(p, frame[len(frame)-1].Position, changed)
		}
	}
	return err
}

// begin drops from byRow what no row comes of, and gives the rows that come into
// being now all that happened before, up to the end of frame.
func (r *Runner) begin(ctx context.Context, p Projection, rows map[string]ports.Row, h *held, byRow map[string][]events.Recorded, frame []events.Recorded) error {
	if p.begins == nil || len(frame) == 0 {
		return nil
	}
	var fresh []string
	for id, recorded := range byRow {
		if _, exists := rows[id]; exists {
			continue
		}
		if _, exists := h.values[id]; exists {
			continue
		}
		if p.begun(recorded) < 0 {
			delete(byRow, id)
			continue
		}
		fresh = append(fresh, id)
	}
	if len(fresh) == 0 {
		return nil
	}
	streams, err := r.Store.LoadMany(ctx, fresh)
	if err != nil {
		return err
	}
	last := frame[len(frame)-1].Position
	for _, id := range fresh {
		byRow[id] = slices.DeleteFunc(streams[id], func(e events.Recorded) bool { return e.Position > last })
	}
	return nil
}

func (r *Runner) frameSize() int {
	if r.FrameSize == 0 {
		return 500
	}
	return r.FrameSize
}
