-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Webhooks: a long backlog is not walked again from its beginning with each claim. Until the next vacuum,
-- webhook_deliveries_due holds an entry of everything that was pending once: after 100 000 deliveries a claim
-- spent more time on these than on what it claimed.

-- As in 0008_webhook_extras.sql, and takes busy_after: for each project of busy the id up to which nothing is pending
-- any more, or '' to look at all. Children of a version before do not give it.
DROP FUNCTION tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text);

CREATE FUNCTION tuor.webhook_claim(
        token text, lease_ms bigint, most bigint, share bigint, most_bytes bigint,
        busy text[], busy_count text[], after_org text, after_project text, busy_after text[] DEFAULT NULL)
    RETURNS TABLE (org_id text, id text, project_id text, event_id text, trace_id text, attempt bigint,
                   url text, secret text, body text, next_secret text, standard boolean, traceparent text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    o text := after_org;
    p text := after_project;
    around boolean := after_org = '';
    known record;
    hook record;
    next_o text;
    next_p text;
    from_id text;
    room bigint;
    bytes bigint;
    turns int := 0;
BEGIN
    WHILE most > 0 AND most_bytes > 0 AND turns < 1000 LOOP
        turns := turns + 1;
        -- The next project that has something to send, up to the next of which is known from where on it has. In three
        -- parts, as a scan that ends within an organization has to be told so by equality: behind here in this one, in
        -- those between, and before the known one in its own.
        SELECT split_part(u.project, '/', 1) COLLATE "C" AS org, split_part(u.project, '/', 2) COLLATE "C" AS project, u.after INTO known
            FROM unnest(busy, busy_after) AS u (project, after)
            WHERE u.after <> ''
              AND (split_part(u.project, '/', 1) COLLATE "C", split_part(u.project, '/', 2) COLLATE "C") > (o, p)
            ORDER BY 1, 2 LIMIT 1;
        SELECT n.org_id, n.project_id INTO next_o, next_p
            FROM ((SELECT d.org_id, d.project_id FROM tuor.webhook_deliveries d
                       WHERE d.status = 'pending' AND d.org_id = o AND d.project_id > p
                         AND d.project_id < CASE known.org WHEN o THEN known.project ELSE '~' END
                       ORDER BY d.project_id LIMIT 1)
                  UNION ALL
                  (SELECT d.org_id, d.project_id FROM tuor.webhook_deliveries d
                       WHERE d.status = 'pending' AND d.org_id > o AND d.org_id < coalesce(known.org, '~')
                       ORDER BY d.org_id, d.project_id LIMIT 1)
                  UNION ALL
                  (SELECT d.org_id, d.project_id FROM tuor.webhook_deliveries d
                       WHERE d.status = 'pending' AND d.org_id = known.org AND known.org > o AND d.project_id < known.project
                       ORDER BY d.project_id LIMIT 1)) n
            LIMIT 1;
        from_id := '';
        IF NOT FOUND AND known.org IS NOT NULL THEN
            next_o := known.org;
            next_p := known.project;
            from_id := known.after;
        ELSIF NOT FOUND THEN
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
                            WHERE f.status = 'pending' AND f.org_id = o AND (f.project_id, f.id) > (p, from_id) AND f.project_id <= p
                            ORDER BY f.project_id, f.id LIMIT room FOR UPDATE SKIP LOCKED) AS e) AS due
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

REVOKE ALL ON FUNCTION tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.webhook_claim(text, bigint, bigint, bigint, bigint, text[], text[], text, text, text[]) TO tuor_app;
