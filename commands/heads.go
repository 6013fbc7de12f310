package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// ErrRewritten says that the log no longer holds the last head that was signed.
var ErrRewritten = errors.New("the log does not hold its last signed head: it was rewritten or cut off")

// HeadSigner signs heads of the log, so that who keeps them can tell later whether
// it was rewritten or cut off. Run it in one instance at a time.
type HeadSigner struct {
	Store   ports.EventStore
	Signer  func(context.Context) audit.Signer // of now
	Every   time.Duration                      // 0: a minute
	Keepers []HeadKeeper
	Log     *slog.Logger
}

// HeadKeeper is a place in which signed heads are kept.
type HeadKeeper struct {
	// Last returns the last one that Keep has; the zero Head: none.
	Last func() (audit.Head, error)
	// Keep returns once the note is kept for good.
	Keep func(ctx context.Context, h audit.Head, note []byte) error
}

// Run signs the head now and every minute if the log has grown, until ctx ends. What
// fails is tried again a minute later.
func (s *HeadSigner) Run(ctx context.Context) error {
	every := s.Every
	if every == 0 {
		every = time.Minute
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if _, err := s.Sign(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the head of the log was not signed, or not kept everywhere", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Sign signs the head and gives the note to each keeper that is not at it yet; where all
// are, there is none. A keeper that fails keeps no other from it, and has it offered
// again. It refuses with ErrRewritten to sign a log that lacks the last head of any.
func (s *HeadSigner) Sign(ctx context.Context) (note []byte, err error) {
	kept := make([]int64, len(s.Keepers))
	for i, keeper := range s.Keepers {
		last, err := keeper.Last()
		if err != nil {
			return nil, fmt.Errorf("reading the last signed head: %w", err)
		}
		if err := s.holds(ctx, last); err != nil {
			return nil, err
		}
		kept[i] = last.Position
	}
	commit, err := s.Store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the head: %w", err)
	}
	h := audit.Head{Position: commit.LastPosition, Link: commit.Link, SignedAt: time.Now().UTC().Truncate(time.Second)}
	var faults []error
	for i, keeper := range s.Keepers {
		if kept[i] == h.Position {
			continue
		}
		if note == nil {
			note = s.Signer(ctx).Sign(h)
		}
		if err := keeper.Keep(ctx, h, note); err != nil {
			faults = append(faults, fmt.Errorf("keeping the signed head: %w", err))
		}
	}
	return note, errors.Join(faults...)
}

// holds returns ErrRewritten where the log does not hold a head.
func (s *HeadSigner) holds(ctx context.Context, h audit.Head) error {
	if h.Position == 0 {
		return nil
	}
	commits, err := s.Store.Commits(ctx, h.Position-1, 1)
	if err != nil {
		return fmt.Errorf("reading the commit of the last signed head: %w", err)
	}
	if len(commits) == 0 || commits[0].LastPosition != h.Position || commits[0].Link != h.Link {
		return fmt.Errorf("at position %d: %w", h.Position, ErrRewritten)
	}
	return nil
}
