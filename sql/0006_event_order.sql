-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- The order in which events are read by those who follow them: the feed, analytics.
--
-- An event's place is (pos, seq). pos is the id of the writing transaction X, or the last id that
-- had ended when the event was written, L, if that is larger: pos = max(X, L). seq is from a sequence.
-- A reader takes events whose pos is below its snapshot's xmin, the oldest transaction still at work.
--
-- 1. Nothing appears behind a reader. Whoever is still at work has X >= xmin, so its events have
--    pos >= X >= xmin; so have those of transactions that begin later. Below xmin everything has ended,
--    and what has committed is visible in this very snapshot. xmin never goes back.
-- 2. A trace's events keep their order. Who writes the second has seen the end of the first's
--    transaction X1 (it waited for the trace's row, or read what that wrote), so the second's L is at
--    least X1, and at least the first's L; where pos is equal, seq decides, and it was drawn later.
-- 3. Nothing waits for traffic. Once everybody has ended, the last id that ended is at least X and
--    at least L, and xmin is the one behind it.
--
-- X is 64 bits wide and never comes round. It belongs to one PostgreSQL cluster: in a copy made by
-- dump and restore it starts anew, so pos counts from a base that event_rebase() moves there.

CREATE SEQUENCE tuor.event_seq;
GRANT USAGE ON SEQUENCE tuor.event_seq TO tuor_app;

CREATE FUNCTION tuor.event_base() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 0::bigint;

CREATE FUNCTION tuor.event_position() RETURNS bigint
    LANGUAGE sql STABLE
    RETURN tuor.event_base() + greatest(pg_current_xact_id()::text::bigint,
                                        pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1);

-- Events below it are complete in the running statement's snapshot.
CREATE FUNCTION tuor.event_horizon() RETURNS bigint
    LANGUAGE sql STABLE
    RETURN tuor.event_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- No event of this cluster's own is at or beyond it.
CREATE FUNCTION tuor.event_frontier() RETURNS bigint
    LANGUAGE sql STABLE
    RETURN tuor.event_base() + pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- Events from before this migration all lie below any horizon, in the order of their ids.
ALTER TABLE tuor.trace_events ADD COLUMN pos bigint, ADD COLUMN seq bigint;
UPDATE tuor.trace_events e SET pos = 0, seq = n.seq
    FROM (SELECT org_id, trace_id, id, row_number() OVER (ORDER BY id) AS seq FROM tuor.trace_events) n
    WHERE e.org_id = n.org_id AND e.trace_id = n.trace_id AND e.id = n.id;
SELECT setval('tuor.event_seq', (SELECT count(*) + 1 FROM tuor.trace_events), false);
ALTER TABLE tuor.trace_events
    ALTER COLUMN pos SET NOT NULL, ALTER COLUMN pos SET DEFAULT tuor.event_position(),
    ALTER COLUMN seq SET NOT NULL, ALTER COLUMN seq SET DEFAULT nextval('tuor.event_seq');
CREATE INDEX trace_events_order ON tuor.trace_events (org_id, pos, seq);

-- The database is a copy in another cluster, with events at places that this cluster's transactions
-- have not reached: let them count from behind those. Events that were written here before anybody
-- noticed go there too; the sequence, which was copied, tells them. Whoever calls it has seen an event
-- at or beyond the frontier. @return whether anything had to be done
CREATE FUNCTION tuor.event_rebase() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    base bigint;
    frontier bigint;
    top bigint;         -- the last place of the other cluster's
    top_seq bigint;
    low bigint;         -- the first place of this cluster's
BEGIN
    LOCK TABLE tuor.trace_events IN SHARE ROW EXCLUSIVE MODE;
    base := tuor.event_base();
    frontier := tuor.event_frontier();
    SELECT max(e.pos), max(e.seq) INTO top, top_seq FROM tuor.trace_events e WHERE e.pos >= frontier;
    IF top IS NULL THEN
        RETURN false;
    END IF;
    SELECT least(min(e.pos), frontier - 1) INTO low FROM tuor.trace_events e WHERE e.seq > top_seq;
    UPDATE tuor.trace_events e SET pos = e.pos + top + 1 - low WHERE e.seq > top_seq;
    EXECUTE format('CREATE OR REPLACE FUNCTION tuor.event_base() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE'
                   ' RETURN %s::bigint', base + top + 1 - low);
    RETURN true;
END $$;

-- Which of those who wait have something to read: their numbers, from 1.
CREATE FUNCTION tuor.events_news(org text[], pos text[], seq text[]) RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
    SELECT w.n
        FROM unnest(org, pos, seq) WITH ORDINALITY AS w (org, pos, seq, n),
             LATERAL (SELECT e.pos FROM tuor.trace_events e
                      WHERE e.org_id = w.org AND (e.pos, e.seq) > (w.pos::bigint, w.seq::bigint)
                      ORDER BY e.org_id, e.pos, e.seq LIMIT 1) AS first
        WHERE first.pos < tuor.event_horizon()
$$;

-- A page of the feed: the events behind a place, most of them at most, of some types if there are any
-- given. Looks at scan events at most, whether they match or not, and takes no more of them than have
-- room_bytes of comments and diffs, but one; a long value's length costs no unpacking. There is always a
-- row: the first seven columns say how far this snapshot goes and what was looked at. One statement, so
-- that horizon and rows belong together; its plan must not depend on how large the tables were once.
CREATE FUNCTION tuor.events_page(after_pos bigint, after_seq bigint, most bigint, types text[], scan bigint, room_bytes bigint)
    RETURNS TABLE (horizon bigint, frontier bigint, ahead boolean, scanned bigint, matched bigint, last_pos bigint, last_seq bigint,
                   pos bigint, seq bigint, id text, type text, actor_type text, actor_id text, occurred_at timestamptz,
                   status_before text, status_after text, version int, comment text, correction_diff text, tag_id text,
                   trace_id text, project_id text)
    LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off
BEGIN ATOMIC
    WITH seen AS MATERIALIZED (
        SELECT e.pos, e.seq, e.trace_id, e.id, e.type,
               coalesce(octet_length(e.correction_diff), 0) + coalesce(octet_length(e.comment), 0) AS size
            FROM tuor.trace_events e
            WHERE e.org_id = tuor.org() AND (e.pos, e.seq) > (after_pos, after_seq) AND e.pos < tuor.event_horizon()
            ORDER BY e.org_id, e.pos, e.seq LIMIT scan
    ), wanted AS MATERIALIZED (
        SELECT s.pos, s.seq, s.trace_id, s.id, sum(s.size) OVER (ORDER BY s.pos, s.seq) - s.size AS before
            FROM seen s WHERE types IS NULL OR s.type = ANY (types)
            ORDER BY s.pos, s.seq LIMIT most + 1
    ), meta AS (
        SELECT tuor.event_horizon() AS horizon, tuor.event_frontier() AS frontier,
               coalesce((SELECT e.pos FROM tuor.trace_events e WHERE e.org_id = tuor.org()
                         ORDER BY e.org_id DESC, e.pos DESC, e.seq DESC LIMIT 1) >= tuor.event_frontier(), false) AS ahead,
               (SELECT count(*) FROM seen) AS scanned, (SELECT count(*) FROM wanted) AS matched, last.pos, last.seq
            FROM (VALUES (1)) AS one
            LEFT JOIN (SELECT s.pos, s.seq FROM seen s ORDER BY s.pos DESC, s.seq DESC LIMIT 1) last ON true
    )
    SELECT m.horizon, m.frontier, m.ahead, m.scanned, m.matched, m.pos, m.seq, x.*
        FROM meta m
        LEFT JOIN (
            SELECT w.pos, w.seq, e.*, w.trace_id, t.project_id
                FROM wanted w,
                     LATERAL (SELECT e.id, e.type, e.actor_type, e.actor_id, e.occurred_at, e.status_before, e.status_after,
                                     e.version, e.comment, e.correction_diff, e.tag_id
                              FROM tuor.trace_events e
                              WHERE e.org_id = tuor.org() AND e.trace_id = w.trace_id AND e.id = w.id LIMIT 1) e,
                     LATERAL (SELECT t.project_id FROM tuor.traces t
                              WHERE t.org_id = tuor.org() AND t.id = w.trace_id LIMIT 1) t
                WHERE w.before < room_bytes
        ) x ON true
        ORDER BY x.pos, x.seq;
END;

REVOKE ALL ON FUNCTION tuor.event_base(), tuor.event_position(), tuor.event_horizon(), tuor.event_frontier(),
    tuor.event_rebase(), tuor.events_news(text[], text[], text[]),
    tuor.events_page(bigint, bigint, bigint, text[], bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.event_base(), tuor.event_position(), tuor.event_horizon(), tuor.event_frontier(),
    tuor.event_rebase(), tuor.events_news(text[], text[], text[]),
    tuor.events_page(bigint, bigint, bigint, text[], bigint, bigint) TO tuor_app;
