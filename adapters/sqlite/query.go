package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/ports"
)

// selection returns the statement for q and its arguments.
func selection(view ports.View, q ports.Query) (string, []any, error) {
	order, err := columnOf(view, q.OrderBy)
	if err != nil {
		return "", nil, err
	}
	conditions, args, err := conditions(view, q.Where)
	if err != nil {
		return "", nil, err
	}
	// Said twice, it has SQLite take an index for it that has nothing else.
	if q.After == nil && !slices.ContainsFunc(q.Where, func(c ports.Condition) bool { return c.Column == q.OrderBy }) {
		conditions = append(conditions, order+" IS NOT NULL")
	}
	direction, beyond := "ASC", ">"
	if q.Desc {
		direction, beyond = "DESC", "<"
	}
	if q.After != nil {
		conditions = append(conditions, fmt.Sprintf("(%s, id) %s (?, ?)", order, beyond))
		args = append(args, stored(q.After.Key), q.After.ID)
	}
	statement := fmt.Sprintf("%s WHERE %s ORDER BY %s %[4]s, id %[4]s LIMIT ?",
		selectRows(view), strings.Join(conditions, " AND "), order, direction)
	return statement, append(args, max(q.Limit, 0)), nil
}

// counting returns the statement that counts rows by a column, and its arguments.
func counting(view ports.View, column string, where []ports.Condition) (string, []any, error) {
	name, err := columnOf(view, column)
	if err != nil {
		return "", nil, err
	}
	conditions, args, err := conditions(view, where)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("SELECT %[1]s, count(*) FROM %[2]s WHERE %[3]s GROUP BY 1",
		name, quoted(view.Name), strings.Join(append(conditions, name+" IS NOT NULL"), " AND ")), args, nil
}

// conditions returns where in SQL, and the arguments.
func conditions(view ports.View, where []ports.Condition) (conditions []string, args []any, err error) {
	for _, c := range where {
		column, err := columnOf(view, c.Column)
		if err != nil {
			return nil, nil, err
		}
		switch c.Op {
		case ports.Equal, ports.AtLeast, ports.Before, ports.AtMost:
		default:
			return nil, nil, fmt.Errorf("comparing %s: no such comparison", c.Column)
		}
		conditions = append(conditions, fmt.Sprintf("%s %s ?", column, c.Op))
		args = append(args, stored(c.Value))
	}
	return conditions, args, nil
}

func selectRows(view ports.View) string {
	columns := []string{"id", "doc"}
	for _, c := range view.Columns {
		columns = append(columns, quoted(c))
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), quoted(view.Name))
}

// columnOf returns the name of a key column, or of the id, for use in SQL.
func columnOf(view ports.View, name string) (string, error) {
	if name != "id" && !slices.Contains(view.Columns, name) {
		return "", fmt.Errorf("view %s has no such column", view.Name)
	}
	return quoted(name), nil
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
