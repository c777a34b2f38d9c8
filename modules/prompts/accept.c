/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/projects/{id}/prompts/accept-refinement: a suggestion, edited or not, becomes the active
 * prompt. Under the project's lock, so a suggestion is accepted once and only on top of its parent.
 */
#include "prompts.h"

#define ID_MAX 100

enum { F_SUGGESTION, F_CONTENT, F_FIELDS };

static const tuor_stmt find_stmt = {
    "prompts_find_suggestion",
    "SELECT s.parent_id, s.content, s.rationale, s.lineage_event_ids, s.prompt_id, p.is_active"
    " FROM tuor.prompt_suggestions s JOIN tuor.prompts p ON p.org_id = s.org_id AND p.id = s.parent_id"
    " WHERE s.org_id = tuor.org() AND s.project_id = $1 AND s.id = $2"
};

static const tuor_stmt accept_stmt = {
    "prompts_accept_suggestion",
    "UPDATE tuor.prompt_suggestions s SET prompt_id = $2 WHERE s.org_id = tuor.org() AND s.id = $1"
};

static tuor_error *find(prompt_version *v, tuor_db *db, tuor_request *q, const char *id)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &find_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_text(id)));

    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "suggestion");
    }
    if (!tuor_result_null(res, 0, 4)) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "The suggestion has been accepted already, as %s",
                               tuor_result_text(res, 0, 4));
    }
    if (!tuor_result_int(res, 0, 5)) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "The prompt that was refined, %s, is no longer active: "
                               "refine the one that is", tuor_result_text(res, 0, 0));
    }
    v->parent_id = tuor_result_text(res, 0, 0);
    v->content = v->content ? v->content : tuor_result_text(res, 0, 1);
    v->rationale = tuor_result_text(res, 0, 2);
    v->lineage = tuor_result_texts(res, 0, 3, q->pool);
    return NULL;
}

tuor_error *prompts_accept(tuor_request *q)
{
    tuor_json_field f[F_FIELDS] = { { .name = "suggestion_id" }, { .name = "content" } };
    prompt_version v = { .source = "refinement" };
    const char *id;
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_body_json(q, f, F_FIELDS, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    id = tuor_field_string(q, &f[F_SUGGESTION], 1, 1, ID_MAX);
    v.content = prompt_field_content(q, &f[F_CONTENT], 0);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_ATOMIC))) {
        return err;
    }
    err = prompt_lock_project(db, q);
    if (!err) {
        err = find(&v, db, q, id);
    }
    if (!err) {
        err = prompt_save(&res, db, q, &v);
    }
    if (!err) {
        err = tuor_db_exec_commit(NULL, db, &accept_stmt, TUOR_ARGS(tuor_text(id), tuor_text(tuor_result_text(res, 0, 0))));
    }
    tuor_db_end(db);
    return err ? err : prompt_answer(q, HTTP_CREATED, res);
}
