package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

type dlqReplay struct {
	dlqFilter
	IDs            []string `arg:"" optional:"" name:"ids" help:"Ids of messages, of one tenant; none: what the filter selects."`
	All            bool     `help:"Select without any filter but the tenant."`
	Why            string   `name:"reason" help:"Why, for whoever asks later. Required but for a dry run." placeholder:"TEXT"`
	Rate           int      `help:"Messages a second." default:"10"`
	IncludeInDoubt bool     `help:"Also those that may have been sent: they may arrive twice."`
	DryRun         bool     `help:"Only print what would happen to each."`
	JSON           bool     `name:"json" help:"Print JSON."`
}

// Run requests a replay, which the instances that run carry out, or the next serve.
func (d dlqReplay) Run(ctx context.Context, p process) error {
	filter := d.filter(domain.MaxReplay)
	narrowed := filter
	narrowed.Tenant, narrowed.Limit = "", 0
	filtered := narrowed != projections.DeadLetterFilter{}
	switch {
	case d.Tenant == "" && len(d.IDs) == 0:
		return errors.New("--tenant: a replay belongs to one tenant")
	case len(d.IDs) > 0 && (filtered || d.All), d.All && filtered:
		return errors.New("name messages, or filter, or say --all: one of them")
	case len(d.IDs) == 0 && !filtered && !d.All:
		return errors.New("name messages, filter, or say --all")
	}
	return withDeadLetters(ctx, p, func(t tool) error {
		caller := operator()
		if caller.Tenant = d.Tenant; caller.Tenant == "" {
			dead, err := t.queries.DeadLetter(ctx, "", d.IDs[0])
			if err != nil {
				return fmt.Errorf("reading %s: %w", d.IDs[0], err)
			}
			caller.Tenant = dead.Message.Tenant
		}
		request := commands.Replay{IDs: d.IDs, Reason: d.Why, Rate: d.Rate, IncludeInDoubt: d.IncludeInDoubt}
		if len(request.IDs) == 0 {
			ids, more, err := t.queries.DeadLetterIDs(ctx, filter)
			switch {
			case err != nil:
				return err
			case more:
				return fmt.Errorf("the filter selects more than %d dead letters: narrow it", domain.MaxReplay)
			case len(ids) == 0:
				return errors.New("the filter selects no dead letter")
			}
			request.IDs = ids
		}
		if d.DryRun {
			return d.preview(ctx, p.Stdout, t.handler, caller, request)
		}
		id, err := t.handler.RequestReplay(ctx, caller, request)
		if err != nil {
			return err
		}
		replay, err := t.queries.Replay(ctx, caller.Tenant, id)
		if err != nil {
			return err
		}
		return printReplay(p.Stdout, replay, d.JSON)
	})
}

func (d dlqReplay) preview(ctx context.Context, w io.Writer, handler *commands.Handler, caller commands.Caller, request commands.Replay) error {
	forecasts, err := handler.PreviewReplay(ctx, caller, request)
	if err != nil {
		return err
	}
	if d.JSON {
		type item struct {
			ID    string          `json:"id"`
			Would domain.Prospect `json:"would"`
		}
		items := make([]item, len(forecasts))
		for i, f := range forecasts {
			items[i] = item(f)
		}
		return printJSON(w, map[string]any{"items": items})
	}
	counts := map[domain.Prospect]int{}
	table := newTable(w, "ID", "WOULD")
	for _, f := range forecasts {
		counts[f.Would]++
		table.row(f.ID, f.Would)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d of %d would be sent; nothing was done\n", counts[domain.WouldSend], len(forecasts))
	return err
}

func printReplay(w io.Writer, r projections.Replay, asJSON bool) error {
	if asJSON {
		return printJSON(w, r)
	}
	_, err := fmt.Fprintf(w, "%s of tenant %s is %s: %d selected, %d pending, %d sent, %d skipped, %d failed\n",
		r.ID, r.Tenant, r.Status, r.Selected, r.Pending(), r.Sent, r.Skipped, r.Failed)
	if err == nil && r.Status == string(domain.ReplayRunning) {
		_, err = fmt.Fprintf(w, "the instances that run carry it out, or the next serve; see: prosms dlq show %s\n", r.ID)
	}
	return err
}
