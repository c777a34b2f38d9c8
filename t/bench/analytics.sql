-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For psql: many traces of an organization, spread over the last year up to yesterday, as the API
-- would have left them: three quarters reviewed, some reset, reviewed again, deleted or restored.
--
--   psql -v org=org_… -v proj=proj_… -v rows=1000000 -f t/bench/analytics.sql
--
-- Ids begin with digits that follow created_at, as the server's do, but are not the server's: ask for
-- whole days.
INSERT INTO tuor.traces (org_id, id, project_id, status, version, created_at, created_by, updated_at, updated_by,
                         last_reviewed_at, last_reviewed_by, deleted_at, deleted_by, model, prompt_version_id,
                         model_input, model_output, corrected_output, correction_diff)
    SELECT :'org', 'trace_' || lpad(n::text, 22, '0'), :'proj', status,
           CASE WHEN status = 'pending' AND n % 100 <> 7 THEN 1 WHEN n % 10 = 3 THEN 4 ELSE 2 END, at, 'key_0000000000000000000000',
           at, 'user_0000000000000000000000',
           CASE WHEN status <> 'pending' OR n % 100 = 7 THEN at + took END,
           CASE WHEN status <> 'pending' OR n % 100 = 7 THEN 'user_000000000000000000000' || n % 8 END,
           CASE WHEN n % 50 = 1 THEN at + took * 2 END, CASE WHEN n % 50 = 1 THEN 'user_0000000000000000000000' END,
           CASE n % 7 WHEN 0 THEN NULL ELSE 'model-' || n % 7 END, CASE n % 11 WHEN 0 THEN NULL ELSE 'prm_' || n % 11 END,
           '{"content":"in"}', '{"total":1250.54}', CASE status WHEN 'corrected' THEN '{"total":1250.45}' END,
           CASE status WHEN 'corrected' THEN '[{"path":"items[' || n % 5 || '].f' || n % 23 || '","from":1,"to":2},{"path":"total","from":1250.54,"to":1250.45}]' END
        FROM (SELECT n, date_trunc('day', now()) - interval '365 days' + n * interval '365 days' / (:rows + 1) AS at,
                     (1 + (n * bigint '7919') % 100000) * interval '1 second' AS took,
                     CASE WHEN n % 100 = 7 THEN 'pending' ELSE (ARRAY['approved', 'rejected', 'corrected', 'pending'])[n % 4 + 1] END AS status
                  FROM generate_series(1, :rows) n) s;

-- created; for n % 10 = 3 a rejection and its reset; the verdict; for n % 100 = 7 its reset; a deletion, for some a restoration.
INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_before, status_after, version, correction_diff)
    SELECT t.org_id, t.id, 'evt_' || right(t.id, 20) || lpad(e.step::text, 2, '0'), e.type, 'user', coalesce(t.last_reviewed_by, t.created_by),
           coalesce(e.at, t.created_at), e.before, e.after, e.step, CASE e.type WHEN 'review.corrected' THEN t.correction_diff END
        FROM tuor.traces t,
             LATERAL (SELECT right(t.id, 22)::bigint AS n) i,
             LATERAL (VALUES
                 (1, 'trace.created', t.created_at, NULL, 'pending', true),
                 (2, 'review.rejected', t.created_at + interval '1 second', 'pending', 'rejected', n % 10 = 3 AND t.status <> 'pending'),
                 (3, 'trace.reset', t.created_at + interval '2 seconds', 'rejected', 'pending', n % 10 = 3 AND t.status <> 'pending'),
                 (4, 'review.' || t.status, t.last_reviewed_at, 'pending', t.status, t.status <> 'pending'),
                 (5, 'review.approved', t.last_reviewed_at, 'pending', 'approved', n % 100 = 7),
                 (6, 'trace.reset', t.last_reviewed_at, 'approved', 'pending', n % 100 = 7),
                 (7, 'trace.deleted', t.deleted_at, t.status, t.status, n % 50 = 1),
                 (8, 'trace.deleted', t.updated_at, t.status, t.status, n % 50 = 2),
                 (9, 'trace.restored', t.updated_at, t.status, t.status, n % 50 = 2)
             ) AS e (step, type, at, before, after, happened)
        WHERE t.org_id = :'org' AND e.happened
        ORDER BY t.id, e.step;
