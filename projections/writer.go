package projections

import (
	"context"
	"slices"
	"sync"

	"github.com/pro-sms/prosms/ports"
)

// writer is the transaction of a Filler. It writes rows while the next are folded: a
// statement waits for the one at hand, which is all that folding waits for.
type writer struct {
	tx   ports.ViewTx
	p    Projection
	mu   sync.Mutex // of the statement at hand
	done chan error // of the rows that are being written; nil: there are none
}

// start begins to write rows, once those before them are written.
func (w *writer) start(ctx context.Context, h *held) error {
	if err := w.wait(); err != nil {
		return err
	}
	h.before = nil
	w.done = make(chan error, 1)
	go func() { w.done <- h.insert(ctx, w.p, w) }()
	return nil
}

// wait returns once all rows are written.
func (w *writer) wait() error {
	if w.done == nil {
		return nil
	}
	err := <-w.done
	w.done = nil
	return err
}

// Get implements ports.ViewTx.
func (w *writer) Get(ctx context.Context, view ports.View, ids []string) (map[string]ports.Row, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tx.Get(ctx, view, ids)
}

// Put implements ports.ViewTx.
func (w *writer) Put(ctx context.Context, view ports.View, rows []ports.Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tx.Put(ctx, view, rows)
}

// Insert implements ports.ViewTx.
func (w *writer) Insert(ctx context.Context, view ports.View, rows []ports.Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tx.Insert(ctx, view, rows)
}

// Delete implements ports.ViewTx.
func (w *writer) Delete(ctx context.Context, view ports.View, ids []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tx.Delete(ctx, view, ids)
}

// mostAtOnce bounds the rows of one statement.
const mostAtOnce = 5000

// insert inserts the rows that the view does not have, and puts the others: for many
// rows that is cheaper than put.
func (h *held) insert(ctx context.Context, p Projection, tx ports.ViewTx) error {
	var absent, there []string
	for _, id := range h.order {
		if h.absent[id] {
			absent = append(absent, id)
		} else {
			there = append(there, id)
		}
	}
	if err := h.writeBy(ctx, p, absent, tx.Insert); err != nil {
		return err
	}
	return h.writeBy(ctx, p, there, tx.Put)
}

// put puts the rows into the view, also where it has rows that it should not have.
func (h *held) put(ctx context.Context, p Projection, tx ports.ViewTx) error {
	return h.writeBy(ctx, p, h.order, tx.Put)
}

func (h *held) writeBy(ctx context.Context, p Projection, all []string, write func(context.Context, ports.View, []ports.Row) error) error {
	for ids := range slices.Chunk(all, mostAtOnce) {
		rows := make([]ports.Row, len(ids))
		for i, id := range ids {
			var err error
			if rows[i], err = p.close(id, h.values[id]); err != nil {
				return err
			}
		}
		if err := write(ctx, p.View, rows); err != nil {
			return err
		}
	}
	return nil
}
