package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Mover copies a store into another: the log commit by commit as it is, then what
// cannot be made again from it: the keyring, when keys were used, and the queue of
// webhook deliveries. All other views are made again by whoever serves the target.
// A move that was interrupted goes on when it is run again.
type Mover struct {
	From, To Movable
	Importer ports.Importer // of To
	PageSize int            // events written at once; 0: 2,000. A larger commit stays whole
	Progress func(position int64)
}

// Movable is a store as a Mover sees it.
type Movable struct {
	Events   ports.EventStore
	Views    ports.Views
	Keyring  ports.Keyring
	KeyUses  ports.KeyUses
	Exporter ports.Exporter
}

// ErrNotEmpty says that the target holds something else than the beginning of the
// source.
var ErrNotEmpty = errors.New("the target is not empty, and not the beginning of the source")

// ErrInUse says that the source has moved meanwhile.
var ErrInUse = errors.New("the source is still in use: stop every gateway on it, and run the move again")

// Run copies everything and returns the head that both have then.
func (m Mover) Run(ctx context.Context) (ports.Commit, error) {
	head, err := m.From.Events.Head(ctx)
	if err != nil {
		return head, err
	}
	at, err := m.resume(ctx)
	if err != nil {
		return head, err
	}
	err = WholeCommits(ctx, m.From.Events, at, head.LastPosition, orDefault(m.PageSize, 2000), func(commits []ports.WholeCommit) error {
		if err := m.Importer.Import(ctx, commits...); err != nil {
			return err
		}
		if m.Progress != nil {
			m.Progress(commits[len(commits)-1].LastPosition)
		}
		return nil
	})
	if err != nil {
		return head, err
	}
	if err := m.copyBeside(ctx); err != nil {
		return head, err
	}
	return head, m.Compare(ctx, head)
}

// Compare reports whether both heads are still that one.
func (m Mover) Compare(ctx context.Context, head ports.Commit) error {
	now, err := m.From.Events.Head(ctx)
	if err != nil {
		return err
	}
	if now != head {
		return ErrInUse
	}
	moved, err := m.To.Events.Head(ctx)
	if err == nil && moved != head {
		err = fmt.Errorf("the heads differ: %d and %d: %w", head.LastPosition, moved.LastPosition, ErrNotEmpty)
	}
	return err
}

// resume returns the position up to which the target is the source.
func (m Mover) resume(ctx context.Context) (int64, error) {
	at, err := m.To.Events.Head(ctx)
	if err != nil {
		return 0, err
	}
	if at.LastPosition > 0 {
		same, err := m.From.Events.Commits(ctx, at.LastPosition-1, 1)
		if err != nil {
			return 0, err
		}
		if len(same) == 0 || same[0] != at {
			return 0, fmt.Errorf("comparing the logs at position %d: %w", at.LastPosition, ErrNotEmpty)
		}
	}
	return at.LastPosition, m.checkKeys(ctx)
}

// checkKeys refuses a target that has a key which the source has not: it has been
// served, or is what is left of a move before the source gave that key up.
func (m Mover) checkKeys(ctx context.Context) error {
	next, stop := iter.Pull2(allKeys(ctx, m.From.Exporter))
	defer stop()
	source, err, more := next()
	for target, failed := range allKeys(ctx, m.To.Exporter) {
		if failed != nil {
			return failed
		}
		for more && err == nil && source.Name < target.Name {
			source, err, more = next()
		}
		if err != nil {
			return err
		}
		if !more || source.Name != target.Name || !bytes.Equal(source.Key, target.Key) {
			return fmt.Errorf("comparing key %s: %w", target.Name, ErrNotEmpty)
		}
	}
	return err
}

// copyBeside copies what stands beside the log.
func (m Mover) copyBeside(ctx context.Context) error {
	if err := CopyKeys(ctx, m.From.Exporter, m.To.Keyring); err != nil {
		return err
	}
	uses, err := m.From.Exporter.KeyUses(ctx)
	if err != nil {
		return err
	}
	for id, at := range uses {
		if err := m.To.KeyUses.Used(ctx, id, at); err != nil {
			return err
		}
	}
	return moveDeliveries(ctx, m.From.Views, m.To.Views)
}

// CopyKeys copies a keyring. The error wraps ErrNotEmpty where another key stands
// under the same name.
func CopyKeys(ctx context.Context, from ports.Exporter, to ports.Keyring) error {
	for key, err := range allKeys(ctx, from) {
		if err != nil {
			return err
		}
		kept, err := to.KeepOrGet(ctx, key.Name, key.Key)
		if err != nil {
			return err
		}
		if !bytes.Equal(kept, key.Key) {
			return fmt.Errorf("copying key %s: %w", key.Name, ErrNotEmpty)
		}
	}
	return nil
}

// allKeys walks through a keyring in the order of names.
func allKeys(ctx context.Context, x ports.Exporter) iter.Seq2[ports.NamedKey, error] {
	return func(yield func(ports.NamedKey, error) bool) {
		const size = 1000
		for after := ""; ; {
			page, err := x.Keys(ctx, after, size)
			if err != nil {
				yield(ports.NamedKey{}, err)
				return
			}
			for _, k := range page {
				if !yield(k, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
			after = page[len(page)-1].Name
		}
	}
}

// moveDeliveries copies the queue of webhook deliveries with its checkpoint, in one
// transaction; made again from the log it would post again what was posted. Where
// that was done before, or the target has gone on, nothing is copied.
func moveDeliveries(ctx context.Context, from, to ports.Views) error {
	position, err := from.Checkpoint(ctx, deliveriesFilled)
	if err != nil {
		return err
	}
	return to.Advance(ctx, deliveriesFilled, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		if checkpoint >= position {
			return checkpoint, nil
		}
		for _, view := range []ports.View{deliveriesView, healthView} {
			if err := moveView(ctx, view, from, tx); err != nil {
				return checkpoint, err
			}
		}
		return position, nil
	})
}

func moveView(ctx context.Context, view ports.View, from ports.Views, to ports.ViewTx) error {
	const size = 500
	q := ports.Query{OrderBy: "id", Limit: size}
	for {
		rows, err := from.Find(ctx, view, q)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := to.Put(ctx, view, rows); err != nil {
			return err
		}
		last := rows[len(rows)-1].ID
		q.After = &ports.Cursor{Key: last, ID: last}
	}
}

// WholeCommits passes the commits after one position and up to another to take, in
// pages of so many events, or of one commit with more.
func WholeCommits(ctx context.Context, store ports.EventStore, after, to int64, size int, take func([]ports.WholeCommit) error) error {
	for after < to {
		commits, err := store.Commits(ctx, after, size)
		if err != nil {
			return err
		}
		n := 0
		for n < len(commits) && commits[n].LastPosition <= to && (n == 0 || commits[n].LastPosition-after <= int64(size)) {
			n++
		}
		if n == 0 {
			return fmt.Errorf("reading the commit of position %d: there is none that ends by %d", after+1, to)
		}
		end := commits[n-1].LastPosition
		rows, err := store.Read(ctx, after, int(end-after))
		if err != nil {
			return err
		}
		page, err := wholeCommits(commits[:n], rows)
		if err != nil {
			return err
		}
		if err := take(page); err != nil {
			return err
		}
		after = end
	}
	return nil
}

func wholeCommits(commits []ports.Commit, rows []events.Recorded) ([]ports.WholeCommit, error) {
	page := make([]ports.WholeCommit, 0, len(commits))
	for _, c := range commits {
		n := int(c.LastPosition - c.FirstPosition + 1)
		if n < 1 || n > len(rows) {
			return nil, fmt.Errorf("reading the commit of positions %d to %d: rows are missing", c.FirstPosition, c.LastPosition)
		}
		page = append(page, ports.WholeCommit{Commit: c, Events: rows[:n]})
		rows = rows[n:]
	}
	return page, nil
}
