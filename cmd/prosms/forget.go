package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

type forgetCommand struct {
	Tenant string `help:"Whose knowledge of them; without it, what is nobody's: texts to us and opt-outs whose tenant nobody knew."`
	Number string `arg:"" help:"The number; - reads numbers from the standard input, one a line, so that none stands in the list of processes."`
}

// Run makes everything personal about the people behind numbers unreadable. It reads
// all numbers first: a line that is none changes nothing.
func (f forgetCommand) Run(ctx context.Context, p process) error {
	if f.Tenant != "" && !commands.ValidTenant(f.Tenant) {
		return errors.New("--tenant: 1 to 64 letters, digits, '-', '_' or '.'")
	}
	return withTool(ctx, p, func(t tool) error {
		var in io.Reader = strings.NewReader(f.Number)
		if f.Number == "-" {
			in = os.Stdin
		}
		numbers, err := readLines(in, t.handler)
		if err != nil {
			return err
		}
		caller := operator()
		caller.Tenant = f.Tenant
		for i, number := range numbers {
			done, err := t.handler.Forget(ctx, caller, number)
			if err != nil {
				return fmt.Errorf("forgetting number %d of %d, those before it are done: %w", i+1, len(numbers), err)
			}
			fmt.Fprintf(p.Stdout, "forgotten: subject %s at %s\n", done.Subject, done.At.UTC().Format("2006-01-02 15:04:05Z"))
		}
		return nil
	})
}

// newEraser destroys the keys of what was forgotten, and of days that are over.
func newEraser(c Config, sealer *commands.Sealer, runner *projections.Runner, queries projections.Queries, log *slog.Logger) *commands.Eraser {
	return &commands.Eraser{
		Sealer: sealer, Retention: c.Retention, Log: log,
		Open: func(ctx context.Context, began time.Time) (map[string]bool, error) {
			if err := runner.CatchUp(ctx, projections.Messages().Name); err != nil {
				return nil, err
			}
			return queries.OpenDays(ctx, began)
		},
	}
}

// readLines reads a number from each line that is not empty. Errors name lines, not
// numbers.
func readLines(in io.Reader, handler *commands.Handler) ([]events.Personal, error) {
	var numbers []events.Personal
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		number, err := handler.ReadNumber(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, noNumber(err))
		}
		numbers = append(numbers, number)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading numbers: %w", err)
	}
	if len(numbers) == 0 {
		return nil, errors.New("no number was given")
	}
	return numbers, nil
}
