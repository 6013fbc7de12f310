-- The log: events, and the commits that link them. SQLite has no roles and no
-- functions: the triggers see to it that both tables only grow, and only by the
-- next row, so that not even INSERT OR REPLACE can put one row in place of another.

-- +goose Up

CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    stream_id   TEXT    NOT NULL,
    version     INTEGER NOT NULL CHECK (version > 0),
    type        TEXT    NOT NULL,
    schema      INTEGER NOT NULL,
    data        TEXT    NOT NULL, -- JSON, the bytes that the digest covers
    meta        TEXT    NOT NULL,
    recorded_at TEXT    NOT NULL, -- RFC 3339, UTC, always 6 fractional digits: sorts as it reads
    digest      BLOB    NOT NULL CHECK (length(digest) = 32),
    UNIQUE (stream_id, version)
) STRICT;

CREATE TABLE commits (
    first_position INTEGER PRIMARY KEY,
    last_position  INTEGER NOT NULL UNIQUE,
    link           BLOB    NOT NULL CHECK (length(link) = 32),
    recorded_at    TEXT    NOT NULL,
    CHECK (last_position >= first_position)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER events_grow_by_the_next BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
  OR NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream_id = NEW.stream_id)
BEGIN
    SELECT RAISE(ABORT, 'INSERT on events is refused: not the next position and version');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER commits_grow_by_the_next BEFORE INSERT ON commits
WHEN NEW.first_position IS NOT (SELECT coalesce(max(last_position), 0) + 1 FROM commits)
  OR NEW.last_position IS NOT (SELECT max(position) FROM events)
BEGIN
    SELECT RAISE(ABORT, 'INSERT on commits is refused: not the next commit');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'UPDATE on events is refused: the log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'DELETE on events is refused: the log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER commits_refuse_update BEFORE UPDATE ON commits
BEGIN
    SELECT RAISE(ABORT, 'UPDATE on commits is refused: the log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER commits_refuse_delete BEFORE DELETE ON commits
BEGIN
    SELECT RAISE(ABORT, 'DELETE on commits is refused: the log is append-only');
END;
-- +goose StatementEnd
