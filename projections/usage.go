package projections

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Accepted returns how many messages a tenant has had accepted since a time, and
// their segments, those of test keys left out. It reads every one of them.
func (q Queries) Accepted(ctx context.Context, tenant string, since time.Time) (messages, segments int64, err error) {
	const pageSize = 5000
	query := ports.Query{
		Where: []ports.Condition{
			{Column: "tenant", Op: ports.Equal, Value: tenant},
			{Column: "created_at", Op: ports.AtLeast, Value: since.UTC()},
		},
		OrderBy: "created_at", Limit: pageSize,
	}
	for {
		page, err := find[Message](ctx, q.Views, messagesView, query)
		if err != nil {
			return 0, 0, err
		}
		for _, m := range page {
			if !m.Test {
				messages, segments = messages+1, segments+int64(m.Segments)
			}
		}
		if len(page) < pageSize {
			return messages, segments, nil
		}
		last := page[len(page)-1]
		query.After = &ports.Cursor{Key: last.CreatedAt, ID: last.ID}
	}
}
