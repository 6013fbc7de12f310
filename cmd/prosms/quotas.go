package main

import (
	"context"
	"log/slog"
	"sync"
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

// tellRefused counts the texts that caps and pauses refuse, and says in the log, once a
// day, of which tenant. Which prefix is paused the fuse says.
func tellRefused(count func(code string, texts int), log *slog.Logger) func(tenant, code string, texts int) {
	var mu sync.Mutex
	told := map[string]bool{} // tenants, of day
	var day time.Time
	return func(tenant, code string, texts int) {
		count(code, texts)
		if code != commands.CodeQuotaExceeded {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if today := time.Now().UTC().Truncate(24 * time.Hour); !today.Equal(day) {
			day = today
			clear(told)
		}
		if !told[tenant] {
			told[tenant] = true
			log.Warn("a tenant's day is used up: texts of it are refused", "tenant", tenant, "until", day.Add(24*time.Hour))
		}
	}
}
