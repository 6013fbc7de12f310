-- What projections and the relay keep. All of it can be rebuilt from the log,
-- except keyring, which must be in every backup.

-- +goose Up

CREATE TABLE projection_checkpoints (
    projection text   COLLATE "C" PRIMARY KEY,
    position   bigint NOT NULL
);

CREATE TABLE relay_offsets (
    consumer_group text   COLLATE "C" PRIMARY KEY,
    position       bigint NOT NULL
);

CREATE TABLE keyring (
    name text  COLLATE "C" PRIMARY KEY,
    key  bytea NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 1024)
);

-- Rows change a few times while they are young: room for them on their page
-- saves the indexes whose columns stay.
CREATE TABLE messages (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    tenant     text        COLLATE "C",
    status     text        COLLATE "C",
    lane       text        COLLATE "C",
    recipient  text        COLLATE "C",
    reference  text        COLLATE "C",
    provider_message_id text COLLATE "C",
    created_at timestamptz,
    updated_at timestamptz,
    due_at     timestamptz
) WITH (fillfactor = 70);

CREATE INDEX ON messages (tenant, created_at DESC, id DESC);
CREATE INDEX ON messages (tenant, status, created_at DESC, id DESC);
CREATE INDEX ON messages (tenant, recipient, created_at DESC);
CREATE INDEX ON messages (tenant, reference) WHERE reference IS NOT NULL;
CREATE INDEX ON messages (provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX ON messages (status, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE keys (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    tenant     text        COLLATE "C",
    created_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX ON keys (tenant, created_at DESC, id DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON messages, keys, projection_checkpoints, relay_offsets TO prosms_app;
GRANT SELECT, INSERT, UPDATE ON keyring TO prosms_app;
