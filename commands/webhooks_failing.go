package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Bounds of what Failing and Dead look at. A post is given up after about a day, and
// tried again after 8 hours at the latest.
const (
	maxFailing   = 1000
	failedLately = 12 * time.Hour
	deadLately   = 2 * 24 * time.Hour
)

// FailingEndpoint is a destination that has answered its last post with a failure.
type FailingEndpoint struct {
	Tenant   string
	Endpoint string // id; domain.CallbacksEndpoint: a host of callback URLs
	Since    time.Time
	Until    *time.Time // nothing is posted before; nil: as deliveries are due
}

// Failing returns the destinations of a tenant that fail just now; an empty tenant
// means any. Endpoints that are disabled or gone do not count. Of an installation with
// more than 1,000 destinations some are not looked at.
func (w *Webhooks) Failing(ctx context.Context, tenant string) ([]FailingEndpoint, error) {
	q := ports.Query{OrderBy: "tenant", Limit: maxFailing}
	if tenant != "" {
		q.Where = []ports.Condition{{Column: "tenant", Op: ports.Equal, Value: tenant}}
	}
	rows, err := w.Views.Find(ctx, healthView, q)
	if err != nil {
		return nil, fmt.Errorf("searching endpoints that fail: %w", err)
	}
	now, enabled := w.now(), map[string][]string{}
	var found []FailingEndpoint
	for _, row := range rows {
		h, err := readHealth(row)
		if err != nil {
			return nil, err
		}
		if h.FailedAt == nil || now.Sub(*h.FailedAt) > failedLately {
			continue
		}
		owner, _ := row.Keys[0].(string)
		f := FailingEndpoint{Tenant: owner, Endpoint: row.ID, Since: *h.FailingSince, Until: h.PausedUntil}
		if strings.HasPrefix(row.ID, domain.CallbacksEndpoint+"_") {
			f.Endpoint = domain.CallbacksEndpoint
		} else {
			if _, asked := enabled[owner]; !asked {
				if enabled[owner], err = w.enabled(ctx, owner); err != nil {
					return nil, err
				}
			}
			if !slices.Contains(enabled[owner], row.ID) {
				continue
			}
		}
		found = append(found, f)
	}
	return found, nil
}

// enabled returns the ids of a tenant's endpoints that are posted to.
func (w *Webhooks) enabled(ctx context.Context, tenant string) ([]string, error) {
	endpoints, err := w.Endpoints(ctx, tenant)
	ids := make([]string, 0, len(endpoints))
	for _, e := range endpoints {
		if e.Disabled == "" {
			ids = append(ids, e.ID)
		}
	}
	return ids, err
}

// Dead counts a tenant's deliveries about the last two days that were given up, as
// far as limit.
func (w *Webhooks) Dead(ctx context.Context, tenant string, limit int) (int, error) {
	found, err := findDeliveries(ctx, w.Views, ports.Query{
		Where: []ports.Condition{
			{Column: "tenant", Op: ports.Equal, Value: tenant},
			{Column: "status", Op: ports.Equal, Value: string(DeliveryDead)},
			{Column: "created_at", Op: ports.AtLeast, Value: w.now().Add(-deadLately)},
		},
		OrderBy: "created_at", Desc: true, Limit: limit,
	})
	return len(found), err
}
