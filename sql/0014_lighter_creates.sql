-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- What a create wrote and nobody needed: a third of PostgreSQL's time in a shared commit.

-- Looking the trace up and locking it, for an event that is written by the very statement that writes the
-- trace. Every other writer of events holds the trace's lock (tuor_event_record()), and so does whoever
-- removes traces, events first: none can be left behind.
ALTER TABLE tuor.trace_events DROP CONSTRAINT trace_events_org_id_trace_id_fkey;

-- traces_project_status has the same rows in the same order, at a project's 'pending'. A range of status and id leaves
-- the planner no other index, whatever statistics say; and the order begins with the status.
DROP INDEX tuor.traces_pending;

CREATE OR REPLACE FUNCTION tuor.queue_pick(project text, tag text, at timestamptz) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    candidate text;
    picked text;
BEGIN
    IF tag IS NULL THEN
        SELECT t.id INTO picked FROM tuor.traces t
            WHERE t.org_id = tuor.org() AND t.project_id = project AND t.deleted_at IS NULL
              AND (t.status, t.id) > ('pending', '') AND t.status <= 'pending'
              AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = t.id), '-infinity') <= at
            ORDER BY t.status, t.id LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED;
        RETURN picked;
    END IF;
    FOR candidate IN
        SELECT x.trace_id FROM tuor.trace_tags x
            WHERE x.org_id = tuor.org() AND x.tag_id = tag AND x.open_project = project
              AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = x.trace_id), '-infinity') <= at
            ORDER BY x.trace_id
    LOOP
        SELECT CASE WHEN t.status = 'pending' AND t.deleted_at IS NULL THEN t.id END INTO picked FROM tuor.traces t
            WHERE t.org_id = tuor.org() AND t.id = candidate FOR NO KEY UPDATE OF t SKIP LOCKED;
        EXIT WHEN picked IS NOT NULL;
    END LOOP;
    RETURN picked;
END $$;

CREATE OR REPLACE FUNCTION tuor.queue_projects(tag text, at timestamptz) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF tag IS NULL THEN
        RETURN QUERY SELECT p.id FROM tuor.projects p, LATERAL (
            SELECT t.id FROM tuor.traces t
                WHERE t.org_id = tuor.org() AND t.project_id = p.id AND t.deleted_at IS NULL
                  AND (t.status, t.id) > ('pending', '') AND t.status <= 'pending'
                  AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = t.id), '-infinity') <= at
                ORDER BY t.status, t.id LIMIT 1) AS oldest
            WHERE p.org_id = tuor.org() AND NOT p.archived ORDER BY oldest.id;
    ELSE
        RETURN QUERY SELECT p.id FROM tuor.projects p, LATERAL (
            SELECT x.trace_id FROM tuor.trace_tags x
                WHERE x.org_id = tuor.org() AND x.tag_id = tag AND x.open_project = p.id
                  AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = x.trace_id), '-infinity') <= at
                ORDER BY x.trace_id LIMIT 1) AS oldest
            WHERE p.org_id = tuor.org() AND NOT p.archived ORDER BY oldest.trace_id;
    END IF;
END $$;
