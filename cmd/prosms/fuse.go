package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/ports"
)

// newFuse watches for pumping as configured; nil: not at all.
func newFuse(c Config, log ports.EventStore, seen ports.Sightings, logger *slog.Logger) *commands.Fuse {
	if c.FuseMode == "off" {
		return nil
	}
	rule := c.Fuse
	rule.ReportOnly = c.FuseMode == "report"
	if c.PublicURL == "" { // receipts come by asking for them
		rule.Wait = max(rule.Wait, c.ReceiptDelays[0]+5*time.Minute)
	}
	return &commands.Fuse{Store: log, Rule: rule, Sightings: seen, Log: logger}
}

type fuseCommand struct {
	List fuseList `cmd:"" help:"List the prefixes that are paused, reported or lifted, by tenant."`
	Lift fuseLift `cmd:"" help:"Let texts go to a prefix again. Instances that run notice within about a second; texts that wait go within 15 minutes."`
}

type fuseList struct{}

// Run prints a line for each prefix.
func (fuseList) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		t.handler.Fuse = newFuse(t.config, t.store, nil, nil) // which says whether it pauses
		standing, err := t.handler.Fuses(ctx)
		if err != nil {
			return err
		}
		slices.SortFunc(standing, func(a, b fuse.Standing) int {
			return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Prefix, b.Prefix))
		})
		table := newTable(p.Stdout, "TENANT", "PREFIX", "STATE", "DELIVERED", "SINCE", "UNTIL")
		for _, s := range standing {
			var delivered string
			if !s.Lifted {
				delivered = fmt.Sprintf("%d of %d", s.Delivered, s.Texts)
			}
			table.row(s.Tenant, s.Prefix, s.Word(), delivered, s.At, s.Until)
		}
		return table.Flush()
	})
}

type fuseLift struct {
	Tenant string        `arg:"" help:"Tenant, as list shows it."`
	Prefix string        `arg:"" help:"Prefix, as list shows it."`
	Reason string        `required:"" help:"Why; it stands in the log. No personal data."`
	For    time.Duration `help:"How long the prefix is not judged again; at most 24h." default:"24h"`
}

// Run lifts a pause.
func (l fuseLift) Run(ctx context.Context, p process) error {
	if err := checkReason(&l.Reason); err != nil {
		return err
	}
	if l.For <= 0 || l.For > fuse.MaxPause {
		return fmt.Errorf("--for: up to %v", fuse.MaxPause)
	}
	return withTool(ctx, p, func(t tool) error {
		caller := operator()
		caller.Reason = l.Reason
		standing, err := t.handler.LiftFuse(ctx, caller, fuse.Block{Tenant: l.Tenant, Prefix: l.Prefix}, l.For)
		if errors.Is(err, domain.ErrNotFound) {
			return errors.New("nothing is paused or reported there: see prosms fuse list")
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "texts of %s go to %s; it is not judged until %s\n", l.Tenant, l.Prefix, standing.Until.Format(time.RFC3339))
		return err
	})
}
