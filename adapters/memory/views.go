package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/pro-sms/prosms/ports"
)

// Views is a ports.Views that lasts as long as the process. The zero value is
// empty and ready; it must not be copied. Advances of all projections take
// turns, and readers wait for them.
type Views struct {
	mu          sync.RWMutex
	checkpoints map[string]int64
	tables      map[string]map[string]ports.Row // rows by view and id
}

// Checkpoint implements ports.Views.
func (v *Views) Checkpoint(ctx context.Context, projection string) (int64, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.checkpoints[projection], ctx.Err()
}

// Advance implements ports.Views.
func (v *Views) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("advancing %s: %w", projection, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	tx := viewTx{views: v, changed: make(map[string]map[string]*ports.Row)}
	checkpoint, err := apply(tx, v.checkpoints[projection])
	if err != nil {
		return err
	}
	v.commit(tx.changed)
	v.moveTo(projection, checkpoint)
	return nil
}

// Pass implements ports.Views.
func (v *Views) Pass(ctx context.Context, projections []string, from, to int64) (behind []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("passing to %d: %w", to, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, projection := range projections {
		switch at := v.checkpoints[projection]; {
		case at < from:
			behind = append(behind, projection)
		case at < to:
			v.moveTo(projection, to)
		}
	}
	return behind, nil
}

func (v *Views) moveTo(projection string, checkpoint int64) {
	if v.checkpoints == nil {
		v.checkpoints = make(map[string]int64)
	}
	v.checkpoints[projection] = checkpoint
}

func (v *Views) commit(changed map[string]map[string]*ports.Row) {
	if v.tables == nil {
		v.tables = make(map[string]map[string]ports.Row)
	}
	for name, rows := range changed {
		if v.tables[name] == nil {
			v.tables[name] = make(map[string]ports.Row)
		}
		for id, row := range rows {
			if row == nil {
				delete(v.tables[name], id)
				continue
			}
			v.tables[name][id] = *row
		}
	}
}

// Count implements ports.Views.
func (v *Views) Count(ctx context.Context, view ports.View, column string, where ...ports.Condition) (map[string]int64, error) {
	key, err := keyOf(view, column)
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", view.Name, err)
	}
	matches, err := matcher(view, where)
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", view.Name, err)
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	counts := make(map[string]int64)
	for _, row := range v.tables[view.Name] {
		if value, ok := key(row).(string); ok && matches(row) {
			counts[value]++
		}
	}
	return counts, ctx.Err()
}

// Sum implements ports.Views.
func (v *Views) Sum(ctx context.Context, view ports.View, s ports.Sum, where ...ports.Condition) (rows, sum int64, err error) {
	matches, err := matcher(view, where)
	if err != nil {
		return 0, 0, fmt.Errorf("summing %s: %w", view.Name, err)
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, row := range v.tables[view.Name] {
		if !matches(row) {
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal(row.Doc, &doc); err != nil {
			return 0, 0, fmt.Errorf("summing %s: malformed document", view.Name)
		}
		if unless, _ := doc[s.Unless].(bool); unless {
			continue
		}
		number, _ := doc[s.Of].(float64)
		rows, sum = rows+1, sum+int64(number)
	}
	return rows, sum, ctx.Err()
}

// viewTx keeps what an Advance has put until it is committed.
type viewTx struct {
	views   *Views                           // locked
	changed map[string]map[string]*ports.Row // by view and id; nil: deleted
}

func (tx viewTx) Get(ctx context.Context, view ports.View, ids []string) (map[string]ports.Row, error) {
	rows := make(map[string]ports.Row)
	for _, id := range ids {
		row, ok := tx.views.tables[view.Name][id]
		if changed, is := tx.changed[view.Name][id]; is {
			if ok = changed != nil; ok {
				row = *changed
			}
		}
		if ok {
			rows[id] = clone(row)
		}
	}
	return rows, ctx.Err()
}

func (tx viewTx) Put(ctx context.Context, view ports.View, rows []ports.Row) error {
	for _, row := range rows {
		if len(row.Keys) != len(view.Columns) {
			return fmt.Errorf("putting row %s of %s: %d keys, want %d", row.ID, view.Name, len(row.Keys), len(view.Columns))
		}
		kept := clone(row)
		tx.change(view, row.ID, &kept)
	}
	return ctx.Err()
}

func (tx viewTx) Insert(ctx context.Context, view ports.View, rows []ports.Row) error {
	for _, row := range rows {
		found, err := tx.Get(ctx, view, []string{row.ID})
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("inserting row %s of %s: it exists", row.ID, view.Name)
		}
		if err == nil {
			err = tx.Put(ctx, view, []ports.Row{row})
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (tx viewTx) Delete(ctx context.Context, view ports.View, ids []string) error {
	for _, id := range ids {
		tx.change(view, id, nil)
	}
	return ctx.Err()
}

func (tx viewTx) change(view ports.View, id string, row *ports.Row) {
	if tx.changed[view.Name] == nil {
		tx.changed[view.Name] = make(map[string]*ports.Row)
	}
	tx.changed[view.Name][id] = row
}

func clone(row ports.Row) ports.Row {
	return ports.Row{ID: row.ID, Keys: slices.Clone(row.Keys), Doc: slices.Clone(row.Doc)}
}
