-- The views of dead letters and of replays, as on PostgreSQL.

-- +goose Up

CREATE TABLE dead_letters (
    id          TEXT PRIMARY KEY NOT NULL,
    doc         TEXT NOT NULL,
    tenant      TEXT,
    reason      TEXT,
    class       TEXT,
    code        TEXT,
    error_group TEXT,
    provider    TEXT,
    lane        TEXT,
    created_at       TIMESTAMP,
    dead_lettered_at TIMESTAMP
);

-- dead_lettered_at is null in what has left the list.
CREATE INDEX dead_letters_by_tenant ON dead_letters (tenant, dead_lettered_at DESC, id DESC) WHERE dead_lettered_at IS NOT NULL;
CREATE INDEX dead_letters_by_group ON dead_letters (tenant, error_group, dead_lettered_at DESC, id DESC) WHERE dead_lettered_at IS NOT NULL;

CREATE TABLE replays (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    tenant     TEXT,
    status     TEXT,
    open       TEXT,
    created_at TIMESTAMP
);

CREATE INDEX replays_by_tenant ON replays (tenant, created_at DESC, id DESC);
CREATE INDEX replays_open ON replays (open, created_at) WHERE open IS NOT NULL;
