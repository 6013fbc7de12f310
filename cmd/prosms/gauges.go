package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/adapters/metrics"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// newGauges lists what is read at each scrape. All but the pool's, the breakers'
// and what was found unreadable are of the installation and not of this instance, and the same from each.
func newGauges(st stores, b bus, queries projections.Queries, runner *projections.Runner, breakers func() map[string]float64, fuse *commands.Fuse, unreadable *commands.Unreadables) []metrics.Gauge {
	return []metrics.Gauge{
		{
			Name: "rabbitmq_queue_depth", Label: "queue", Help: "Messages that are ready in a queue, at the broker or in process.",
			Read: func(ctx context.Context) (map[string]float64, error) { return numbers(b.depths(ctx)) },
		}, {
			Name: "circuit_breaker_state", Label: "provider", Help: "0 closed, 1 open, 0.5 half-open.",
			Read: func(context.Context) (map[string]float64, error) { return breakers(), nil },
		}, {
			Name: "sms_pumped_prefixes", Label: "state", Help: "Prefixes of numbers to which texts look pumped: paused, or only reported.",
			Read: func(context.Context) (map[string]float64, error) {
				paused, reported := fuse.Blown()
				return map[string]float64{"paused": float64(paused), "reported": float64(reported)}, nil
			},
		}, {
			Name: "db_connection_pool_usage", Help: "Connections of this instance that are in use, 0 to 1.",
			Read: func(context.Context) (map[string]float64, error) { return one(st.poolUsage()), nil },
		}, {
			Name: "sms_messages_waiting", Label: "lane", Help: "Messages that could be claimed by now, as the view shows.",
			Read: func(ctx context.Context) (map[string]float64, error) { return waiting(ctx, queries) },
		}, {
			Name: "sms_dead_letters", Help: "Messages given up that nobody has sent again.",
			Read: func(ctx context.Context) (map[string]float64, error) {
				return count(queries.DeadLetterCount(ctx, time.Now()))
			},
		}, {
			Name: "sms_in_doubt", Help: "Messages of which it is unknown whether they were sent.",
			Read: func(ctx context.Context) (map[string]float64, error) {
				return count(queries.InDoubt(ctx, time.Now()))
			},
		}, {
			Name: "relay_lag_events", Help: "Events that the slowest relay has yet to tell the bus.",
			Read: func(ctx context.Context) (map[string]float64, error) {
				return relayLag(ctx, queries.Store, st, b.relayGroups())
			},
		}, {
			Name: "projection_lag_events", Label: "projection", Help: "Events that a projection has yet to apply.",
			Read: func(ctx context.Context) (map[string]float64, error) { return numbers(runner.Lag(ctx)) },
		}, {
			Name: "projection_stopped_position", Label: "projection", Help: "Position of the event that a projection cannot apply and has stopped at, as this instance has found; 0: it has not.",
			Read: func(context.Context) (map[string]float64, error) { return stopped(runner), nil },
		}, {
			Name: "events_unreadable", Help: "Events that this instance could not read and has not read since: what depends on them is held.",
			Read: func(context.Context) (map[string]float64, error) { return one(float64(len(unreadable.Found()))), nil },
		},
	}
}

// waiting has a value for every lane, be it 0.
func waiting(ctx context.Context, queries projections.Queries) (map[string]float64, error) {
	byLane, err := numbers(queries.Waiting(ctx, time.Now()))
	if err != nil {
		return nil, err
	}
	for _, lane := range domain.Lanes {
		byLane[string(lane)] += 0
	}
	return byLane, nil
}

// stopped has a value for every projection, be it 0.
func stopped(runner *projections.Runner) map[string]float64 {
	positions := map[string]float64{}
	for _, p := range runner.Projections {
		positions[p.Name] = 0
	}
	for name, stop := range runner.Stopped() {
		positions[name] = float64(stop.Position)
	}
	return positions
}

// relayLag compares the head of the log with the relay that is furthest behind it.
func relayLag(ctx context.Context, store ports.EventStore, st stores, groups []string) (map[string]float64, error) {
	var lag int64
	for _, group := range groups {
		// The position first: the log may grow in between, and no lag is below 0.
		position, err := st.position(ctx, group)
		if err != nil {
			return nil, fmt.Errorf("reading the place of %s: %w", group, err)
		}
		head, err := store.Head(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the head: %w", err)
		}
		lag = max(lag, head.LastPosition-position)
	}
	return one(float64(lag)), nil
}

// one is the value of a gauge without labels.
func one(value float64) map[string]float64 { return map[string]float64{"": value} }

func count(n int64, err error) (map[string]float64, error) { return one(float64(n)), err }

func numbers[N int | int64](counts map[string]N, err error) (map[string]float64, error) {
	values := make(map[string]float64, len(counts))
	for label, n := range counts {
		values[label] = float64(n)
	}
	return values, err
}
