package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// offsets are how far consumer groups have come, as far as that has moved since the
// database was opened. The zero value is ready.
type offsets struct {
	mu      sync.Mutex
	moved   map[string]int64
	unsaved map[string]int64 // of these, what the file does not have yet
	saving  bool             // a task is about to save them
}

// offsetsEvery is how long an offset may be in memory alone. A crash undoes it, and
// what was acked meanwhile is delivered again.
const offsetsEvery = 100 * time.Millisecond

// Position returns the last position that a consumer group has acked; 0 for none.
func (d *DB) Position(ctx context.Context, group string) (position int64, err error) {
	d.offsets.mu.Lock()
	position, moved := d.offsets.moved[group]
	d.offsets.mu.Unlock()
	if moved {
		return position, nil
	}
	row := d.views.readers.QueryRowContext(ctx, `SELECT position FROM relay_offsets WHERE consumer_group = ?`, group)
	if err := row.Scan(&position); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading offset of %s: %w", group, d.views.classify(err))
	}
	return position, nil
}

// moveOffset moves the offset of a group, and sees to it that it gets into the file
// with those of others: a transaction for each would wait for the views' each time.
func (d *DB) moveOffset(group string, position int64) {
	o := &d.offsets
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.moved == nil {
		o.moved, o.unsaved = map[string]int64{}, map[string]int64{}
	}
	o.moved[group], o.unsaved[group] = position, position
	if o.saving {
		return
	}
	o.saving = true
	d.tasks.Go(func() { // whoever moves an offset is a task, which Close waits for, too
		pause(d.ctx, nil, offsetsEvery)
		d.saveOffsets()
	})
}

// saveOffsets writes down what has moved. What cannot be written is written with what
// moves next.
func (d *DB) saveOffsets() {
	o := &d.offsets
	o.mu.Lock()
	unsaved := o.unsaved
	o.unsaved, o.saving = map[string]int64{}, false
	o.mu.Unlock()
	err := d.views.transact(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		for group, position := range unsaved {
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO relay_offsets (consumer_group, position) VALUES (?, ?)
				ON CONFLICT (consumer_group) DO UPDATE SET position = excluded.position`, group, position); err != nil {
				return fmt.Errorf("of %s: %w", group, err)
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	d.logger.Warn("feed: offsets were not saved", "error", err)
	o.mu.Lock()
	defer o.mu.Unlock()
	for group := range unsaved {
		o.unsaved[group] = o.moved[group]
	}
}
