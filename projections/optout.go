package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// OptOut is a row of the opt-outs view: the consent of a number towards a tenant.
type OptOut struct {
	Number   string          `json:"number"`
	OptedOut bool            `json:"opted_out"`
	Source   string          `json:"source"`             // of the last change
	Keyword  string          `json:"keyword,omitempty"`  // of the last change
	At       time.Time       `json:"at"`                 // of the last change
	Reviewed bool            `json:"reviewed,omitempty"` // somebody has looked at an opt-out in free text
	History  []ConsentChange `json:"history"`            // oldest first

	ID     string `json:"id"`
	Tenant string `json:"tenant"` // empty: towards every tenant
}

// ConsentChange is one change of a consent.
type ConsentChange struct {
	OptedOut bool      `json:"opted_out"`
	Source   string    `json:"source"`
	Keyword  string    `json:"keyword,omitempty"`
	Scope    string    `json:"scope"`
	At       time.Time `json:"at"`
	Reviewed bool      `json:"reviewed,omitempty"` // no change: what is said before was looked at, and stands
}

var optOutsView = ports.View{Name: "opt_outs", Columns: []string{"tenant", "state", "source", "changed_at"}}

// OptOuts is the projection of consents.
func OptOuts() Projection {
	return project("opt_outs", optOutsView,
		func(e events.Recorded) string {
			if strings.HasPrefix(e.Type, "consent.") {
				return e.StreamID
			}
			return ""
		},
		func(o OptOut) []any { return []any{o.Tenant, o.state(), o.Source, o.At} })
}

func (o OptOut) state() string {
	if o.OptedOut {
		return "opted_out"
	}
	return "opted_in"
}

// Apply returns the consent after e.
func (o OptOut) Apply(e events.Recorded) OptOut {
	change := ConsentChange{At: e.RecordedAt}
	switch d := e.Data.(type) {
	case events.ConsentOptedOut:
		o.Number = string(d.Number)
		change.OptedOut, change.Source, change.Keyword, change.Scope = true, d.Source, d.Keyword, d.Scope
	case events.ConsentOptedIn:
		o.Number = string(d.Number)
		change.Source, change.Keyword, change.Scope = d.Source, d.Keyword, d.Scope
	case events.ConsentReviewed:
		last := len(o.History) - 1
		if last < 0 {
			return o
		}
		change = o.History[last]
		change.At, change.Reviewed = e.RecordedAt, true
		o.Reviewed, o.History = true, append(slices.Clip(o.History), change)
		return o
	default:
		return o
	}
	o.ID, o.Tenant = e.StreamID, e.Meta.Tenant
	return o.after(change)
}

func (o OptOut) after(change ConsentChange) OptOut {
	o.OptedOut, o.Source, o.Keyword, o.At, o.Reviewed = change.OptedOut, change.Source, change.Keyword, change.At, false
	o.History = append(slices.Clip(o.History), change)
	return o
}

// OptOut returns what the consents in streams, of one number towards a tenant and
// towards every tenant, come to: any of them that forbids texts does. ErrNotFound
// means that nothing is known.
func (q Queries) OptOut(ctx context.Context, streams ...string) (OptOut, error) {
	recorded, err := q.Store.LoadMany(ctx, streams)
	if err != nil {
		return OptOut{}, fmt.Errorf("loading consents: %w", err)
	}
	var merged OptOut
	for _, id := range streams {
		if len(recorded[id]) > 0 {
			merged = merged.with(Of[OptOut](recorded[id]))
		}
	}
	if len(merged.History) == 0 {
		return OptOut{}, ErrNotFound
	}
	return merged, nil
}

// with returns the consent that o and other come to together.
func (o OptOut) with(other OptOut) OptOut {
	if len(o.History) == 0 {
		return other
	}
	history := slices.Concat(o.History, other.History)
	slices.SortStableFunc(history, func(a, b ConsentChange) int { return a.At.Compare(b.At) })
	if other.OptedOut != o.OptedOut && other.OptedOut || other.OptedOut == o.OptedOut && other.At.After(o.At) {
		o = other
	}
	o.History = history
	return o
}

// OptOutFilter selects numbers that have opted out, the latest first.
type OptOutFilter struct {
	Tenant string
	Source string // empty: any
	Limit  int
	After  *ports.Cursor
}

// OptOuts returns a page and the cursor of the next one, nil after the last. It
// has what was said to the tenant, not what holds for every tenant.
func (q Queries) OptOuts(ctx context.Context, f OptOutFilter) ([]OptOut, *ports.Cursor, error) {
	where := []ports.Condition{
		{Column: "tenant", Op: ports.Equal, Value: f.Tenant},
		{Column: "state", Op: ports.Equal, Value: "opted_out"},
	}
	if f.Source != "" {
		where = append(where, ports.Condition{Column: "source", Op: ports.Equal, Value: f.Source})
	}
	found, err := find[OptOut](ctx, q.Views, optOutsView, ports.Query{
		Where: where, OrderBy: "changed_at", Desc: true, After: f.After, Limit: f.Limit + 1,
	})
	if err == nil {
		err = unseal(ctx, q, found)
	}
	if err != nil || len(found) <= f.Limit {
		return found, nil, err
	}
	last := found[f.Limit-1]
	return found[:f.Limit], &ports.Cursor{Key: last.At, ID: last.ID}, nil
}
