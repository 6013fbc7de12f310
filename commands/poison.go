package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Poison is the last try for what the bus could not deliver. That a frame failed
// twenty times says nothing about any one message in it: the store may have been
// gone, or one message may have held up the others. So each is dispatched once more,
// alone. Only one that fails by itself while the store answers becomes a dead
// letter. Should the broker lose the frame itself, the scheduler issues its messages
// again; of a frame of events nothing is lost, since views read the log.
type Poison struct {
	Store    ports.EventStore
	Dispatch func(ctx context.Context, lane domain.Lane, work []ports.Work) error // that of a Dispatcher
	Log      *slog.Logger
}

// Handle is the Watermill handler of TopicDeadLetter. It returns nil once every
// message in the frame is claimed, no longer waits, is held because it cannot be read,
// or is a dead letter; and an error that wraps ports.ErrMalformed of what is no frame.
func (p *Poison) Handle(msg *message.Message) error {
	frame, err := ports.DecodeWork(msg.Payload)
	if err != nil {
		if _, noEvents := ports.DecodeEvents(msg.Payload); fatal(noEvents) != nil {
			return err
		}
		p.Log.Warn("dropping events that could not be delivered, and are in the log", "id", msg.UUID, "bytes", len(msg.Payload))
		return nil
	}
	lane := domain.Lane(msg.Metadata.Get(ports.HeaderLane))
	if lane == "" {
		lane = domain.Normal // decides over slots only
	}
	p.Log.Warn("dispatching what could not be delivered, one by one", "id", msg.UUID, "messages", len(frame.Work))
	for _, work := range frame.Work {
		if err := p.try(msg.Context(), lane, work); err != nil {
			return err
		}
	}
	return nil
}

// try dispatches one message, and gives it up where that fails for no reason but
// the message.
func (p *Poison) try(ctx context.Context, lane domain.Lane, work ports.Work) error {
	cause := p.dispatch(ctx, lane, work)
	if cause == nil {
		return nil
	}
	if ctx.Err() != nil || errors.Is(cause, ports.ErrUnavailable) || errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("dispatching %s once more: %w", work.MessageID, cause)
	}
	given, decided, err := execute(ctx, p.Store, work.MessageID, func(m stream[domain.Message]) (domain.Command, events.Meta, error) {
		return domain.GiveUp{Attempt: work.Attempt, Detail: "no instance can claim it"}, m.consequence("dispatcher"), nil
	})
	if errors.Is(err, ports.ErrUnavailable) || ctx.Err() != nil {
		return fmt.Errorf("giving %s up: %w", work.MessageID, err)
	}
	// Where even its stream cannot be read, it is for whoever reads this.
	cause = errors.Join(cause, err)
	p.Log.Error("message cannot be claimed", "message", work.MessageID, "error", cause, "dead_lettered", len(decided) > 0, given.trace())
	return nil
}

// dispatch turns a panic into an error: it is what poison may do.
func (p *Poison) dispatch(ctx context.Context, lane domain.Lane, work ports.Work) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("panic: %T", thrown)
		}
	}()
	return p.Dispatch(ctx, lane, []ports.Work{work})
}
