package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

type optOutsCommand struct {
	Import optOutsImport `cmd:"" help:"Opt out the numbers in the first column of a CSV file. Doing it again changes nothing."`
	Export optOutsExport `cmd:"" help:"Print the numbers that have opted out, as CSV with a header."`
	Lift   optOutsLift   `cmd:"" help:"Lift the opt-out of a number, for instance one towards every tenant."`
	Review optOutsReview `cmd:"" help:"Record that an opt-out in free text was looked at, and stands."`
}

type optOutsImport struct {
	Tenant string `required:"" help:"Whose texts they want no more."`
	File   string `arg:"" help:"The file; - is the standard input. A first line that begins with number is a header." type:"path"`
}

// Run opts out every number of the file. It reads all of it first: a file with a
// line that is no number changes nothing.
func (o optOutsImport) Run(ctx context.Context, p process) error {
	if !commands.ValidTenant(o.Tenant) {
		return errors.New("--tenant: 1 to 64 letters, digits, '-', '_' or '.'")
	}
	return withConsents(ctx, p, func(t tool) error {
		file := os.Stdin
		if o.File != "-" {
			var err error
			if file, err = os.Open(o.File); err != nil {
				return fmt.Errorf("opening the file: %w", err)
			}
			defer file.Close()
		}
		numbers, err := readNumbers(file, t.handler)
		if err != nil {
			return err
		}
		caller := operator()
		caller.Tenant = o.Tenant
		for i, number := range numbers {
			if err := t.handler.OptOut(ctx, caller, number); err != nil {
				return fmt.Errorf("opting out number %d of %d, those before it are done: %w", i+1, len(numbers), err)
			}
		}
		_, err = fmt.Fprintf(p.Stdout, "opted out: %d\n", len(numbers))
		return err
	})
}

// noNumber says in words why commands.Handler.ReadNumber refuses a line.
func noNumber(err error) error {
	if invalid, ok := errors.AsType[commands.Invalid](err); ok {
		return fmt.Errorf("no number: %s", invalid[0].Detail)
	}
	return err
}

// readNumbers reads the first column of a CSV file. Errors name lines, not numbers.
func readNumbers(r io.Reader, handler *commands.Handler) ([]events.Personal, error) {
	records := csv.NewReader(r)
	records.FieldsPerRecord, records.ReuseRecord = -1, true
	var numbers []events.Personal
	var faults []error
	for first := true; ; first = false {
		record, err := records.Read()
		if errors.Is(err, io.EOF) {
			return numbers, errors.Join(faults...)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the file: %w", err) // names the line alone
		}
		if first && record[0] == "number" {
			continue
		}
		n, err := handler.ReadNumber(record[0])
		if err != nil {
			line, _ := records.FieldPos(0)
			if faults = append(faults, fmt.Errorf("line %d: %w", line, noNumber(err))); len(faults) == 20 {
				return nil, errors.Join(faults...)
			}
			continue
		}
		numbers = append(numbers, n)
	}
}

type optOutsExport struct {
	Tenant string `required:"" help:"Whose."`
}

// Run prints the opt-outs of a tenant, the latest first, in a form that import reads.
func (o optOutsExport) Run(ctx context.Context, p process) error {
	return withConsents(ctx, p, func(t tool) error {
		out := csv.NewWriter(p.Stdout)
		if err := out.Write([]string{"number", "source", "keyword", "at"}); err != nil {
			return err
		}
		var after *ports.Cursor
		for {
			page, next, err := t.queries.OptOuts(ctx, projections.OptOutFilter{Tenant: o.Tenant, Limit: 500, After: after})
			if err != nil {
				return err
			}
			for _, row := range page {
				if err := out.Write([]string{row.Number, row.Source, row.Keyword, row.At.Format(time.RFC3339)}); err != nil {
					return err
				}
			}
			if after = next; after == nil {
				out.Flush()
				return out.Error()
			}
		}
	})
}

type optOutsLift struct {
	Tenant string `help:"Towards whom; without it, towards every tenant, where an opt-out stands whose tenant nobody knew."`
	Number string `arg:"" help:"The number."`
}

// Run lifts an opt-out.
func (o optOutsLift) Run(ctx context.Context, p process) error {
	return withConsents(ctx, p, func(t tool) error {
		n, err := t.handler.ReadNumber(o.Number)
		if err != nil {
			return err
		}
		caller := operator()
		caller.Tenant = o.Tenant
		if err := t.handler.OptIn(ctx, caller, n); err != nil {
			return fmt.Errorf("lifting the opt-out: %w", err)
		}
		_, err = fmt.Fprintln(p.Stdout, "the number is not opted out there")
		return err
	})
}

type optOutsReview struct {
	Tenant string `help:"Towards whom; without it, towards every tenant."`
	Number string `arg:"" help:"The number."`
	Reason string `required:"" help:"Why; it stands in the log. No personal data."`
}

// Run records a review.
func (o optOutsReview) Run(ctx context.Context, p process) error {
	if err := checkReason(&o.Reason); err != nil {
		return err
	}
	return withConsents(ctx, p, func(t tool) error {
		n, err := t.handler.ReadNumber(o.Number)
		if err != nil {
			return noNumber(err)
		}
		caller := operator()
		caller.Tenant, caller.Reason = o.Tenant, o.Reason
		if err := t.handler.ReviewOptOut(ctx, caller, n); err != nil {
			return fmt.Errorf("recording the review: %w", err)
		}
		_, err = fmt.Fprintln(p.Stdout, "nothing is left to review of the number there")
		return err
	})
}

// withConsents is withTool with the view of consents.
func withConsents(ctx context.Context, p process, run func(tool) error) error {
	return withTool(ctx, p, run, projections.OptOuts())
}
