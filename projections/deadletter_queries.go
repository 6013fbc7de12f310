package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// DeadLetterFilter selects dead letters that wait for an operator. Zero fields
// select all; an empty tenant means every tenant, and is for operators.
type DeadLetterFilter struct {
	Tenant             string
	Reason             string
	Class              string
	Code               string
	Group              string
	Provider           string // of the last attempt
	Lane               string
	CreatedAfter       time.Time // inclusive, of the message
	CreatedBefore      time.Time // exclusive
	DeadLetteredAfter  time.Time // inclusive
	DeadLetteredBefore time.Time // exclusive
	Limit              int
	After              *ports.Cursor
}

func (f DeadLetterFilter) where() []ports.Condition {
	var where []ports.Condition
	for _, c := range []struct{ column, value string }{
		{"tenant", f.Tenant}, {"reason", f.Reason}, {"class", f.Class}, {"code", f.Code},
		{"error_group", f.Group}, {"provider", f.Provider}, {"lane", f.Lane},
	} {
		if c.value != "" {
			where = append(where, ports.Condition{Column: c.column, Op: ports.Equal, Value: c.value})
		}
	}
	for _, c := range []struct {
		column string
		op     ports.Op
		at     time.Time
	}{
		{"created_at", ports.AtLeast, f.CreatedAfter}, {"created_at", ports.Before, f.CreatedBefore},
		{"dead_lettered_at", ports.AtLeast, f.DeadLetteredAfter}, {"dead_lettered_at", ports.Before, f.DeadLetteredBefore},
	} {
		if !c.at.IsZero() {
			where = append(where, ports.Condition{Column: c.column, Op: c.op, Value: c.at.UTC()})
		}
	}
	return where
}

// DeadLetters returns a page, the latest first, and the cursor of the next one, nil
// after the last.
func (q Queries) DeadLetters(ctx context.Context, f DeadLetterFilter) ([]DeadLetter, *ports.Cursor, error) {
	return page(ctx, q, deadLettersView, ports.Query{Where: f.where(), OrderBy: "dead_lettered_at", Desc: true, After: f.After, Limit: f.Limit},
		func(d DeadLetter) (bool, ports.Cursor) { return d.Message.Test, *d.place() })
}

// DeadLetterCount returns how many dead letters of all tenants wait for an operator.
func (q Queries) DeadLetterCount(ctx context.Context, now time.Time) (n int64, err error) {
	lanes, err := q.Views.Count(ctx, deadLettersView, "lane",
		ports.Condition{Column: "dead_lettered_at", Op: ports.AtMost, Value: now.UTC()})
	if err != nil {
		return 0, fmt.Errorf("counting dead letters: %w", err)
	}
	for _, inLane := range lanes {
		n += inLane
	}
	return n, nil
}

// place is where d stands in the list.
func (d DeadLetter) place() *ports.Cursor {
	return &ports.Cursor{Key: *d.DeadLetteredAt, ID: d.Message.ID}
}

// DeadLetter returns a message that is, or ever was, a dead letter, as of now: an
// empty tenant means any.
func (q Queries) DeadLetter(ctx context.Context, tenant, id string) (DeadLetter, error) {
	recorded, err := q.stream(ctx, tenant, id, "message.accepted")
	if err != nil {
		return DeadLetter{}, err
	}
	d := Of[DeadLetter](recorded)
	if d.DeadLetteredAt == nil || d.Message.ID != id {
		return DeadLetter{}, ErrNotFound
	}
	return d, nil
}

// scanned is how many rows are read from the view at once where many are needed.
const scanned = 500

// scan calls each with the dead letters that f selects, the oldest first, until it
// returns false. Its Limit and After do not count.
func (q Queries) scan(ctx context.Context, f DeadLetterFilter, each func(DeadLetter) bool) error {
	for after := (*ports.Cursor)(nil); ; {
		found, err := find[DeadLetter](ctx, q.Views, deadLettersView, ports.Query{
			Where: f.where(), OrderBy: "dead_lettered_at", After: after, Limit: scanned,
		})
		if err != nil {
			return err
		}
		for _, d := range found {
			if (d.Message.Test || !q.TestOnly) && !each(d) {
				return nil
			}
		}
		if len(found) < scanned {
			return nil
		}
		after = found[len(found)-1].place()
	}
}

// DeadLetterIDs returns the messages that f selects, the oldest first; more is true
// when there are others beyond f.Limit.
func (q Queries) DeadLetterIDs(ctx context.Context, f DeadLetterFilter) (ids []string, more bool, err error) {
	err = q.scan(ctx, f, func(d DeadLetter) bool {
		if more = len(ids) == f.Limit; !more {
			ids = append(ids, d.Message.ID)
		}
		return !more
	})
	return ids, more, err
}

// ErrorGroup sums up the dead letters whose errors are alike. The detail is that of
// the oldest.
type ErrorGroup struct {
	Group     string
	Class     string
	Code      string
	Detail    string
	Count     int
	FirstSeen time.Time // dead-lettered
	LastSeen  time.Time
	Times     []time.Time // when each of them was, in order
}

// DeadLetterGroups sums up what f selects, the largest group first. It looks at the
// oldest f.Limit; more is true when there are others.
func (q Queries) DeadLetterGroups(ctx context.Context, f DeadLetterFilter) (groups []ErrorGroup, more bool, err error) {
	index := map[string]int{}
	seen := 0
	err = q.scan(ctx, f, func(d DeadLetter) bool {
		if more = seen == f.Limit; more {
			return false
		}
		seen++
		i, ok := index[d.Group]
		if !ok {
			i = len(groups)
			index[d.Group] = i
			groups = append(groups, ErrorGroup{
				Group: d.Group, Class: d.Class, Code: d.Code, Detail: d.Detail, FirstSeen: *d.DeadLetteredAt,
			})
		}
		groups[i].Count++
		groups[i].LastSeen = *d.DeadLetteredAt
		groups[i].Times = append(groups[i].Times, *d.DeadLetteredAt)
		return true
	})
	slices.SortFunc(groups, func(a, b ErrorGroup) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Group, b.Group)
	})
	return groups, more, err
}
