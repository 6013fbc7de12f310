// Package projections folds events into views: pure reducers, and the runner that
// keeps their tables in step with the log. Views are disposable: each can be
// thrown away and rebuilt from the log at any time.
package projections

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Projection says how a view follows from the log.
type Projection struct {
	Name string
	View ports.View
	// Revision says after which reducer its rows are made. Who changes what follows
	// from events that a view has already, raises it: the view is then made anew
	// beside the old one (Upgrade). 0 and 1 are the first.
	Revision   int
	checkpoint string // under which the view is kept; empty: that of Revision

	// belongs returns the id of the row that e changes; empty for none.
	belongs func(e events.Recorded) string
	// perStream: a row is one stream, whose id it has, and comes into being with its
	// first event: until then nobody need look for it.
	perStream bool
	// begins reports whether a row comes into being with e; nil: with any event. It
	// is then folded from all that its stream had before.
	begins func(e events.Recorded) bool
	// open returns the value of a row; the zero Row does not exist yet. step returns
	// the value after recorded, which all belong to it, and close the row of a value.
	open  func(row ports.Row) (any, error)
	step  func(value any, recorded []events.Recorded) (any, error)
	close func(id string, value any) (ports.Row, error)
}

// apply returns the row after recorded, which all belong to it.
func (p Projection) apply(row ports.Row, recorded []events.Recorded) (ports.Row, error) {
	value, err := p.open(row)
	if err != nil {
		return ports.Row{}, err
	}
	if value, err = p.step(value, recorded); err != nil {
		return ports.Row{}, err
	}
	return p.close(row.ID, value)
}

// concerned reports whether any of recorded can change a row.
func (p Projection) concerned(recorded []events.Recorded) bool {
	return slices.ContainsFunc(recorded, func(e events.Recorded) bool { return p.belongs(e) != "" })
}

// reducer is a row as a value: Apply returns it after e. It knows nothing but
// itself and e, so live, rebuilt and as-of views cannot differ.
type reducer[R any] interface {
	Apply(e events.Recorded) R
}

// project builds a Projection from a reducer and the values of its key columns.
func project[R reducer[R]](name string, view ports.View, belongs func(events.Recorded) string, keys func(R) []any) Projection {
	return Projection{
		Name: name, View: view, belongs: belongs,
		open: func(row ports.Row) (any, error) {
			var r R
			if row.Doc != nil {
				if err := json.Unmarshal(row.Doc, &r); err != nil {
					return nil, fmt.Errorf("reading row %s: malformed", row.ID)
				}
			}
			return r, nil
		},
		step: func(value any, recorded []events.Recorded) (any, error) {
			r, _ := value.(R)
			for _, e := range recorded {
				if err := e.Unreadable(); err != nil {
					return ports.Row{}, err
				}
				if e.Detached() {
					return ports.Row{}, fmt.Errorf("position %d: %w, which is not at hand", e.Position, ports.Archived{})
				}
				r = r.Apply(e)
			}
			return r, nil
		},
		close: func(id string, value any) (ports.Row, error) {
			r, _ := value.(R)
			doc, err := document(r)
			if err != nil {
				return ports.Row{}, fmt.Errorf("writing row %s: %w", id, err)
			}
			return ports.Row{ID: id, Keys: keys(r), Doc: doc}, nil
		},
	}
}

// document returns a row as JSON.
func document(r any) ([]byte, error) {
	if r, ok := r.(interface{ appendJSON([]byte) ([]byte, error) }); ok {
		return r.appendJSON(make([]byte, 0, 1536))
	}
	return json.Marshal(r)
}

// Of is the row of a reducer's view after recorded, folded without any table.
func Of[R reducer[R]](recorded []events.Recorded) R {
	var r R
	for _, e := range recorded {
		r = r.Apply(e)
	}
	return r
}

// begun returns the index of the event with which a row comes into being; -1 for none.
func (p Projection) begun(recorded []events.Recorded) int {
	if p.begins == nil {
		return 0
	}
	return slices.IndexFunc(recorded, p.begins)
}
