-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Spans of OpenTelemetry come with their ids as keys, hundreds in a statement: the sweep keeps up with them.
-- Nothing else of ingest_keyed() has changed.

CREATE OR REPLACE FUNCTION tuor.ingest_keyed(
        key_hash bytea[], user_id text[], user_org text[], trace_id text[], event_id text[], project text[],
        at timestamptz[], model text[], prompt_version text[], run text[],
        input text[], output text[], config text[], idem_key text[], body_hash bytea[], server_limit bigint)
    RETURNS TABLE (n bigint, verdict text, org text, actor text,
                   first_trace text, first_at timestamptz, first_by text, most bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    moment timestamptz := clock_timestamp();
    v text[];
    v_org text[];
    v_actor text[];
    f_trace text[];
    f_at timestamptz[];
    f_by text[];
    stale boolean;
    keys int;
BEGIN
    WITH judged AS MATERIALIZED (
        SELECT j.* FROM tuor.ingest_judge(key_hash, user_id, user_org, project, server_limit) j
    ), claim AS (
        -- Of several with one key the first gets it. Where another transaction is about to take it,
        -- this waits for its end.
        INSERT INTO tuor.idempotency_keys AS i (org_id, key, body_hash, trace_id, created_at, created_by, expires_at)
        SELECT DISTINCT ON (j.org_id, idem_key[j.n] COLLATE "C")
               j.org_id, idem_key[j.n], body_hash[j.n], trace_id[j.n], at[j.n], j.actor, moment + interval '24 hours'
            FROM judged j
            WHERE j.verdict = 'ok' AND idem_key[j.n] IS NOT NULL
              AND NOT EXISTS (SELECT FROM tuor.idempotency_keys e
                                  WHERE e.org_id = j.org_id AND e.key = idem_key[j.n] AND e.expires_at > moment)
            ORDER BY j.org_id, idem_key[j.n] COLLATE "C", j.n
        ON CONFLICT (org_id, key) DO UPDATE
            SET body_hash = excluded.body_hash, trace_id = excluded.trace_id, created_at = excluded.created_at,
                created_by = excluded.created_by, expires_at = excluded.expires_at
            WHERE i.expires_at <= moment
        RETURNING i.trace_id AS id
    ), settled AS MATERIALIZED (
        SELECT j.n, j.org_id, j.actor, j.actor_type, j.stale,
               CASE WHEN j.verdict <> 'ok' THEN j.verdict
                    WHEN idem_key[j.n] IS NOT NULL AND trace_id[j.n] NOT IN (SELECT c.id FROM claim c) THEN 'taken'
                    WHEN j.limited THEN 'limited'
                    ELSE 'ok' END AS verdict
            FROM judged j
    ), trace AS (
        INSERT INTO tuor.traces AS t (org_id, id, project_id, created_at, created_by, updated_at, updated_by,
                                 model, prompt_version_id, internal_run_id, model_input, model_output, trace_config)
        SELECT j.org_id, trace_id[j.n], project[j.n], at[j.n], j.actor, at[j.n], j.actor,
               model[j.n], prompt_version[j.n], run[j.n], input[j.n], output[j.n], config[j.n]
            FROM settled j WHERE j.verdict = 'ok'
    ), event AS (
        INSERT INTO tuor.trace_events AS e (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
        SELECT j.org_id, trace_id[j.n], event_id[j.n], 'trace.created', j.actor_type, j.actor, at[j.n], 'pending', 1
            FROM settled j WHERE j.verdict = 'ok'
    )
    SELECT array_agg(j.verdict ORDER BY j.n), array_agg(j.org_id ORDER BY j.n), array_agg(j.actor ORDER BY j.n),
           bool_or(j.stale)
        INTO v, v_org, v_actor, stale
        FROM settled j;

    -- What was sent before comes before what is wrong with the project now.
    IF v && ARRAY['taken', 'project'] THEN
        SELECT array_agg(CASE WHEN i.key IS NULL OR u.verdict NOT IN ('taken', 'project') THEN u.verdict
                              WHEN i.body_hash = u.hash THEN 'replay'
                              ELSE 'reuse' END ORDER BY u.n),
               array_agg(i.trace_id ORDER BY u.n), array_agg(i.created_at ORDER BY u.n),
               array_agg(i.created_by ORDER BY u.n)
            INTO v, f_trace, f_at, f_by
            FROM unnest(v, v_org, idem_key, body_hash) WITH ORDINALITY AS u (verdict, org, key, hash, n)
            LEFT JOIN tuor.idempotency_keys i ON i.org_id = u.org AND i.key = u.key AND i.expires_at > moment;
    END IF;

    IF 'limited' = ANY (v) THEN
        RETURN QUERY SELECT * FROM tuor.ingest_counted(
            v, v_org, v_actor, f_trace, f_at, f_by, key_hash, trace_id, event_id, project, at, model, prompt_version,
            run, input, output, config, idem_key, server_limit);
    ELSE
        FOR i IN 1 .. cardinality(v) LOOP
            n := i;
            verdict := v[i];
            org := v_org[i];
            actor := v_actor[i];
            first_trace := f_trace[i];
            first_at := f_at[i];
            first_by := f_by[i];
            RETURN NEXT;
        END LOOP;
    END IF;

    IF stale THEN
        PERFORM tuor.touch_key(k.org_id, k.id)
            FROM (SELECT DISTINCT h FROM unnest(key_hash) h) AS used
            JOIN tuor.api_keys k ON k.hash = used.h
            WHERE k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute';
    END IF;

    -- Sweep up a good while after the end, when nobody looks at such rows any more: always more than came in,
    -- and after a single key only now and then.
    keys := cardinality(array_remove(idem_key, NULL));
    IF keys >= 16 OR random() < 0.125 THEN
        DELETE FROM tuor.idempotency_keys i
            USING (SELECT e.org_id, e.key FROM tuor.idempotency_keys e
                       WHERE e.expires_at < moment - interval '1 hour'
                       ORDER BY e.expires_at LIMIT CASE WHEN keys < 16 THEN greatest(32, 16 * keys) ELSE 2 * keys END
                       FOR UPDATE SKIP LOCKED) AS old
            WHERE i.org_id = old.org_id AND i.key = old.key;
    END IF;
END $$;
