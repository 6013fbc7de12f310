-- When API keys were last used. It may be lost without harm; it stands with the log
-- because the views may be deleted while the gateway is down.

-- +goose Up

CREATE TABLE key_uses (
    id      TEXT PRIMARY KEY,
    used_at INTEGER NOT NULL -- microseconds since 1970
) STRICT;
