// Package migrations holds the schema of each database as numbered SQL, applied
// in order and never edited once released.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Postgres is the schema of PostgreSQL, in the folder postgres.
//
//go:embed postgres/*.sql
var Postgres embed.FS

// SQLite is the schema of the two SQLite files, in the folders sqlite/log and
// sqlite/views.
//
//go:embed sqlite/log/*.sql sqlite/views/*.sql
var SQLite embed.FS

// Applied is a migration that a database has had.
type Applied struct {
	Version int64
	Name    string // of its file, without number and ending; empty: a later build's
	At      time.Time
}

// Name returns what a migration of folder is called, "" where there is none of the
// version.
func Name(source embed.FS, folder string, version int64) string {
	found, err := fs.Glob(source, fmt.Sprintf("%s/%04d_*.sql", folder, version))
	if err != nil || len(found) != 1 {
		return ""
	}
	_, name, _ := strings.Cut(path.Base(found[0]), "_")
	return strings.TrimSuffix(name, ".sql")
}
