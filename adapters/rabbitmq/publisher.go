package rabbitmq

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// publisher publishes over a few channels at the same time. Each has a goroutine,
// its worker, because calls into the library cannot be interrupted: whoever waits
// for a job leaves at his deadline, whatever has become of the worker.
type publisher struct {
	link *link
	jobs chan job // unbuffered: a job is taken by a worker that can begin
}

// job is one Publish call.
type job struct {
	ctx   context.Context // ends at the deadline for everything
	batch []outgoing
	done  chan error // buffered: the worker never waits for its caller
}

func newPublisher(l *link) *publisher {
	return &publisher{link: l, jobs: make(chan job)}
}

// publish returns nil when the broker has confirmed and routed all of batch. Any
// error may leave some of it published. The caller bounds ctx.
func (p *publisher) publish(ctx context.Context, batch []outgoing) error {
	if err := p.link.status(); err != nil {
		return err // the broker would not answer, so do not wait for it
	}
	j := job{ctx: ctx, batch: batch, done: make(chan error, 1)}
	select {
	case p.jobs <- j:
	case <-ctx.Done():
		return fmt.Errorf("waiting for a channel: %w: %w", ports.ErrUnavailable, ctx.Err())
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for confirms: %w: %w", ports.ErrUnavailable, ctx.Err())
	}
}

// work keeps a channel open and does jobs on it until ctx ends.
func (p *publisher) work(ctx context.Context) {
	backoff := backoff{first: retryAfter, max: retryMax}
	var last *session
	for {
		s, err := p.link.session(ctx)
		if err != nil {
			return
		}
		// A channel that failed may have met a name that somebody has deleted.
		worked, err := p.serve(ctx, s, s == last)
		if ctx.Err() != nil {
			return
		}
		last = s
		if worked {
			backoff.reset()
		} else if err != nil {
			pause(ctx, backoff.next())
		}
	}
}

// serve does jobs on one channel until one fails, which drops the channel, or
// ctx ends. It reports whether there was any job.
func (p *publisher) serve(ctx context.Context, s *session, again bool) (worked bool, err error) {
	if again {
		if err := s.redeclare(ctx); err != nil {
			return false, err
		}
	}
	ch, err := openConfirming(s)
	if err != nil {
		return false, err
	}
	defer ch.close()
	for {
		select {
		case j := <-p.jobs:
			worked = true
			err := ch.publish(j.ctx, j.batch)
			j.done <- err
			if err != nil {
				return worked, err
			}
		case err := <-ch.closed:
			return worked, ended(err)
		case <-ctx.Done():
			return worked, nil
		}
	}
}
