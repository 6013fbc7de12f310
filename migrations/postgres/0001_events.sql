-- The log: events, the commits that link them, and the one function that appends.

-- +goose Up

CREATE TABLE events (
    position    bigint      PRIMARY KEY,
    stream_id   text        COLLATE "C" NOT NULL,
    version     int         NOT NULL CHECK (version > 0),
    type        text        COLLATE "C" NOT NULL,
    schema      int         NOT NULL,
    data        json        NOT NULL, -- json keeps the bytes that the digest covers, jsonb would not
    meta        json        NOT NULL,
    recorded_at timestamptz NOT NULL,
    digest      bytea       NOT NULL,
    UNIQUE (stream_id, version)
);

CREATE TABLE commits (
    first_position bigint      PRIMARY KEY,
    last_position  bigint      NOT NULL UNIQUE,
    link           bytea       NOT NULL,
    recorded_at    timestamptz NOT NULL
);

-- append_events commits writes that are numbered 1..n. Events and requirements
-- name their write; events come in the order of their writes and carry the
-- digest of their content. A write is refused, the others are not, if its stream
-- or one that it requires is not at the version named, or is named by an earlier
-- write of the call. Answers which writes were accepted, the position before the
-- first, and recorded_at (both null when none was).
--
-- The lock makes commits take turns, so that positions are gapless and become
-- visible in order. It must be taken by a statement of its own: the next one
-- then sees everything that was committed before. Sequential scans are off
-- because a plan made while the tables were small stays in use as they grow.
-- +goose StatementBegin
CREATE FUNCTION append_events(
    write_streams   text[],
    write_versions  int[],
    require_writes  int[],
    require_streams text[],
    require_versions int[],
    event_writes    int[],
    event_versions  int[],
    event_types     text[],
    event_schemas   int[],
    event_data      json[],
    event_meta      json[],
    event_digests   bytea[],
    OUT accepted    boolean[],
    OUT tip         bigint,
    OUT appended_at timestamptz
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    last_link bytea;
    last_at   timestamptz;
    appended  int;
    suffix    bytea; -- recorded_at in microseconds since 1970, as every row digest ends
    digests   bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(7241390056218843); -- any number, the same for ever

    SELECT c.last_position, c.link, c.recorded_at INTO tip, last_link, last_at
    FROM commits c ORDER BY c.first_position DESC LIMIT 1;
    IF NOT FOUND THEN
        tip := 0;
        last_link := decode(repeat('00', 32), 'hex');
        last_at := '-infinity';
    END IF;

    WITH named AS (
        SELECT w.n, w.stream, w.version, row_number() OVER (PARTITION BY w.stream ORDER BY w.n) = 1 AS first
        FROM unnest(write_streams, write_versions) WITH ORDINALITY AS w(stream, version, n)
    ), refused AS (
        SELECT r.n
        FROM unnest(require_writes, require_streams, require_versions) AS r(n, stream, version)
        LEFT JOIN LATERAL (
            SELECT e.version FROM events e WHERE e.stream_id = r.stream ORDER BY e.version DESC LIMIT 1
        ) AS now ON true
        LEFT JOIN named w ON w.stream = r.stream AND w.first
        WHERE coalesce(now.version, 0) <> r.version OR w.n < r.n
    )
    SELECT array_agg(w.first AND coalesce(now.version, 0) = w.version AND w.n NOT IN (SELECT n FROM refused) ORDER BY w.n)
    INTO accepted
    FROM named w
    LEFT JOIN LATERAL (
        SELECT e.version FROM events e WHERE e.stream_id = w.stream ORDER BY e.version DESC LIMIT 1
    ) AS now ON true;

    IF NOT (true = ANY (accepted)) THEN
        tip := NULL;
        RETURN;
    END IF;

    appended_at := greatest(clock_timestamp(), last_at);
    suffix := int8send((extract(epoch FROM appended_at) * 1000000)::bigint);

    WITH placed AS (
        SELECT tip + row_number() OVER (ORDER BY e.n) AS position, e.*
        FROM unnest(event_writes, event_versions, event_types, event_schemas, event_data, event_meta, event_digests)
            WITH ORDINALITY AS e(write, version, type, schema, data, meta, digest, n)
        WHERE accepted[e.write]
    ), inserted AS (
        INSERT INTO events (position, stream_id, version, type, schema, data, meta, recorded_at, digest)
        SELECT p.position, write_streams[p.write], p.version, p.type, p.schema, p.data, p.meta, appended_at,
            sha256(p.digest || int8send(p.position) || suffix)
        FROM placed p
        RETURNING events.position, events.digest
    )
    SELECT count(*), string_agg(i.digest, ''::bytea ORDER BY i.position) INTO appended, digests FROM inserted i;

    INSERT INTO commits (first_position, last_position, link, recorded_at)
    VALUES (tip + 1, tip + appended, sha256(last_link || digests), appended_at);

    PERFORM pg_notify('prosms_events', ''); -- one for the whole commit: it takes a lock of the cluster
END
$$;
-- +goose StatementEnd

-- Nobody alters what has happened, the owner and replication included.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the log is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commits
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER append_only; -- in replica mode, too
ALTER TABLE commits ENABLE ALWAYS TRIGGER append_only;

-- Roles belong to the whole cluster: another database may make this one at the
-- same moment. An owner who may not create it, or not grant it, finds that done.
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'prosms_app') THEN
        CREATE ROLE prosms_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT prosms_app TO %I', current_user);
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        IF NOT pg_has_role('prosms_app', 'MEMBER') THEN
            RAISE;
        END IF;
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
REVOKE ALL ON FUNCTION refuse_change FROM PUBLIC;
REVOKE ALL ON events, commits FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO prosms_app;
GRANT SELECT ON events, commits, goose_db_version TO prosms_app;
GRANT EXECUTE ON FUNCTION append_events TO prosms_app;
