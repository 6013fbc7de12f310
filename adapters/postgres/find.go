package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports"
)

// query returns the rows that q selects.
func (t table) query(ctx context.Context, db querier, q ports.Query) ([]ports.Row, error) {
	sql, args, err := t.find(q)
	if err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, t.scan)
}

// find returns the statement for q. Column names come from the view, never from q.
func (t table) find(q ports.Query) (sql string, args []any, err error) {
	order, err := t.column(q.OrderBy)
	if err != nil {
		return "", nil, err
	}
	where, args, err := t.where(q.Where)
	if err != nil {
		return "", nil, err
	}
	where = append(where, order+" IS NOT NULL")
	param := func(column string, value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d::%s", len(args), t.types[column])
	}
	direction, beyond := "", ">"
	if q.Desc {
		direction, beyond = " DESC", "<"
	}
	if q.After != nil {
		where = append(where, fmt.Sprintf("(%s, id) %s (%s, %s)",
			order, beyond, param(q.OrderBy, q.After.Key), param("id", q.After.ID)))
	}
	args = append(args, q.Limit)
	return fmt.Sprintf("%s WHERE %s ORDER BY %s%s, id%s LIMIT $%d",
		t.selectRows(), strings.Join(where, " AND "), order, direction, direction, len(args)), args, nil
}

func (t table) count(column string, conditions []ports.Condition) (sql string, args []any, err error) {
	c, err := t.column(column)
	if err != nil {
		return "", nil, err
	}
	where, args, err := t.where(conditions)
	if err != nil {
		return "", nil, err
	}
	where = append(where, c+" IS NOT NULL")
	return `SELECT ` + c + `::text, count(*) FROM ` + t.name + ` WHERE ` + strings.Join(where, " AND ") + ` GROUP BY 1`, args, nil
}

func (t table) sum(s ports.Sum, conditions []ports.Condition) (sql string, args []any, err error) {
	where, args, err := t.where(conditions)
	if err != nil {
		return "", nil, err
	}
	args = append(args, s.Of, s.Unless)
	where = append(where, fmt.Sprintf("(doc->>$%d::text) IS DISTINCT FROM 'true'", len(args)))
	return fmt.Sprintf("SELECT count(*), coalesce(sum((doc->>$%d::text)::bigint), 0)::bigint FROM %s WHERE %s",
		len(args)-1, t.name, strings.Join(where, " AND ")), args, nil
}

// where returns conditions in SQL, and the arguments from $1 on.
func (t table) where(conditions []ports.Condition) (where []string, args []any, err error) {
	for _, c := range conditions {
		column, err := t.column(c.Column)
		if err != nil {
			return nil, nil, err
		}
		switch c.Op {
		case ports.Equal, ports.AtLeast, ports.Before, ports.AtMost:
		default:
			return nil, nil, fmt.Errorf("column %s: no such comparison", c.Column)
		}
		args = append(args, c.Value)
		where = append(where, fmt.Sprintf("%s %s $%d::%s", column, c.Op, len(args), t.types[c.Column]))
	}
	return where, args, nil
}

// column returns the quoted name of a key column or of the id.
func (t table) column(name string) (string, error) {
	if _, ok := t.types[name]; !ok {
		return "", fmt.Errorf("the view has no such column")
	}
	return quote(name), nil
}
