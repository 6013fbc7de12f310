package rabbitmq

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// errHeld says that a message went back to the broker because it was nacked for
// too long.
var errHeld = errors.New("held for too long")

// errQuiet says that nothing came for long, be it that there was nothing.
var errQuiet = errors.New("quiet for long")

// subscription consumes a queue from Subscribe to the end of its context, on
// one channel after the other.
type subscription struct {
	Config
	link    *link
	queue   string
	declare bool // before consuming for the first time, too
	frames  bool // of events: what arrived meanwhile comes as one message, every Config.EventsEvery
	out     chan *message.Message
}

// run consumes, again and again, until ctx ends. Then it closes out.
func (s *subscription) run(ctx context.Context) {
	defer close(s.out)
	log := s.Log.With(slog.String("queue", s.queue))
	backoff := backoff{first: retryAfter, max: retryMax}
	var last *session
	for {
		session, err := s.link.session(ctx)
		if err != nil {
			return
		}
		switch {
		case session == last: // what ended was not the connection but our channel
			err = session.redeclare(ctx)
		case s.declare:
			err = session.declare()
		}
		s.declare, last = false, session
		var progress bool
		if err == nil {
			progress, err = s.consume(ctx, session)
		}
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errQuiet):
			last = nil
			continue
		case errors.Is(err, errHeld):
			log.Warn("giving messages back to the broker", "error", err)
			last = nil
			continue
		}
		if progress {
			backoff.reset()
		}
		wait := backoff.next()
		log.Warn("consuming stopped", "error", err, "retry_in", wait)
		pause(ctx, wait)
	}
}

// consume takes messages from the queue over a channel of its own. When it
// returns, whatever was not acked is back with the broker. It reports whether
// anything was acked.
func (s *subscription) consume(ctx context.Context, session *session) (progress bool, err error) {
	prefetch := s.Prefetch
	if s.frames {
		prefetch = max(prefetch, framesAhead)
	}
	c, err := openConsumer(ctx, session, s.queue, prefetch)
	if err != nil {
		return false, err
	}
	defer c.close()
	quiet := time.NewTimer(s.QuietLimit)
	defer quiet.Stop()
	var frames gathering
	for {
		a, ok := frames.next()
		if !ok {
			select {
			case a, ok = <-c.arrivals:
				if !ok {
					return progress, context.Cause(c.live)
				}
				if s.frames {
					a = frames.gather(c, a, s.EventsEvery)
				}
			case <-quiet.C:
				return progress, errQuiet
			case <-c.live.Done():
				return progress, context.Cause(c.live)
			}
		}
		if err := s.handle(ctx, c.live, a); err != nil {
			return progress, err
		}
		progress = true
		quiet.Reset(s.QuietLimit)
	}
}
