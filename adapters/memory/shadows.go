package memory

import (
	"context"
	"fmt"
	"maps"

	"github.com/pro-sms/prosms/ports"
)

// MakeShadow implements ports.Shadows.
func (v *Views) MakeShadow(ctx context.Context, view ports.View) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	name := view.Shadow().Name
	if v.tables[name] == nil {
		v.commit(map[string]map[string]*ports.Row{name: {}})
	}
	return ctx.Err()
}

// Swap implements ports.Shadows.
func (v *Views) Swap(ctx context.Context, projection string, view ports.View) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	shadow, ok := v.tables[view.Shadow().Name]
	at, live := v.checkpoints[ports.ShadowOf(projection)], v.checkpoints[projection]
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok:
		return fmt.Errorf("swapping %s: it has no shadow", view.Name)
	case at < live:
		return fmt.Errorf("swapping %s: the shadow is at %d, the view at %d: %w", view.Name, at, live, ports.ErrConflict)
	}
	v.tables[view.Name] = shadow
	v.moveTo(projection, at)
	v.forget(projection, view)
	return nil
}

// IndexShadow implements ports.Shadows: there are no indexes.
func (v *Views) IndexShadow(ctx context.Context, _ ports.View) error { return ctx.Err() }

// DropShadow implements ports.Shadows.
func (v *Views) DropShadow(ctx context.Context, projection string, view ports.View) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget(projection, view)
	return ctx.Err()
}

func (v *Views) forget(projection string, view ports.View) {
	delete(v.tables, view.Shadow().Name)
	delete(v.checkpoints, ports.ShadowOf(projection))
}

// Snapshot implements ports.Views, on a copy.
func (v *Views) Snapshot(ctx context.Context, projection string, view ports.View, read func(ports.ViewSnapshot) error) error {
	v.mu.RLock()
	at := v.checkpoints[projection]
	copied := &Views{tables: map[string]map[string]ports.Row{view.Name: maps.Clone(v.tables[view.Name])}}
	v.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return read(snapshot{copied, view, at})
}

// snapshot is a copy of one view; rows are never changed in place.
type snapshot struct {
	views      *Views
	view       ports.View
	checkpoint int64
}

func (s snapshot) Checkpoint() int64 { return s.checkpoint }

func (s snapshot) Find(ctx context.Context, q ports.Query) ([]ports.Row, error) {
	return s.views.Find(ctx, s.view, q)
}
