package projections

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Accepted returns how many messages a tenant has had accepted since a time, and
// their segments, those of test keys left out. The view's database adds them up.
func (q Queries) Accepted(ctx context.Context, tenant string, since time.Time) (messages, segments int64, err error) {
	return q.Views.Sum(ctx, messagesView, ports.Sum{Of: "segments", Unless: "test"},
		ports.Condition{Column: "tenant", Op: ports.Equal, Value: tenant},
		ports.Condition{Column: "created_at", Op: ports.AtLeast, Value: since.UTC()})
}
