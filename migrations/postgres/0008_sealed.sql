-- Personal data is sealed, and keys are kept in the commit of what they seal. The
-- function of the same name with fewer arguments stays, for processes of the version
-- before.

-- +goose Up

-- append_events commits writes that are numbered 1..n. Events and requirements
-- name their write; events come in the order of their writes and carry the
-- digest of their content; keys are kept with the commit of their write. A write is
-- refused, the others are not, if its stream or one that it requires is not at the
-- version named, or is named by an earlier write of the call, or if a key of its
-- differs from what is kept under its name or an earlier write of the call brings.
-- Answers which writes were accepted, the position before the first, and recorded_at
-- (both null when none was).
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
    key_writes      int[],
    key_names       text[],
    key_values      bytea[],
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
    ), brought AS (
        SELECT k.n, k.name, k.key, first_value(k.key) OVER (PARTITION BY k.name ORDER BY k.n) AS first
        FROM unnest(key_writes, key_names, key_values) AS k(n, name, key)
    ), clashing AS (
        SELECT b.n
        FROM brought b
        LEFT JOIN LATERAL (SELECT r.key FROM keyring r WHERE r.name = b.name LIMIT 1) AS kept ON true -- not a walk through all keys
        WHERE coalesce(kept.key, b.first) <> b.key
    )
    SELECT array_agg(w.first AND coalesce(now.version, 0) = w.version
        AND w.n NOT IN (SELECT n FROM refused) AND w.n NOT IN (SELECT n FROM clashing) ORDER BY w.n)
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

    IF cardinality(key_writes) > 0 THEN
        INSERT INTO keyring (name, key)
        SELECT k.name, k.key FROM unnest(key_writes, key_names, key_values) AS k(n, name, key)
        WHERE accepted[k.n]
        ON CONFLICT (name) DO NOTHING;
    END IF;

    PERFORM pg_notify('prosms_events', ''); -- one for the whole commit: it takes a lock of the cluster
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION append_events(text[], int[], int[], text[], int[], int[], int[], text[], int[], json[], json[], bytea[], int[], text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events(text[], int[], int[], text[], int[], int[], int[], text[], int[], json[], json[], bytea[], int[], text[], bytea[]) TO prosms_app;

-- Destroying a key is what forgets a person.
GRANT DELETE ON keyring TO prosms_app;
