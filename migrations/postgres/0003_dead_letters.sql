-- The views of dead letters and of replays.

-- +goose Up

CREATE TABLE dead_letters (
    id          text        COLLATE "C" PRIMARY KEY,
    doc         json        NOT NULL,
    tenant      text        COLLATE "C",
    reason      text        COLLATE "C",
    class       text        COLLATE "C",
    code        text        COLLATE "C",
    error_group text        COLLATE "C",
    provider    text        COLLATE "C",
    lane        text        COLLATE "C",
    created_at       timestamptz,
    dead_lettered_at timestamptz
) WITH (fillfactor = 70);

-- dead_lettered_at is null in what has left the list.
CREATE INDEX ON dead_letters (tenant, dead_lettered_at DESC, id DESC) WHERE dead_lettered_at IS NOT NULL;
CREATE INDEX ON dead_letters (tenant, error_group, dead_lettered_at DESC, id DESC) WHERE dead_lettered_at IS NOT NULL;

CREATE TABLE replays (
    id         text        COLLATE "C" PRIMARY KEY,
    doc        json        NOT NULL,
    tenant     text        COLLATE "C",
    status     text        COLLATE "C",
    open       text        COLLATE "C",
    created_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX ON replays (tenant, created_at DESC, id DESC);
CREATE INDEX ON replays (open, created_at) WHERE open IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters, replays TO prosms_app;
