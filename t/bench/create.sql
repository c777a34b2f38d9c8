-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For pgbench: what POST /v1/traces/ does, as one plain statement. Ids are ordered by time, as Tuor's are.
\set n random(1, 9000000000000000000)
WITH caller AS (
    SELECT k.org_id, k.id
        FROM tuor.api_keys k JOIN tuor.organizations o ON o.org_id = k.org_id
        WHERE k.hash = sha256(convert_to(:key, 'UTF8')) AND k.revoked_at IS NULL AND NOT o.suspended
), place AS (
    SELECT p.org_id, p.id, c.id AS key_id
        FROM caller c JOIN tuor.projects p ON p.org_id = c.org_id
        WHERE p.id = :project AND NOT p.archived
), trace AS (
    INSERT INTO tuor.traces AS t (org_id, id, project_id, created_at, created_by, updated_at, updated_by, model,
                                  model_input, model_output, trace_config)
        SELECT p.org_id, 'trace_' || to_char(clock_timestamp(), 'YYYYMMDDHH24MISSUS') || :n, p.id,
               now(), p.key_id, now(), p.key_id, 'bench', :input::text, :output::text, :config::text
            FROM place p
        RETURNING t.org_id, t.id, t.created_at, t.created_by
)
INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
    SELECT t.org_id, t.id, 'evt_' || to_char(clock_timestamp(), 'YYYYMMDDHH24MISSUS') || :n, 'trace.created', 'api_key',
           t.created_by, t.created_at, 'pending', 1
        FROM trace t;
