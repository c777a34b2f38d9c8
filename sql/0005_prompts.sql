-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Prompts: the versions of each project's prompt, and what refiners suggested.
--
-- Every save makes a new version and makes it the active one, under a lock on the project's row; the
-- two unique indexes stand behind that. Content is never changed and nothing is ever deleted, so the
-- id that a trace was stamped with always leads to the words that made it.

CREATE TABLE tuor.prompts (
    org_id      text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    project_id  text COLLATE "C" NOT NULL,
    version     int NOT NULL,
    content     text COMPRESSION lz4 NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 16384),
    source      text COLLATE "C" NOT NULL CHECK (source IN ('manual', 'refinement')),
    is_active   boolean NOT NULL,
    parent_id   text COLLATE "C",                       -- what a refinement refined
    rationale   text COMPRESSION lz4,
    lineage_event_ids text[] COLLATE "C" NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    created_by  text COLLATE "C",
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, project_id, version),
    FOREIGN KEY (org_id, project_id) REFERENCES tuor.projects,
    FOREIGN KEY (org_id, parent_id) REFERENCES tuor.prompts
);
CREATE UNIQUE INDEX prompts_active ON tuor.prompts (org_id, project_id) WHERE is_active;

CREATE TABLE tuor.prompt_suggestions (
    org_id      text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    project_id  text COLLATE "C" NOT NULL,
    parent_id   text COLLATE "C" NOT NULL,
    content     text COMPRESSION lz4 NOT NULL,
    rationale   text COMPRESSION lz4 NOT NULL,
    lineage_event_ids text[] COLLATE "C" NOT NULL,
    reviewed_count bigint NOT NULL,
    refiner     text NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text COLLATE "C",
    prompt_id   text COLLATE "C",                       -- what came of it when it was accepted
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, project_id) REFERENCES tuor.projects,
    FOREIGN KEY (org_id, parent_id) REFERENCES tuor.prompts,
    FOREIGN KEY (org_id, prompt_id) REFERENCES tuor.prompts
);

-- What a prompt version's traces came to. A trace without a stamp costs nothing here.
CREATE INDEX traces_prompt ON tuor.traces (org_id, prompt_version_id, id) WHERE prompt_version_id IS NOT NULL;

-- What was reviewed since a version was saved; only verdicts write to it.
CREATE INDEX traces_reviewed ON tuor.traces (org_id, project_id, status, last_reviewed_at)
    WHERE status <> 'pending' AND deleted_at IS NULL;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['prompts', 'prompt_suggestions'] LOOP
        EXECUTE format('ALTER TABLE tuor.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY org ON tuor.%I USING (org_id = tuor.org()) WITH CHECK (org_id = tuor.org())', t);
    END LOOP;
END $$;

-- Of what is written, two columns alone ever change.
GRANT SELECT, INSERT, UPDATE (is_active) ON tuor.prompts TO tuor_app;
GRANT SELECT, INSERT, UPDATE (prompt_id) ON tuor.prompt_suggestions TO tuor_app;
