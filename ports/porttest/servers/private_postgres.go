//go:build linux

package servers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PrivatePostgres starts a PostgreSQL of the test's own.
func PrivatePostgres(t testing.TB) *Private {
	t.Helper()
	return PrivatePostgresOn(t, "")
}

// PrivatePostgresOn starts a PostgreSQL of the test's own, all of whose data is in folder.
func PrivatePostgresOn(t testing.TB, folder string) *Private {
	t.Helper()
	return startPostgres(t, folder, "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
}

// PrivatePostgresPair starts two servers of the test's own: each commit of primary waits
// until it is on the standby's disk. The standby may be read until Promote.
func PrivatePostgresPair(t testing.TB) (primary, standby *Private) {
	t.Helper()
	primary = PrivatePostgres(t)
	config, err := pgx.ParseConfig(primary.URL)
	if err != nil {
		t.Fatal(err)
	}
	standby = startPostgres(t, "", "pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
		fmt.Sprintf("--dbname=host=%s port=%d user=%s application_name=standby", config.Host, config.Port, config.User))
	primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
	primary.sql("SELECT pg_reload_conf()")
	// A backend sees the new setting when it is between statements, and a commit waits from then on.
	for deadline := time.Now().Add(startTimeout); !primary.replicates(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the standby does not follow\n%s", standby.output)
		}
	}
	return primary, standby
}

// Promote makes a primary of a standby. The former one has to be dead, and stay so.
func (p *Private) Promote() {
	p.t.Helper()
	p.sql("SELECT pg_promote()")
}

// startPostgres starts a server on data that a program makes: initdb or pg_basebackup.
func startPostgres(t testing.TB, folder, program string, arguments ...string) *Private {
	t.Helper()
	bin := postgresBin()
	p := newPrivate(t, folder, postgres, "postgres", filepath.Join(bin, "initdb"))
	data, port := filepath.Join(p.dir, "data"), freePort(t)
	p.run(append([]string{filepath.Join(bin, program), "--pgdata=" + data}, arguments...)...)
	p.URL = "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
	p.command = []string{
		filepath.Join(bin, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=100",
	}
	p.Start()
	return p
}

// sql runs a statement.
func (p *Private) sql(statement string) {
	p.t.Helper()
	if err := execute(p.t.Context(), p.URL, statement); err != nil {
		p.t.Fatalf("%s: %v", statement, err)
	}
}

// replicates reports whether commits wait for a standby that is there.
func (p *Private) replicates() bool {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close(ctx) }()
	var yes bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')").Scan(&yes)
	return err == nil && yes
}

// postgresBin returns the folder of the newest version's programs; Debian keeps
// them out of PATH.
func postgresBin() string {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(installed)
	if len(installed) > 0 {
		return installed[len(installed)-1]
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return "."
	}
	return filepath.Dir(program)
}
