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
	Store  ports.EventStore
	Signer func(context.Context) audit.Signer    // of now
	Every  time.Duration                         // 0: a minute
	Last   func() (audit.Head, error)            // that Keep has; the zero Head: none
	Keep   func(h audit.Head, note []byte) error // once it returns, the note is durable
	Log    *slog.Logger
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
			s.Log.Error("the head of the log was not signed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Sign signs the head and keeps the note, unless the log is still at the last one:
// then there is none. It refuses with ErrRewritten to sign a log that does not hold
// that one.
func (s *HeadSigner) Sign(ctx context.Context) (note []byte, err error) {
	signer := s.Signer(ctx)
	last, err := s.Last()
	if err != nil {
		return nil, fmt.Errorf("reading the last signed head: %w", err)
	}
	if last.Position > 0 {
		commits, err := s.Store.Commits(ctx, last.Position-1, 1)
		if err != nil {
			return nil, fmt.Errorf("reading the commit of the last signed head: %w", err)
		}
		if len(commits) == 0 || commits[0].LastPosition != last.Position || commits[0].Link != last.Link {
			return nil, fmt.Errorf("at position %d: %w", last.Position, ErrRewritten)
		}
	}
	commit, err := s.Store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the head: %w", err)
	}
	if commit.LastPosition == last.Position {
		return nil, nil
	}
	h := audit.Head{Position: commit.LastPosition, Link: commit.Link, SignedAt: time.Now().UTC().Truncate(time.Second)}
	note = signer.Sign(h)
	if err := s.Keep(h, note); err != nil {
		return nil, fmt.Errorf("keeping the signed head: %w", err)
	}
	return note, nil
}
