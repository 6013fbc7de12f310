package servers

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
)

var postgres = Server{
	Name:     "postgres",
	Variable: "TEST_DATABASE_URL",
	Default:  "postgres://postgres@127.0.0.1:5432/test",
	version:  postgresVersion,
}

// Postgres returns the URL of an empty database of the test's own, logged in as
// its owner. It is dropped when the test ends, whoever is still connected.
func Postgres(t testing.TB) string {
	t.Helper()
	admin := postgres.find(t)
	name := "prosms_test_" + randomName(8)
	if err := execute(t.Context(), admin, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("creating database %s: %v", name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		if err := execute(ctx, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping database %s: %v", name, err)
		}
	})
	own, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("parsing %s: not a URL", postgres.Variable)
	}
	own.Path = "/" + name
	return own.String()
}

// execute runs one statement on a connection of its own.
func execute(ctx context.Context, address, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, work)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

func postgresVersion(ctx context.Context, address string) (string, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	var version string
	if err := conn.QueryRow(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1)").Scan(&version); err != nil {
		return "", fmt.Errorf("asking for the version: %w", err)
	}
	return "PostgreSQL " + version, nil
}
