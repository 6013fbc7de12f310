package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// skipCommand lets a projection go on that an event has stopped.
type skipCommand struct {
	Projection string `required:"" help:"The view: messages, keys, …"`
	Position   int64  `required:"" help:"Of the event that it cannot apply: the one it has stopped at." placeholder:"POSITION"`
	Reason     string `required:"" help:"Why; it stands in the log. No personal data."`
	By         string `required:"" help:"Who decides so; it stands in the log." placeholder:"NAME"`
}

// Run records the decision. What can be applied is, instead.
func (s skipCommand) Run(ctx context.Context, p process) error {
	if err := checkReason(&s.Reason); err != nil {
		return err
	}
	if s.By = strings.TrimSpace(s.By); s.By == "" || len(s.By) > 64 {
		return errors.New("--by: 1 to 64 characters")
	}
	return withTool(ctx, p, func(t tool) error {
		projection, err := projectionNamed(s.Projection, t.lookup)
		if err != nil {
			return err
		}
		head, err := t.stores.events.Head(ctx)
		if err != nil {
			return err
		}
		if s.Position < 1 || s.Position > head.LastPosition {
			return fmt.Errorf("--position: 1 to %d, the head of the log", head.LastPosition)
		}
		projection, standing, err := projections.Stand(ctx, t.stores.views, projection)
		if err != nil {
			return err
		}
		if !standing.Kept() {
			return errors.New("a newer build keeps this view, or is about to: the decision is its own")
		}
		stuck, err := projections.Filler{Store: t.stores.events, Views: t.stores.views}.Stuck(ctx, projection, s.Position)
		switch {
		case err != nil:
			return fmt.Errorf("it does not get as far as that: %w", err)
		case !stuck:
			return fmt.Errorf("%s has applied the event at position %d: there is nothing to skip", projection.Name, s.Position)
		}
		return s.record(ctx, p, t, projection)
	})
}

func (s skipCommand) record(ctx context.Context, p process, t tool, projection projections.Projection) error {
	caller := commands.Caller{Actor: "operator:" + s.By, Reason: s.Reason}
	err := t.handler.SkipEvent(ctx, caller, events.ProjectionSkipped{
		Projection: projection.Name, Revision: projection.SkipRevision(), Position: s.Position, By: s.By, Reason: s.Reason,
	})
	if err != nil && !errors.Is(err, domain.ErrSkipped) {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "%s passes over the event at position %d from now on\n", projection.Name, s.Position)
	return err
}
