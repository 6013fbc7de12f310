package projections

import (
	"context"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// held are rows that have changed and are not written yet.
type held struct {
	values map[string]any // of rows, by id: they are encoded once
	order  []string       // their ids, as they came
}

func newHeld() *held { return &held{values: map[string]any{}} }

// mostAtOnce bounds the rows of one statement.
const mostAtOnce = 5000

// write puts the rows into the view.
func (h *held) write(ctx context.Context, p Projection, tx ports.ViewTx) error {
	for from := 0; from < len(h.order); from += mostAtOnce {
		ids := h.order[from:min(from+mostAtOnce, len(h.order))]
		rows := make([]ports.Row, len(ids))
		for i, id := range ids {
			var err error
			if rows[i], err = p.close(id, h.values[id]); err != nil {
				return err
			}
		}
		if err := tx.Put(ctx, p.View, rows); err != nil {
			return err
		}
	}
	return nil
}

// fold applies frame to the rows that are held, and to others of the view, which are
// held from then on.
func (r *Runner) fold(ctx context.Context, p Projection, tx ports.ViewTx, frame []events.Recorded, h *held) error {
	byRow := map[string][]events.Recorded{}
	var ids, others []string
	for _, e := range frame {
		id := p.belongs(e)
		if id == "" {
			continue
		}
		if byRow[id] == nil {
			ids = append(ids, id)
			if _, ok := h.values[id]; !ok {
				others = append(others, id)
			}
		}
		byRow[id] = append(byRow[id], e)
	}
	rows := map[string]ports.Row{}
	if len(others) > 0 {
		var err error
		if rows, err = tx.Get(ctx, p.View, others); err != nil {
			return err
		}
	}
	if err := r.begin(ctx, p, rows, h, byRow, frame); err != nil {
		return err
	}
	for _, id := range ids {
		recorded, ok := byRow[id]
		if !ok {
			continue
		}
		value, known := h.values[id]
		if !known {
			row := rows[id]
			row.ID = id
			var err error
			if value, err = p.open(row); err != nil {
				return err
			}
			h.order = append(h.order, id)
		}
		value, err := p.reduce(id, value, recorded)
		if err != nil {
			return err
		}
		h.values[id] = value
	}
	return nil
}
