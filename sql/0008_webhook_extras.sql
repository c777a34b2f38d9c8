-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Webhooks: headers of Standard Webhooks, a second secret while receivers change over, a range of failed
-- deliveries sent again at once, and the trace context of the verdict.

ALTER TABLE tuor.projects
    ADD COLUMN webhook_standard boolean NOT NULL DEFAULT false,
    ADD COLUMN webhook_secret_next text;                -- signs beside webhook_secret while it is set

ALTER TABLE tuor.webhook_deliveries
    ADD COLUMN traceparent text COLLATE "C";            -- that the verdict came with

CREATE INDEX webhook_deliveries_failed ON tuor.webhook_deliveries (org_id, project_id, created_at, id)
    WHERE status = 'failed';

-- As in 0002_webhooks.sql, and tells next_secret, standard and traceparent, too. Children of a version before ask
-- for columns by name and go on.
DROP FUNCTION tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text);

CREATE FUNCTION tuor.webhook_claim(
        token text, lease_ms bigint, most bigint, share bigint, most_bytes bigint,
        busy text[], busy_count text[], after_org text, after_project text)
    RETURNS TABLE (org_id text, id text, project_id text, event_id text, trace_id text, attempt bigint,
                   url text, secret text, body text, next_secret text, standard boolean, traceparent text)
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

        SELECT j.webhook_url AS url, j.webhook_secret AS secret, j.webhook_active AS active,
               j.webhook_secret_next AS next_secret, j.webhook_standard AS standard INTO hook
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

        FOR org_id, id, project_id, event_id, trace_id, attempt, body, bytes, traceparent IN
            UPDATE tuor.webhook_deliveries d
                SET status = 'sending', updated_at = clock_timestamp(), attempt_count = d.attempt_count + 1,
                    attempt_token = token, lease_until = clock_timestamp() + lease_ms * interval '1 millisecond'
                FROM (SELECT e.id, sum(e.body_size) OVER (ORDER BY e.id) - e.body_size AS before
                      FROM (SELECT f.id, f.body_size FROM tuor.webhook_deliveries f
                            WHERE f.status = 'pending' AND f.org_id = o AND f.project_id = p
                            ORDER BY f.id LIMIT room FOR UPDATE SKIP LOCKED) AS e) AS due
                WHERE d.org_id = o AND d.id = due.id AND due.before < most_bytes
                RETURNING d.org_id, d.id, d.project_id, d.event_id, d.trace_id, d.attempt_count, d.body, d.body_size,
                          d.traceparent
        LOOP
            url := hook.url;
            secret := hook.secret;
            next_secret := hook.next_secret;
            standard := hook.standard;
            most := most - 1;
            most_bytes := most_bytes - bytes;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text) TO tuor_app;
