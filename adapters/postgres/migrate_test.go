package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestInstancesThatMigrateTogetherTakeTurns(t *testing.T) {
	databases := []string{servers.Postgres(t), servers.Postgres(t)} // the role is common to both
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			if err := postgres.Migrate(t.Context(), databases[i%2]); err != nil {
				t.Errorf("instance %d: %v", i, err)
			}
		})
	}
	group.Wait()
	for _, database := range databases {
		schema, err := postgres.SchemaVersion(t.Context(), database)
		if err != nil || schema.Current != schema.Latest || schema.Latest < 2 {
			t.Errorf("SchemaVersion = %+v, %v; want the latest", schema, err)
		}
		connect(t, database)
	}
}

func TestMigratingAgainDoesNothing(t *testing.T) {
	database := migrated(t)
	appendOne(t, connect(t, database).EventStore(), "a")
	if err := postgres.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	if got, err := connect(t, database).EventStore().Load(t.Context(), "a"); err != nil || len(got) != 1 {
		t.Errorf("Load = %v, %v; want the event still", got, err)
	}
}

func TestMigrationsAreListedWithTheirTimes(t *testing.T) {
	before := time.Now().Add(-time.Minute) // the server's clock is another
	applied, err := connect(t, migrated(t)).Migrations(t.Context())
	if err != nil || len(applied) < 10 {
		t.Fatalf("%d migrations, %v", len(applied), err)
	}
	for i, m := range applied {
		if m.Name == "" || m.At.Before(before) || m.At.After(time.Now().Add(time.Minute)) || i > 0 && m.Version >= applied[i-1].Version {
			t.Errorf("%+v", m)
		}
	}
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	database := servers.Postgres(t)
	open := func() error {
		db, err := postgres.Open(t.Context(), postgres.Config{URL: database})
		if err == nil {
			db.Close()
		}
		return err
	}
	if err := open(); !errors.Is(err, postgres.ErrSchema) {
		t.Errorf("without a schema: %v, want ErrSchema", err)
	}
	if err := postgres.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	conn := owner(t, database)
	run(t, conn, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	if err := open(); !errors.Is(err, postgres.ErrSchema) {
		t.Errorf("with a newer schema: %v, want ErrSchema", err)
	}
	if err := postgres.Migrate(t.Context(), database); !errors.Is(err, postgres.ErrSchema) {
		t.Errorf("migrating a newer schema: %v, want ErrSchema", err)
	}
	run(t, conn, `DELETE FROM goose_db_version WHERE version_id = 9999`)
	if err := open(); err != nil {
		t.Errorf("with its own schema: %v", err)
	}
}

func TestAnOwnerWithoutOtherRightsCanMigrate(t *testing.T) {
	database := migrated(t) // so that the role exists
	admin := owner(t, database)
	login := pgx.Identifier{"owner_" + admin.Config().Database}.Sanitize()
	run(t, admin, `CREATE ROLE `+login+` LOGIN IN ROLE prosms_app`)
	t.Cleanup(func() { // after its database is dropped
		if _, err := admin.Exec(context.Background(), `DROP ROLE `+login); err != nil {
			t.Error(err)
		}
	})
	own := servers.Postgres(t)
	conn := owner(t, own)
	run(t, conn, `ALTER DATABASE `+pgx.Identifier{conn.Config().Database}.Sanitize()+` OWNER TO `+login)

	parsed, err := url.Parse(own)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.User("owner_" + admin.Config().Database)
	if err := postgres.Migrate(t.Context(), parsed.String()); err != nil {
		t.Fatal(err)
	}
	appendOne(t, connect(t, parsed.String()).EventStore(), "a")
}
