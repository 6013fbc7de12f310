-- The owner inserts into the log by append_events alone, as the application has to. The
-- function is known by its search_path, which no session has unless it means to: so the
-- triggers need nothing of the function, cost it nothing, and let calls go on that began
-- before them. They keep from accidents; an owner who means to can do anything.
--
-- Unlike append_only they are silent in replica mode, in which a copy of the log is filled.

-- +goose Up

CREATE TRIGGER append_function_only BEFORE INSERT ON events
    FOR EACH STATEMENT WHEN (current_setting('search_path') <> 'pg_catalog, public, pg_temp') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_function_only BEFORE INSERT ON commits
    FOR EACH STATEMENT WHEN (current_setting('search_path') <> 'pg_catalog, public, pg_temp') EXECUTE FUNCTION refuse_change();
