package rabbitmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/ports/crash"
)

var errNacked = errors.New("nacked")

// handle emits a message until it is acked, and then acks it to the broker.
//
// A nacked message does not go back to the broker, which would hand it out again
// at once and dead-letter it after twenty times, within a second: it is held and
// emitted again after a growing wait. Only after HoldLimit is it given back,
// so that what fails for minutes, a database that is down, costs one delivery
// of the twenty per HoldLimit, and consumer_timeout never strikes. Meanwhile the
// subscription's other messages wait behind it, in their order.
//
// Any error means that the channel is to be closed, which gives back everything.
func (s *subscription) handle(ctx, live context.Context, a arrival) error {
	backoff := backoff{first: s.RedeliverAfter, max: s.RedeliverMax}
	for {
		msg, err := unmarshal(a.Delivery)
		if err != nil {
			return err
		}
		msg.Payload = bytes.Clone(a.Body) // the handler's to change
		err = s.emit(ctx, live, msg)
		if err == nil {
			err = a.Ack(true) // with those that were put together with it; all before them are acked
			crash.At(crash.WorkAcked)
			return err
		}
		if !errors.Is(err, errNacked) {
			return err
		}
		wait := backoff.next()
		if held := time.Since(a.at); held+wait > s.HoldLimit {
			return fmt.Errorf("message %s, nacked for %s: %w", msg.UUID, held.Round(time.Second), errHeld)
		}
		pause(live, wait)
	}
}

// emit hands msg to the subscriber, if live lasts, and waits for its ack. A
// connection that is lost meanwhile does not end the wait, nor msg's context:
// the handler is at work, and the next message comes after this one. When ctx
// ends, msg's context does, and the ack may take DrainTimeout yet.
func (s *subscription) emit(ctx, live context.Context, msg *message.Message) error {
	msgCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg.SetContext(msgCtx)
	if live.Err() != nil {
		return context.Cause(live)
	}
	select {
	case s.out <- msg:
	case <-live.Done():
		return context.Cause(live)
	}
	select {
	case <-msg.Acked():
		return nil
	case <-msg.Nacked():
		return errNacked
	case <-ctx.Done():
	}
	drained := time.NewTimer(s.DrainTimeout)
	defer drained.Stop()
	select {
	case <-msg.Acked():
		return nil
	case <-msg.Nacked():
		return errNacked
	case <-drained.C:
		return fmt.Errorf("message %s: no ack within %s of the end", msg.UUID, s.DrainTimeout)
	}
}
