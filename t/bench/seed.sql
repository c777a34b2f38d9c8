-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For psql: an organization's reviewed traces, a third of each verdict, with two events each.
INSERT INTO tuor.projects (org_id, id, name) VALUES (:'org', 'proj_0000000000000000000000', 'Bench');

INSERT INTO tuor.traces (org_id, id, project_id, status, version, created_at, created_by, updated_at, updated_by,
                         last_reviewed_at, last_reviewed_by, model, model_input, model_output, trace_config,
                         corrected_output, correction_diff)
    SELECT :'org', 'trace_' || lpad(n::text, 22, '0'), 'proj_0000000000000000000000', verdict, 2,
           at, 'key_0000000000000000000000', at, 'user_0000000000000000000000', at, 'user_0000000000000000000000',
           'bench', replace(:'input', '@@@@@@@@@@@@@@@@', lpad(n::text, 16, '0')), :'output', :'config',
           CASE verdict WHEN 'corrected' THEN :'output' END,
           CASE verdict WHEN 'corrected' THEN '[{"path":"total","from":1250.54,"to":1250.45}]' END
        FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 second' AS at,
                     (ARRAY['approved', 'rejected', 'corrected'])[n % 3 + 1] AS verdict
                  FROM generate_series(1, :rows) n) s;

INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_before,
                               status_after, version)
    SELECT t.org_id, t.id, 'evt_' || lpad((row_number() OVER ())::text, 22, '0'),
           CASE v WHEN 1 THEN 'trace.created' ELSE 'review.' || t.status END,
           CASE v WHEN 1 THEN 'api_key' ELSE 'user' END, CASE v WHEN 1 THEN t.created_by ELSE t.last_reviewed_by END,
           t.created_at, CASE v WHEN 2 THEN 'pending' END, CASE v WHEN 1 THEN 'pending' ELSE t.status END, v
        FROM tuor.traces t, generate_series(1, 2) v
        WHERE t.org_id = :'org'
        ORDER BY t.id, v;
