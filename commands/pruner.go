package commands

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Pruner takes deliveries to webhooks off the list some time after they have ended.
// Those of a message that may still go somewhere stay: the first of them tells where
// the others go.
type Pruner struct {
	Store    ports.EventStore
	Views    ports.Views
	Keep     time.Duration    // since the event; 0: for ever
	Interval time.Duration    // between rounds; 0: 1 h
	Page     int              // deliveries looked at together; 0: 500
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger
}

// Run prunes until ctx ends.
func (p Pruner) Run(ctx context.Context) error {
	for p.Keep > 0 {
		pruned, err := p.Prune(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			p.Log.Error("pruning deliveries", "error", err)
		case pruned > 0:
			p.Log.Info("pruned deliveries to webhooks", "deliveries", pruned)
		}
		if wait(ctx, orDefault(p.Interval, time.Hour)) != nil {
			return nil
		}
	}
	<-ctx.Done()
	return nil
}

// Prune takes off the list what has been there for long enough, and returns how many.
func (p Pruner) Prune(ctx context.Context) (pruned int, err error) {
	before := p.now().Add(-p.Keep)
	page := orDefault(p.Page, 500)
	var after *ports.Cursor
	for {
		found, err := findDeliveries(ctx, p.Views, ports.Query{
			Where:   []ports.Condition{{Column: "created_at", Op: ports.Before, Value: before}},
			OrderBy: "created_at", After: after, Limit: page,
		})
		if err != nil {
			return pruned, err
		}
		ended, err := p.ended(ctx, found)
		if err != nil {
			return pruned, err
		}
		if err := p.delete(ctx, ended); err != nil {
			return pruned, err
		}
		if pruned += len(ended); len(found) < page {
			return pruned, nil
		}
		last := found[len(found)-1]
		after = &ports.Cursor{Key: last.CreatedAt, ID: last.ID}
	}
}

// ended returns the ids of those deliveries that nobody needs any more.
func (p Pruner) ended(ctx context.Context, deliveries []Delivery) ([]string, error) {
	messages := make([]string, len(deliveries))
	for i, d := range deliveries {
		messages[i] = d.Message
	}
	streams, err := readable(p.Store.LoadMany(ctx, messages))
	if err != nil {
		return nil, fmt.Errorf("loading the messages of deliveries: %w", err)
	}
	var ended []string
	for _, d := range deliveries {
		s := fold[domain.Message](d.Message, streams[d.Message])
		if d.Status != DeliveryPending && (s.Detached > 0 || s.State.Final() && s.State.Status != domain.DeadLettered) {
			ended = append(ended, d.ID)
		}
	}
	return ended, nil
}

// delete takes deliveries away, in the turn of those who change them.
func (p Pruner) delete(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return p.Views.Advance(ctx, deliveriesChanged, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		return checkpoint, tx.Delete(ctx, deliveriesView, ids)
	})
}

func (p Pruner) now() time.Time {
	if p.Now == nil {
		return time.Now().UTC()
	}
	return p.Now().UTC()
}
