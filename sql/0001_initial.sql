-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- The first schema. Applied by tuorctl migrate as the owner of the database, in one transaction.
--
-- org_id leads every primary and foreign key. The application role tuor_app is neither owner nor
-- superuser: row-level security shows it the rows of tuor.org() alone, which tuor.enter_*() sets for
-- the length of one transaction. Whatever must look across organizations (the check of a key, the
-- ingest of a batch, the webhook dispatcher) is a SECURITY DEFINER function with a fixed search_path.

CREATE SCHEMA tuor;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tuor_app') THEN
        CREATE ROLE tuor_app LOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role tuor_app does not exist: as a superuser, CREATE ROLE tuor_app LOGIN PASSWORD ''…''';
END $$;

CREATE TABLE tuor.schema_migrations (
    version     int PRIMARY KEY,
    name        text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION tuor.schema_version() RETURNS int
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT max(version) FROM tuor.schema_migrations';

-- The organization of the running transaction; '' sees nothing.
CREATE FUNCTION tuor.org() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT current_setting('tuor.org_id', true) $$;

-- ------------------------------------------------------------------ who

CREATE TABLE tuor.organizations (
    org_id      text COLLATE "C" PRIMARY KEY,
    name        text NOT NULL,
    suspended   boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A login that belongs to several organizations has the same user_id in each.
CREATE TABLE tuor.members (
    org_id      text COLLATE "C" NOT NULL REFERENCES tuor.organizations,
    user_id     text COLLATE "C" NOT NULL,
    login       text COLLATE "C" NOT NULL,
    name        text,
    role        text NOT NULL CHECK (role IN ('viewer', 'reviewer', 'admin')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, user_id),
    UNIQUE (org_id, login)
);
CREATE INDEX members_login ON tuor.members (login);

CREATE TABLE tuor.api_keys (
    org_id      text COLLATE "C" NOT NULL REFERENCES tuor.organizations,
    id          text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    hash        bytea NOT NULL UNIQUE,          -- SHA-256; the key itself is kept nowhere
    last4       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text COLLATE "C",
    last_used_at timestamptz,                   -- to the minute
    revoked_at  timestamptz,
    PRIMARY KEY (org_id, id)
);

-- ----------------------------------------------------------------- what

CREATE TABLE tuor.projects (
    org_id          text COLLATE "C" NOT NULL REFERENCES tuor.organizations,
    id              text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    input_type      text NOT NULL DEFAULT 'text',
    output_type     text NOT NULL DEFAULT 'key_value',
    guidelines      text,
    webhook_url     text,
    webhook_secret  text,
    webhook_active  boolean NOT NULL DEFAULT false,
    archived        boolean NOT NULL DEFAULT false,
    managed         text[] NOT NULL DEFAULT '{}',       -- members that httpd.conf declares
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CHECK (NOT webhook_active OR (webhook_url IS NOT NULL AND webhook_secret IS NOT NULL))
);

CREATE TABLE tuor.tags (
    org_id      text COLLATE "C" NOT NULL REFERENCES tuor.organizations,
    id          text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    color       text NOT NULL DEFAULT '#6b7280',
    description text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX tags_name ON tuor.tags (org_id, lower(name));

-- Payloads are bytes: validated, compacted and otherwise untouched JSON. Their members are never
-- looked into here; the three of trace_config that filters know are columns.
-- Ids are time-ordered, and created_at is the id's own time, so every list can go by id.
CREATE TABLE tuor.traces (
    org_id          text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    project_id      text COLLATE "C" NOT NULL,
    status          text COLLATE "C" NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'approved', 'rejected', 'corrected')),
    version         int NOT NULL DEFAULT 1,
    tagged          boolean NOT NULL DEFAULT false,     -- false: trace_tags has no row of it
    created_at      timestamptz NOT NULL,
    created_by      text COLLATE "C",
    updated_at      timestamptz NOT NULL,
    updated_by      text COLLATE "C",
    last_reviewed_at timestamptz,
    last_reviewed_by text COLLATE "C",
    deleted_at      timestamptz,
    deleted_by      text COLLATE "C",
    restored_at     timestamptz,
    restored_by     text COLLATE "C",
    model           text COLLATE "C",
    prompt_version_id text COLLATE "C",
    internal_run_id text COLLATE "C",
    model_input     text COMPRESSION lz4 NOT NULL,
    model_output    text COMPRESSION lz4 NOT NULL,
    trace_config    text COMPRESSION lz4,
    corrected_output text COMPRESSION lz4,
    correction_diff text COMPRESSION lz4,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, project_id) REFERENCES tuor.projects
);
CREATE INDEX traces_project ON tuor.traces (org_id, project_id, id);

CREATE TABLE tuor.trace_tags (
    org_id      text COLLATE "C" NOT NULL,
    trace_id    text COLLATE "C" NOT NULL,
    tag_id      text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, trace_id, tag_id),
    FOREIGN KEY (org_id, trace_id) REFERENCES tuor.traces,
    FOREIGN KEY (org_id, tag_id) REFERENCES tuor.tags ON DELETE CASCADE
);
CREATE INDEX trace_tags_tag ON tuor.trace_tags (org_id, tag_id, trace_id);

-- The audit trail: who did what to a trace, in order.
CREATE TABLE tuor.trace_events (
    org_id          text COLLATE "C" NOT NULL,
    trace_id        text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    type            text COLLATE "C" NOT NULL,
    actor_type      text COLLATE "C" NOT NULL,
    actor_id        text COLLATE "C",
    occurred_at     timestamptz NOT NULL,
    status_before   text COLLATE "C",
    status_after    text COLLATE "C" NOT NULL,
    version         int NOT NULL,
    comment         text COMPRESSION lz4,
    tag_id          text COLLATE "C",
    correction_diff text COMPRESSION lz4,
    PRIMARY KEY (org_id, trace_id, id),
    FOREIGN KEY (org_id, trace_id) REFERENCES tuor.traces
);

-- ------------------------------------------------------ row-level security

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organizations', 'members', 'api_keys', 'projects', 'tags', 'traces', 'trace_tags',
                             'trace_events'] LOOP
        EXECUTE format('ALTER TABLE tuor.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY org ON tuor.%I USING (org_id = tuor.org()) WITH CHECK (org_id = tuor.org())', t);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA tuor TO tuor_app;
GRANT SELECT ON tuor.organizations TO tuor_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tuor.members, tuor.tags, tuor.trace_tags TO tuor_app;
GRANT SELECT, INSERT, UPDATE ON tuor.api_keys, tuor.projects, tuor.traces TO tuor_app;
GRANT SELECT, INSERT ON tuor.trace_events TO tuor_app;

-- ------------------------------------------------------------- functions

-- Check a key and let the transaction into its organization. No row: no such key, or revoked.
-- A suspended organization is told but not entered.
CREATE FUNCTION tuor.enter_key(key_hash bytea,
                               OUT id text, OUT name text, OUT org_id text, OUT org_name text, OUT suspended boolean)
    RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entered text;
    stale boolean;
BEGIN
    SELECT k.id, k.name, k.org_id, o.name, o.suspended,
           set_config('tuor.org_id', CASE WHEN o.suspended THEN '' ELSE k.org_id END, true),
           k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute'
        INTO enter_key.id, enter_key.name, enter_key.org_id, enter_key.org_name, enter_key.suspended, entered, stale
        FROM tuor.api_keys k JOIN tuor.organizations o ON o.org_id = k.org_id
        WHERE k.hash = key_hash AND k.revoked_at IS NULL;
    IF NOT FOUND THEN
        PERFORM set_config('tuor.org_id', '', true);
        RETURN;
    END IF;
    IF stale THEN
        PERFORM tuor.touch_key(enter_key.org_id, enter_key.id);
    END IF;
    RETURN NEXT;
END $$;

-- Note that a key was used: at most one writer a minute, and nobody waits for it.
CREATE FUNCTION tuor.touch_key(of_org text, of_key text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    PERFORM 1 FROM tuor.api_keys k
        WHERE k.org_id = of_org AND k.id = of_key
          AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE tuor.api_keys k SET last_used_at = now() WHERE k.org_id = of_org AND k.id = of_key;
    END IF;
END $$;

-- The organizations of a login, those that are active first in the order of their names.
CREATE FUNCTION tuor.memberships(of_login text)
    RETURNS TABLE (org_id text, org_name text, suspended boolean, user_id text, name text, role text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.org_id, o.name, o.suspended, m.user_id, m.name, m.role
        FROM tuor.members m JOIN tuor.organizations o ON o.org_id = m.org_id
        WHERE m.login = of_login
        ORDER BY o.suspended, o.name, m.org_id
$$;

-- Let the transaction into an organization of a member's. No row: no member any more, or suspended.
CREATE FUNCTION tuor.enter_member(of_org text, of_user text, OUT role text)
    RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT m.role INTO enter_member.role
        FROM tuor.members m JOIN tuor.organizations o ON o.org_id = m.org_id
        WHERE m.org_id = of_org AND m.user_id = of_user AND NOT o.suspended;
    PERFORM set_config('tuor.org_id', CASE WHEN FOUND THEN of_org ELSE '' END, true);
    IF FOUND AND enter_member.role IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END $$;

-- Let a transaction of the server's own into an organization.
CREATE FUNCTION tuor.enter_org(of_org text) RETURNS void
    LANGUAGE sql
    AS $$ SELECT set_config('tuor.org_id', coalesce(of_org, ''), true) $$;

-- id, name, color and description of each tag of a trace, flat, in the order of the names. A function, so
-- that a statement that meets no tagged trace need not plan and set up these joins.
CREATE FUNCTION tuor.tags_of(of_org text, of_trace text) RETURNS text[]
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN ARRAY(SELECT u.v
                     FROM tuor.trace_tags x
                     JOIN tuor.tags g ON g.org_id = x.org_id AND g.id = x.tag_id,
                     unnest(ARRAY[g.id, g.name, g.color, g.description]) WITH ORDINALITY u(v, n)
                     WHERE x.org_id = of_org AND x.trace_id = of_trace
                     ORDER BY lower(g.name), g.id, u.n);
END $$;

-- The one statement of the ingest: any number of traces of any number of callers, each with a
-- verdict of its own. A caller is a key (its hash) or a member (user and organization).
-- verdict: 'ok'; 'key' no such key; 'org' suspended or left; 'role' may not; 'project' unknown,
-- foreign or archived.
CREATE FUNCTION tuor.ingest(
        key_hash bytea[], user_id text[], user_org text[], trace_id text[], event_id text[], project text[],
        at timestamptz[], model text[], prompt_version text[], run text[],
        input text[], output text[], config text[])
    RETURNS TABLE (n bigint, verdict text, org text, actor text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    used_key text;
BEGIN
    FOR n, verdict, org, actor, used_key IN
    WITH judged AS MATERIALIZED (
        SELECT s.n, s.trace_id, s.event_id, p.id AS project_id, s.at,
               s.model, s.prompt_version, s.run, s.input, s.output, s.config,
               o.org_id, coalesce(k.id, m.user_id) AS actor,
               CASE WHEN k.id IS NOT NULL THEN 'api_key' ELSE 'user' END AS actor_type,
               CASE WHEN s.key_hash IS NOT NULL AND k.id IS NULL THEN 'key'
                    WHEN o.org_id IS NULL OR o.suspended THEN 'org'
                    WHEN m.role <> 'admin' THEN 'role'
                    WHEN p.id IS NULL THEN 'project'
                    ELSE 'ok' END AS verdict,
               CASE WHEN k.last_used_at > now() - interval '1 minute' THEN NULL ELSE k.id END AS used_key
        FROM unnest(key_hash, user_id, user_org, trace_id, event_id, project, at,
                    model, prompt_version, run, input, output, config)
            WITH ORDINALITY AS s (key_hash, user_id, user_org, trace_id, event_id, project, at,
                                  model, prompt_version, run, input, output, config, n)
        LEFT JOIN tuor.api_keys k ON k.hash = s.key_hash AND k.revoked_at IS NULL
        LEFT JOIN tuor.members m ON s.key_hash IS NULL AND m.org_id = s.user_org AND m.user_id = s.user_id
        LEFT JOIN tuor.organizations o ON o.org_id = coalesce(k.org_id, m.org_id)
        LEFT JOIN tuor.projects p ON p.org_id = o.org_id AND p.id = s.project AND NOT p.archived
    ), trace AS (
        INSERT INTO tuor.traces AS t (org_id, id, project_id, created_at, created_by, updated_at, updated_by,
                                 model, prompt_version_id, internal_run_id, model_input, model_output, trace_config)
        SELECT j.org_id, j.trace_id, j.project_id, j.at, j.actor, j.at, j.actor,
               j.model, j.prompt_version, j.run, j.input, j.output, j.config
            FROM judged j WHERE j.verdict = 'ok'
    ), event AS (
        INSERT INTO tuor.trace_events AS e (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
        SELECT j.org_id, j.trace_id, j.event_id, 'trace.created', j.actor_type, j.actor, j.at, 'pending', 1
            FROM judged j WHERE j.verdict = 'ok'
    )
    SELECT j.n, j.verdict, j.org_id, j.actor, j.used_key FROM judged j ORDER BY j.n
    LOOP
        IF used_key IS NOT NULL THEN
            PERFORM tuor.touch_key(org, used_key);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tuor FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tuor TO tuor_app;
REVOKE EXECUTE ON FUNCTION tuor.touch_key(text, text) FROM tuor_app;
