package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v3/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

const (
	pollInterval   = 250 * time.Millisecond // where no notification comes
	retryInterval  = time.Second            // while the server is in trouble
	resendInterval = 250 * time.Millisecond // after a nack
	ackDeadline    = 30 * time.Second       // then the frame comes again
)

// ErrFeedClosed says that a feed was closed.
var ErrFeedClosed = errors.New("feed is closed")

// Feed is a message.Subscriber to the log itself. Its messages are the log in
// frames, ports.EventFrame, in order and each at least once: what is nacked, not
// acked within 30 s, or held when the feed ends, comes again. A group of feeds with
// one name, in any number of instances, shares one place in the log, and one frame
// at a time is out. A feed with a frame out holds a connection of the pool.
type Feed struct {
	db      *DB
	group   string
	closing chan struct{}

	mu            sync.Mutex
	closed        bool
	subscriptions []*wsql.Subscriber
}

// Feed returns a member of the group. A new group starts at the first event.
func (db *DB) Feed(group string) *Feed {
	return &Feed{db: db, group: group, closing: make(chan struct{})}
}

// Subscribe implements message.Subscriber. topic is only a name in the logs. While
// the server cannot be reached it waits.
func (f *Feed) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	for {
		messages, err := f.subscribe(ctx, topic)
		if !errors.Is(err, ports.ErrUnavailable) {
			return messages, err
		}
		f.db.log.Error("subscribing to the log", "error", err, "retry_in", retryInterval)
		retry := time.NewTimer(retryInterval)
		select {
		case <-retry.C:
		case <-f.closing:
			retry.Stop()
			return nil, err
		case <-ctx.Done():
			retry.Stop()
			return nil, err
		}
	}
}

func (f *Feed) subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fmt.Errorf("subscribing %s: %w", f.group, ErrFeedClosed)
	}
	deadline := ackDeadline
	// One Subscriber for each subscription: it is not made for several.
	s, err := wsql.NewSubscriber(f.db.sql, wsql.SubscriberConfig{
		ConsumerGroup:  f.group,
		AckDeadline:    &deadline,
		ResendInterval: resendInterval,
		BackoffManager: newBackoff(f.db, f.closing),
		SchemaAdapter: frameSchema{func(after, head int64, digest events.Hash) (ports.EventFrame, error) {
			return f.db.EventStore().frame(ctx, after, head, digest)
		}},
		OffsetsAdapter: relayOffsets{},
	}, newFeedLog(f.db.log))
	if err != nil {
		return nil, fmt.Errorf("subscribing %s: %w", f.group, err)
	}
	messages, err := s.Subscribe(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("subscribing %s: %w", f.group, errors.Join(unavailable(err), s.Close()))
	}
	f.subscriptions = append(f.subscriptions, s)
	return messages, nil
}

// frame returns the events after a position, from memory if it holds them, which it
// shows by the digest of the head. There is one at least.
func (s *EventStore) frame(ctx context.Context, after, head int64, digest events.Hash) (ports.EventFrame, error) {
	var page []events.Recorded
	if s.db.tail.Holds(head, digest) {
		page = s.db.tail.After(after, int(min(head-after, int64(s.db.frame))))
	}
	if len(page) == 0 {
		var err error
		if page, err = s.raw(ctx, s.db.frame, readEvents, after, s.db.frame); err != nil {
			return ports.EventFrame{}, err
		}
	}
	if len(page) == 0 {
		return ports.EventFrame{}, sql.ErrNoRows // of another log, as it is now
	}
	return ports.EventFrame{First: page[0].Position, Last: page[len(page)-1].Position, Events: page}, nil
}

// Close ends all subscriptions and waits for them.
func (f *Feed) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	close(f.closing)
	var errs []error
	for _, s := range f.subscriptions {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Position returns the last position that the group has acked; 0 for none.
func (f *Feed) Position(ctx context.Context) (int64, error) {
	var position int64
	err := f.db.pool.QueryRow(ctx,
		`SELECT position FROM relay_offsets WHERE consumer_group = $1`, f.group).Scan(&position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("reading position of %s: %w", f.group, unavailable(err))
	}
	return position, nil
}
