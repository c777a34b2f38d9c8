-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Members, idempotency keys and the limit of stored traces.

-- --------------------------------------------------------------- members

-- Add a login to the organization that the transaction has entered. No row: it is a member already.
-- A login has one user_id in all its organizations. No constraint can say that of a table whose keys
-- begin with org_id, so whoever adds a login takes a lock on it first; tuorctl user add does the same.
-- The name that another organization knows it by stays there.
CREATE FUNCTION tuor.add_member(new_login text, new_name text, new_role text, new_id text, at timestamptz)
    RETURNS TABLE (user_id text, login text, name text, role text, created_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF coalesce(tuor.org(), '') = '' THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('tuor.members ' || new_login, 0));
    RETURN QUERY
    INSERT INTO tuor.members AS m (org_id, user_id, login, name, role, created_at)
        VALUES (tuor.org(),
                coalesce((SELECT k.user_id FROM tuor.members k WHERE k.login = new_login ORDER BY k.created_at LIMIT 1),
                         new_id),
                new_login, new_name, new_role, at)
        ON CONFLICT DO NOTHING
        RETURNING m.user_id, m.login, m.name, m.role, m.created_at;
END $$;

-- ------------------------------------------------------------ idempotency

-- What an Idempotency-Key stands for. The payloads of the first answer are those of the request that
-- is sent again (body_hash says that it is the same), the rest is here: so the answer can be given
-- byte for byte, whatever has become of the trace meanwhile. No foreign key: a row outlives its trace.
CREATE TABLE tuor.idempotency_keys (
    org_id      text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    body_hash   bytea NOT NULL,                         -- SHA-256 of the body as sent
    trace_id    text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL,                   -- of the trace
    created_by  text COLLATE "C",
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (org_id, key)
);
CREATE INDEX idempotency_keys_expiry ON tuor.idempotency_keys (expires_at);

-- ------------------------------------------------------------ trace limit

-- trace_limit: stored traces at most, deleted ones included; NULL: what TuorTraceLimit says.
-- counted: every ingest keeps tuor.trace_counts. Only so where there is, or was, a limit.
ALTER TABLE tuor.organizations
    ADD COLUMN trace_limit bigint CHECK (trace_limit >= 0),
    ADD COLUMN counted boolean NOT NULL DEFAULT false;

-- The stored traces of a counted organization are the sum of its rows. Shard -1 is what there was
-- before counting began, and is missing until that is known; shards 0 to 7 are what came since, so
-- that eight ingests can commit side by side.
CREATE TABLE tuor.trace_counts (
    org_id      text COLLATE "C" NOT NULL REFERENCES tuor.organizations,
    shard       int NOT NULL,
    stored      bigint NOT NULL,
    PRIMARY KEY (org_id, shard)
) WITH (fillfactor = 10);

-- Begin to count an organization. Each ingest holds the lock 1953853299 shared while it works, so
-- this waits for those that do not count yet, a moment, and all later ones see that they have to.
CREATE FUNCTION tuor.count_begin(of_org text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1953853299);
    UPDATE tuor.organizations o SET counted = true WHERE o.org_id = of_org AND NOT o.counted;
    IF FOUND THEN
        INSERT INTO tuor.trace_counts (org_id, shard, stored) SELECT of_org, s, 0 FROM generate_series(0, 7) s;
    END IF;
END $$;

-- Count what there was before, in a transaction of its own after count_begin(). Both sums come from
-- one snapshot, and an ingest commits its traces together with its count: so the difference is exact,
-- though nobody waits meanwhile.
CREATE FUNCTION tuor.count_finish(of_org text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tuor.trace_counts ' || of_org, 0));
    IF EXISTS (SELECT FROM tuor.trace_counts c WHERE c.org_id = of_org AND c.shard = -1)
       OR NOT EXISTS (SELECT FROM tuor.organizations o WHERE o.org_id = of_org AND o.counted) THEN
        RETURN;
    END IF;
    INSERT INTO tuor.trace_counts (org_id, shard, stored)
        SELECT of_org, -1, (SELECT count(*) FROM tuor.traces t WHERE t.org_id = of_org)
                           - (SELECT sum(c.stored) FROM tuor.trace_counts c WHERE c.org_id = of_org);
END $$;

-- Stop counting. Where a limit still stands, the next ingest begins anew.
CREATE FUNCTION tuor.count_end(of_org text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1953853299);
    PERFORM pg_advisory_xact_lock(hashtextextended('tuor.trace_counts ' || of_org, 0));
    UPDATE tuor.organizations o SET counted = false WHERE o.org_id = of_org AND o.counted;
    DELETE FROM tuor.trace_counts c WHERE c.org_id = of_org;
END $$;

-- Count up to asked traces in, and say how many may be stored; NULL when what there was before is not
-- known yet. The rows that it locks stay locked until the ingest has committed.
--
-- Far from the limit an ingest takes any shard that is free, and looks at the sum with the shard in
-- its hands: at most eight ingests of at most 256 traces can be under way then, so where there is
-- room for all of them none needs to know of the others. Near the limit, or with more traces, it takes
-- all shards, and the sum is exact.
CREATE FUNCTION tuor.count_in(of_org text, most bigint, asked bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    reach CONSTANT bigint := 8 * 256;
    total bigint;
    mine int;
BEGIN
    SELECT sum(c.stored), min(c.shard) INTO total, mine FROM tuor.trace_counts c WHERE c.org_id = of_org;
    IF most IS NOT NULL AND mine <> -1 THEN
        RETURN NULL;
    END IF;
    IF asked <= 256 AND (most IS NULL OR total + reach <= most) THEN
        BEGIN
            SELECT c.shard INTO mine FROM tuor.trace_counts c WHERE c.org_id = of_org AND c.shard >= 0
                ORDER BY c.shard LIMIT 1 FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN           -- wait for one, whichever it is
                mine := pg_backend_pid() % 8;
                PERFORM FROM tuor.trace_counts c WHERE c.org_id = of_org AND c.shard = mine FOR UPDATE;
            END IF;
            SELECT sum(c.stored) INTO total FROM tuor.trace_counts c WHERE c.org_id = of_org;
            IF most IS NOT NULL AND total + reach > most THEN
                -- It came near meanwhile. Let go of the shard before all are taken: two that held
                -- one each would wait for each other.
                RAISE EXCEPTION USING ERRCODE = 'TU001';
            END IF;
            UPDATE tuor.trace_counts c SET stored = c.stored + asked WHERE c.org_id = of_org AND c.shard = mine;
            RETURN asked;
        EXCEPTION WHEN SQLSTATE 'TU001' THEN
            NULL;
        END;
    END IF;
    PERFORM FROM tuor.trace_counts c WHERE c.org_id = of_org AND c.shard >= 0 ORDER BY c.shard FOR UPDATE;
    SELECT sum(c.stored) INTO total FROM tuor.trace_counts c WHERE c.org_id = of_org;
    asked := greatest(0, least(asked, coalesce(most, total + asked) - total));
    UPDATE tuor.trace_counts c SET stored = c.stored + asked WHERE c.org_id = of_org AND c.shard = 0 AND asked > 0;
    RETURN asked;
END $$;

-- ----------------------------------------------------------------- ingest

DROP FUNCTION tuor.ingest(bytea[], text[], text[], text[], text[], text[], timestamptz[], text[], text[], text[],
                          text[], text[], text[]);

-- The one statement of the ingest: any number of traces of any number of callers, each with a verdict
-- of its own. A caller is a key (its hash) or a member (user and organization). idem_key and body_hash
-- are NULL for a trace without Idempotency-Key; server_limit is TuorTraceLimit's, or NULL.
--
-- verdict: 'ok'; 'key' no such key; 'org' suspended or left; 'role' may not;
--          'replay' sent before: first_* say what was answered; 'reuse' that key, with another body;
--          'project' unknown, foreign or archived; 'limit' as many traces as most are stored;
--          'count' call count_begin() and count_finish() for org, each in a transaction, and send this one again
--
-- Most traces have no Idempotency-Key and no limit: for them it is one statement inside, too, that judges
-- and writes, and nothing more. With a key among them all go through ingest_keyed(), and what a limit
-- concerns is left to ingest_counted().
--
-- The order of locks is the same for everybody: keys in their order, then the counts of organizations
-- in theirs; so nobody waits in a circle.
CREATE FUNCTION tuor.ingest(
        key_hash bytea[], user_id text[], user_org text[], trace_id text[], event_id text[], project text[],
        at timestamptz[], model text[], prompt_version text[], run text[],
        input text[], output text[], config text[], idem_key text[], body_hash bytea[], server_limit bigint)
    RETURNS TABLE (n bigint, verdict text, org text, actor text,
                   first_trace text, first_at timestamptz, first_by text, most bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v text[];
    v_org text[];
    v_actor text[];
    stale boolean;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1953853299);   -- see count_begin()

    IF cardinality(array_remove(idem_key, NULL)) > 0 THEN
        RETURN QUERY SELECT * FROM tuor.ingest_keyed(
            key_hash, user_id, user_org, trace_id, event_id, project, at, model, prompt_version, run,
            input, output, config, idem_key, body_hash, server_limit);
        RETURN;
    END IF;

    -- Payloads are subscripted, not joined: what is materialized stays small.
    WITH judged AS MATERIALIZED (
        SELECT j.n, j.org_id, j.actor, j.actor_type, j.stale,
               CASE WHEN j.verdict = 'ok' AND j.limited THEN 'limited' ELSE j.verdict END AS verdict
            FROM tuor.ingest_judge(key_hash, user_id, user_org, project, server_limit) j
    ), trace AS (
        INSERT INTO tuor.traces AS t (org_id, id, project_id, created_at, created_by, updated_at, updated_by,
                                 model, prompt_version_id, internal_run_id, model_input, model_output, trace_config)
        SELECT j.org_id, trace_id[j.n], project[j.n], at[j.n], j.actor, at[j.n], j.actor,
               model[j.n], prompt_version[j.n], run[j.n], input[j.n], output[j.n], config[j.n]
            FROM judged j WHERE j.verdict = 'ok'
    ), event AS (
        INSERT INTO tuor.trace_events AS e (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
        SELECT j.org_id, trace_id[j.n], event_id[j.n], 'trace.created', j.actor_type, j.actor, at[j.n], 'pending', 1
            FROM judged j WHERE j.verdict = 'ok'
    )
    SELECT array_agg(j.verdict ORDER BY j.n), array_agg(j.org_id ORDER BY j.n), array_agg(j.actor ORDER BY j.n),
           bool_or(j.stale)
        INTO v, v_org, v_actor, stale
        FROM judged j;

    IF 'limited' = ANY (v) THEN
        RETURN QUERY SELECT * FROM tuor.ingest_counted(
            v, v_org, v_actor, NULL, NULL, NULL, key_hash, trace_id, event_id, project, at, model, prompt_version,
            run, input, output, config, idem_key, server_limit);
    ELSE
        FOR i IN 1 .. cardinality(v) LOOP
            n := i;
            verdict := v[i];
            org := v_org[i];
            actor := v_actor[i];
            RETURN NEXT;
        END LOOP;
    END IF;

    IF stale THEN
        PERFORM tuor.touch_key(k.org_id, k.id)
            FROM (SELECT DISTINCT h FROM unnest(key_hash) h) AS used
            JOIN tuor.api_keys k ON k.hash = used.h
            WHERE k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute';
    END IF;
END $$;

-- Who the callers are, and whether their projects are there. The planner puts it into the statements
-- that use it, so it must stay plain SQL without settings of its own.
CREATE FUNCTION tuor.ingest_judge(key_hash bytea[], user_id text[], user_org text[], project text[], server_limit bigint)
    RETURNS TABLE (n int, org_id text, actor text, actor_type text, verdict text, limited boolean, stale boolean)
    LANGUAGE sql STABLE
AS $$
    SELECT s.n::int, o.org_id, coalesce(k.id, m.user_id),
           CASE WHEN k.id IS NOT NULL THEN 'api_key' ELSE 'user' END,
           CASE WHEN s.key_hash IS NOT NULL AND k.id IS NULL THEN 'key'
                WHEN o.org_id IS NULL OR o.suspended THEN 'org'
                WHEN m.role <> 'admin' THEN 'role'
                WHEN p.id IS NULL THEN 'project'
                ELSE 'ok' END,
           o.counted OR o.trace_limit IS NOT NULL OR server_limit IS NOT NULL,
           k.id IS NOT NULL AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute')
        FROM unnest(key_hash, user_id, user_org, project) WITH ORDINALITY AS s (key_hash, user_id, user_org, project, n)
        LEFT JOIN tuor.api_keys k ON k.hash = s.key_hash AND k.revoked_at IS NULL
        LEFT JOIN tuor.members m ON s.key_hash IS NULL AND m.org_id = s.user_org AND m.user_id = s.user_id
        LEFT JOIN tuor.organizations o ON o.org_id = coalesce(k.org_id, m.org_id)
        LEFT JOIN tuor.projects p ON p.org_id = o.org_id AND p.id = s.project AND NOT p.archived
$$;

-- ingest() with Idempotency-Keys. New keys are taken by the statement that writes the traces; those that
-- were taken before are looked up afterwards.
CREATE FUNCTION tuor.ingest_keyed(
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

    -- Sweep up, now and then, and a good while after the end: nobody looks at such rows any more.
    IF random() < 0.125 THEN
        DELETE FROM tuor.idempotency_keys i
            USING (SELECT e.org_id, e.key FROM tuor.idempotency_keys e
                       WHERE e.expires_at < moment - interval '1 hour'
                       ORDER BY e.expires_at LIMIT 32 FOR UPDATE SKIP LOCKED) AS old
            WHERE i.org_id = old.org_id AND i.key = old.key;
    END IF;
END $$;

-- The second half of ingest() for organizations that have a limit, or are counted: verdicts are 'limited'
-- where all else is in order, and the Idempotency-Key is taken. The first ones are let in.
CREATE FUNCTION tuor.ingest_counted(
        v text[], v_org text[], v_actor text[], f_trace text[], f_at timestamptz[], f_by text[],
        key_hash bytea[], trace_id text[], event_id text[], project text[],
        at timestamptz[], model text[], prompt_version text[], run text[],
        input text[], output text[], config text[], idem_key text[], server_limit bigint)
    RETURNS TABLE (n bigint, verdict text, org text, actor text,
                   first_trace text, first_at timestamptz, first_by text, most bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_most bigint[];
    o record;
    room bigint;
    refused text[];
BEGIN
    FOR o IN
        SELECT g.org_id, coalesce(g.trace_limit, server_limit) AS most, g.counted, c.asked
            FROM (SELECT u.org, count(*) AS asked FROM unnest(v, v_org) AS u (verdict, org)
                      WHERE u.verdict = 'limited' GROUP BY u.org) AS c
            JOIN tuor.organizations g ON g.org_id = c.org
            WHERE g.counted OR coalesce(g.trace_limit, server_limit) IS NOT NULL
            ORDER BY g.org_id
    LOOP
        room := CASE WHEN o.counted THEN tuor.count_in(o.org_id, o.most, o.asked) END;
        IF room = o.asked THEN
            CONTINUE;
        END IF;
        SELECT array_agg(u.trace) INTO refused
            FROM (SELECT x.trace, row_number() OVER (ORDER BY x.n) AS rank
                      FROM unnest(v, v_org, trace_id) WITH ORDINALITY AS x (verdict, org, trace, n)
                      WHERE x.verdict = 'limited' AND x.org = o.org_id) AS u
            WHERE u.rank > coalesce(room, 0);
        DELETE FROM tuor.idempotency_keys i
            USING unnest(v_org, idem_key, trace_id) AS u (org, key, trace)
            WHERE u.trace = ANY (refused) AND i.org_id = u.org AND i.key = u.key AND i.trace_id = u.trace;
        -- What was to repeat one of them is refused with it.
        SELECT array_agg(CASE WHEN u.trace = ANY (refused) OR u.verdict IN ('replay', 'reuse') AND u.first = ANY (refused)
                              THEN CASE WHEN room IS NULL THEN 'count' ELSE 'limit' END
                              ELSE u.verdict END ORDER BY u.n),
               array_agg(CASE WHEN u.org = o.org_id THEN o.most ELSE u.most END ORDER BY u.n)
            INTO v, v_most
            FROM unnest(v, v_org, trace_id, f_trace, v_most)
                WITH ORDINALITY AS u (verdict, org, trace, first, most, n);
    END LOOP;

    IF 'limited' = ANY (v) THEN
        WITH trace AS (
            INSERT INTO tuor.traces AS t (org_id, id, project_id, created_at, created_by, updated_at, updated_by,
                                     model, prompt_version_id, internal_run_id, model_input, model_output, trace_config)
            SELECT u.org, trace_id[u.n::int], project[u.n::int], at[u.n::int], u.actor, at[u.n::int], u.actor,
                   model[u.n::int], prompt_version[u.n::int], run[u.n::int],
                   input[u.n::int], output[u.n::int], config[u.n::int]
                FROM unnest(v, v_org, v_actor) WITH ORDINALITY AS u (verdict, org, actor, n)
                WHERE u.verdict = 'limited'
        )
        INSERT INTO tuor.trace_events AS e (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
            SELECT u.org, trace_id[u.n::int], event_id[u.n::int], 'trace.created',
                   CASE WHEN key_hash[u.n::int] IS NOT NULL THEN 'api_key' ELSE 'user' END, u.actor, at[u.n::int], 'pending', 1
                FROM unnest(v, v_org, v_actor) WITH ORDINALITY AS u (verdict, org, actor, n)
                WHERE u.verdict = 'limited';
    END IF;

    FOR i IN 1 .. cardinality(v) LOOP
        n := i;
        verdict := CASE v[i] WHEN 'limited' THEN 'ok' ELSE v[i] END;
        org := v_org[i];
        actor := v_actor[i];
        first_trace := f_trace[i];
        first_at := f_at[i];
        first_by := f_by[i];
        most := v_most[i];
        RETURN NEXT;
    END LOOP;
END $$;

-- --------------------------------------------- row-level security, grants

-- tuor_app reaches these tables through the functions alone.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['idempotency_keys', 'trace_counts'] LOOP
        EXECUTE format('ALTER TABLE tuor.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY org ON tuor.%I USING (org_id = tuor.org()) WITH CHECK (org_id = tuor.org())', t);
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tuor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    tuor.add_member(text, text, text, text, timestamptz), tuor.count_begin(text), tuor.count_finish(text),
    tuor.ingest(bytea[], text[], text[], text[], text[], text[], timestamptz[], text[], text[], text[],
                text[], text[], text[], text[], bytea[], bigint) TO tuor_app;
