-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Projects that httpd.conf declares.

-- Make the database say what the configuration says: declared projects are made or changed, members that are not
-- declared are left alone, and projects that are declared no longer stay, unmanaged. Every child of every server
-- calls this when it starts; only what differs is written. declared is a JSON array of objects {org, id, name,
-- input_type, output_type, guidelines, webhook_url, webhook_secret, webhook_active, managed: [members]}.
-- Returns the organizations (names or ids) that are unknown, or that several have as their name.
CREATE FUNCTION tuor.declare_projects(declared jsonb) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tuor.declare_projects', 0));
    RETURN QUERY
    WITH d AS MATERIALIZED (
        SELECT r.*, (SELECT min(o.org_id) FROM tuor.organizations o WHERE r.org IN (o.org_id, o.name)
                     HAVING count(*) = 1) AS org_id
            FROM jsonb_to_recordset(declared) AS r (org text, id text, name text, input_type text, output_type text,
                guidelines text, webhook_url text, webhook_secret text, webhook_active boolean, managed text[])
    ), made AS (
        INSERT INTO tuor.projects AS p (org_id, id, name, input_type, output_type, guidelines, webhook_url,
                                        webhook_secret, webhook_active, managed)
            SELECT d.org_id, d.id, coalesce(d.name, d.id), coalesce(d.input_type, 'text'),
                   coalesce(d.output_type, 'key_value'), d.guidelines, d.webhook_url, d.webhook_secret,
                   coalesce(d.webhook_active, false), d.managed
                FROM d WHERE d.org_id IS NOT NULL
            ON CONFLICT (org_id, id) DO NOTHING
    ), changed AS (
        UPDATE tuor.projects p SET
                name = coalesce(d.name, p.name), input_type = coalesce(d.input_type, p.input_type),
                output_type = coalesce(d.output_type, p.output_type), guidelines = coalesce(d.guidelines, p.guidelines),
                webhook_url = coalesce(d.webhook_url, p.webhook_url),
                webhook_secret = coalesce(d.webhook_secret, p.webhook_secret),
                webhook_active = coalesce(d.webhook_active, p.webhook_active),
                managed = d.managed, archived = false, updated_at = now()
            FROM d
            WHERE p.org_id = d.org_id AND p.id = d.id
              AND (p.name, p.input_type, p.output_type, p.guidelines, p.webhook_url, p.webhook_secret, p.webhook_active,
                   p.managed, p.archived)
                  IS DISTINCT FROM
                  (coalesce(d.name, p.name), coalesce(d.input_type, p.input_type), coalesce(d.output_type, p.output_type),
                   coalesce(d.guidelines, p.guidelines), coalesce(d.webhook_url, p.webhook_url),
                   coalesce(d.webhook_secret, p.webhook_secret), coalesce(d.webhook_active, p.webhook_active),
                   d.managed, false)
    ), left_alone AS (
        UPDATE tuor.projects p SET managed = '{}', updated_at = now()
            WHERE cardinality(p.managed) > 0 AND NOT EXISTS (SELECT FROM d WHERE d.org_id = p.org_id AND d.id = p.id)
    )
    SELECT DISTINCT d.org FROM d WHERE d.org_id IS NULL;
END $$;

REVOKE ALL ON FUNCTION tuor.declare_projects(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tuor.declare_projects(jsonb) TO tuor_app;
