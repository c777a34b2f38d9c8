-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Growth: an index for every filter, housekeeping for the tables that change most, and retention.

-- ---------------------------------------------------------------- indexes
--
-- A list reads one range of an index from its end, whatever the filter. Deleted traces are in none but
-- the primary key. What each costs a create, and why there are no more: docs/performance.md.

DROP INDEX tuor.traces_project, tuor.traces_prompt;
CREATE INDEX traces_project ON tuor.traces (org_id, project_id, id) WHERE deleted_at IS NULL;
-- For what asks for no project: id <> '' keeps it out of the way where traces_project_status is the one to take,
-- whose figures may look the same to the planner.
CREATE INDEX traces_status ON tuor.traces (org_id, status, id) WHERE deleted_at IS NULL AND id <> '';
CREATE INDEX traces_project_status ON tuor.traces (org_id, project_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX traces_project_model ON tuor.traces (org_id, project_id, model, id)
    WHERE model IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX traces_prompt ON tuor.traces (org_id, prompt_version_id, id)
    WHERE prompt_version_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX traces_run ON tuor.traces (org_id, internal_run_id, id)
    WHERE internal_run_id IS NOT NULL AND deleted_at IS NULL;

-- The delivery log by outcome; pending and sending have theirs.
CREATE INDEX webhook_deliveries_ended ON tuor.webhook_deliveries (org_id, project_id, status, id)
    WHERE status IN ('success', 'failed');

-- ------------------------------------------------------------ housekeeping
--
-- A fifth of ten million rows is too long to wait for: statistics, visibility maps (index-only scans) and
-- free space keep up with every hundredth or so. What changes with each verdict or delivery has a lower
-- threshold still. Cost limits stay the cluster's.

ALTER TABLE tuor.traces SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE tuor.trace_events SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE tuor.trace_tags SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE tuor.webhook_deliveries SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE tuor.webhook_attempts SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE tuor.analytics_counts SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE tuor.trace_counts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE tuor.idempotency_keys SET (autovacuum_vacuum_scale_factor = 0.02);

-- --------------------------------------------------------------- retention
--
-- Traces go with their events and tags, in batches that commit by themselves and wait for nobody: a row
-- that somebody has locked stays for the next time. So does one with an event that analytics have not
-- counted yet: counts follow events, and what has been counted stays counted. Deliveries go by their own
-- age, when they have ended. Why there are no partitions: docs/performance.md.

-- Remove traces of an organization with ids behind after_id and below before_id, deleted ones included.
--   statuses   of these alone, 'deleted' being one; NULL: any
--   most       at most so many are looked at
-- last_id: of the last one that was looked at, to go on behind; NULL when there is none left.
CREATE FUNCTION tuor.prune_traces(of_org text, before_id text, statuses text[], after_id text, most bigint,
                                  OUT removed bigint, OUT last_id text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    due text[];
    counted_pos bigint;
    counted_seq bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1953853299);       -- see count_begin()
    SELECT s.pos, s.seq INTO counted_pos, counted_seq FROM tuor.analytics_state s WHERE s.org_id = of_org;
    removed := 0;
    SELECT max(n.id) INTO last_id FROM (
        SELECT t.id FROM tuor.traces t WHERE t.org_id = of_org AND t.id > after_id AND t.id < before_id
            ORDER BY t.org_id, t.id LIMIT most) n;
    IF last_id IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(d.id) INTO due FROM (
        SELECT t.id FROM tuor.traces t
            WHERE t.org_id = of_org AND t.id > after_id AND t.id <= last_id
              AND (statuses IS NULL OR CASE WHEN t.deleted_at IS NULL THEN t.status ELSE 'deleted' END = ANY (statuses))
              AND NOT EXISTS (SELECT FROM tuor.trace_events e WHERE e.org_id = of_org AND e.trace_id = t.id
                              AND ((e.pos, e.seq) > (counted_pos, counted_seq)) IS NOT FALSE)
            ORDER BY t.org_id, t.id FOR UPDATE SKIP LOCKED) d;
    IF due IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM tuor.trace_tags x USING unnest(due) u (id) WHERE x.org_id = of_org AND x.trace_id = u.id;
    DELETE FROM tuor.trace_events e USING unnest(due) u (id) WHERE e.org_id = of_org AND e.trace_id = u.id;
    DELETE FROM tuor.traces t USING unnest(due) u (id) WHERE t.org_id = of_org AND t.id = u.id;
    removed := cardinality(due);
    UPDATE tuor.trace_counts c SET stored = c.stored - removed
        FROM tuor.organizations o WHERE o.org_id = of_org AND o.counted AND c.org_id = of_org AND c.shard = 0;
END $$;

-- The same for deliveries that have ended, with their attempts.
CREATE FUNCTION tuor.prune_deliveries(of_org text, before_id text, after_id text, most bigint, OUT removed bigint, OUT last_id text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    due text[];
BEGIN
    removed := 0;
    SELECT max(n.id) INTO last_id FROM (
        SELECT d.id FROM tuor.webhook_deliveries d WHERE d.org_id = of_org AND d.id > after_id AND d.id < before_id
            ORDER BY d.org_id, d.id LIMIT most) n;
    SELECT array_agg(n.id) INTO due FROM (
        SELECT d.id FROM tuor.webhook_deliveries d
            WHERE d.org_id = of_org AND d.id > after_id AND d.id <= last_id AND d.status IN ('success', 'failed')
            ORDER BY d.org_id, d.id FOR UPDATE SKIP LOCKED) n;
    IF due IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM tuor.webhook_attempts a USING unnest(due) u (id) WHERE a.org_id = of_org AND a.delivery_id = u.id;
    DELETE FROM tuor.webhook_deliveries d USING unnest(due) u (id) WHERE d.org_id = of_org AND d.id = u.id;
    removed := cardinality(due);
END $$;

-- When TuorRetention was through with an organization last.
ALTER TABLE tuor.organizations ADD COLUMN pruned_at timestamptz;

-- For TuorRetention: the next batch of the next organization that nobody looked through within an hour. Never
-- two at once for one organization. @return rows removed; NULL when there is nothing to do for now
CREATE FUNCTION tuor.retain(before_trace text, before_delivery text, most bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    org text;
    traces record;
    deliveries record;
BEGIN
    SELECT o.org_id INTO org FROM tuor.organizations o
        WHERE o.pruned_at IS NULL OR o.pruned_at < now() - interval '1 hour'
        ORDER BY o.org_id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF tuor.analytics_fold(org, 5000, 1) >= 5000 THEN
        RETURN 0;
    END IF;
    SELECT * INTO traces FROM tuor.prune_traces(org, before_trace, NULL, '', most);
    SELECT * INTO deliveries FROM tuor.prune_deliveries(org, before_delivery, '', most);
    IF traces.removed = 0 AND deliveries.removed = 0 THEN
        UPDATE tuor.organizations o SET pruned_at = now() WHERE o.org_id = org;
    END IF;
    RETURN traces.removed + deliveries.removed;
END $$;

REVOKE ALL ON FUNCTION tuor.prune_traces(text, text, text[], text, bigint), tuor.prune_deliveries(text, text, text, bigint),
    tuor.retain(text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.retain(text, text, bigint) TO tuor_app;

-- ---------------------------------------------------------------- webhooks

-- As in 0002_webhooks.sql, but in PL/pgSQL: its plan is kept, where a function in SQL that is not inlined is planned
-- with each call, which was a tenth of what a delivery cost.
CREATE OR REPLACE FUNCTION tuor.webhook_record(
        org text[], delivery text[], token text[], outcome text[], began text[], took_ms text[],
        code text[], why text[], answer text[])
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    n bigint;
BEGIN
    WITH ended AS MATERIALIZED (
        SELECT * FROM unnest(org, delivery, token, outcome, began, took_ms, code, why, answer)
            AS u (u_org, u_delivery, u_token, u_outcome, u_began, u_took_ms, u_code, u_why, u_answer)
    ), settled AS (
        UPDATE tuor.webhook_deliveries d
            SET status = e.u_outcome, updated_at = clock_timestamp(), attempt_token = NULL, lease_until = NULL,
                attempt_count = d.attempt_count - (e.u_outcome = 'pending')::int,
                response_status = e.u_code::int, error = e.u_why
            FROM ended e
            WHERE d.org_id = e.u_org AND d.id = e.u_delivery AND d.attempt_token = e.u_token AND d.status = 'sending'
            RETURNING d.org_id, d.id, d.attempt_count, e.u_outcome, e.u_began, e.u_took_ms, e.u_code, e.u_why, e.u_answer
    ), noted AS (
        INSERT INTO tuor.webhook_attempts AS a
                (org_id, delivery_id, attempt, attempted_at, duration_ms, status_code, error, response_body)
            SELECT s.org_id, s.id, s.attempt_count, s.u_began::timestamptz, s.u_took_ms::int, s.u_code::int, s.u_why, s.u_answer
                FROM settled s WHERE s.u_outcome <> 'pending'
    )
    SELECT count(*) INTO n FROM settled;
    RETURN n;
END $$;
