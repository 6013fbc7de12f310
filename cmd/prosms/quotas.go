package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// newQuotas counts what tenants use of their days. A count that was lost, as by a
// restart, goes on from the messages view, brought up to date: from the log as it is
// stored, as what is personal stands sealed in views, too.
func newQuotas(c Config, counts ports.Quota, queries projections.Queries, log *slog.Logger) *commands.Quotas {
	runner := projections.Runner{
		Store: queries.AsStored(), Views: queries.Views, Projections: []projections.Projection{projections.Messages()}, Log: log,
	}
	return &commands.Quotas{
		Quota: counts, Default: c.dailyQuota(), Own: c.ownQuotas(),
		Used: func(ctx context.Context, tenant string, since time.Time) (ports.Usage, error) {
			if err := runner.CatchUp(ctx, projections.Messages().Name); err != nil {
				return ports.Usage{}, err
			}
			messages, segments, err := queries.Accepted(ctx, tenant, since)
			return ports.Usage{Messages: messages, Segments: segments}, err
		},
	}
}
