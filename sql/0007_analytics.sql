-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Analytics: counts by the UTC day on which traces were created, kept up to date from the event trail.
--
-- Everything that analytics tell is a sum over traces in their present state: how many, by status,
-- model, prompt version, reviewer, corrected field and time to review. Events say how that state
-- changes, and they are never changed themselves; so counts can follow them at any later time, in
-- the order of 0006_event_order.sql, and no create and no verdict has anything to do with it.
--
--   analytics_state    how far an organization's events have been counted
--   analytics_counts   the counts up to there
--   analytics_changes  what events behind some place and up to another change in the counts
--   analytics_fold     count some more events: in the background, and before a report
--   analytics_report   counts, and the changes that are not counted yet, in one snapshot
--
-- A report is exact at every moment: whatever has committed is either counted or among the changes.

CREATE TABLE tuor.analytics_state (
    org_id      text COLLATE "C" PRIMARY KEY REFERENCES tuor.organizations,
    pos         bigint NOT NULL,
    seq         bigint NOT NULL
);

-- Long ranges are mostly whole months: 'model/month' and so on are the sums of all but 'all', at a month's
-- first day.
-- kind and key: 'all' and ''; 'model' and its name; 'prompt' and the version's id; 'reviewer' and who;
-- 'field' and the path (counted in corrected); 'time' and the number of the interval, see analytics_interval().
CREATE TABLE tuor.analytics_counts (
    org_id      text COLLATE "C" NOT NULL,
    project_id  text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    key         text COLLATE "C" NOT NULL,
    pending     bigint NOT NULL,
    approved    bigint NOT NULL,
    rejected    bigint NOT NULL,
    corrected   bigint NOT NULL,
    PRIMARY KEY (org_id, project_id, kind, day, key),
    FOREIGN KEY (org_id, project_id) REFERENCES tuor.projects
) WITH (fillfactor = 70);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['analytics_state', 'analytics_counts'] LOOP
        EXECUTE format('ALTER TABLE tuor.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY org ON tuor.%I USING (org_id = tuor.org()) WITH CHECK (org_id = tuor.org())', t);
    END LOOP;
END $$;

GRANT SELECT ON tuor.analytics_state, tuor.analytics_counts TO tuor_app;

-- Times to review are counted in intervals that grow by a twentieth: number n is about 1.05 ^ n
-- milliseconds, so percentiles are right to two and a half percent.
CREATE FUNCTION tuor.analytics_interval(took interval) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN round(ln(greatest(extract(epoch FROM took)::float8 * 1000, 1)) / ln(1.05::float8))::int;

-- The paths of a correction, each once, array indexes folded: items[2].price becomes items[].price. A
-- path is written first in its entry and stays as it is written, JSON-escaped. Keys are made up by
-- clients: very long paths do not count, nor do more than a hundred of one correction, nor a list past 1 MB.
CREATE FUNCTION tuor.analytics_paths(diff text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT CASE WHEN strpos(raw.path, '[\"') > 0 THEN raw.path
                         ELSE regexp_replace(raw.path, '\[[0-9]+\]', '[]', 'g') END COLLATE "C"
        FROM (SELECT substring(entry.value::text FROM '^\{"path":"((?:[^"\\]|\\.)*)"') AS path
              FROM json_array_elements(CASE WHEN octet_length(diff) < 1000000 THEN diff::json ELSE '[]' END) AS entry
              LIMIT 10000) raw
        WHERE octet_length(raw.path) BETWEEN 1 AND 200
        LIMIT 100;
END;

-- One trace's part in the counts.
CREATE FUNCTION tuor.analytics_of_trace(sign int, status text, reviewer text, took interval, diff text, model text, prompt text)
    RETURNS TABLE (kind text, key text, pending int, approved int, rejected int, corrected int)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT k.kind, k.key, CASE status WHEN 'pending' THEN sign ELSE 0 END, CASE status WHEN 'approved' THEN sign ELSE 0 END,
           CASE status WHEN 'rejected' THEN sign ELSE 0 END, CASE status WHEN 'corrected' THEN sign ELSE 0 END
        FROM (VALUES ('all', ''), ('model', coalesce(model, '')), ('prompt', coalesce(prompt, '')),
                     ('reviewer', CASE WHEN status <> 'pending' THEN coalesce(reviewer, '') END),
                     ('time', CASE WHEN status <> 'pending' THEN tuor.analytics_interval(took)::text END)) AS k (kind, key)
        WHERE k.key IS NOT NULL
    UNION ALL
    SELECT 'field', f.path, 0, 0, 0, sign FROM tuor.analytics_paths(CASE WHEN status = 'corrected' THEN diff END) AS f (path);
END;

-- A trace before and after a range of events, as rows to take away (sign -1) and to add (1): its state
-- after its events up to either place, or after its creation if that is later. No row where it is
-- deleted. What a verdict left behind is in its event.
CREATE FUNCTION tuor.analytics_turn(org text, trace text, from_pos bigint, from_seq bigint, to_pos bigint, to_seq bigint,
                                    OUT sign int, OUT status text, OUT reviewer text, OUT reviewed_at timestamptz, OUT diff text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 2
AS $$
DECLARE
    e record;
    deleted boolean := false;
BEGIN
    sign := -1;
    FOR e IN SELECT v.type, v.pos, v.seq, v.status_after, v.actor_id, v.occurred_at, v.correction_diff FROM tuor.trace_events v
             WHERE v.org_id = org AND v.trace_id = trace AND (v.pos, v.seq) <= (to_pos, to_seq)
             ORDER BY v.pos, v.seq LOOP
        IF sign < 0 AND (e.pos, e.seq) > (from_pos, from_seq) AND e.type <> 'trace.created' THEN
            IF status IS NOT NULL AND NOT deleted THEN
                RETURN NEXT;
            END IF;
            sign := 1;
        END IF;
        status := e.status_after;
        IF e.type LIKE 'review.%' THEN
            reviewer := e.actor_id;
            reviewed_at := e.occurred_at;
            diff := e.correction_diff;
        ELSIF e.type = 'trace.deleted' THEN
            deleted := true;
        ELSIF e.type = 'trace.restored' THEN
            deleted := false;
        END IF;
    END LOOP;
    IF sign > 0 AND NOT deleted THEN
        RETURN NEXT;
    END IF;
END $$;

-- What the events behind one place and up to another change: traces created, and for each trace that
-- something else happened to, its part as it was away and its part as it is added.
CREATE FUNCTION tuor.analytics_changes(org text, from_pos bigint, from_seq bigint, to_pos bigint, to_seq bigint)
    RETURNS TABLE (project_id text, kind text, day date, key text,
                   pending bigint, approved bigint, rejected bigint, corrected bigint)
    LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
BEGIN ATOMIC
    WITH event AS MATERIALIZED (
        SELECT e.trace_id, e.type FROM tuor.trace_events e
            WHERE e.org_id = org AND (e.pos, e.seq) > (from_pos, from_seq) AND (e.pos, e.seq) <= (to_pos, to_seq)
              AND e.type NOT IN ('tag.added', 'tag.removed')
    ), created AS (
        SELECT t.project_id, (t.created_at AT TIME ZONE 'UTC')::date AS day, t.model, t.prompt_version_id AS prompt, count(*) AS n
            FROM event e JOIN tuor.traces t ON t.org_id = org AND t.id = e.trace_id
            WHERE e.type = 'trace.created'
            GROUP BY 1, 2, 3, 4
    ), changed AS MATERIALIZED (
        SELECT t.id, t.project_id, t.created_at, t.model, t.prompt_version_id AS prompt
            FROM (SELECT DISTINCT e.trace_id FROM event e WHERE e.type <> 'trace.created') e
            JOIN tuor.traces t ON t.org_id = org AND t.id = e.trace_id
    ), part AS (
        SELECT c.project_id, 'all' AS kind, c.day, '' AS key, c.n AS pending, 0 AS approved, 0 AS rejected, 0 AS corrected FROM created c
        UNION ALL
        SELECT c.project_id, 'model', c.day, coalesce(c.model, ''), c.n, 0, 0, 0 FROM created c
        UNION ALL
        SELECT c.project_id, 'prompt', c.day, coalesce(c.prompt, ''), c.n, 0, 0, 0 FROM created c
        UNION ALL
        SELECT c.project_id, p.kind, (c.created_at AT TIME ZONE 'UTC')::date, p.key, p.pending, p.approved, p.rejected, p.corrected
            FROM changed c, tuor.analytics_turn(org, c.id, from_pos, from_seq, to_pos, to_seq) s,
                 tuor.analytics_of_trace(s.sign, s.status, s.reviewer, s.reviewed_at - c.created_at, s.diff, c.model, c.prompt) p
    )
    SELECT p.project_id, p.kind, p.day, p.key, sum(p.pending)::bigint, sum(p.approved)::bigint, sum(p.rejected)::bigint,
           sum(p.corrected)::bigint
        FROM part p GROUP BY 1, 2, 3, 4
        HAVING sum(p.pending) <> 0 OR sum(p.approved) <> 0 OR sum(p.rejected) <> 0 OR sum(p.corrected) <> 0;
END;

-- Count up to so many further events of an organization, if there are enough of them. @return how many
-- were counted
CREATE FUNCTION tuor.analytics_fold(org text, most bigint, enough bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    done tuor.analytics_state;
    newest bigint;
    n bigint;
    to_pos bigint;
    to_seq bigint;
BEGIN
    -- A copy in another cluster counts on from where the other one was.
    SELECT e.pos INTO newest FROM tuor.trace_events e WHERE e.org_id = org ORDER BY e.org_id DESC, e.pos DESC, e.seq DESC LIMIT 1;
    IF newest >= tuor.event_frontier() THEN
        PERFORM tuor.event_rebase();
    END IF;
    SELECT * INTO done FROM tuor.analytics_state s WHERE s.org_id = org;
    IF NOT EXISTS (SELECT FROM tuor.trace_events e
                   WHERE e.org_id = org AND (e.pos, e.seq) > (coalesce(done.pos, 0), coalesce(done.seq, 0)) AND e.pos < tuor.event_horizon()
                   ORDER BY e.org_id, e.pos, e.seq OFFSET greatest(enough, 1) - 1 LIMIT 1) THEN
        RETURN 0;
    END IF;
    -- Two who race: the second stands here until the first has committed, and goes on from there. A lock
    -- of a row would give this transaction its id now, and hold the feed of events back while it counts.
    PERFORM pg_advisory_xact_lock(hashtext('tuor.analytics_fold'), hashtext(org));
    SELECT * INTO done FROM tuor.analytics_state s WHERE s.org_id = org;
    IF NOT FOUND THEN
        done := ROW(org, 0, 0);
    END IF;
    SELECT count(*) INTO n FROM (
        SELECT FROM tuor.trace_events e
            WHERE e.org_id = org AND (e.pos, e.seq) > (done.pos, done.seq) AND e.pos < tuor.event_horizon()
            ORDER BY e.org_id, e.pos, e.seq LIMIT most) AS due;
    IF n = 0 THEN
        RETURN 0;
    END IF;
    SELECT e.pos, e.seq INTO to_pos, to_seq FROM tuor.trace_events e
        WHERE e.org_id = org AND (e.pos, e.seq) > (done.pos, done.seq)
        ORDER BY e.org_id, e.pos, e.seq OFFSET n - 1 LIMIT 1;
    -- The changes are summed up before the first of them is written.
    INSERT INTO tuor.analytics_counts AS c (org_id, project_id, kind, day, key, pending, approved, rejected, corrected)
        WITH change AS MATERIALIZED (
            SELECT * FROM tuor.analytics_changes(org, done.pos, done.seq, to_pos, to_seq)
        )
        SELECT org, d.project_id, d.kind, d.day, d.key, d.pending, d.approved, d.rejected, d.corrected FROM change d
        UNION ALL
        SELECT org, d.project_id, d.kind || '/month', date_trunc('month', d.day::timestamp)::date, d.key,
               sum(d.pending), sum(d.approved), sum(d.rejected), sum(d.corrected)
            FROM change d WHERE d.kind <> 'all' GROUP BY d.project_id, d.kind, 4, d.key
        ON CONFLICT (org_id, project_id, kind, day, key) DO UPDATE
            SET pending = c.pending + excluded.pending, approved = c.approved + excluded.approved,
                rejected = c.rejected + excluded.rejected, corrected = c.corrected + excluded.corrected;
    INSERT INTO tuor.analytics_state AS s (org_id, pos, seq) VALUES (org, to_pos, to_seq)
        ON CONFLICT (org_id) DO UPDATE SET pos = excluded.pos, seq = excluded.seq;
    RETURN n;
END $$;

-- Count events of the next organization that has some to be counted. One process at a time: no row while
-- another one does. @param after_org where the last call was; '' to begin
CREATE FUNCTION tuor.analytics_fold_next(after_org text, most bigint, OUT org text, OUT n bigint)
    RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('tuor.analytics'), 0) THEN
        RETURN;
    END IF;
    FOR org IN SELECT o.org_id FROM tuor.organizations o WHERE o.org_id > after_org ORDER BY o.org_id LOOP
        n := tuor.analytics_fold(org, most, 1);
        IF n > 0 THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
END $$;

-- All figures of a project, as rows of several kinds:
--   series     start of the bucket                       model, prompt, reviewer (with its name), field: the key
--   time       interval; took_us is its length of time
-- Whole days come from the counts and what is still to be counted; parts of days (a range of ids,
-- that is of times) from the traces themselves. @param to_day excluded
CREATE FUNCTION tuor.analytics_report(project text, bucket text, from_day timestamptz, to_day timestamptz,
                                      low1 text, high1 text, low2 text, high2 text)
    RETURNS TABLE (kind text, start timestamptz, key text, name text, pending bigint, approved bigint, rejected bigint,
                   corrected bigint, took_us bigint, place bigint)
    LANGUAGE sql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
BEGIN ATOMIC
    WITH asked AS (
        SELECT coalesce((from_day AT TIME ZONE 'UTC')::date, '-infinity') AS first,
               coalesce((to_day AT TIME ZONE 'UTC')::date, 'infinity') AS past
    ), whole AS (
        SELECT a.first, a.past,
               CASE WHEN isfinite(a.first) THEN date_trunc('month', a.first + interval '1 month' - interval '1 day')::date ELSE a.first END AS first_month,
               CASE WHEN isfinite(a.past) THEN date_trunc('month', a.past::timestamp)::date ELSE a.past END AS past_month
            FROM asked a
    ), day AS MATERIALIZED (
        -- Days, before the whole months and behind them; without any, all stand before.
        SELECT w.first, w.past, w.first_month, w.past_month,
               CASE WHEN w.first_month < w.past_month THEN w.first_month ELSE w.past END AS before,
               CASE WHEN w.first_month < w.past_month THEN w.past_month ELSE w.past END AS behind
            FROM whole w
    ), figure AS MATERIALIZED (
        SELECT c.kind, c.day, c.key, c.pending, c.approved, c.rejected, c.corrected
            FROM tuor.analytics_counts c, day d
            WHERE c.org_id = tuor.org() AND c.project_id = project AND c.kind = 'all' AND c.day >= d.first AND c.day < d.past
        UNION ALL
        SELECT left(c.kind, -6), c.day, c.key, c.pending, c.approved, c.rejected, c.corrected
            FROM tuor.analytics_counts c, day d
            WHERE c.org_id = tuor.org() AND c.project_id = project AND c.day >= d.first_month AND c.day < d.past_month
              AND c.kind = ANY ('{model/month,prompt/month,reviewer/month,field/month,time/month}')
        UNION ALL
        SELECT c.kind, c.day, c.key, c.pending, c.approved, c.rejected, c.corrected
            FROM tuor.analytics_counts c, day d, LATERAL (VALUES (d.first, d.before), (d.behind, d.past)) AS part (low, high)
            WHERE c.org_id = tuor.org() AND c.project_id = project AND c.day >= part.low AND c.day < part.high
              AND c.kind = ANY ('{model,prompt,reviewer,field,time}')
        UNION ALL
        SELECT c.kind, c.day, c.key, c.pending, c.approved, c.rejected, c.corrected
            FROM day d, tuor.analytics_changes(tuor.org(),
                     coalesce((SELECT s.pos FROM tuor.analytics_state s WHERE s.org_id = tuor.org()), 0),
                     coalesce((SELECT s.seq FROM tuor.analytics_state s WHERE s.org_id = tuor.org()), 0),
                     9223372036854775807, 9223372036854775807) c
            WHERE c.project_id = project AND c.day >= d.first AND c.day < d.past
        UNION ALL
        SELECT p.kind, (t.created_at AT TIME ZONE 'UTC')::date, p.key, p.pending, p.approved, p.rejected, p.corrected
            FROM (VALUES (low1, high1), (low2, high2)) AS part (low, high),
                 tuor.traces t,
                 tuor.analytics_of_trace(1, t.status, t.last_reviewed_by, t.last_reviewed_at - t.created_at, t.correction_diff,
                                         t.model, t.prompt_version_id) p
            WHERE t.org_id = tuor.org() AND t.project_id = project AND t.id >= part.low AND t.id < part.high AND t.deleted_at IS NULL
    ), series AS (
        SELECT date_trunc(bucket, f.day::timestamp) AS start, sum(f.pending)::bigint AS pending, sum(f.approved)::bigint AS approved,
               sum(f.rejected)::bigint AS rejected, sum(f.corrected)::bigint AS corrected
            FROM figure f WHERE f.kind = 'all' GROUP BY 1
            HAVING sum(f.pending) + sum(f.approved) + sum(f.rejected) + sum(f.corrected) > 0
    ), keyed AS (
        SELECT f.kind, f.key, sum(f.pending)::bigint AS pending, sum(f.approved)::bigint AS approved,
               sum(f.rejected)::bigint AS rejected, sum(f.corrected)::bigint AS corrected,
               row_number() OVER (PARTITION BY f.kind ORDER BY sum(f.pending) + sum(f.approved) + sum(f.rejected) + sum(f.corrected) DESC, f.key) AS n
            FROM figure f WHERE f.kind <> 'all' GROUP BY f.kind, f.key
            HAVING sum(f.pending) + sum(f.approved) + sum(f.rejected) + sum(f.corrected) > 0
    )
    SELECT 'series', b.start AT TIME ZONE 'UTC', NULL, NULL, coalesce(s.pending, 0), coalesce(s.approved, 0), coalesce(s.rejected, 0),
           coalesce(s.corrected, 0), NULL::bigint, NULL::bigint
        FROM generate_series((SELECT min(start) FROM series), (SELECT max(start) FROM series), ('1 ' || bucket)::interval) AS b (start)
        LEFT JOIN series s ON s.start = b.start
    UNION ALL
    SELECT k.kind, NULL, k.key,
           CASE k.kind WHEN 'reviewer' THEN coalesce(
               (SELECT coalesce(m.name, m.login) FROM tuor.members m WHERE m.org_id = tuor.org() AND m.user_id = k.key),
               (SELECT a.name FROM tuor.api_keys a WHERE a.org_id = tuor.org() AND a.id = k.key)) END,
           k.pending, k.approved, k.rejected, k.corrected,
           CASE k.kind WHEN 'time' THEN (power(1.05::float8, k.key::int) * 1000)::bigint END, k.n
        FROM keyed k WHERE k.n <= 100 OR k.kind = 'time'
    ORDER BY 1, 2, 9, 10;
END;

REVOKE ALL ON FUNCTION tuor.analytics_interval(interval), tuor.analytics_paths(text),
    tuor.analytics_of_trace(int, text, text, interval, text, text, text),
    tuor.analytics_turn(text, text, bigint, bigint, bigint, bigint),
    tuor.analytics_changes(text, bigint, bigint, bigint, bigint),
    tuor.analytics_fold(text, bigint, bigint), tuor.analytics_fold_next(text, bigint),
    tuor.analytics_report(text, text, timestamptz, timestamptz, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.analytics_interval(interval), tuor.analytics_paths(text),
    tuor.analytics_of_trace(int, text, text, interval, text, text, text),
    tuor.analytics_turn(text, text, bigint, bigint, bigint, bigint),
    tuor.analytics_changes(text, bigint, bigint, bigint, bigint),
    tuor.analytics_fold(text, bigint, bigint), tuor.analytics_fold_next(text, bigint),
    tuor.analytics_report(text, text, timestamptz, timestamptz, text, text, text, text) TO tuor_app;
