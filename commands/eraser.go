package commands

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Eraser destroys keys whose time has come: what a crash has left of a forgetting,
// and with Retention those of days that are over. Then no body of such a day can be
// read any more, whoever it was for; numbers and what happened stay.
//
// One instance runs it at a time (ports.Leader); two would do no harm.
type Eraser struct {
	Sealer    *Sealer
	Retention time.Duration // from the end of a day to the end of its key; 0: keys are kept
	// Open returns the days (2026-11-25) whose bodies are still needed: of messages
	// that began before a time and are not at their end. An error erases nothing.
	Open     func(ctx context.Context, began time.Time) (map[string]bool, error)
	Interval time.Duration    // between rounds; 0: 1 min
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger
}

// Run erases until ctx ends.
func (e *Eraser) Run(ctx context.Context) error {
	for {
		if err := e.Round(ctx); err != nil && ctx.Err() == nil {
			e.Log.Error("erasing", "error", err)
		}
		if wait(ctx, orDefault(e.Interval, time.Minute)) != nil {
			return nil
		}
	}
}

// Round does what is to be done now.
func (e *Eraser) Round(ctx context.Context) error {
	n, err := e.Sealer.CompleteForgetting(ctx)
	if n > 0 {
		e.Log.Info("completed what was left of a forgetting", "subjects", n)
	}
	if err != nil || e.Retention == 0 {
		return err
	}
	return e.expire(ctx)
}

// expire destroys the keys of days that ended Retention ago, but for those whose
// texts may still be sent.
func (e *Eraser) expire(ctx context.Context) error {
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	limit := now().Add(-e.Retention).UTC()
	days, err := e.daysBefore(ctx, limit.Format(dayFormat))
	if err != nil || len(days) == 0 {
		return err
	}
	open, err := e.Open(ctx, limit.Add(24*time.Hour))
	if err != nil {
		return fmt.Errorf("asking for what may still be sent: %w", err)
	}
	var over []string
	for _, day := range days {
		if !open[day] {
			over = append(over, dayPrefix+day)
		}
	}
	if len(over) == 0 {
		return nil
	}
	if err := e.Sealer.drop(ctx, over); err != nil {
		return err
	}
	e.Log.Info("erased bodies", "days", len(over), "until", strings.TrimPrefix(over[len(over)-1], dayPrefix))
	return nil
}

// daysBefore returns the days before one that have a key, at most 1,000 of them.
func (e *Eraser) daysBefore(ctx context.Context, day string) ([]string, error) {
	names, err := e.Sealer.Keyring.Names(ctx, dayPrefix, "", 1000)
	if err != nil {
		return nil, fmt.Errorf("listing days: %w", err)
	}
	var days []string
	for _, name := range names {
		if d := strings.TrimPrefix(name, dayPrefix); d < day {
			days = append(days, d)
		}
	}
	return days, nil
}

// drop destroys keys and forgets them here.
func (s *Sealer) drop(ctx context.Context, names []string) error {
	s.init()
	if err := s.Keyring.Delete(ctx, names...); err != nil {
		return fmt.Errorf("erasing %d keys: %w", len(names), err)
	}
	for _, name := range names {
		s.keys.reading.drop(name)
	}
	return nil
}
