package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Find implements ports.Views.
func (v *Views) Find(ctx context.Context, view ports.View, q ports.Query) ([]ports.Row, error) {
	matches, err := matcher(view, q.Where)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", view.Name, err)
	}
	order, err := keyOf(view, q.OrderBy)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", view.Name, err)
	}
	place := func(row ports.Row, key any, id string) int {
		c, _ := compare(order(row), key)
		if c == 0 {
			c = strings.Compare(row.ID, id)
		}
		if q.Desc {
			return -c
		}
		return c
	}

	v.mu.RLock()
	defer v.mu.RUnlock()
	var rows []ports.Row
	for _, row := range v.tables[view.Name] {
		if order(row) == nil || !matches(row) || q.After != nil && place(row, q.After.Key, q.After.ID) <= 0 {
			continue
		}
		rows = append(rows, clone(row))
	}
	slices.SortFunc(rows, func(a, b ports.Row) int { return place(a, order(b), b.ID) })
	return rows[:min(q.Limit, len(rows))], ctx.Err()
}

// matcher returns whether a row meets all conditions.
func matcher(view ports.View, where []ports.Condition) (func(ports.Row) bool, error) {
	keys := make([]func(ports.Row) any, len(where))
	for i, c := range where {
		var err error
		if keys[i], err = keyOf(view, c.Column); err != nil {
			return nil, err
		}
		switch c.Op {
		case ports.Equal, ports.AtLeast, ports.Before, ports.AtMost:
		default:
			return nil, fmt.Errorf("column %s: no such comparison", c.Column)
		}
	}
	return func(row ports.Row) bool {
		for i, c := range where {
			order, ok := compare(keys[i](row), c.Value)
			if !ok || !holds(c.Op, order) {
				return false
			}
		}
		return true
	}, nil
}

func holds(op ports.Op, order int) bool {
	switch op {
	case ports.AtLeast:
		return order >= 0
	case ports.Before:
		return order < 0
	case ports.AtMost:
		return order <= 0
	default:
		return order == 0
	}
}

// keyOf returns how to take the value of a column, or of the id, out of a row.
func keyOf(view ports.View, column string) (func(ports.Row) any, error) {
	if column == "id" {
		return func(row ports.Row) any { return row.ID }, nil
	}
	i := slices.Index(view.Columns, column)
	if i < 0 {
		return nil, fmt.Errorf("view %s has no such column", view.Name)
	}
	return func(row ports.Row) any { return row.Keys[i] }, nil
}

// compare orders two values of one type; null and values of different types have
// no order.
func compare(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), true
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b), true
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b), true
		}
	}
	return 0, false
}
