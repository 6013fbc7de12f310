package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

type tailCommand struct {
	After  int64    `help:"Begin after this position; -1: with what comes from now on." default:"-1"`
	Type   []string `help:"Only events of these types, or of all types with this part before the dot: message, consent.opted_out."`
	Stream string   `help:"Only the events of this message, key or replay."`
	Once   bool     `help:"End at the head of the log."`
	JSON   bool     `help:"A line of JSON for each event, with what is personal left out." name:"json"`
}

// tailed is an event as tail shows it: nothing in it is personal.
type tailed struct {
	Position   int64     `json:"position"`
	RecordedAt time.Time `json:"recorded_at"`
	Stream     string    `json:"stream_id"`
	Version    int       `json:"version"`
	Type       string    `json:"type"`
	Tenant     string    `json:"tenant,omitempty"`
	Actor      string    `json:"actor,omitempty"`
}

// Run follows the log until it is interrupted, beside whatever runs on it. It shows
// what happened and to which stream, and nothing of the payload.
func (t tailCommand) Run(ctx context.Context, p process) error {
	if err := checkTypes(t.Type); err != nil {
		return err
	}
	return withReader(ctx, p, func(tool tool) error {
		head, err := headFrom(ctx, tool.stores.events, t.After)
		if err != nil {
			return err
		}
		if t.After < 0 && !t.Once {
			t.After = head
		}
		return t.follow(ctx, tool.stores.events, p.Stdout)
	})
}

// headFrom returns the last position of a log. An error says that the log has not reached
// after: whoever has got that position from it has seen what is no longer in it.
func headFrom(ctx context.Context, store ports.EventStore, after int64) (int64, error) {
	head, err := store.Head(ctx)
	if err != nil {
		return 0, err
	}
	if after > head.LastPosition {
		return 0, fmt.Errorf("--after: the log ends at %d. If you have seen later events, it was set back to a backup: what you have of after that is no longer in it", head.LastPosition)
	}
	return head.LastPosition, nil
}

// follow prints the log, and looks for more twice a second.
func (t tailCommand) follow(ctx context.Context, store ports.EventStore, out io.Writer) error {
	for position := max(t.After, 0); ; {
		page, err := store.Read(ctx, position, 500)
		if ctx.Err() != nil {
			return nil // interrupted
		}
		if err != nil {
			return err
		}
		for _, e := range page {
			position = e.Position
			if err := t.print(out, e); err != nil {
				return err
			}
		}
		if len(page) > 0 {
			continue
		}
		if t.Once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (t tailCommand) wants(e events.Recorded) bool {
	if t.Stream != "" && t.Stream != e.StreamID {
		return false
	}
	return ofTypes(e.Type, t.Type)
}

// checkTypes returns why one of types selects nothing.
func checkTypes(types []string) error {
	for _, name := range types {
		if err := events.CheckType(name); err != nil {
			return fmt.Errorf("--type: %s is %w", name, err)
		}
	}
	return nil
}

// ofTypes reports whether an event is of one of types, of which each may be the part
// before the dot; of any where there are none.
func ofTypes(eventType string, types []string) bool {
	kind, _, _ := strings.Cut(eventType, ".")
	return len(types) == 0 || slices.Contains(types, eventType) || slices.Contains(types, kind)
}

func (t tailCommand) print(out io.Writer, e events.Recorded) error {
	if !t.wants(e) {
		return nil
	}
	if t.JSON {
		return json.NewEncoder(out).Encode(tailed{e.Position, e.RecordedAt.UTC(), e.StreamID, e.Version, e.Type, e.Meta.Tenant, e.Meta.Actor})
	}
	_, err := fmt.Fprintf(out, "%8d  %s  %-26s %s:%d  %s\n", e.Position, e.RecordedAt.UTC().Format("2006-01-02 15:04:05.000Z"),
		e.Type, e.StreamID, e.Version, e.Meta.Actor)
	return err
}
