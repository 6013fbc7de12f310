package projections

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Difference is a row that is not the same in a view and in its replay. It names
// what differs and shows no value: some are personal.
type Difference struct {
	ID     string   `json:"id"`
	What   string   `json:"what"`             // "missing", "surplus" or "differs", as seen from the replay
	Fields []string `json:"fields,omitempty"` // of the document; "column NAME" of the keys
}

// Comparison is what Compare found.
type Comparison struct {
	Position    int64 // at which both were compared
	Rows        int64 // in the live view
	Differences int64 // of which report was told
}

// Compare replays p into scratch, whose views are empty or an earlier replay's,
// and compares it with the live view row by row as both are at one position. The
// live view goes on moving meanwhile. report is told of each row that differs.
func (f Filler) Compare(ctx context.Context, p Projection, scratch ports.Views, report func(Difference)) (Comparison, error) {
	into := f
	into.Views = scratch
	checkpoint, err := f.Views.Checkpoint(ctx, p.key())
	if err != nil {
		return Comparison{}, err
	}
	if err := into.Fill(ctx, p, checkpoint); err != nil {
		return Comparison{}, err
	}
	var c Comparison
	err = f.Views.Snapshot(ctx, p.key(), p.View, func(live ports.ViewSnapshot) error {
		c.Position = live.Checkpoint()
		if err := into.Fill(ctx, p, c.Position); err != nil { // what was added meanwhile
			return err
		}
		replayed := func(ctx context.Context, q ports.Query) ([]ports.Row, error) { return scratch.Find(ctx, p.View, q) }
		return merge(ctx, pages{find: live.Find}, pages{find: replayed}, func(live, want *ports.Row) {
			if live != nil {
				c.Rows++
			}
			if d, ok := difference(p.View, live, want); ok {
				c.Differences++
				report(d)
			}
		})
	})
	return c, err
}

// merge hands over the rows of both, in the order of their ids, in pairs of one
// id; nil stands for a row that one of them lacks.
func merge(ctx context.Context, a, b pages, each func(a, b *ports.Row)) error {
	for {
		left, err := a.peek(ctx)
		if err != nil {
			return err
		}
		right, err := b.peek(ctx)
		switch {
		case err != nil:
			return err
		case left == nil && right == nil:
			return nil
		case right == nil || left != nil && left.ID < right.ID:
			right = nil
			a.next()
		case left == nil || right.ID < left.ID:
			left = nil
			b.next()
		default:
			a.next()
			b.next()
		}
		each(left, right)
	}
}

// pages reads the rows of a view in the order of their ids.
type pages struct {
	find func(context.Context, ports.Query) ([]ports.Row, error)
	page []ports.Row
	last string
	done bool
}

// peek returns the next row; nil after the last.
func (p *pages) peek(ctx context.Context) (*ports.Row, error) {
	const size = 1000
	if len(p.page) == 0 && !p.done {
		q := ports.Query{OrderBy: "id", Limit: size}
		if p.last != "" {
			q.After = &ports.Cursor{Key: p.last, ID: p.last}
		}
		var err error
		if p.page, err = p.find(ctx, q); err != nil {
			return nil, err
		}
		if p.done = len(p.page) < size; len(p.page) > 0 {
			p.last = p.page[len(p.page)-1].ID
		}
	}
	if len(p.page) == 0 {
		return nil, nil
	}
	return &p.page[0], nil
}

func (p *pages) next() { p.page = p.page[1:] }

func difference(view ports.View, live, want *ports.Row) (Difference, bool) {
	switch {
	case live == nil:
		return Difference{ID: want.ID, What: "missing"}, true
	case want == nil:
		return Difference{ID: live.ID, What: "surplus"}, true
	}
	d := Difference{ID: live.ID, What: "differs"}
	for i, column := range view.Columns {
		if !sameKey(live.Keys[i], want.Keys[i]) {
			d.Fields = append(d.Fields, "column "+column)
		}
	}
	if !bytes.Equal(live.Doc, want.Doc) {
		d.Fields = append(d.Fields, fieldsThatDiffer(live.Doc, want.Doc)...)
	}
	return d, len(d.Fields) > 0
}

func sameKey(a, b any) bool {
	if a, ok := a.(time.Time); ok {
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	return a == b
}

func fieldsThatDiffer(a, b []byte) []string {
	var left, right map[string]any
	if json.Unmarshal(a, &left) != nil || json.Unmarshal(b, &right) != nil {
		return []string{"document"}
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if value, ok := right[name]; !ok || !reflect.DeepEqual(left[name], value) {
			fields = append(fields, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(right)) {
		if _, ok := left[name]; !ok {
			fields = append(fields, name)
		}
	}
	if len(fields) == 0 {
		fields = []string{"spelling of the document"}
	}
	return fields
}

// Rows hands over every row of a projection's view, in the order of their ids.
func (p Projection) Rows(ctx context.Context, views ports.Views, each func(ports.Row) error) error {
	all := pages{find: func(ctx context.Context, q ports.Query) ([]ports.Row, error) { return views.Find(ctx, p.View, q) }}
	for {
		row, err := all.peek(ctx)
		if err != nil || row == nil {
			return err
		}
		if err := each(*row); err != nil {
			return fmt.Errorf("row %s: %w", row.ID, err)
		}
		all.next()
	}
}
