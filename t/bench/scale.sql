-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For psql: traces :first to :last of an organization, small ones, half of them reviewed, with an event each. Indexes
-- and foreign keys are made anew afterwards: a tenth of the time.
BEGIN;
CREATE TEMP TABLE later ON COMMIT DROP AS
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) AS make,
           format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop
        FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid IN ('tuor.traces'::regclass, 'tuor.trace_events'::regclass)
    UNION ALL
    SELECT i.indexdef, format('DROP INDEX %I.%I', i.schemaname, i.indexname)
        FROM pg_indexes i
        WHERE i.schemaname = 'tuor' AND i.tablename IN ('traces', 'trace_events') AND i.indexname NOT LIKE '%\_pkey';
SELECT l.drop FROM later l \gexec

INSERT INTO tuor.traces (org_id, id, project_id, status, created_at, updated_at, last_reviewed_at, model, internal_run_id,
                         model_input, model_output, trace_config)
    SELECT :'org', 'trace_' || lpad(n::text, 22, '0'), 'proj_' || lpad((hashint8(n) & 3)::text, 22, '0'), s.status, s.at, s.at,
           CASE WHEN s.status <> 'pending' THEN s.at END, 'model-' || (hashint8(n + 1) & 7), 'run_' || md5(n::text),
           '{"content":"Invoice ' || n || ' of Example GmbH, Hauptstrasse 12, 10115 Berlin, payable within 28 days"}',
           '{"invoice_number":"2024-117","vendor":"Example GmbH","total":1250.54}', '{"model":"bench","temperature":0.2}'
        FROM generate_series(:first::bigint, :last::bigint) n,
             LATERAL (SELECT (ARRAY['pending', 'pending', 'pending', 'pending', 'approved', 'approved', 'rejected', 'corrected'])[(hashint8(n + 2) & 7) + 1] AS status,
                             timestamptz '2026-01-01' + n * interval '1 second' AS at) s;
INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version, pos, seq)
    SELECT :'org', 'trace_' || lpad(n::text, 22, '0'), 'evt_' || lpad(n::text, 22, '0'), 'trace.created', 'api_key',
           timestamptz '2026-01-01' + n * interval '1 second', 'pending', 1, 0, n
        FROM generate_series(:first::bigint, :last::bigint) n;
INSERT INTO tuor.analytics_state (org_id, pos, seq) VALUES (:'org', 0, :last::bigint)
    ON CONFLICT (org_id) DO UPDATE SET pos = 0, seq = excluded.seq;

SELECT l.make FROM later l ORDER BY l.make LIKE 'ALTER%' \gexec
COMMIT;
VACUUM ANALYZE tuor.traces;
VACUUM ANALYZE tuor.trace_events;
