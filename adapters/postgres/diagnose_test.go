package postgres_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestADiagnosisNamesWhatTheRoleMayDoToTheLog(t *testing.T) {
	url := servers.Postgres(t)
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d, err := db.Diagnose(t.Context())
	if err != nil || len(d.Allowed) > 0 || d.Version == "" || len(d.Commits) == 0 || d.Skew.Abs() > time.Minute {
		t.Errorf("diagnosis of a new database: %+v, %v", d, err)
	}

	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close(t.Context()) }()
	if _, err := owner.Exec(t.Context(), "GRANT INSERT, UPDATE, TRUNCATE ON events TO prosms_app"); err != nil {
		t.Fatal(err)
	}
	d, err = db.Diagnose(t.Context())
	want := []string{"INSERT INTO events SELECT * FROM events WHERE false", "UPDATE events SET type = type WHERE false", "TRUNCATE events"}
	if err != nil || !slices.Equal(d.Allowed, want) {
		t.Errorf("after a grant it names %q, %v; want %q", d.Allowed, err, want)
	}
}

func TestADiagnosisNamesTheRightsThatTheRoleLacks(t *testing.T) {
	url := servers.Postgres(t)
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close(t.Context()) }()
	granted := func() []string {
		rows, err := owner.Query(t.Context(), `SELECT privilege_type || ' ON ' || table_name FROM information_schema.role_table_grants WHERE grantee = 'prosms_app'
			UNION SELECT 'EXECUTE ON ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('prosms_app', oid, 'EXECUTE') ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := granted()
	if d, err := db.Diagnose(t.Context()); err != nil || len(d.Missing) > 0 {
		t.Errorf("a new database lacks %q, %v", d.Missing, err)
	}
	for _, revoke := range []string{"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM prosms_app", "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM prosms_app"} {
		run(t, owner, revoke)
	}
	d, err := db.Diagnose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range d.Missing {
		run(t, owner, "GRANT "+right+" TO prosms_app")
	}
	if after := granted(); !slices.Equal(after, before) { // a migration that grants has its line in needed
		t.Errorf("granted again what is named, the role has %q; the migrations give it %q", after, before)
	}
}

// joined is url, to which a parameter may be added.
func joined(url string) string {
	if strings.Contains(url, "?") {
		return url + "&"
	}
	return url + "?"
}

func TestADiagnosisNamesSettingsThatLoseWhatWasConfirmed(t *testing.T) {
	url := servers.Postgres(t)
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string][]string{"on": {}, "local": {}, "off": {"synchronous_commit"}} { // no standby
		db, err := postgres.Open(t.Context(), postgres.Config{URL: joined(url) + "synchronous_commit=" + value})
		if err != nil {
			t.Fatal(err)
		}
		d, err := db.Diagnose(t.Context())
		if err != nil || !slices.Equal(d.Lossy, want) {
			t.Errorf("with synchronous_commit = %s it names %q, %v; want %q", value, d.Lossy, err, want)
		}
		db.Close()
	}
}
