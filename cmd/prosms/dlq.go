package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

type dlqCommand struct {
	List    dlqList    `cmd:"" help:"List dead letters, the latest first."`
	Show    dlqShow    `cmd:"" help:"Show a dead letter with all its attempts, or a replay."`
	Replay  dlqReplay  `cmd:"" help:"Send dead letters again: those named, or all that the filter selects now."`
	Replays dlqReplays `cmd:"" help:"List replays, the latest first."`
	Pause   dlqPause   `cmd:"" help:"Stop a replay until somebody resumes it."`
	Resume  dlqResume  `cmd:"" help:"Let a replay go on, also one that has paused itself."`
	Cancel  dlqCancel  `cmd:"" help:"End a replay: what it has not sent again stays a dead letter."`
	Discard dlqDiscard `cmd:"" help:"Put a dead letter aside for good."`
}

// dlqFilter are the flags that select dead letters.
type dlqFilter struct {
	Tenant   string `help:"Only this tenant's."`
	Reason   string `name:"given-up" help:"Only those given up for it: exhausted, permanent, in_doubt, poison, erased." placeholder:"REASON"`
	Class    string `help:"Only those whose last error was of this class."`
	Code     string `help:"Only those whose last error had this code of the provider."`
	Group    string `help:"Only those with this error (see list --by-error)."`
	Provider string `help:"Only those whose last attempt was with it."`
	Lane     string `help:"Only those of this lane."`

	Since  time.Time `help:"Only those given up at this time (RFC 3339) or later." format:"2006-01-02T15:04:05Z07:00"`
	Before time.Time `help:"Only those given up before this time." format:"2006-01-02T15:04:05Z07:00"`
}

func (f dlqFilter) filter(limit int) projections.DeadLetterFilter {
	return projections.DeadLetterFilter{
		Tenant: f.Tenant, Reason: f.Reason, Class: f.Class, Code: f.Code, Group: f.Group, Provider: f.Provider, Lane: f.Lane,
		DeadLetteredAfter: f.Since.UTC(), DeadLetteredBefore: f.Before.UTC(), Limit: limit,
	}
}

type dlqList struct {
	dlqFilter
	ByError bool `help:"Count them by error instead."`
	Limit   int  `help:"How many at most." default:"100"`
	JSON    bool `name:"json" help:"Print JSON, with numbers and texts."`
}

// Run lists dead letters. Its table shows no numbers and no texts.
func (d dlqList) Run(ctx context.Context, p process) error {
	if d.Limit < 1 || d.Limit > domain.MaxReplay {
		return fmt.Errorf("--limit: 1 to %d", domain.MaxReplay)
	}
	return withDeadLetters(ctx, p, func(t tool) error {
		if d.ByError {
			return d.groups(ctx, p.Stdout, t.queries)
		}
		found, more, err := t.queries.DeadLetters(ctx, d.filter(d.Limit))
		if err != nil {
			return err
		}
		if d.JSON {
			shown := make([]deadLetterJSON, len(found))
			for i, dead := range found {
				shown[i] = deadLetterJSON{dead.Message.ID, dead}
			}
			return printJSON(p.Stdout, shown)
		}
		table := newTable(p.Stdout, "ID", "TENANT", "GIVEN UP", "REASON", "CLASS", "CODE", "ATTEMPTS", "REPLAYS", "GROUP")
		for _, dead := range found {
			table.row(dead.Message.ID, dead.Message.Tenant, dead.DeadLetteredAt, dead.Reason,
				dead.Class, dead.Code, dead.Attempts, dead.Replays, dead.Group)
		}
		if err := table.Flush(); err != nil || more == nil {
			return err
		}
		_, err = fmt.Fprintln(p.Stdout, "… and more: raise --limit, or filter")
		return err
	})
}

func (d dlqList) groups(ctx context.Context, w io.Writer, queries projections.Queries) error {
	groups, more, err := queries.DeadLetterGroups(ctx, d.filter(domain.MaxReplay))
	if err != nil {
		return err
	}
	if d.JSON {
		return printJSON(w, groups)
	}
	table := newTable(w, "GROUP", "COUNT", "CLASS", "CODE", "FIRST", "LAST", "DETAIL")
	for _, g := range groups {
		table.row(g.Group, g.Count, g.Class, g.Code, g.FirstSeen, g.LastSeen, g.Detail)
	}
	if err := table.Flush(); err != nil || !more {
		return err
	}
	_, err = fmt.Fprintf(w, "… counted are the oldest %d only\n", domain.MaxReplay)
	return err
}

type dlqShow struct {
	ID   string `arg:"" help:"Id of the message, or of a replay."`
	JSON bool   `name:"json" help:"Print JSON, with number and text."`
}

// Run shows a dead letter, or a replay, as of now.
func (d dlqShow) Run(ctx context.Context, p process) error {
	return withDeadLetters(ctx, p, func(t tool) error {
		if strings.HasPrefix(d.ID, "replay_") {
			replay, err := t.queries.Replay(ctx, "", d.ID)
			if err != nil {
				return fmt.Errorf("showing %s: %w", d.ID, err)
			}
			return printReplay(p.Stdout, replay, d.JSON)
		}
		dead, err := t.queries.DeadLetter(ctx, "", d.ID)
		if err != nil {
			return fmt.Errorf("showing %s: %w", d.ID, err)
		}
		if d.JSON {
			return printJSON(p.Stdout, deadLetterJSON{dead.Message.ID, dead})
		}
		fmt.Fprintf(p.Stdout, "%s of tenant %s is %s; given up %s as %s after %d attempts, replayed %d times; error group %s\n",
			dead.Message.ID, dead.Message.Tenant, dead.Message.Status, dead.DeadLetteredAt.Format(time.RFC3339), dead.Reason, dead.Attempts, dead.Replays, dead.Group)
		if c := dead.Discarded; c != nil {
			fmt.Fprintf(p.Stdout, "discarded %s by %s: %s\n", c.At.Format(time.RFC3339), c.By, c.Reason)
		}
		table := newTable(p.Stdout, "ATTEMPT", "PROVIDER", "STARTED", "OUTCOME", "CLASS", "CODE", "DETAIL")
		for _, a := range dead.Message.Attempts {
			table.row(a.Attempt, a.Provider, a.StartedAt, a.Outcome, a.Class, a.Code, a.Detail)
		}
		return table.Flush()
	})
}

type dlqDiscard struct {
	ID     string `arg:"" help:"Id of the message."`
	Reason string `required:"" help:"Why, for whoever asks later."`
}

// Run discards a dead letter.
func (d dlqDiscard) Run(ctx context.Context, p process) error {
	return withDeadLetters(ctx, p, func(t tool) error {
		if err := t.handler.Discard(ctx, operator(), d.ID, d.Reason); err != nil {
			return fmt.Errorf("discarding %s: %w", d.ID, err)
		}
		_, err := fmt.Fprintf(p.Stdout, "%s is discarded\n", d.ID)
		return err
	})
}

// deadLetterJSON is a dead letter as --json prints it.
type deadLetterJSON struct {
	ID string `json:"id"`
	projections.DeadLetter
}

// withDeadLetters is withTool with the views of dead letters.
func withDeadLetters(ctx context.Context, p process, run func(tool) error) error {
	return withTool(ctx, p, run, projections.DeadLetters(), projections.Replays())
}
