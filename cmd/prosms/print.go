package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printJSON writes v for a reader, or a program.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// table prints rows in columns.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer, heads ...any) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(heads...)
	return t
}

// row adds a line. A time is written as RFC 3339 has it, and what is empty as a dash.
func (t table) row(cells ...any) {
	line := make([]string, len(cells))
	for i, cell := range cells {
		switch cell := cell.(type) {
		case time.Time:
			line[i] = cell.Format(time.RFC3339)
		case *time.Time:
			if cell != nil {
				line[i] = cell.Format(time.RFC3339)
			}
		default:
			line[i] = fmt.Sprint(cell)
		}
		line[i] = cmp.Or(line[i], "-")
	}
	fmt.Fprintln(t, strings.Join(line, "\t"))
}
