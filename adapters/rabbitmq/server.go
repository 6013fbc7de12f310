package rabbitmq

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

// Server is what a broker says of itself.
type Server struct{ Product, Version string }

// Server returns what the broker said when it was connected to. It waits for a
// connection until ctx ends.
func (b *Bus) Server(ctx context.Context) (Server, error) {
	s, err := b.consuming.session(ctx)
	if err != nil {
		return Server{}, err
	}
	said := func(name string) string {
		word, _ := s.conn.Properties[name].(string)
		return word
	}
	return Server{said("product"), said("version")}, nil
}

// publishCheck bounds how long CanPublish waits for a confirm.
const publishCheck = 2 * time.Second

// CanPublish returns nil if the broker takes messages, and otherwise why it does not:
// while an alarm of its memory or disk is on, a connection that has published nothing
// does not know. It publishes a message for a lane that there is not, which the
// broker drops. It waits 2 s at the most; what it asked ends with the connection.
func (b *Bus) CanPublish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, publishCheck)
	defer cancel()
	s, err := b.publishing.session(ctx)
	if err != nil {
		return err
	}
	if err := b.publishing.status(); err != nil {
		return err
	}
	published := make(chan error, 1) // the library cannot be interrupted
	go func() { published <- b.publishNowhere(ctx, s) }()
	select {
	case err = <-published:
	case <-ctx.Done():
		err = fmt.Errorf("broker: %w: it confirms nothing", ports.ErrUnavailable)
	}
	if blocked := b.publishing.status(); blocked != nil {
		return blocked
	}
	return err
}

func (b *Bus) publishNowhere(ctx context.Context, s *session) error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("checking publishing: %w", err)
	}
	if err := ch.Confirm(false); err != nil {
		return fmt.Errorf("checking publishing: %w", err)
	}
	confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, b.config.Prefix+exchangeDispatch, "nowhere", false, false, amqp.Publishing{})
	if err != nil {
		return fmt.Errorf("checking publishing: %w", err)
	}
	if _, err := confirm.WaitContext(ctx); err != nil {
		return fmt.Errorf("broker: %w: it confirms nothing", ports.ErrUnavailable)
	}
	return ch.Close()
}
