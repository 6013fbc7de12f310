package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain/breaker"
)

type breakerCommand struct {
	List  breakerList  `cmd:"" help:"List the providers and where their breakers stand."`
	Open  breakerOpen  `cmd:"" help:"Stop all calls to a provider; its texts wait. Instances that run notice within about a second."`
	Close breakerClose `cmd:"" help:"Let all calls to a provider pass again."`
}

type breakerList struct{}

// Run prints a line for each provider that is configured.
func (breakerList) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		table := newTable(p.Stdout, "PROVIDER", "STATE", "REASON", "UNTIL", "OPENINGS")
		for _, name := range providerNames(t.config) {
			state, err := t.handler.Breaker(ctx, name)
			if err != nil {
				return err
			}
			table.row(name, state.Phase, reasonWord(state), untilWord(state), state.Openings)
		}
		return table.Flush()
	})
}

// reasonWord is the reason of the last transition, with the calls that it was found by.
func reasonWord(s breaker.State) string {
	switch counted := s.Counted; {
	case counted == breaker.Tally{}: // of another reason, or by a build that did not record them
		return s.Reason
	case s.Reason == breaker.ReasonRate:
		return fmt.Sprintf("%s (%d of %d calls)", s.Reason, counted.Bad, counted.Good+counted.Bad)
	case s.Reason == breaker.ReasonConsecutive:
		return fmt.Sprintf("%s (%d calls)", s.Reason, counted.Run)
	}
	return s.Reason
}

// breakerChange is what opening and closing have in common.
type breakerChange struct {
	Provider string `arg:"" help:"Name of the provider, as list shows it."`
	Reason   string `required:"" help:"Why; it stands in the log. No personal data."`
}

type breakerOpen struct {
	breakerChange
	For time.Duration `help:"Probe the provider after this time. Without it the breaker stays open until it is closed." placeholder:"DURATION"`
}

// Run opens a breaker.
func (b breakerOpen) Run(ctx context.Context, p process) error {
	if b.For < 0 {
		return errors.New("--for: negative")
	}
	return b.change(ctx, p, func(handler *commands.Handler) (breaker.State, error) {
		return handler.OpenBreaker(ctx, operator(), b.Provider, b.Reason, b.For)
	})
}

type breakerClose struct{ breakerChange }

// Run closes a breaker.
func (b breakerClose) Run(ctx context.Context, p process) error {
	return b.change(ctx, p, func(handler *commands.Handler) (breaker.State, error) {
		return handler.CloseBreaker(ctx, operator(), b.Provider, b.Reason)
	})
}

func (b breakerChange) change(ctx context.Context, p process, run func(*commands.Handler) (breaker.State, error)) error {
	if err := checkReason(&b.Reason); err != nil {
		return err
	}
	return withTool(ctx, p, func(t tool) error {
		names := providerNames(t.config)
		if !slices.Contains(names, b.Provider) {
			return fmt.Errorf("no such provider is configured, only %s", strings.Join(names, ", "))
		}
		state, err := run(t.handler)
		if err != nil {
			return err
		}
		until := ""
		if state.Phase == breaker.Open {
			until = " until " + untilWord(state)
		}
		_, err = fmt.Fprintf(p.Stdout, "breaker of %s is %s%s\n", b.Provider, state.Phase, until)
		return err
	})
}

func untilWord(s breaker.State) string {
	switch {
	case s.Phase != breaker.Open:
		return "-"
	case s.Until.IsZero():
		return "closed by hand"
	}
	return s.Until.Format(time.RFC3339)
}
