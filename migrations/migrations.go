// Package migrations holds the schema of each database as numbered SQL, applied
// in order and never edited once released.
package migrations

import "embed"

// Postgres is the schema of PostgreSQL, in the folder postgres.
//
//go:embed postgres/*.sql
var Postgres embed.FS

// SQLite is the schema of the two SQLite files, in the folders sqlite/log and
// sqlite/views.
//
//go:embed sqlite/log/*.sql sqlite/views/*.sql
var SQLite embed.FS
