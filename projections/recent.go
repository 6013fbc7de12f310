package projections

import "cmp"

// recent are rows as they are at one position, all of them folded here from the first
// event of their stream. They are what a text's next events change, so that nobody need
// read them from the view, as long as no one else has moved it on.
type recent struct {
	position int64
	rows     *held // and those before them
}

// mostRecent bounds the rows of recent by twice as many, and those of one frame.
const mostRecent = 4096

// take returns the recent rows of p, for the caller alone; nil where they are none, or
// are not those of position.
func (r *Runner) take(p Projection, position int64) *held {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.recent[p.key()]
	delete(r.recent, p.key())
	if kept.position != position {
		return nil
	}
	return kept.rows
}

// keep notes the rows of p that a frame has changed, as of position.
func (r *Runner) keep(p Projection, position int64, changed *held) {
	if !p.perStream {
		return
	}
	rows := changed.before
	if rows == nil {
		rows = newHeld(nil)
	}
	if len(rows.values) >= cmp.Or(r.mostRecent, mostRecent) {
		rows.before = nil
		rows = newHeld(rows)
	}
	for id, value := range changed.values {
		if _, known := rows.find(id); known || changed.absent[id] {
			rows.values[id] = value
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recent == nil {
		r.recent = map[string]recent{}
	}
	r.recent[p.key()] = recent{position, rows}
}
