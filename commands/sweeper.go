package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Sweeper asks providers what became of texts whose receipt has not come: it may
// be lost, since providers repeat receipts for seconds only. After the last of
// Delays nobody asks any more; not every carrier says that it has delivered.
//
// It keeps in memory how far it has come: after a restart it begins where the
// next delay would not ask. It is for one goroutine.
type Sweeper struct {
	Store     ports.EventStore
	Providers Providers
	Delays    []time.Duration // after the provider had accepted the text, increasing
	// Dispatched returns ids of messages that have been dispatched since a time
	// until by, the earliest first, after a place; and the place of the last.
	Dispatched func(ctx context.Context, after *ports.Cursor, by time.Time, limit int) ([]string, *ports.Cursor, error)
	Limit      int // in a page, of which a round has up to ten for each delay; 0: 100
	Parallel   int // questions at once; 0: 4
	Log        *slog.Logger

	swept []*ports.Cursor // for each delay: the last message that was asked about
}

// Sweep asks about those messages whose time has come.
func (s *Sweeper) Sweep(ctx context.Context, now time.Time) error {
	if s.swept == nil {
		s.swept = make([]*ports.Cursor, len(s.Delays))
		for i := range s.Delays {
			s.swept[i] = &ports.Cursor{Key: now.Add(-s.after(i))}
		}
	}
	var faults []error
	for i, delay := range s.Delays {
		faults = append(faults, s.sweep(ctx, i, now.Add(-delay)))
	}
	return errors.Join(faults...)
}

// sweepPages bounds a round.
const sweepPages = 10

// sweep asks about what was dispatched by a time and has not been asked about
// after the i-th delay.
func (s *Sweeper) sweep(ctx context.Context, i int, by time.Time) error {
	limit := orDefault(s.Limit, 100)
	for range sweepPages {
		ids, last, err := s.Dispatched(ctx, s.swept[i], by, limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.ask(ctx, ids); err != nil {
			return err
		}
		if s.swept[i] = last; len(ids) < limit {
			return nil
		}
	}
	return nil
}

// after is when the delay after the i-th is over.
func (s *Sweeper) after(i int) time.Duration {
	if i+1 < len(s.Delays) {
		return s.Delays[i+1]
	}
	return s.Delays[i] + 24*time.Hour
}

func (s *Sweeper) ask(ctx context.Context, ids []string) error {
	streams, err := readable(s.Store.LoadMany(ctx, ids))
	if err != nil {
		return err
	}
	var work errgroup.Group
	work.SetLimit(orDefault(s.Parallel, 4))
	for _, id := range ids {
		m := fold[domain.Message](id, streams[id])
		work.Go(func() error { return s.askAbout(ctx, m) })
	}
	return work.Wait()
}

// errSettled says that there is nothing to ask any more.
var errSettled = errors.New("settled meanwhile")

// askAbout records what the provider says of one message. A provider that does
// not answer is asked again after the next delay.
func (s *Sweeper) askAbout(ctx context.Context, m stream[domain.Message]) error {
	provider, ok := s.Providers.Named(m.State.Provider)
	if !ok || m.State.Status != domain.Dispatched {
		return nil
	}
	receipt, err := provider.Status(ctx, m.State.ProviderMessageID)
	switch {
	case errors.Is(err, ports.ErrNoLookup):
		return nil
	case err != nil:
		s.Log.Warn("asking for a receipt", "message", m.ID, "provider", provider.Name(), "error", err, m.trace())
		return nil
	case receipt.Result == domain.ReceiptProgress:
		return nil
	}
	receipt.At = time.Now().UTC()
	_, _, err = executeOn(ctx, s.Store, m, func(m stream[domain.Message]) (domain.Command, events.Meta, error) {
		if m.State.Status != domain.Dispatched {
			return nil, events.Meta{}, errSettled
		}
		return receipt, m.consequence("sweeper"), nil
	})
	if err != nil && !errors.Is(err, errSettled) {
		return fmt.Errorf("recording the receipt of %s: %w", m.ID, err)
	}
	return nil
}
