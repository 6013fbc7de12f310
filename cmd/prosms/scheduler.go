package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// abandonedAfter is how long after the provider's timeout an attempt without an
// outcome counts as left behind by a crash.
const abandonedAfter = 15 * time.Second

// newScheduler gives the scheduler its eyes: the views, which are brought up to date
// first where a doubt is decided by what they lack.
func newScheduler(c Config, store ports.EventStore, st stores, b bus, ps providers, gate *commands.Gate, queries projections.Queries, runner *projections.Runner, log *slog.Logger) *commands.Scheduler {
	upToDate := func(ctx context.Context) error { return runner.CatchUp(ctx, projections.Messages().Name) }
	return &commands.Scheduler{
		Store: store, Bus: b, Depth: b.Depth, Log: log,
		Due: func(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error) {
			return queries.Due(ctx, string(status), string(lane), by, after, limit)
		},
		Sweeper: &commands.Sweeper{
			Store: store, Providers: ps.Providers, Delays: c.ReceiptDelays, Dispatched: queries.Dispatched, Log: log,
		},
		Shut: func(id string, m domain.Message) bool {
			able := ps.For(id, m)
			return len(able) > 0 && !slices.ContainsFunc(able, func(p ports.Provider) bool { return !gate.Shut(p.Name()) })
		},
		Abandoned: c.ProviderTimeout + abandonedAfter, AloneSince: st.aloneSince,
		Reconciler: &commands.Reconciler{
			Store: store, Providers: ps.Providers, Delays: c.reconcileDelays, Resend: c.resend,
			Schedule: c.schedule(), Log: log,
			Bound: func(ctx context.Context, id string) (bool, error) {
				if err := upToDate(ctx); err != nil {
					return false, err
				}
				return queries.Bound(ctx, id)
			},
			UnderWay: func(ctx context.Context, tenant, consent string) ([]string, error) {
				if err := upToDate(ctx); err != nil {
					return nil, err
				}
				return queries.UnderWay(ctx, tenant, consent)
			},
		},
	}
}
