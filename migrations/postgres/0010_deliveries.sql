-- Deliveries to webhooks are pruned, the oldest first.

-- +goose Up

CREATE INDEX ON webhook_deliveries (created_at, id);
