-- The messages of a lane, newest first: a lane with few texts of a tenant is not
-- found by reading all.

-- +goose Up

CREATE INDEX messages_by_lane ON messages (tenant, lane, created_at DESC, id DESC);
