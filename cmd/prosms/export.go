package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pro-sms/prosms/adapters/parquet"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

type exportCommand struct {
	After  int64    `help:"Begin after this position: the last one of the export before." default:"0"`
	Until  string   `help:"End with this position or RFC 3339 time. Empty: the head of the log as it is now." placeholder:"POSITION|TIME"`
	Tenant string   `help:"Only this tenant's events."`
	Type   []string `help:"Only events of these types, or of all types with this part before the dot." placeholder:"TYPE"`
	Format string   `help:"ndjson: events as the API shows them, but for the link. cloudevents: CloudEvents 1.0. A line each. parquet: a file, a row each." enum:"ndjson,cloudevents,parquet" default:"ndjson"`
}

// Run writes part of the log to the standard output, for a warehouse, with numbers
// and texts, and says on the other output where the next export has to begin. It
// works beside a gateway.
func (c exportCommand) Run(ctx context.Context, p process) error {
	if c.After < 0 {
		return fmt.Errorf("--after: a position, from 0 on")
	}
	if err := checkTypes(c.Type); err != nil {
		return err
	}
	if c.Format == "parquet" && isTerminal(p.Stdout) {
		return fmt.Errorf("--format parquet is not for a terminal: write it to a file, with > events.parquet")
	}
	return withReader(ctx, p, func(t tool) error {
		until, err := c.until(ctx, t)
		if err != nil {
			return err
		}
		out := c.writer(t, p.Stdout)
		written := 0
		for position := c.After; position < until; {
			page, err := t.store.Read(ctx, position, int(min(500, until-position)))
			if err != nil {
				return err
			}
			if len(page) == 0 {
				return fmt.Errorf("the log ends at %d, before %d", position, until)
			}
			for _, e := range page {
				position = e.Position
				if !c.wants(e) {
					continue
				}
				if err := out.Write(e); err != nil {
					return fmt.Errorf("exporting the event at %d: %w", e.Position, err)
				}
				written++
			}
		}
		if err := out.Close(); err != nil {
			return fmt.Errorf("exporting: %w", err)
		}
		_, err = fmt.Fprintf(p.Stderr, "%d events; the next export: --after %d\n", written, max(until, c.After))
		return err
	})
}

// until returns the last position to look at.
func (c exportCommand) until(ctx context.Context, t tool) (int64, error) {
	head, err := headFrom(ctx, t.stores.events, c.After)
	if err != nil || c.Until == "" {
		return head, err
	}
	moment, err := projections.ParseAsOf(c.Until)
	if err != nil {
		return 0, fmt.Errorf("--until: a position, or an RFC 3339 date and time with its offset")
	}
	return moment.In(ctx, t.stores.events)
}

func (c exportCommand) wants(e events.Recorded) bool {
	return (c.Tenant == "" || c.Tenant == e.Meta.Tenant) && ofTypes(e.Type, c.Type)
}

// writer returns what writes events to out in the format asked for.
func (c exportCommand) writer(t tool, out io.Writer) eventWriter {
	switch c.Format {
	case "parquet":
		return parquet.NewWriter(out)
	case "cloudevents":
		return lines{bufio.NewWriter(out), func(e events.Recorded) any { return e.CloudEvent(t.config.PublicURL) }}
	}
	return lines{bufio.NewWriter(out), func(e events.Recorded) any { return e }}
}

// eventWriter writes events. What it wrote is whole only after Close.
type eventWriter interface {
	Write(events.Recorded) error
	Close() error
}

// lines writes JSON, an event a line.
type lines struct {
	out  *bufio.Writer
	form func(events.Recorded) any
}

func (l lines) Write(e events.Recorded) error {
	line, err := json.Marshal(l.form(e))
	if err != nil {
		return err
	}
	_, err = l.out.Write(append(line, '\n'))
	return err
}

func (l lines) Close() error { return l.out.Flush() }
