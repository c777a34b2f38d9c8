/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/projects/{id}/prompts, and what it shares with accept-refinement: a new version, active
 * at once.
 */
#include "prompts.h"

/* Far more than a prompt may have: the limit counts bytes, not characters. */
#define ANY_LENGTH (APR_SIZE_MAX / 2)

const char *prompt_field_content(tuor_request *q, const tuor_json_field *f, int required)
{
    const char *s = tuor_field_string(q, f, required, 0, ANY_LENGTH);

    if (s && !*s) {
        tuor_fault(q, f->name, "must not be empty");
        return NULL;
    }
    if (s && strlen(s) > TUOR_PROMPT_MAX) {
        tuor_fault(q, f->name, "has %" APR_SIZE_T_FMT " bytes; the limit is %d bytes (16 KB)", strlen(s), TUOR_PROMPT_MAX);
        return NULL;
    }
    return s;
}

static const tuor_stmt lock_stmt = {
    "prompts_lock_project",
    "SELECT p.archived FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = $1 FOR NO KEY UPDATE"
};

tuor_error *prompt_error_archived(tuor_request *q)
{
    return tuor_error_make(q->pool, HTTP_NOT_FOUND,
                           "The project is archived: PUT {\"archived\": false} to it brings it back");
}

tuor_error *prompt_lock_project(tuor_db *db, tuor_request *q)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &lock_stmt, TUOR_ARGS(tuor_text(q->param[0])));

    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "project");
    }
    return tuor_result_int(res, 0, 0) ? prompt_error_archived(q) : NULL;
}

static const tuor_stmt retire_stmt = {
    "prompts_retire",
    "UPDATE tuor.prompts p SET is_active = false WHERE p.org_id = tuor.org() AND p.project_id = $1 AND p.is_active"
};

/* A request that came in first may get the lock last: versions and times still go the same way. */
static const tuor_stmt insert_stmt = {
    "prompts_insert",
    "INSERT INTO tuor.prompts AS p (org_id, id, project_id, version, content, source, is_active, parent_id, rationale,"
    " lineage_event_ids, created_at, created_by)"
    " SELECT tuor.org(), $2, $1, coalesce(max(o.version), 0) + 1, $3, $4, true, $5, $6, coalesce($7, '{}'::text[]),"
    " greatest($8, max(o.created_at)), $9"
    " FROM tuor.prompts o WHERE o.org_id = tuor.org() AND o.project_id = $1"
    " RETURNING " PROMPT_COLUMNS
};

tuor_error *prompt_save(tuor_result **res, tuor_db *db, tuor_request *q, const prompt_version *v)
{
    const char *project = q->param[0], *id = tuor_id("prm", q->now, q->pool);
    tuor_error *err = tuor_db_exec(NULL, db, &retire_stmt, TUOR_ARGS(tuor_text(project)));

    if (!err) {
        err = tuor_db_exec(res, db, &insert_stmt, TUOR_ARGS(
            tuor_text(project), tuor_text(id), tuor_text(v->content), tuor_text(v->source), tuor_text(v->parent_id),
            tuor_text(v->rationale), tuor_texts(v->lineage), tuor_time(q->now), tuor_text(q->who->id)));
    }
    if (!err) {
        apr_table_setn(q->r->headers_out, "Location", apr_pstrcat(q->pool, "/v1/projects/", project, "/prompts/", id, NULL));
    }
    return err;
}

tuor_error *prompts_create(tuor_request *q)
{
    tuor_json_field content = { .name = "content" };
    prompt_version v = { .source = "manual" };
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_body_json(q, &content, 1, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    v.content = prompt_field_content(q, &content, 1);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_ATOMIC))) {
        return err;
    }
    err = prompt_lock_project(db, q);
    if (!err) {
        err = prompt_save(&res, db, q, &v);
    }
    if (!err) {
        err = tuor_db_commit(db);
    }
    tuor_db_end(db);
    return err ? err : prompt_answer(q, HTTP_CREATED, res);
}
