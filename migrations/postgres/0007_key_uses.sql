-- When API keys were last used. It may be lost without harm.

-- +goose Up

CREATE TABLE key_uses (
    id      text        COLLATE "C" PRIMARY KEY,
    used_at timestamptz NOT NULL
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON key_uses TO prosms_app;
