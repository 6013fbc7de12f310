package systemtest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // writes rows beside the gateway

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
	"github.com/pro-sms/prosms/projections"
)

var listColumns = []string{"id", "doc", "tenant", "status", "lane", "recipient", "reference", "provider_message_id", "created_at", "updated_at", "due_at", "error"}

var listBegan = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// listRow is the i-th of many messages: most of one tenant, in lane normal and
// delivered, and few of everything else.
func listRow(i int) []any {
	pick := func(usual string, rare ...any) string { // every so many, the first that fits
		for j := 0; j < len(rare); j += 2 {
			if every, _ := rare[j].(int); i%every == 0 {
				name, _ := rare[j+1].(string)
				return name
			}
		}
		return usual
	}
	m := projections.Message{
		ID: fmt.Sprintf("msg_%032x", i), To: "+14155550100", Body: "Your parcel has been delivered to your door.", Encoding: "GSM-7", Segments: 1,
		Tenant: pick("acme", 1009, "tiny", 11, "globex"), Lane: pick("normal", 97, "bulk", 10, "high"), Kind: "transactional",
		Status:    pick("delivered", 50_021, "in_doubt", 20_011, "scheduled", 10_007, "canceled", 5_003, "opted_out", 997, "undelivered", 499, "dead_lettered", 7, "dispatched"),
		Reference: fmt.Sprintf("order-%d", i), ProviderMessageID: fmt.Sprintf("SM%032x", i), Consent: fmt.Sprintf("consent_%d", i%100_003),
		CreatedAt: listBegan.Add(time.Duration(i) * time.Second), UpdatedAt: listBegan.Add(time.Duration(i) * time.Second), Provider: "twilio",
	}
	var failed any
	switch m.Status {
	case "undelivered":
		m.LastError = &projections.LastError{Class: "undelivered", Code: pick("30003", 13, "30007"), At: m.UpdatedAt}
		failed = m.LastError.Code
	case "dead_lettered":
		m.LastError = &projections.LastError{Class: "permanent", Code: "21211", At: m.UpdatedAt}
		failed = m.LastError.Code
	}
	doc, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return []any{m.ID, string(doc), m.Tenant, m.Status, m.Lane, m.Consent, m.Reference, m.ProviderMessageID, m.CreatedAt, m.UpdatedAt, nil, failed}
}

// BenchmarkList is a page of the list of 1,000,000 messages, by each filter: no more
// than 200 ms, or an operator waits for it.
func BenchmarkList(b *testing.B) {
	const count = 1_000_000
	for name, fill := range map[string]func(*testing.B, int) string{"postgres": fillPostgres, "sqlite": fillSQLite} {
		b.Run(name, func(b *testing.B) {
			alone(b, fill(b, count), func(st stores) {
				o := projections.Oversight{Queries: projections.Queries{Store: st.events, Views: st.views}}
				for _, l := range lists(listBegan.Add(count / 2 * time.Second)) {
					b.Run(l.name, func(b *testing.B) {
						l.filter.Limit = 50
						for b.Loop() {
							if _, _, err := o.Messages(b.Context(), l.filter, l.consent); err != nil {
								b.Fatal(err)
							}
						}
					})
				}
			})
		})
	}
}

// list is what an operator may ask for.
type list struct {
	name    string
	filter  projections.MessageFilter
	consent func(string) string
}

func lists(middle time.Time) []list {
	number := func(string) string { return "consent_4711" }
	return []list{
		{"everything", projections.MessageFilter{}, nil},
		{"everything, from the middle on", projections.MessageFilter{After: &ports.Cursor{Key: middle, ID: "msg_"}}, nil},
		{"of a large tenant", projections.MessageFilter{Tenant: "acme"}, nil},
		{"of a small tenant", projections.MessageFilter{Tenant: "tiny"}, nil},
		{"delivered", projections.MessageFilter{Status: "delivered"}, nil},
		{"in doubt (few)", projections.MessageFilter{Status: "in_doubt"}, nil},
		{"retrying (none)", projections.MessageFilter{Status: "retrying"}, nil},
		{"lane bulk", projections.MessageFilter{Lane: "bulk"}, nil},
		{"dead letters of lane bulk", projections.MessageFilter{Status: "dead_lettered", Lane: "bulk"}, nil},
		{"delivered of lane bulk", projections.MessageFilter{Status: "delivered", Lane: "bulk"}, nil},
		{"in doubt of lane normal (few)", projections.MessageFilter{Status: "in_doubt", Lane: "normal"}, nil},
		{"scheduled of lane high (none)", projections.MessageFilter{Status: "scheduled", Lane: "high", Tenant: "tiny"}, nil},
		{"of an hour long ago", projections.MessageFilter{CreatedAfter: middle, CreatedBefore: middle.Add(time.Hour)}, nil},
		{"undelivered before the middle", projections.MessageFilter{Status: "undelivered", CreatedBefore: middle}, nil},
		{"lane high of an hour", projections.MessageFilter{Lane: "high", CreatedAfter: middle, CreatedBefore: middle.Add(time.Hour)}, nil},
		{"by reference", projections.MessageFilter{Reference: "order-4711"}, nil},
		{"by a reference that none has", projections.MessageFilter{Reference: "nothing"}, nil},
		{"by provider's id", projections.MessageFilter{ProviderMessageID: fmt.Sprintf("SM%032x", 4711)}, nil},
		{"by number", projections.MessageFilter{}, number},
		{"by number, undelivered", projections.MessageFilter{Status: "undelivered"}, number},
		{"by number, of an hour", projections.MessageFilter{CreatedAfter: middle, CreatedBefore: middle.Add(time.Hour)}, number},
		{"by error", projections.MessageFilter{Error: "30003"}, nil},
		{"by a rare error", projections.MessageFilter{Error: "30007"}, nil},
		{"by an error that none has", projections.MessageFilter{Error: "99999"}, nil},
		{"by error and lane", projections.MessageFilter{Error: "21211", Lane: "bulk"}, nil},
	}
}

func fillPostgres(b *testing.B, count int) string {
	b.Helper()
	url := servers.Postgres(b)
	if err := postgres.Migrate(b.Context(), url); err != nil {
		b.Fatal(err)
	}
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(b.Context()))
	i := 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if i++; i > count {
			return nil, nil
		}
		return listRow(i), nil
	})
	if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"messages"}, listColumns, rows); err != nil {
		b.Fatal(err)
	}
	for _, tenant := range []string{"acme", "globex", "tiny"} {
		if _, err := conn.Exec(b.Context(), `INSERT INTO keys (id, doc, tenant, created_at) VALUES ($1, '{}', $1, now())`, tenant); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := conn.Exec(b.Context(), `ANALYZE messages`); err != nil {
		b.Fatal(err)
	}
	return url
}

func fillSQLite(b *testing.B, count int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "prosms.db")
	alone(b, "sqlite://"+path, func(stores) {}) // makes the tables
	db, err := sql.Open("sqlite", strings.TrimSuffix(path, ".db")+".views.db")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after Commit
	insert, err := tx.PrepareContext(b.Context(), `INSERT INTO messages (`+strings.Join(listColumns, ", ")+`) VALUES (?`+strings.Repeat(", ?", len(listColumns)-1)+`)`)
	if err != nil {
		b.Fatal(err)
	}
	defer insert.Close()
	for i := 1; i <= count; i++ {
		row := listRow(i)
		for j, value := range row {
			if at, ok := value.(time.Time); ok {
				row[j] = at.Format("2006-01-02T15:04:05.000000Z")
			}
		}
		if _, err := insert.ExecContext(b.Context(), row...); err != nil {
			b.Fatal(err)
		}
	}
	for _, tenant := range []string{"acme", "globex", "tiny"} {
		if _, err := tx.ExecContext(b.Context(), `INSERT INTO keys (id, doc, tenant, created_at) VALUES (?, '{}', ?, '2026-01-01T00:00:00.000000Z')`, tenant, tenant); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return "sqlite://" + path
}
