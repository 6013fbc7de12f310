-- Deliveries to customers' webhooks, and how their endpoints answer.

-- +goose Up

CREATE TABLE webhook_deliveries (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    tenant     text        COLLATE "C",
    endpoint   text        COLLATE "C",
    status     text        COLLATE "C",
    sequence   text        COLLATE "C",
    position   bigint,
    created_at timestamptz,
    due_at     timestamptz
) WITH (fillfactor = 70);

CREATE INDEX ON webhook_deliveries (tenant, created_at DESC, id DESC);
CREATE INDEX ON webhook_deliveries (tenant, endpoint, created_at DESC, id DESC);
CREATE INDEX ON webhook_deliveries (tenant, status, created_at DESC, id DESC);

-- due_at is null in what is not pending.
CREATE INDEX ON webhook_deliveries (status, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX ON webhook_deliveries (sequence, position);

CREATE TABLE webhook_health (
    id     text COLLATE "C" PRIMARY KEY,
    doc    json NOT NULL,
    tenant text COLLATE "C"
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries, webhook_health TO prosms_app;
