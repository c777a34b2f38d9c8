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

REVOKE ALL ON FUNCTION tuor.event_base(), tuor.event_position(), tuor.event_horizon(), tuor.event_frontier(),
    tuor.event_rebase(), tuor.events_news(text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.event_base(), tuor.event_position(), tuor.event_horizon(), tuor.event_frontier(),
    tuor.event_rebase(), tuor.events_news(text[], text[], text[]) TO tuor_app;
