package main

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/commands"
)

type dlqReplays struct {
	Tenant string `help:"Only this tenant's."`
	Limit  int    `help:"How many at most." default:"20"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run lists replays.
func (d dlqReplays) Run(ctx context.Context, p process) error {
	if d.Limit < 1 || d.Limit > 1000 {
		return fmt.Errorf("--limit: 1 to 1000")
	}
	return withDeadLetters(ctx, p, func(t tool) error {
		replays, _, err := t.queries.Replays(ctx, d.Tenant, d.Limit, nil)
		if err != nil {
			return err
		}
		if d.JSON {
			return printJSON(p.Stdout, replays)
		}
		table := newTable(p.Stdout, "ID", "TENANT", "REQUESTED", "STATUS", "SELECTED", "PENDING", "SENT", "SKIPPED", "FAILED", "REASON")
		for _, r := range replays {
			table.row(r.ID, r.Tenant, r.CreatedAt, r.Status, r.Selected, r.Pending(), r.Sent, r.Skipped, r.Failed, r.Reason)
		}
		return table.Flush()
	})
}

// steer names a replay and says why it is changed.
type steer struct {
	ID     string `arg:"" help:"Id of the replay."`
	Reason string `required:"" help:"Why, for whoever asks later."`
}

type (
	dlqPause  struct{ steer }
	dlqResume struct{ steer }
	dlqCancel struct{ steer }
)

// Run pauses a replay.
func (d dlqPause) Run(ctx context.Context, p process) error {
	return d.run(ctx, p, (*commands.Handler).PauseReplay)
}

// Run resumes a replay.
func (d dlqResume) Run(ctx context.Context, p process) error {
	return d.run(ctx, p, (*commands.Handler).ResumeReplay)
}

// Run cancels a replay.
func (d dlqCancel) Run(ctx context.Context, p process) error {
	return d.run(ctx, p, (*commands.Handler).CancelReplay)
}

func (s steer) run(ctx context.Context, p process, change func(h *commands.Handler, ctx context.Context, caller commands.Caller, id, reason string) error) error {
	return withDeadLetters(ctx, p, func(t tool) error {
		if err := change(t.handler, ctx, operator(), s.ID, s.Reason); err != nil {
			return fmt.Errorf("changing %s: %w", s.ID, err)
		}
		replay, err := t.queries.Replay(ctx, "", s.ID)
		if err != nil {
			return err
		}
		return printReplay(p.Stdout, replay, false)
	})
}
