-- The views of messages and keys, as on PostgreSQL. TIMESTAMP is text in RFC 3339,
-- UTC, always with 6 fractional digits, and is how the adapter knows a time; no
-- strict table has it.

-- +goose Up

CREATE TABLE messages (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    tenant     TEXT,
    status     TEXT,
    lane       TEXT,
    recipient  TEXT,
    reference  TEXT,
    provider_message_id TEXT,
    created_at TIMESTAMP,
    updated_at TIMESTAMP,
    due_at     TIMESTAMP
);

CREATE INDEX messages_by_tenant ON messages (tenant, created_at DESC, id DESC);
CREATE INDEX messages_by_status ON messages (tenant, status, created_at DESC, id DESC);
CREATE INDEX messages_by_recipient ON messages (tenant, recipient, created_at DESC);
CREATE INDEX messages_by_reference ON messages (tenant, reference) WHERE reference IS NOT NULL;
CREATE INDEX messages_by_provider ON messages (provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX messages_due ON messages (status, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE keys (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    tenant     TEXT,
    created_at TIMESTAMP
);

CREATE INDEX keys_by_tenant ON keys (tenant, created_at DESC, id DESC);
