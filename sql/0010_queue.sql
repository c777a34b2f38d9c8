-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- The review queue: which pending trace comes next, and who holds which for a few minutes.
--
-- A lease is advice: it keeps two people from reading the same trace, while the version check of a
-- verdict still decides. What is next costs the same for a thousand pending traces as for ten million:
-- indexes hold the pending ones alone, by project and by tag, oldest first.

CREATE INDEX traces_pending ON tuor.traces (org_id, project_id, id) WHERE status = 'pending' AND deleted_at IS NULL;

CREATE TABLE tuor.queue_leases (
    org_id      text COLLATE "C" NOT NULL,
    trace_id    text COLLATE "C" NOT NULL,
    project_id  text COLLATE "C" NOT NULL,
    holder_type text COLLATE "C" NOT NULL CHECK (holder_type IN ('user', 'api_key')),
    holder_id   text COLLATE "C" NOT NULL,
    client      text COLLATE "C" NOT NULL,          -- a tab of the holder's; '' where it said none
    leased_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (org_id, trace_id),
    FOREIGN KEY (org_id, trace_id) REFERENCES tuor.traces
) WITH (fillfactor = 70);
CREATE INDEX queue_leases_holder ON tuor.queue_leases (org_id, holder_id, client);
CREATE INDEX queue_leases_project ON tuor.queue_leases (org_id, project_id);
CREATE INDEX queue_leases_expiry ON tuor.queue_leases (org_id, expires_at);

ALTER TABLE tuor.queue_leases ENABLE ROW LEVEL SECURITY;
CREATE POLICY org ON tuor.queue_leases USING (org_id = tuor.org()) WITH CHECK (org_id = tuor.org());
GRANT SELECT, INSERT, UPDATE, DELETE ON tuor.queue_leases TO tuor_app;

-- A tag may stand on a million traces that have long been reviewed: those that are pending are told by
-- their project, which the others have none of here.
ALTER TABLE tuor.trace_tags ADD COLUMN open_project text COLLATE "C";
UPDATE tuor.trace_tags x SET open_project = t.project_id FROM tuor.traces t
    WHERE t.org_id = x.org_id AND t.id = x.trace_id AND t.status = 'pending' AND t.deleted_at IS NULL;
CREATE INDEX trace_tags_open ON tuor.trace_tags (org_id, tag_id, open_project, trace_id) WHERE open_project IS NOT NULL;

-- Whoever tags a trace or changes its state has locked it first, so neither misses what the other does.
CREATE FUNCTION tuor.trace_tags_opened() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.open_project := (SELECT t.project_id FROM tuor.traces t
                         WHERE t.org_id = NEW.org_id AND t.id = NEW.trace_id AND t.status = 'pending' AND t.deleted_at IS NULL);
    RETURN NEW;
END $$;
CREATE TRIGGER opened BEFORE INSERT ON tuor.trace_tags FOR EACH ROW EXECUTE FUNCTION tuor.trace_tags_opened();

CREATE FUNCTION tuor.traces_opened() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE tuor.trace_tags x SET open_project = CASE WHEN NEW.status = 'pending' AND NEW.deleted_at IS NULL THEN NEW.project_id END
        WHERE x.org_id = NEW.org_id AND x.trace_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER opened AFTER UPDATE OF status, deleted_at ON tuor.traces FOR EACH ROW
    WHEN (NEW.tagged AND (OLD.status = 'pending' AND OLD.deleted_at IS NULL) <> (NEW.status = 'pending' AND NEW.deleted_at IS NULL))
    EXECUTE FUNCTION tuor.traces_opened();

-- --------------------------------------------------------------- functions
-- All of them see the organization of the transaction alone. Joins go by index, row by row: a plan that
-- gathers and sorts pending traces must never be chosen, however few there were when statistics were made.

-- What a holder is called.
CREATE FUNCTION tuor.queue_name(kind text, holder text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE kind WHEN 'user' THEN (SELECT coalesce(m.name, m.login) FROM tuor.members m WHERE m.org_id = tuor.org() AND m.user_id = holder)
                     ELSE (SELECT k.name FROM tuor.api_keys k WHERE k.org_id = tuor.org() AND k.id = holder) END;
END;

-- The oldest free trace of a project, locked, unless somebody else has it locked. Leases are looked up in
-- a subquery of its own, and a tagged trace by a statement of its own: as joins they could go by any index
-- that begins with org_id, and statistics of a young table make all of those look alike.
CREATE FUNCTION tuor.queue_pick(project text, tag text, at timestamptz) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    candidate text;
    picked text;
BEGIN
    IF tag IS NULL THEN
        SELECT t.id INTO picked FROM tuor.traces t
            WHERE t.org_id = tuor.org() AND t.project_id = project AND t.status = 'pending' AND t.deleted_at IS NULL
              AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = t.id), '-infinity') <= at
            ORDER BY t.id LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED;
        RETURN picked;
    END IF;
    FOR candidate IN
        SELECT x.trace_id FROM tuor.trace_tags x
            WHERE x.org_id = tuor.org() AND x.tag_id = tag AND x.open_project = project
              AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = x.trace_id), '-infinity') <= at
            ORDER BY x.trace_id
    LOOP
        SELECT CASE WHEN t.status = 'pending' AND t.deleted_at IS NULL THEN t.id END INTO picked FROM tuor.traces t
            WHERE t.org_id = tuor.org() AND t.id = candidate FOR NO KEY UPDATE OF t SKIP LOCKED;
        EXIT WHEN picked IS NOT NULL;
    END LOOP;
    RETURN picked;
END $$;

-- The projects that are not archived and have free traces, those with the oldest first.
CREATE FUNCTION tuor.queue_projects(tag text, at timestamptz) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF tag IS NULL THEN
        RETURN QUERY SELECT p.id FROM tuor.projects p, LATERAL (
            SELECT t.id FROM tuor.traces t
                WHERE t.org_id = tuor.org() AND t.project_id = p.id AND t.status = 'pending' AND t.deleted_at IS NULL
                  AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = t.id), '-infinity') <= at
                ORDER BY t.id LIMIT 1) AS oldest
            WHERE p.org_id = tuor.org() AND NOT p.archived ORDER BY oldest.id;
    ELSE
        RETURN QUERY SELECT p.id FROM tuor.projects p, LATERAL (
            SELECT x.trace_id FROM tuor.trace_tags x
                WHERE x.org_id = tuor.org() AND x.tag_id = tag AND x.open_project = p.id
                  AND coalesce((SELECT l.expires_at FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = x.trace_id), '-infinity') <= at
                ORDER BY x.trace_id LIMIT 1) AS oldest
            WHERE p.org_id = tuor.org() AND NOT p.archived ORDER BY oldest.trace_id;
    END IF;
END $$;

-- Lease the next trace to somebody. verdict: 'ok'; 'none' is left; 'project' or 'tag' is unknown; 'full': this
-- holder and client have as many as they may.
CREATE FUNCTION tuor.queue_next(project text, tag text, kind text, holder text, tab text, lease_ms bigint, most bigint,
                                OUT verdict text, OUT trace text, OUT of_project text, OUT leased_at timestamptz, OUT expires_at timestamptz)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    at timestamptz := clock_timestamp();
    projects text[];
    candidate text;
BEGIN
    IF project IS NOT NULL AND NOT EXISTS (SELECT FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = queue_next.project) THEN
        verdict := 'project';
        RETURN;
    END IF;
    IF tag IS NOT NULL AND NOT EXISTS (SELECT FROM tuor.tags g WHERE g.org_id = tuor.org() AND g.id = queue_next.tag) THEN
        verdict := 'tag';
        RETURN;
    END IF;
    IF (SELECT count(*) FROM tuor.queue_leases l
        WHERE l.org_id = tuor.org() AND l.holder_id = holder AND l.client = tab AND l.expires_at > at) >= most THEN
        verdict := 'full';
        RETURN;
    END IF;
    -- A few that nobody gave back.
    DELETE FROM tuor.queue_leases d WHERE (d.org_id, d.trace_id) IN (
        SELECT l.org_id, l.trace_id FROM tuor.queue_leases l
            WHERE l.org_id = tuor.org() AND l.expires_at < at - interval '1 minute' ORDER BY l.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
    -- Somebody may have leased the one that was picked and gone since we looked: then once more.
    FOR turn IN 1 .. 100 LOOP
        IF project IS NULL THEN
            projects := ARRAY(SELECT tuor.queue_projects(tag, at));
        ELSE
            projects := ARRAY(SELECT p.id FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = queue_next.project AND NOT p.archived);
        END IF;
        candidate := NULL;
        FOREACH of_project IN ARRAY projects LOOP
            candidate := tuor.queue_pick(of_project, tag, at);
            EXIT WHEN candidate IS NOT NULL;
        END LOOP;
        EXIT WHEN candidate IS NULL;
        INSERT INTO tuor.queue_leases AS l (org_id, trace_id, project_id, holder_type, holder_id, client, leased_at, expires_at)
            VALUES (tuor.org(), candidate, of_project, kind, holder, tab, at, at + lease_ms * interval '1 millisecond')
            ON CONFLICT (org_id, trace_id) DO UPDATE
                SET holder_type = excluded.holder_type, holder_id = excluded.holder_id, client = excluded.client,
                    leased_at = excluded.leased_at, expires_at = excluded.expires_at
                WHERE l.expires_at <= at
            RETURNING l.trace_id, l.leased_at, l.expires_at INTO trace, leased_at, expires_at;
        IF FOUND THEN
            verdict := 'ok';
            RETURN;
        END IF;
    END LOOP;
    verdict := 'none';
END $$;

-- Keep a lease for longer, or take the trace if it is free. verdict: 'ok'; 'trace' is unknown or deleted; 'state': it is
-- not pending; 'held' by somebody else, whom the lease then names; 'full' as above.
CREATE FUNCTION tuor.queue_hold(wanted text, kind text, holder text, tab text, lease_ms bigint, most bigint,
                                OUT verdict text, OUT status text, OUT version bigint, OUT of_project text, OUT by_type text, OUT by_id text,
                                OUT leased_at timestamptz, OUT expires_at timestamptz)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    at timestamptz := clock_timestamp();
    held record;
    mine boolean;
BEGIN
    SELECT t.status, t.version, t.project_id INTO status, version, of_project FROM tuor.traces t
        WHERE t.org_id = tuor.org() AND t.id = wanted AND t.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        verdict := 'trace';
        RETURN;
    END IF;
    IF status <> 'pending' THEN
        verdict := 'state';
        RETURN;
    END IF;
    -- The trace is locked, and nobody leases one that is not: what is read here stays.
    SELECT l.holder_type, l.holder_id, l.client, l.leased_at, l.expires_at INTO held FROM tuor.queue_leases l
        WHERE l.org_id = tuor.org() AND l.trace_id = wanted AND l.expires_at > at;
    mine := FOUND AND held.holder_id = holder AND held.client = tab;
    IF held.holder_id IS NOT NULL AND NOT mine THEN
        verdict := 'held';
        by_type := held.holder_type;
        by_id := held.holder_id;
        leased_at := held.leased_at;
        expires_at := held.expires_at;
        RETURN;
    END IF;
    IF NOT mine AND (SELECT count(*) FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.holder_id = holder
                     AND l.client = tab AND l.expires_at > at) >= most THEN
        verdict := 'full';
        RETURN;
    END IF;
    INSERT INTO tuor.queue_leases AS l (org_id, trace_id, project_id, holder_type, holder_id, client, leased_at, expires_at)
        VALUES (tuor.org(), wanted, of_project, kind, holder, tab, CASE WHEN mine THEN held.leased_at ELSE at END,
                at + lease_ms * interval '1 millisecond')
        ON CONFLICT (org_id, trace_id) DO UPDATE
            SET holder_type = excluded.holder_type, holder_id = excluded.holder_id, client = excluded.client,
                leased_at = excluded.leased_at, expires_at = excluded.expires_at
        RETURNING l.leased_at, l.expires_at INTO leased_at, expires_at;
    verdict := 'ok';
    by_type := kind;
    by_id := holder;
END $$;

-- How much is pending, leased and judged, each counted up to a limit. verdict: 'ok', 'project', 'tag'. What was judged
-- are the traces whose last verdict is of that time and stands.
CREATE FUNCTION tuor.queue_counts(project text, tag text, holder text, since timestamptz, most bigint,
                                  OUT verdict text, OUT pending bigint, OUT leased bigint, OUT mine bigint, OUT everybody bigint)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    p record;
    judged text;
    n bigint;
    own bigint;
    looked bigint := 0;
BEGIN
    IF project IS NOT NULL AND NOT EXISTS (SELECT FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = queue_counts.project) THEN
        verdict := 'project';
        RETURN;
    END IF;
    IF tag IS NOT NULL AND NOT EXISTS (SELECT FROM tuor.tags g WHERE g.org_id = tuor.org() AND g.id = queue_counts.tag) THEN
        verdict := 'tag';
        RETURN;
    END IF;
    verdict := 'ok';
    pending := 0;
    mine := 0;
    everybody := 0;
    -- Project by project, so that each count is one range of one index.
    FOR p IN SELECT j.id, j.archived FROM tuor.projects j
             WHERE j.org_id = tuor.org() AND (queue_counts.project IS NULL OR j.id = queue_counts.project) LOOP
        IF NOT p.archived AND pending < most THEN
            IF tag IS NULL THEN
                SELECT count(*) INTO n FROM (
                    SELECT FROM tuor.traces t
                        WHERE t.org_id = tuor.org() AND t.project_id = p.id AND t.status = 'pending' AND t.deleted_at IS NULL
                        ORDER BY t.id LIMIT most - pending) AS counted;
            ELSE
                SELECT count(*) INTO n FROM (
                    SELECT FROM tuor.trace_tags x
                        WHERE x.org_id = tuor.org() AND x.tag_id = queue_counts.tag AND x.open_project = p.id
                        ORDER BY x.trace_id LIMIT most - pending) AS counted;
            END IF;
            pending := pending + n;
        END IF;
        FOREACH judged IN ARRAY ARRAY['approved', 'rejected', 'corrected'] LOOP
            EXIT WHEN looked >= most;
            SELECT looked + count(*), count(*) FILTER (WHERE c.tagged), count(*) FILTER (WHERE c.tagged AND c.by = holder) INTO looked, n, own FROM (
                SELECT r.by, tag IS NULL OR coalesce((SELECT true FROM tuor.trace_tags x
                           WHERE x.org_id = tuor.org() AND x.trace_id = r.id AND x.tag_id = queue_counts.tag), false) AS tagged
                    FROM (SELECT t.id, t.last_reviewed_by AS by FROM tuor.traces t
                              WHERE t.org_id = tuor.org() AND t.project_id = p.id AND t.status = judged AND t.status <> 'pending'
                                AND t.deleted_at IS NULL AND t.last_reviewed_at >= since
                              ORDER BY t.last_reviewed_at LIMIT most - looked) AS r) AS c;
            everybody := everybody + n;
            mine := mine + own;
        END LOOP;
    END LOOP;
    SELECT count(*) INTO leased FROM (
        SELECT FROM tuor.queue_leases l
            WHERE l.org_id = tuor.org() AND l.expires_at > now() AND (queue_counts.project IS NULL OR l.project_id = queue_counts.project)
              AND (tag IS NULL OR (SELECT true FROM tuor.trace_tags x
                                   WHERE x.org_id = tuor.org() AND x.trace_id = l.trace_id AND x.tag_id = queue_counts.tag))
            ORDER BY l.expires_at DESC LIMIT most) AS counted;
END $$;

REVOKE ALL ON FUNCTION tuor.trace_tags_opened(), tuor.traces_opened(), tuor.queue_name(text, text),
    tuor.queue_pick(text, text, timestamptz), tuor.queue_projects(text, timestamptz),
    tuor.queue_next(text, text, text, text, text, bigint, bigint), tuor.queue_hold(text, text, text, text, bigint, bigint),
    tuor.queue_counts(text, text, text, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.trace_tags_opened(), tuor.traces_opened(), tuor.queue_name(text, text),
    tuor.queue_pick(text, text, timestamptz), tuor.queue_projects(text, timestamptz),
    tuor.queue_next(text, text, text, text, text, bigint, bigint), tuor.queue_hold(text, text, text, text, bigint, bigint),
    tuor.queue_counts(text, text, text, timestamptz, bigint) TO tuor_app;
