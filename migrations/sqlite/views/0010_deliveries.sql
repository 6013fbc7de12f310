-- Deliveries to webhooks are pruned, the oldest first, as on PostgreSQL.

-- +goose Up

CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at, id);
