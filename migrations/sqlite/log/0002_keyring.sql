-- Keys that protect personal data. They stand with the log because, like it,
-- they cannot be made again.

-- +goose Up

CREATE TABLE keyring (
    name TEXT PRIMARY KEY,
    key  BLOB NOT NULL CHECK (length(key) BETWEEN 1 AND 1024)
) STRICT;
