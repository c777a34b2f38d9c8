-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- The project's row is not locked for every trace: a tenth of PostgreSQL's time in a shared commit.

-- The statement that writes a trace finds its project first (ingest_judge(), ingest_one()), nothing moves a trace to
-- another one, and projects are archived, never removed. So what is left to guard is a DELETE by hand.
ALTER TABLE tuor.traces DROP CONSTRAINT traces_org_id_project_id_fkey;

CREATE FUNCTION tuor.project_stays() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM tuor.traces t WHERE t.org_id = OLD.org_id AND t.project_id = OLD.id) THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('project %s has traces', OLD.id),
            HINT = 'Archive it, or remove its traces first.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER stays BEFORE DELETE OR UPDATE OF org_id, id ON tuor.projects FOR EACH ROW EXECUTE FUNCTION tuor.project_stays();
