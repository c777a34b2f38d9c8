-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Webhook deliveries and their attempts.
--
-- A delivery is written with its verdict (pending), claimed by a dispatcher (sending) and settled
-- (success, failed). A claim commits before the first byte is sent and carries a token; only its
-- holder may settle it, and only until the lease ends. Past the lease the outcome is unknown: the
-- delivery fails, and nobody but a person sends it again.

CREATE TABLE tuor.webhook_deliveries (
    org_id          text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    project_id      text COLLATE "C" NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    event_type      text COLLATE "C" NOT NULL,
    trace_id        text COLLATE "C",                   -- NULL for webhook.test
    status          text COLLATE "C" NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'sending', 'success', 'failed')),
    by_hand         boolean NOT NULL DEFAULT false,     -- a test or a retry: goes out while the webhook is off, too
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    attempt_count   int NOT NULL DEFAULT 0,
    response_status int,
    error           text,
    attempt_token   text COLLATE "C",                   -- fences the record of an attempt
    lease_until     timestamptz,                        -- past it, a sending row was interrupted
    body_size       int NOT NULL,                       -- bytes of body, so that a claim need not unpack it
    body            text COMPRESSION lz4 NOT NULL,      -- what is signed and sent, however often
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, project_id) REFERENCES tuor.projects
);
CREATE INDEX webhook_deliveries_due ON tuor.webhook_deliveries (org_id, project_id, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_sending ON tuor.webhook_deliveries (lease_until) WHERE status = 'sending';
CREATE INDEX webhook_deliveries_project ON tuor.webhook_deliveries (org_id, project_id, id);

CREATE TABLE tuor.webhook_attempts (
    org_id          text COLLATE "C" NOT NULL,
    delivery_id     text COLLATE "C" NOT NULL,
    attempt         int NOT NULL,
    attempted_at    timestamptz NOT NULL,
    duration_ms     int,
    status_code     int,
    error           text,
    response_body   text COMPRESSION lz4,               -- its first 4 KB
    PRIMARY KEY (org_id, delivery_id, attempt),
    FOREIGN KEY (org_id, delivery_id) REFERENCES tuor.webhook_deliveries
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['webhook_deliveries', 'webhook_attempts'] LOOP
        EXECUTE format('ALTER TABLE tuor.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY org ON tuor.%I USING (org_id = tuor.org()) WITH CHECK (org_id = tuor.org())', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON tuor.webhook_deliveries TO tuor_app;
GRANT SELECT ON tuor.webhook_attempts TO tuor_app;

-- ------------------------------------------------------------- functions
-- The dispatcher serves all organizations, hence SECURITY DEFINER. Projects are written org/project
-- where a list of them is handed over.

-- Claim due deliveries, a few of each project in turn, so that no project's backlog or slowness keeps
-- another waiting. Starts after the project where the last claim ended.
--   lease_ms   how long the attempt may take before it counts as interrupted
--   most       deliveries at most; share: at most of one project, those under way included
--   most_bytes of bodies in all; the first delivery comes whatever its size
--   busy, busy_count   projects with deliveries under way in this dispatcher, and how many
-- Deliveries that cannot be sent (switched off since, no URL or secret any more) are settled at once.
CREATE FUNCTION tuor.webhook_claim(
        token text, lease_ms bigint, most bigint, share bigint, most_bytes bigint,
        busy text[], busy_count text[], after_org text, after_project text)
    RETURNS TABLE (org_id text, id text, project_id text, event_id text, trace_id text, attempt bigint,
                   url text, secret text, body text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    o text := after_org;
    p text := after_project;
    around boolean := after_org = '';
    hook record;
    next_o text;
    next_p text;
    room bigint;
    bytes bigint;
    turns int := 0;
BEGIN
    WHILE most > 0 AND most_bytes > 0 AND turns < 1000 LOOP
        turns := turns + 1;
        SELECT d.org_id, d.project_id INTO next_o, next_p
            FROM tuor.webhook_deliveries d
            WHERE d.status = 'pending' AND (d.org_id, d.project_id) > (o, p)
            ORDER BY d.org_id, d.project_id LIMIT 1;
        IF NOT FOUND THEN
            EXIT WHEN around;
            around := true;
            o := '';
            p := '';
            CONTINUE;
        END IF;
        EXIT WHEN around AND after_org <> '' AND (next_o, next_p) > (after_org, after_project);
        o := next_o;
        p := next_p;

        SELECT j.webhook_url AS url, j.webhook_secret AS secret, j.webhook_active AS active INTO hook
            FROM tuor.projects j WHERE j.org_id = o AND j.id = p;
        IF hook.url IS NULL OR hook.secret IS NULL OR NOT hook.active THEN
            UPDATE tuor.webhook_deliveries d
                SET status = 'failed', updated_at = clock_timestamp(),
                    error = CASE WHEN hook.url IS NULL OR hook.secret IS NULL
                                 THEN 'not sent: the project has no webhook URL or no secret any more'
                                 ELSE 'not sent: the webhook was switched off before' END
                FROM (SELECT e.id FROM tuor.webhook_deliveries e
                      WHERE e.status = 'pending' AND e.org_id = o AND e.project_id = p
                        AND (hook.url IS NULL OR hook.secret IS NULL OR NOT e.by_hand)
                      ORDER BY e.id LIMIT 1000 FOR UPDATE SKIP LOCKED) AS off
                WHERE d.org_id = o AND d.id = off.id;
            CONTINUE WHEN hook.url IS NULL OR hook.secret IS NULL;
        END IF;

        room := least(most, share - coalesce((SELECT u.n::bigint FROM unnest(busy, busy_count) AS u (project, n)
                                              WHERE u.project = o || '/' || p), 0));
        CONTINUE WHEN room <= 0;

        FOR org_id, id, project_id, event_id, trace_id, attempt, body, bytes IN
            UPDATE tuor.webhook_deliveries d
                SET status = 'sending', updated_at = clock_timestamp(), attempt_count = d.attempt_count + 1,
                    attempt_token = token, lease_until = clock_timestamp() + lease_ms * interval '1 millisecond'
                FROM (SELECT e.id, sum(e.body_size) OVER (ORDER BY e.id) - e.body_size AS before
                      FROM (SELECT f.id, f.body_size FROM tuor.webhook_deliveries f
                            WHERE f.status = 'pending' AND f.org_id = o AND f.project_id = p
                            ORDER BY f.id LIMIT room FOR UPDATE SKIP LOCKED) AS e) AS due
                WHERE d.org_id = o AND d.id = due.id AND due.before < most_bytes
                RETURNING d.org_id, d.id, d.project_id, d.event_id, d.trace_id, d.attempt_count, d.body, d.body_size
        LOOP
            url := hook.url;
            secret := hook.secret;
            most := most - 1;
            most_bytes := most_bytes - bytes;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;

-- Undo claims of which the claimer does not know whether they were committed: it has sent nothing.
CREATE FUNCTION tuor.webhook_unclaim(tokens text[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
    WITH undone AS (
        UPDATE tuor.webhook_deliveries d
            SET status = 'pending', updated_at = clock_timestamp(), attempt_count = d.attempt_count - 1,
                attempt_token = NULL, lease_until = NULL
            WHERE d.status = 'sending' AND d.attempt_token = ANY (tokens)
            RETURNING 1
    )
    SELECT count(*) FROM undone
$$;

-- Settle attempts that ended. A row whose token or status has changed meanwhile is left alone.
-- An outcome is 'success', 'failed', or 'pending' for one that was claimed and never begun.
CREATE FUNCTION tuor.webhook_record(
        org text[], delivery text[], token text[], outcome text[], began text[], took_ms text[],
        code text[], why text[], answer text[])
    RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
    WITH ended AS MATERIALIZED (
        SELECT * FROM unnest(org, delivery, token, outcome, began, took_ms, code, why, answer)
            AS u (org, delivery, token, outcome, began, took_ms, code, why, answer)
    ), settled AS (
        UPDATE tuor.webhook_deliveries d
            SET status = e.outcome, updated_at = clock_timestamp(), attempt_token = NULL, lease_until = NULL,
                attempt_count = d.attempt_count - (e.outcome = 'pending')::int,
                response_status = e.code::int, error = e.why
            FROM ended e
            WHERE d.org_id = e.org AND d.id = e.delivery AND d.attempt_token = e.token AND d.status = 'sending'
            RETURNING d.org_id, d.id, d.attempt_count, e.outcome, e.began, e.took_ms, e.code, e.why, e.answer
    ), noted AS (
        INSERT INTO tuor.webhook_attempts AS a
                (org_id, delivery_id, attempt, attempted_at, duration_ms, status_code, error, response_body)
            SELECT s.org_id, s.id, s.attempt_count, s.began::timestamptz, s.took_ms::int, s.code::int, s.why, s.answer
                FROM settled s WHERE s.outcome <> 'pending'
    )
    SELECT count(*) FROM settled
$$;

-- Fail what was interrupted: its sender died, or could not record the outcome in time.
CREATE FUNCTION tuor.webhook_sweep() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
    WITH lost AS (
        SELECT e.org_id, e.id, e.updated_at AS began FROM tuor.webhook_deliveries e
            WHERE e.status = 'sending' AND e.lease_until < clock_timestamp()
            ORDER BY e.lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), settled AS (
        UPDATE tuor.webhook_deliveries d
            SET status = 'failed', updated_at = clock_timestamp(), attempt_token = NULL, lease_until = NULL,
                response_status = NULL, error = 'interrupted: outcome unknown'
            FROM lost l WHERE d.org_id = l.org_id AND d.id = l.id
            RETURNING d.org_id, d.id, d.attempt_count, l.began, d.error
    ), noted AS (
        INSERT INTO tuor.webhook_attempts AS a (org_id, delivery_id, attempt, attempted_at, error)
            SELECT s.org_id, s.id, s.attempt_count, s.began, s.error FROM settled s
    )
    SELECT count(*) FROM settled
$$;

-- For the operator: how many deliveries of all organizations are due, and since when.
CREATE FUNCTION tuor.webhook_backlog(OUT waiting bigint, OUT oldest_ms bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
    SELECT count(*), coalesce((extract(epoch FROM clock_timestamp() - min(d.updated_at)) * 1000)::bigint, 0)
        FROM tuor.webhook_deliveries d WHERE d.status = 'pending'
$$;

REVOKE ALL ON FUNCTION
    tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text),
    tuor.webhook_unclaim(text[]),
    tuor.webhook_record(text[], text[], text[], text[], text[], text[], text[], text[], text[]),
    tuor.webhook_backlog(), tuor.webhook_sweep() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text),
    tuor.webhook_unclaim(text[]),
    tuor.webhook_record(text[], text[], text[], text[], text[], text[], text[], text[], text[]),
    tuor.webhook_backlog(), tuor.webhook_sweep() TO tuor_app;
