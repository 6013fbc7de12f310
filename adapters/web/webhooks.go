package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

// webhooksData is a tenant's endpoints and what was posted to them.
type webhooksData struct {
	Tenants    []string
	Tenant     string
	Status     string
	Statuses   []commands.DeliveryStatus
	Endpoint   string
	Message    string // whose deliveries are shown; empty: of any text
	Endpoints  []domain.Webhook
	Types      []string                            // all that an endpoint may hear of
	Failing    map[string]commands.FailingEndpoint // by endpoint; of callback URLs the one that fails longest
	Deliveries []commands.Delivery
	Next       string
	APIURL     string
}

func (u *ui) webhooks(w http.ResponseWriter, r *http.Request, v visit) error {
	q := r.URL.Query()
	d := webhooksData{Tenant: q.Get("tenant"), Status: q.Get("status"), Endpoint: q.Get("endpoint"), Message: q.Get("message"), Statuses: commands.DeliveryStatuses, Types: domain.WebhookTypes, APIURL: u.APIURL}
	if d.Status != "" && !slices.Contains(commands.DeliveryStatuses, commands.DeliveryStatus(d.Status)) || len(d.Tenant) > 64 || len(d.Endpoint) > 64 || len(d.Message) > 64 {
		return errBadQuery
	}
	var err error
	if d.Tenants, err = u.Oversight.Tenants(r.Context()); err != nil {
		return err
	}
	if d.Tenant == "" && len(d.Tenants) > 0 {
		d.Tenant = d.Tenants[0]
	}
	if u.Webhooks != nil && d.Tenant != "" {
		if err := u.readDeliveries(r, &d); err != nil {
			return err
		}
	}
	return u.show(w, r, v, "webhooks", page{Title: "Webhooks", Nav: "/webhooks", Data: d})
}

func (u *ui) readDeliveries(r *http.Request, d *webhooksData) (err error) {
	if d.Endpoints, err = u.Webhooks.Endpoints(r.Context(), d.Tenant); err != nil {
		return err
	}
	failing, err := u.Webhooks.Failing(r.Context(), d.Tenant)
	if err != nil {
		return err
	}
	d.Failing = map[string]commands.FailingEndpoint{}
	for _, f := range failing {
		if other, known := d.Failing[f.Endpoint]; !known || f.Since.Before(other.Since) {
			d.Failing[f.Endpoint] = f
		}
	}
	f := commands.DeliveryFilter{Tenant: d.Tenant, Endpoint: d.Endpoint, Message: d.Message, Status: commands.DeliveryStatus(d.Status), Limit: pageSize}
	q := r.URL.Query()
	if after := q.Get("after"); after != "" {
		cursor, ok := readCursor(after)
		if !ok {
			return errBadQuery
		}
		f.After = cursor
	}
	found, next, err := u.Webhooks.Deliveries(r.Context(), f)
	if err != nil {
		return err
	}
	d.Deliveries = found
	if next != nil {
		q.Set("tenant", d.Tenant)
		q.Set("after", writeCursor(next))
		d.Next = "/webhooks?" + q.Encode()
	}
	return nil
}

// replayDelivery posts what was delivered or given up once more.
func (u *ui) replayDelivery(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	if u.Webhooks == nil {
		return projections.ErrNotFound
	}
	caller.Tenant = r.PostForm.Get("tenant")
	if _, err := u.Webhooks.Replay(r.Context(), caller, r.PathValue("id")); err != nil {
		return err
	}
	http.Redirect(w, r, "/webhooks?done=posted&tenant="+url.QueryEscape(caller.Tenant), http.StatusSeeOther)
	return nil
}

// withoutQuery is a URL as far as it holds no secret.
func withoutQuery(raw string) string {
	before, _, _ := strings.Cut(raw, "?")
	return before
}
