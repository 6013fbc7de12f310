-- Opt-outs, texts to us, and who has texted whom.

-- +goose Up

CREATE TABLE opt_outs (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    tenant     text        COLLATE "C",
    state      text        COLLATE "C",
    source     text        COLLATE "C",
    changed_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX ON opt_outs (tenant, state, changed_at DESC, id DESC);

CREATE TABLE inbound (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    tenant     text        COLLATE "C",
    created_at timestamptz
);

CREATE INDEX ON inbound (tenant, created_at DESC, id DESC);

CREATE TABLE contacts (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    recipient  text        COLLATE "C",
    created_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX ON contacts (recipient, created_at DESC, id DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON opt_outs, inbound, contacts TO prosms_app;
