-- Opt-outs, texts to us, and who has texted whom, as on PostgreSQL.

-- +goose Up

CREATE TABLE opt_outs (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    tenant     TEXT,
    state      TEXT,
    source     TEXT,
    changed_at TIMESTAMP
);

CREATE INDEX opt_outs_by_tenant ON opt_outs (tenant, state, changed_at DESC, id DESC);

CREATE TABLE inbound (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    tenant     TEXT,
    created_at TIMESTAMP
);

CREATE INDEX inbound_by_tenant ON inbound (tenant, created_at DESC, id DESC);

CREATE TABLE contacts (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    recipient  TEXT,
    created_at TIMESTAMP
);

CREATE INDEX contacts_by_recipient ON contacts (recipient, created_at DESC, id DESC);
