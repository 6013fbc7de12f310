-- A view can be rebuilt beside the live one, and swapped. The application may
-- create nothing: these functions do it, as the owner, for views alone. A view is
-- a table of public with columns id and doc whose rows the application may delete
-- anyway, so they give it no power over anything else.

-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION view_shadow_check(view_name text) RETURNS regclass
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found regclass;
BEGIN
    SELECT c.oid INTO found FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname = view_name AND c.relkind = 'r'
        AND view_name !~ '_shadow$' AND length(view_name) <= 50
        AND has_table_privilege('prosms_app', c.oid, 'DELETE')
        AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
            AND (a.attname, a.atttypid::regtype) IN (('id', 'text'::regtype), ('doc', 'json'::regtype))) = 2;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no such view' USING ERRCODE = 'undefined_table';
    END IF;
    RETURN found;
END
$$;
-- +goose StatementEnd

-- The shadow has the primary key alone: further indexes are made once it is filled.
-- LIKE does not copy storage parameters.
-- +goose StatementBegin
CREATE FUNCTION view_shadow_create(view_name text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    live    regclass := view_shadow_check(view_name);
    shadow  text := view_name || '_shadow';
    options text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('view_shadow ' || view_name, 0)); -- two rebuilds that begin at once
    IF to_regclass(format('public.%I', shadow)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY (id))', shadow, view_name);
    SELECT array_to_string(c.reloptions, ', ') INTO options FROM pg_class c WHERE c.oid = live;
    IF options <> '' THEN
        EXECUTE format('ALTER TABLE public.%I SET (%s)', shadow, options);
    END IF;
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO prosms_app', shadow);
END
$$;
-- +goose StatementEnd

-- Makes the indexes that the view has and the shadow lacks, and the planner's
-- statistics. Nobody waits for it.
-- +goose StatementBegin
CREATE FUNCTION view_shadow_index(view_name text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    prefix constant text := '^CREATE (UNIQUE )?INDEX .* ON .* USING';
    live   regclass := view_shadow_check(view_name);
    shadow regclass := to_regclass(format('public.%I', view_name || '_shadow'));
    index  text;
    made   boolean := false;
BEGIN
    FOR index IN
        SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
        WHERE i.indrelid = live AND NOT i.indisprimary AND shadow IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_index s WHERE s.indrelid = shadow
                AND regexp_replace(pg_get_indexdef(s.indexrelid), prefix, '') = regexp_replace(pg_get_indexdef(i.indexrelid), prefix, ''))
    LOOP
        EXECUTE regexp_replace(index, prefix, format('CREATE \1INDEX ON public.%I USING', view_name || '_shadow'));
        made := true;
    END LOOP;
    IF made THEN
        EXECUTE format('ANALYZE public.%I', view_name || '_shadow');
    END IF;
END
$$;
-- +goose StatementEnd

-- Answers whether the shadow was not behind, and has taken the view's place. The
-- checkpoints are locked first, as by whoever advances a view; a reader that does
-- not end within lock_timeout makes it fail, so that others need not queue behind
-- it for longer. Indexes take over the names of those that they replace.
-- +goose StatementBegin
CREATE FUNCTION view_shadow_swap(view_name text, projection_name text) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
    shadow      text := view_name || '_shadow';
    live_at     bigint;
    shadow_at   bigint;
    definition  constant text := '^CREATE (UNIQUE )?INDEX .* ON .* USING';
    names       jsonb;
    index_name  text;
    replaces    text;
BEGIN
    PERFORM view_shadow_check(view_name);
    SELECT p.position INTO live_at FROM projection_checkpoints p WHERE p.projection = projection_name FOR UPDATE;
    SELECT p.position INTO shadow_at FROM projection_checkpoints p WHERE p.projection = projection_name || '_shadow' FOR UPDATE;
    IF coalesce(shadow_at, 0) < coalesce(live_at, 0) THEN
        RETURN false;
    END IF;

    EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', view_name);
    SELECT coalesce(jsonb_object_agg(regexp_replace(pg_get_indexdef(i.indexrelid), definition, ''), i.indexrelid::regclass::text), '{}')
    INTO names FROM pg_index i WHERE i.indrelid = format('public.%I', view_name)::regclass;
    EXECUTE format('DROP TABLE public.%I', view_name);
    EXECUTE format('ALTER TABLE public.%I RENAME TO %I', shadow, view_name);
    FOR index_name, replaces IN
        SELECT c.relname, names ->> regexp_replace(pg_get_indexdef(i.indexrelid), definition, '')
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = format('public.%I', view_name)::regclass
    LOOP
        IF replaces IS NOT NULL AND replaces <> index_name THEN
            EXECUTE format('ALTER INDEX public.%I RENAME TO %s', index_name, replaces);
        END IF;
    END LOOP;

    INSERT INTO projection_checkpoints (projection, position) VALUES (projection_name, coalesce(shadow_at, 0))
    ON CONFLICT (projection) DO UPDATE SET position = excluded.position;
    DELETE FROM projection_checkpoints p WHERE p.projection = projection_name || '_shadow';
    RETURN true;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION view_shadow_drop(view_name text, projection_name text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM view_shadow_check(view_name);
    DELETE FROM projection_checkpoints p WHERE p.projection = projection_name || '_shadow';
    EXECUTE format('DROP TABLE IF EXISTS public.%I', view_name || '_shadow');
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION view_shadow_check, view_shadow_create, view_shadow_index, view_shadow_swap, view_shadow_drop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION view_shadow_create, view_shadow_index, view_shadow_swap, view_shadow_drop TO prosms_app;
