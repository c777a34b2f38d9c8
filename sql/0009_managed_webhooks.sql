-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- <TuorProject> declares webhook_standard and webhook_secret_next, too.

-- As in 0003_managed_projects.sql. A next secret that is declared no longer is taken away, as no one could end the
-- change of secrets otherwise; other members stay.
CREATE OR REPLACE FUNCTION tuor.declare_projects(declared jsonb) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tuor.declare_projects', 0));
    RETURN QUERY
    WITH d AS MATERIALIZED (
        SELECT r.*, (SELECT min(o.org_id) FROM tuor.organizations o WHERE r.org IN (o.org_id, o.name)
                     HAVING count(*) = 1) AS org_id
            FROM jsonb_to_recordset(declared) AS r (org text, id text, name text, input_type text, output_type text,
                guidelines text, webhook_url text, webhook_secret text, webhook_active boolean, webhook_secret_next text,
                webhook_standard boolean, managed text[])
    ), made AS (
        INSERT INTO tuor.projects AS p (org_id, id, name, input_type, output_type, guidelines, webhook_url,
                                        webhook_secret, webhook_active, webhook_secret_next, webhook_standard, managed)
            SELECT d.org_id, d.id, coalesce(d.name, d.id), coalesce(d.input_type, 'text'),
                   coalesce(d.output_type, 'key_value'), d.guidelines, d.webhook_url, d.webhook_secret,
                   coalesce(d.webhook_active, false), d.webhook_secret_next, coalesce(d.webhook_standard, false), d.managed
                FROM d WHERE d.org_id IS NOT NULL
            ON CONFLICT (org_id, id) DO NOTHING
    ), wanted AS (
        SELECT p.org_id, p.id, coalesce(d.name, p.name) AS name, coalesce(d.input_type, p.input_type) AS input_type,
               coalesce(d.output_type, p.output_type) AS output_type, coalesce(d.guidelines, p.guidelines) AS guidelines,
               coalesce(d.webhook_url, p.webhook_url) AS webhook_url,
               coalesce(d.webhook_secret, p.webhook_secret) AS webhook_secret,
               coalesce(d.webhook_active, p.webhook_active) AS webhook_active,
               CASE WHEN 'webhook_secret_next' = ANY (p.managed) THEN d.webhook_secret_next
                    ELSE coalesce(d.webhook_secret_next, p.webhook_secret_next) END AS webhook_secret_next,
               coalesce(d.webhook_standard, p.webhook_standard) AS webhook_standard, d.managed
            FROM tuor.projects p JOIN d ON d.org_id = p.org_id AND d.id = p.id
    ), changed AS (
        UPDATE tuor.projects p SET
                name = w.name, input_type = w.input_type, output_type = w.output_type, guidelines = w.guidelines,
                webhook_url = w.webhook_url, webhook_secret = w.webhook_secret, webhook_active = w.webhook_active,
                webhook_secret_next = w.webhook_secret_next, webhook_standard = w.webhook_standard,
                managed = w.managed, archived = false, updated_at = now()
            FROM wanted w
            WHERE p.org_id = w.org_id AND p.id = w.id
              AND (p.name, p.input_type, p.output_type, p.guidelines, p.webhook_url, p.webhook_secret, p.webhook_active,
                   p.webhook_secret_next, p.webhook_standard, p.managed, p.archived)
                  IS DISTINCT FROM
                  (w.name, w.input_type, w.output_type, w.guidelines, w.webhook_url, w.webhook_secret, w.webhook_active,
                   w.webhook_secret_next, w.webhook_standard, w.managed, false)
    ), left_alone AS (
        UPDATE tuor.projects p SET managed = '{}', updated_at = now()
            WHERE cardinality(p.managed) > 0 AND NOT EXISTS (SELECT FROM d WHERE d.org_id = p.org_id AND d.id = p.id)
    )
    SELECT DISTINCT d.org FROM d WHERE d.org_id IS NULL;
END $$;
