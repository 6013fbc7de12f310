-- Deliveries to customers' webhooks, and how their endpoints answer, as on PostgreSQL.

-- +goose Up

CREATE TABLE webhook_deliveries (
    id         TEXT PRIMARY KEY NOT NULL,
    doc        TEXT NOT NULL,
    tenant     TEXT,
    endpoint   TEXT,
    status     TEXT,
    sequence   TEXT,
    position   INTEGER,
    created_at TIMESTAMP,
    due_at     TIMESTAMP
);

CREATE INDEX webhook_deliveries_by_tenant ON webhook_deliveries (tenant, created_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (tenant, endpoint, created_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (tenant, status, created_at DESC, id DESC);

-- due_at is null in what is not pending.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (status, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (sequence, position);

CREATE TABLE webhook_health (
    id     TEXT PRIMARY KEY NOT NULL,
    doc    TEXT NOT NULL,
    tenant TEXT
);
