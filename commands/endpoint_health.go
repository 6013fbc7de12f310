package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Bounds of an endpoint that fails.
const (
	failuresToRest = 5 // in a row
	firstRest      = 30 * time.Second
	longestRest    = 15 * time.Minute
	failsForGood   = 3 * 24 * time.Hour // after which it is disabled
)

// health is how an endpoint has answered lately: its breaker. Callback URLs share
// one by tenant and host.
type health struct {
	Failures     int        `json:"failures"` // in a row
	FailingSince *time.Time `json:"failing_since,omitempty"`
	FailedAt     *time.Time `json:"failed_at,omitempty"` // the last time
	PausedUntil  *time.Time `json:"paused_until,omitempty"`
}

var healthView = ports.View{Name: "webhook_health", Columns: []string{"tenant"}}

// after returns h after an answer at now.
func (h health) after(delivered bool, now time.Time) health {
	if delivered {
		return health{}
	}
	h.Failures++
	h.FailedAt = &now
	if h.FailingSince == nil {
		h.FailingSince = &now
	}
	if n := h.Failures - failuresToRest; n >= 0 {
		until := now.Add(min(firstRest<<min(n, 10), longestRest))
		h.PausedUntil = &until
	}
	return h
}

// paused returns until when nothing is posted; false: it may be now.
func (h health) paused(now time.Time) (time.Time, bool) {
	if h.PausedUntil == nil || !now.Before(*h.PausedUntil) {
		return time.Time{}, false
	}
	return *h.PausedUntil, true
}

// atOnce bounds the calls under way: one, the probe, to what was paused.
func (h health) atOnce(most int) int {
	if h.PausedUntil != nil {
		return 1
	}
	return most
}

// lost reports whether the endpoint has failed for so long that it is disabled.
func (h health) lost(now time.Time) bool {
	return h.FailingSince != nil && now.Sub(*h.FailingSince) > failsForGood
}

// destination names what shares a health.
func (d Delivery) destination() string {
	if d.Endpoint != domain.CallbacksEndpoint {
		return d.Endpoint
	}
	host := ""
	if u, err := url.Parse(d.URL); err == nil {
		host = u.Host
	}
	sum := sha256.Sum256([]byte(d.Tenant + " " + host))
	return "callbacks_" + hex.EncodeToString(sum[:16])
}

func loadHealth(ctx context.Context, views ports.Views, destination string) (h health, err error) {
	rows, err := views.Find(ctx, healthView, ports.Query{
		Where: []ports.Condition{{Column: "id", Op: ports.Equal, Value: destination}}, OrderBy: "tenant", Limit: 1,
	})
	if err != nil || len(rows) == 0 {
		return h, err
	}
	return readHealth(rows[0])
}

func readHealth(row ports.Row) (h health, err error) {
	if json.Unmarshal(row.Doc, &h) != nil {
		return h, fmt.Errorf("reading health of %s: malformed", row.ID)
	}
	return h, nil
}

func putHealth(ctx context.Context, tx ports.ViewTx, tenant, destination string, h health) error {
	doc, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("writing health of %s: %w", destination, err)
	}
	return tx.Put(ctx, healthView, []ports.Row{{ID: destination, Keys: []any{tenant}, Doc: doc}})
}
