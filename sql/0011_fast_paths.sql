-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Shorter ways for what is done most.

-- ingest() for one trace. Where a key brings it, and nothing stands in its way, nothing has to be
-- weighed: two plain inserts, a third of what the statement for many costs. ingest() judges all else.
CREATE FUNCTION tuor.ingest_one(
        key_hash bytea, user_id text, user_org text, trace_id text, event_id text, project text,
        at timestamptz, model text, prompt_version text, run text,
        input text, output text, config text, idem_key text, body_hash bytea, server_limit bigint,
        OUT verdict text, OUT org text, OUT actor text, OUT first_trace text, OUT first_at timestamptz, OUT first_by text,
        OUT most bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    stale boolean;
BEGIN
    IF idem_key IS NULL AND server_limit IS NULL AND key_hash IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(1953853299);   -- see count_begin()
        SELECT k.org_id, k.id, k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute'
            INTO org, actor, stale
            FROM tuor.api_keys k
            JOIN tuor.organizations o ON o.org_id = k.org_id
            JOIN tuor.projects p ON p.org_id = k.org_id AND p.id = project
            WHERE k.hash = key_hash AND k.revoked_at IS NULL AND NOT p.archived
              AND NOT o.suspended AND NOT o.counted AND o.trace_limit IS NULL;
        IF FOUND THEN
            INSERT INTO tuor.traces AS t (org_id, id, project_id, created_at, created_by, updated_at, updated_by,
                                     model, prompt_version_id, internal_run_id, model_input, model_output, trace_config)
                VALUES (org, trace_id, project, at, actor, at, actor, model, prompt_version, run, input, output, config);
            INSERT INTO tuor.trace_events AS e (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
                VALUES (org, trace_id, event_id, 'trace.created', 'api_key', actor, at, 'pending', 1);
            IF stale THEN
                PERFORM tuor.touch_key(org, actor);
            END IF;
            verdict := 'ok';
            RETURN;
        END IF;
    END IF;
    SELECT i.verdict, i.org, i.actor, i.first_trace, i.first_at, i.first_by, i.most
        INTO verdict, org, actor, first_trace, first_at, first_by, most
        FROM tuor.ingest(ARRAY[key_hash], ARRAY[user_id], ARRAY[user_org], ARRAY[trace_id], ARRAY[event_id], ARRAY[project],
                         ARRAY[at], ARRAY[model], ARRAY[prompt_version], ARRAY[run], ARRAY[input], ARRAY[output],
                         ARRAY[config], ARRAY[idem_key], ARRAY[body_hash], server_limit) i;
END $$;

REVOKE ALL ON FUNCTION
    tuor.ingest_one(bytea, text, text, text, text, text, timestamptz, text, text, text, text, text, text, text, bytea, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    tuor.ingest_one(bytea, text, text, text, text, text, timestamptz, text, text, text, text, text, text, text, bytea, bigint)
    TO tuor_app;
