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

-- The delivery log by status; webhook_deliveries_due has those that are pending.
CREATE INDEX webhook_deliveries_status ON tuor.webhook_deliveries (org_id, project_id, status, id) WHERE status <> 'pending';
