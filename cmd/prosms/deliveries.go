package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

type webhooksCommand struct {
	Endpoints webhooksEndpoints `cmd:"" help:"List the endpoints of customers."`
	List      webhooksList      `cmd:"" help:"List deliveries to them and to callback URLs, the latest first."`
	Show      webhooksShow      `cmd:"" help:"Show a delivery."`
	Replay    webhooksReplay    `cmd:"" help:"Post deliveries once more that were delivered or given up. SQLite: while no gateway runs."`
}

type webhooksEndpoints struct {
	Tenant string `help:"Only this tenant's."`
	JSON   bool   `name:"json" help:"Print JSON, with the URLs as they are."`
}

// Run lists endpoints: their URLs without queries, which may hold secrets.
func (e webhooksEndpoints) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		rows := []endpointJSON{}
		err := t.eachTenant(ctx, e.Tenant, func(tenant string) error {
			found, err := t.webhooks().Endpoints(ctx, tenant)
			if err != nil {
				return err
			}
			failing, err := t.webhooks().Failing(ctx, tenant)
			for _, hook := range found {
				row := endpointJSON{hook.ID, tenant, hook.URL, hook.Types, hook.Disabled, nil}
				for _, f := range failing {
					if f.Endpoint == hook.ID {
						row.Failing = &f.Since
					}
				}
				rows = append(rows, row)
			}
			return err
		})
		if err != nil {
			return err
		}
		if e.JSON {
			return printJSON(p.Stdout, rows)
		}
		table := newTable(p.Stdout, "ID", "TENANT", "URL", "TYPES", "DISABLED", "FAILING SINCE")
		for _, r := range rows {
			types := strings.Join(r.Types, " ")
			if len(r.Types) == len(domain.WebhookTypes) {
				types = "all"
			}
			url, _, _ := strings.Cut(r.URL, "?")
			table.row(r.ID, r.Tenant, url, types, r.Disabled, r.Failing)
		}
		return table.Flush()
	})
}

// endpointJSON is an endpoint as --json prints it.
type endpointJSON struct {
	ID       string     `json:"id"`
	Tenant   string     `json:"tenant"`
	URL      string     `json:"url"`
	Types    []string   `json:"types"`
	Disabled string     `json:"disabled,omitempty"` // the reason
	Failing  *time.Time `json:"failing_since,omitempty"`
}

type webhooksList struct {
	Tenant   string `help:"Only this tenant's."`
	Endpoint string `help:"Only those to this endpoint; callbacks: to callback URLs." placeholder:"WH_…"`
	Message  string `help:"Only those about this text." placeholder:"MSG_…"`
	Status   string `help:"Only those that stand there: pending, delivered, dead." placeholder:"STATUS"`
	Limit    int    `help:"How many at most." default:"100"`
	JSON     bool   `name:"json" help:"Print JSON, with the URLs of callbacks."`
}

// maxDeliveries bounds a list.
const maxDeliveries = 10_000

// Run lists deliveries as far as they are queued: what happened since the gateway was
// stopped is not among them.
func (l webhooksList) Run(ctx context.Context, p process) error {
	if l.Limit < 1 || l.Limit > maxDeliveries {
		return fmt.Errorf("--limit: 1 to %d", maxDeliveries)
	}
	status := commands.DeliveryStatus(l.Status)
	if l.Status != "" && !slices.Contains(commands.DeliveryStatuses, status) {
		return fmt.Errorf("--status: one of %v", commands.DeliveryStatuses)
	}
	return withReader(ctx, p, func(t tool) error {
		found, more := []commands.Delivery{}, false
		err := t.eachTenant(ctx, l.Tenant, func(tenant string) error {
			some, next, err := t.webhooks().Deliveries(ctx, commands.DeliveryFilter{
				Tenant: tenant, Endpoint: l.Endpoint, Message: l.Message, Status: status, Limit: l.Limit,
			})
			found, more = append(found, some...), more || next != nil
			return err
		})
		if err != nil {
			return err
		}
		slices.SortStableFunc(found, func(a, b commands.Delivery) int { return b.CreatedAt.Compare(a.CreatedAt) })
		if len(found) > l.Limit {
			found, more = found[:l.Limit], true
		}
		if l.JSON {
			return printJSON(p.Stdout, found)
		}
		table := newTable(p.Stdout, "ID", "TENANT", "ENDPOINT", "MESSAGE", "VERSION", "TYPE", "STATUS", "REASON", "ATTEMPTS", "LAST", "DUE")
		for _, d := range found {
			table.row(d.ID, d.Tenant, d.Endpoint, d.Message, d.Version, d.Type, d.Status, d.Reason, d.Attempts, lastTry(d), d.DueAt)
		}
		if err := table.Flush(); err != nil || !more {
			return err
		}
		_, err = fmt.Fprintln(p.Stdout, "… and more: raise --limit, or filter")
		return err
	})
}

// lastTry says in a word what came of the latest attempt.
func lastTry(d commands.Delivery) string {
	if d.Last == nil {
		return "-"
	}
	return cmp.Or(d.Last.Fault, fmt.Sprintf("http_%d", d.Last.HTTPStatus))
}

type webhooksShow struct {
	ID   string `arg:"" help:"Id of the delivery: whd_…"`
	JSON bool   `name:"json" help:"Print JSON, with the URL of a callback."`
}

// Run shows a delivery.
func (s webhooksShow) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		d, err := t.webhooks().Delivery(ctx, "", s.ID)
		if err != nil {
			return fmt.Errorf("showing %s: %w", s.ID, err)
		}
		if s.JSON {
			return printJSON(p.Stdout, d)
		}
		fmt.Fprintf(p.Stdout, "%s of tenant %s tells %s of %s version %d, %s of %s (position %d)\n",
			d.ID, d.Tenant, d.Endpoint, d.Message, d.Version, d.Type, d.CreatedAt.Format(time.RFC3339), d.Position)
		said := fmt.Sprintf("it is %s", d.Status)
		if d.Reason != "" {
			said += ": " + d.Reason
		}
		said += fmt.Sprintf("; %d attempts, replayed %d times", d.Attempts, d.Replays)
		if d.Last != nil {
			said += fmt.Sprintf("; the last one was at %s: %s after %s", d.Last.At.Format(time.RFC3339), lastTry(d), d.Last.Took.Round(time.Millisecond))
		}
		if d.DueAt != nil {
			said += "; the next one is at " + moment(*d.DueAt, time.Now())
		}
		_, err = fmt.Fprintln(p.Stdout, said)
		return err
	})
}

type webhooksReplay struct {
	IDs    []string `arg:"" name:"ids" help:"Ids of deliveries: whd_…"`
	Reason string   `required:"" help:"Why, for whoever asks later."`
}

// Run queues deliveries once more, each with an event that says so first.
func (r webhooksReplay) Run(ctx context.Context, p process) error {
	return withTool(ctx, p, func(t tool) error {
		queued := 0
		for _, id := range r.IDs {
			d, err := t.webhooks().Delivery(ctx, "", id)
			if err == nil {
				caller := operator()
				caller.Tenant, caller.Reason = d.Tenant, r.Reason
				_, err = t.webhooks().Replay(ctx, caller, id)
			}
			switch {
			case errors.Is(err, commands.ErrDeliveryPending):
				fmt.Fprintf(p.Stdout, "%s waits to be posted anyway\n", id)
			case err != nil:
				return fmt.Errorf("replaying %s, after %d others: %w", id, queued, err)
			default:
				queued++
				fmt.Fprintf(p.Stdout, "%s is queued\n", id)
			}
		}
		if queued == 0 {
			return nil
		}
		_, err := fmt.Fprintln(p.Stdout, "the instances that run post them, or the next serve")
		return err
	})
}

// webhooks is for deliveries as the queue has them, and for endpoints.
func (t tool) webhooks() *commands.Webhooks {
	return &commands.Webhooks{Store: t.store, Views: t.stores.views, Lookup: t.lookup}
}

// eachTenant calls do for one tenant; for all that have keys where it is not named.
func (t tool) eachTenant(ctx context.Context, tenant string, do func(tenant string) error) error {
	if tenant != "" {
		return do(tenant)
	}
	tenants, err := projections.Oversight{Queries: t.queries}.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, name := range tenants {
		if err := do(name); err != nil {
			return err
		}
	}
	return nil
}
