package projections

import (
	"context"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// held are rows that have changed and are not written yet.
type held struct {
	values map[string]any  // of rows, by id: they are encoded once
	order  []string        // their ids, as they came
	absent map[string]bool // those that the view does not have
	before *held           // rows that were changed earlier, newer than those of the view; or nil
}

func newHeld(before *held) *held {
	return &held{values: map[string]any{}, absent: map[string]bool{}, before: before}
}

// holds reports whether a row is held, if need be by taking it over from those before.
func (h *held) holds(id string) bool {
	if _, ok := h.values[id]; ok {
		return true
	}
	value, ok := h.before.find(id)
	if ok {
		h.values[id], h.order = value, append(h.order, id)
	}
	return ok
}

// find returns a row of h or of those before it; h may be nil.
func (h *held) find(id string) (value any, ok bool) {
	for ; h != nil && !ok; h = h.before {
		value, ok = h.values[id]
	}
	return value, ok
}

// fold applies frame to the rows that are held, and to others of the view, which are
// held from then on.
func (r *Runner) fold(ctx context.Context, p Projection, tx ports.ViewTx, frame []events.Recorded, h *held) error {
	byRow := map[string][]events.Recorded{}
	var ids, others []string
	for i, e := range frame {
		id := p.belongs(e)
		if id == "" {
			continue
		}
		if recorded, begun := byRow[id]; begun {
			byRow[id] = append(recorded, e)
			continue
		}
		byRow[id] = frame[i : i+1 : i+1] // where it stands: most rows have one event in a frame
		ids = append(ids, id)
		if !h.holds(id) && !(p.perStream && e.Version == 1) {
			others = append(others, id)
		}
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
			row, exists := rows[id]
			row.ID = id
			if !exists {
				h.absent[id] = true
			}
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
