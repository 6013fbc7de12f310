package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

// window is how many messages may be unconfirmed on a channel.
const window = 1000

// outgoing is a message with its route.
type outgoing struct {
	route
	amqp.Publishing
}

// confirming is a channel on which every message is confirmed or returned. It
// serves one caller at a time, and is of no further use after an error.
type confirming struct {
	*amqp.Channel
	session *session
	returns chan amqp.Return
	closed  chan *amqp.Error
}

func openConfirming(s *session) (*confirming, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("opening channel: %w", err)
	}
	c := &confirming{
		Channel: ch, session: s,
		// As large as the window, so that the connection's reader never waits.
		returns: ch.NotifyReturn(make(chan amqp.Return, window)),
		closed:  ch.NotifyClose(make(chan *amqp.Error, 1)),
	}
	if err := ch.Confirm(false); err != nil {
		c.close()
		return nil, fmt.Errorf("asking for confirms: %w", err)
	}
	return c, nil
}

// close gives the channel up. It waits for the broker, or for the end of the
// connection.
func (c *confirming) close() { _ = c.Close() }

// publish writes batch, window by window, and waits for the broker's word on
// every message. nil means that all of it is in queues and safe.
func (c *confirming) publish(ctx context.Context, batch []outgoing) error {
	for part := range slices.Chunk(batch, window) {
		confirms, err := c.write(ctx, part)
		if err != nil {
			return err
		}
		if err := c.await(ctx, confirms); err != nil {
			return err
		}
		// The broker returns a message before it confirms it.
		if err := c.returned(len(part)); err != nil {
			return err
		}
	}
	return nil
}

// write sends messages without waiting for confirms. A write cannot be
// interrupted but by cutting the connection, on which, at the deadline, nothing
// else moves either.
func (c *confirming) write(ctx context.Context, batch []outgoing) ([]*amqp.DeferredConfirmation, error) {
	written := context.AfterFunc(ctx, c.session.sever)
	defer written()
	confirms := make([]*amqp.DeferredConfirmation, len(batch))
	for i, m := range batch {
		var err error
		confirms[i], err = c.PublishWithDeferredConfirmWithContext(ctx, m.exchange, m.key, true, false, m.Publishing)
		if err != nil {
			return nil, fmt.Errorf("writing: %w: %w", ports.ErrUnavailable, err)
		}
	}
	return confirms, nil
}

func (c *confirming) await(ctx context.Context, confirms []*amqp.DeferredConfirmation) error {
	for _, confirm := range confirms {
		acked, err := confirm.WaitContext(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("waiting for confirms: %w: %w", ports.ErrUnavailable, err)
		case !acked && c.IsClosed(): // the library's way to say so
			return fmt.Errorf("waiting for confirms: %w: %w", ports.ErrUnavailable, ended(<-c.closed))
		case !acked:
			return errors.New("refused by the broker: a queue is full or cannot be reached")
		}
	}
	return nil
}

// returned returns an error if messages were returned, of the total published.
func (c *confirming) returned(total int) error {
	n := len(c.returns)
	if n == 0 {
		return nil
	}
	first := <-c.returns
	return fmt.Errorf("unroutable: %d of %d messages came back (%d %s)", n, total, first.ReplyCode, first.ReplyText)
}

// ended makes an error of what NotifyClose says, which may be nothing.
func ended(err *amqp.Error) error {
	if err == nil {
		return amqp.ErrClosed
	}
	return err
}
