package porttest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/ports"
)

// library puts rows that differ in tenant, status and creation, two of them
// created at the same time and one of them due.
func library(t *testing.T, views ports.Views) {
	t.Helper()
	due := messageRow("e", "acme", "scheduled", 5)
	due.Keys[4], due.Keys[7] = "ref-1", due.Keys[5]
	put(t, views, 1,
		messageRow("d", "acme", "accepted", 2), messageRow("b", "acme", "delivered", 2),
		messageRow("c", "acme", "delivered", 1), messageRow("a", "other", "delivered", 4), due)
}

// where makes conditions of triples: column, comparison, value.
func where(triples ...any) []ports.Condition {
	var conditions []ports.Condition
	for t := range slices.Chunk(triples, 3) {
		conditions = append(conditions, ports.Condition{Column: t[0].(string), Op: t[1].(ports.Op), Value: t[2]})
	}
	return conditions
}

func created(second int) any { return messageRow("", "", "", second).Keys[5] }

func allConditionsHold(t *testing.T, views ports.Views) {
	library(t, views)
	for _, tt := range []struct {
		name  string
		where []ports.Condition
		want  []string
	}{
		{"none", nil, []string{"c", "b", "d", "a", "e"}},
		{"equal text", where("tenant", ports.Equal, "acme"), []string{"c", "b", "d", "e"}},
		{"two columns", where("tenant", ports.Equal, "acme", "status", ports.Equal, "delivered"), []string{"c", "b"}},
		{"equal time", where("created_at", ports.Equal, created(2)), []string{"b", "d"}},
		{"from and before", where("created_at", ports.AtLeast, created(2), "created_at", ports.Before, created(5)), []string{"b", "d", "a"}},
		{"at most", where("created_at", ports.AtMost, created(2)), []string{"c", "b", "d"}},
		{"null is not equal", where("reference", ports.Equal, "ref-1"), []string{"e"}},
		{"null is not before", where("due_at", ports.Before, created(59)), []string{"e"}},
		{"compared with null", where("due_at", ports.Equal, nil), []string{}},
		{"by id", where("id", ports.Equal, "b"), []string{"b"}},
		{"text in byte order", where("tenant", ports.AtLeast, "b"), []string{"a"}},
		{"upper case before lower", where("tenant", ports.Before, "Z"), []string{}},
		{"no match", where("tenant", ports.Equal, "nobody"), []string{}},
	} {
		got := find(t, views, ports.Query{Where: tt.where, OrderBy: "created_at", Limit: 10})
		if diff := cmp.Diff(tt.want, rowIDs(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func rowsComeInOrder(t *testing.T, views ports.Views) {
	library(t, views)
	for _, tt := range []struct {
		orderBy string
		desc    bool
		limit   int
		want    []string
	}{
		{"created_at", false, 10, []string{"c", "b", "d", "a", "e"}},
		{"created_at", true, 10, []string{"e", "a", "d", "b", "c"}},
		{"created_at", true, 3, []string{"e", "a", "d"}},
		{"tenant", false, 10, []string{"b", "c", "d", "e", "a"}},
		{"id", true, 2, []string{"e", "d"}},
	} {
		got := find(t, views, ports.Query{OrderBy: tt.orderBy, Desc: tt.desc, Limit: tt.limit})
		if diff := cmp.Diff(tt.want, rowIDs(got)); diff != "" {
			t.Errorf("by %s, desc %t (-want +got):\n%s", tt.orderBy, tt.desc, diff)
		}
	}
}

func nullOrderComesNever(t *testing.T, views ports.Views) {
	library(t, views)
	for _, desc := range []bool{false, true} {
		got := find(t, views, ports.Query{OrderBy: "due_at", Desc: desc, Limit: 10})
		if diff := cmp.Diff([]string{"e"}, rowIDs(got)); diff != "" {
			t.Errorf("desc %t (-want +got):\n%s", desc, diff)
		}
	}
}

func cursorGoesOn(t *testing.T, views ports.Views) {
	library(t, views)
	for orderBy, key := range map[string]int{"created_at": 5, "status": 1} {
		for _, desc := range []bool{false, true} {
			q := ports.Query{OrderBy: orderBy, Desc: desc, Limit: 100}
			want := rowIDs(find(t, views, q))
			for limit := 1; limit <= 3; limit++ {
				got := []string{}
				q.Limit, q.After = limit, nil
				for page := find(t, views, q); len(page) > 0; page = find(t, views, q) {
					got = append(got, rowIDs(page)...)
					last := page[len(page)-1]
					q.After = &ports.Cursor{Key: last.Keys[key], ID: last.ID}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("by %s, desc %t, pages of %d (-want +got):\n%s", orderBy, desc, limit, diff)
				}
			}
		}
	}
}

func rowsAreCounted(t *testing.T, views ports.Views) {
	library(t, views)
	for column, want := range map[string]map[string]int64{
		"status":    {"accepted": 1, "delivered": 3, "scheduled": 1},
		"tenant":    {"acme": 4, "other": 1},
		"reference": {"ref-1": 1},
	} {
		got, err := views.Count(t.Context(), messages, column)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Count(%s): %v (-want +got):\n%s", column, err, diff)
		}
	}
}

func rowsAreCountedWhereConditionsHold(t *testing.T, views ports.Views) {
	library(t, views)
	got, err := views.Count(t.Context(), messages, "tenant", where("status", ports.Equal, "delivered")...)
	if diff := cmp.Diff(map[string]int64{"acme": 2, "other": 1}, got); diff != "" || err != nil {
		t.Errorf("Count of what is delivered: %v (-want +got):\n%s", err, diff)
	}
	got, err = views.Count(t.Context(), messages, "tenant", where("status", ports.Equal, "expired")...)
	if len(got) != 0 || err != nil {
		t.Errorf("Count of what is expired = %v, %v, want none", got, err)
	}
	if got, err := views.Count(t.Context(), messages, "tenant", where("tenant", ports.Op("OR"), "x")...); err == nil {
		t.Errorf("Count = %v, want an error", got)
	}
}

func numbersAreSummed(t *testing.T, views ports.Views) {
	library(t, views)
	for id, doc := range map[string]string{
		"b": `{"n":2}`, "c": `{"m":9,"n":3000000000,"left":false}`, "d": `{"n":5,"left":true}`, "a": `{"n":7}`,
	} {
		row := messageRow(id, "acme", "delivered", 1)
		row.Doc = []byte(doc)
		put(t, views, 2, row)
	}
	for _, tt := range []struct {
		where     []ports.Condition
		rows, sum int64
	}{
		{nil, 4, 3_000_000_009},
		{where("status", ports.Equal, "scheduled"), 1, 0},
		{where("status", ports.Equal, "expired"), 0, 0},
		{where("tenant", ports.Equal, "acme", "created_at", ports.Before, created(2)), 3, 3_000_000_009},
	} {
		rows, sum, err := views.Sum(t.Context(), messages, ports.Sum{Of: "n", Unless: "left"}, tt.where...)
		if err != nil || rows != tt.rows || sum != tt.sum {
			t.Errorf("where %v: %d rows, %d, %v; want %d, %d", tt.where, rows, sum, err, tt.rows, tt.sum)
		}
	}
}

func unknownColumnIsAnError(t *testing.T, views ports.Views) {
	library(t, views)
	const column = `tenant" OR 1=1 --`
	for name, q := range map[string]ports.Query{
		"order":     {OrderBy: column, Limit: 1},
		"condition": {OrderBy: "created_at", Limit: 1, Where: where(column, ports.Equal, "x")},
		"operator":  {OrderBy: "created_at", Limit: 1, Where: where("tenant", ports.Op("OR"), "x")},
	} {
		if rows, err := views.Find(t.Context(), messages, q); err == nil {
			t.Errorf("%s: Find = %d rows, want an error", name, len(rows))
		}
	}
	if got, err := views.Count(t.Context(), messages, column); err == nil {
		t.Errorf("Count = %v, want an error", got)
	}
	if _, got, err := views.Sum(t.Context(), messages, ports.Sum{Of: "n"}, where(column, ports.Equal, "x")...); err == nil {
		t.Errorf("Sum = %v, want an error", got)
	}
}
