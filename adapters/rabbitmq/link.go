package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

// Waits between attempts to connect, or to consume again.
const (
	retryAfter = 100 * time.Millisecond
	retryMax   = 5 * time.Second
)

var errConnecting = errors.New("connecting")

// link keeps one connection to the broker, and makes a new one whenever it is
// lost. It is safe for concurrent use.
type link struct {
	name    string // for the log
	connect func(ctx context.Context) (*session, error)
	log     *slog.Logger

	mu      sync.Mutex
	current *session      // nil while there is none
	fault   error         // why there is none, or why it is of no use
	changed chan struct{} // closed, and replaced, when one of these changes
}

func newLink(name string, log *slog.Logger, connect func(context.Context) (*session, error)) *link {
	return &link{name: name, connect: connect, log: log, fault: errConnecting, changed: make(chan struct{})}
}

// run connects again and again until ctx ends. It leaves the last connection
// open, for others to finish with; close closes it.
func (l *link) run(ctx context.Context) {
	backoff := backoff{first: retryAfter, max: retryMax}
	for ctx.Err() == nil {
		s, err := l.connect(ctx)
		if err == nil {
			l.log.Info("connected to broker", "link", l.name, "node", s.socket.RemoteAddr().String())
			l.set(s, nil)
			backoff.reset()
			if err = l.watch(ctx, s); err == nil {
				return
			}
			s.close()
		}
		if ctx.Err() != nil {
			return
		}
		l.set(nil, err)
		wait := backoff.next()
		l.log.Warn("no connection to broker", "link", l.name, "error", err, "retry_in", wait)
		pause(ctx, wait)
	}
}

// watch follows s until it is lost, which is an error, or ctx ends.
func (l *link) watch(ctx context.Context, s *session) error {
	for {
		select {
		case err, ok := <-s.lost:
			if !ok || err == nil {
				err = amqp.ErrClosed
			}
			return fmt.Errorf("connection lost: %w", err)
		case b, ok := <-s.blocked:
			switch {
			case !ok:
				s.blocked = nil // lost has the reason
			case b.Active:
				l.log.Warn("broker blocks publishing", "link", l.name, "reason", b.Reason)
				l.set(s, fmt.Errorf("broker blocks publishing: %s", b.Reason))
			default:
				l.log.Info("broker allows publishing again", "link", l.name)
				l.set(s, nil)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *link) set(s *session, fault error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current, l.fault = s, fault
	close(l.changed)
	l.changed = make(chan struct{})
}

// status returns nil if there is a connection and it is of use, and otherwise an
// error that wraps ports.ErrUnavailable.
func (l *link) status() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		return fmt.Errorf("broker: %w: %w", ports.ErrUnavailable, l.fault)
	}
	return nil
}

// session waits for a connection. The error means that ctx has ended first.
func (l *link) session(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		s, fault, changed := l.current, l.fault, l.changed
		l.mu.Unlock()
		if s != nil && !s.conn.IsClosed() {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("broker: %w: %w", ports.ErrUnavailable, errors.Join(fault, ctx.Err()))
		}
	}
}

// settle waits until the first attempt to connect has succeeded or failed.
func (l *link) settle(ctx context.Context) {
	l.mu.Lock()
	settled, changed := l.fault != errConnecting, l.changed //nolint:errorlint // identity: set nowhere else
	l.mu.Unlock()
	if settled {
		return
	}
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// close closes the connection, if there is one. run must have returned.
func (l *link) close() {
	l.mu.Lock()
	s := l.current
	l.mu.Unlock()
	if s != nil {
		s.close()
	}
	l.set(nil, errClosed)
}
