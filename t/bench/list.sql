-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For pgbench: the columns of GET /v1/traces/, and no check of a key.
SELECT t.id, t.org_id, t.project_id, t.status, t.version, t.created_at, t.created_by, t.updated_at, t.updated_by,
       t.last_reviewed_at, t.last_reviewed_by, t.deleted_at, t.deleted_by, t.restored_at, t.restored_by, t.tagged,
       t.model_input, t.model_output, t.trace_config, t.corrected_output, t.correction_diff
    FROM tuor.traces t
    WHERE t.org_id = :org AND t.deleted_at IS NULL
    ORDER BY t.id DESC LIMIT 51;
