package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

// Connected returns nil if both connections are up and not blocked, and otherwise why
// they are not.
func (b *Bus) Connected() error {
	return errors.Join(b.publishing.status(), b.consuming.status())
}

// Missing returns the names of exchanges and queues that the broker has yet to be told
// of. It declares none. An error names one that the broker has with other arguments.
func (b *Bus) Missing(ctx context.Context) ([]string, error) {
	s, err := b.consuming.session(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, s.sever)() // the library cannot be interrupted
	return b.topology.missing(s.conn)
}

// missing asks for each by its name alone, and has the broker compare what it has.
func (t *topology) missing(conn *amqp.Connection) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for _, e := range t.exchanges {
		there, err := on(conn, func(ch *amqp.Channel) error {
			if err := ch.ExchangeDeclarePassive(e.name, e.kind, true, false, false, false, nil); err != nil {
				return err
			}
			return ch.ExchangeDeclare(e.name, e.kind, true, false, false, false, nil)
		})
		if err != nil {
			return nil, declaring("exchange", e.name, err)
		}
		if !there {
			names = append(names, "exchange "+e.name)
		}
	}
	for _, q := range t.queues {
		there, err := on(conn, func(ch *amqp.Channel) error {
			if _, err := ch.QueueDeclarePassive(q.name, true, false, false, false, nil); err != nil {
				return err
			}
			_, err := ch.QueueDeclare(q.name, true, false, false, false, q.args)
			return err
		})
		if err != nil {
			return nil, declaring("queue", q.name, err)
		}
		if !there {
			names = append(names, "queue "+q.name)
		}
	}
	return names, nil
}

// on does something on a channel of its own, which an answer that it does not like
// closes. It reports false where that was that there is no such thing.
func on(conn *amqp.Connection, do func(*amqp.Channel) error) (bool, error) {
	ch, err := conn.Channel()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
	}
	if err := do(ch); err != nil {
		refused, ok := errors.AsType[*amqp.Error](err)
		if ok && refused.Code == amqp.NotFound {
			return false, nil
		}
		return false, err
	}
	return true, ch.Close()
}
