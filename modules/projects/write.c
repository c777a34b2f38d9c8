/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Projects, written: create, update, archive.
 */
#include "projects.h"

/* An active webhook needs somewhere to go and something to sign with. */
static void check_active(tuor_request *q, const tuor_project_input *in, int active, int has_url, int has_secret)
{
    if (!active || (has_url && has_secret)) {
        return;
    }
    if (in->webhook_active == 1) {
        tuor_fault(q, "webhook_active", "needs a %s: send %s first, or with it",
                   has_url ? "webhook_secret" : has_secret ? "webhook_url" : "webhook_url and a webhook_secret",
                   has_url || has_secret ? "it" : "them");
        return;
    }
    if (!has_url) {
        tuor_fault(q, "webhook_url", "cannot be removed while webhook_active is true: send webhook_active false with it");
    }
    if (!has_secret) {
        tuor_fault(q, "webhook_secret",
                   "cannot be removed while webhook_active is true: send webhook_active false with it");
    }
}

static const tuor_stmt create_stmt = {
    "projects_create",
    "INSERT INTO tuor.projects AS p (org_id, id, name, input_type, output_type, guidelines, webhook_url, webhook_secret,"
    " webhook_active, created_at, updated_at, webhook_secret_next, webhook_standard)"
    " VALUES (tuor.org(), $1, $2, coalesce($3, 'text'), coalesce($4, 'key_value'), $5, $6, $7, $8, $9, $9, $10, $11)"
    " RETURNING " TUOR_PROJECT_COLUMNS
};

tuor_error *tuor_projects_create(tuor_request *q)
{
    tuor_project_input in;
    tuor_result *res = NULL;
    const char *id;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_project_read(&in, q, 1))) {
        return err;
    }
    check_active(q, &in, in.webhook_active == 1, in.webhook_url != NULL, in.webhook_secret != NULL);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    id = tuor_id("proj", q->now, q->pool);
    err = tuor_db_exec(&res, db, &create_stmt, TUOR_ARGS(
        tuor_text(id), tuor_text(in.name), tuor_text(in.input_type), tuor_text(in.output_type),
        tuor_text(in.guidelines), tuor_text(in.webhook_url), tuor_text(in.webhook_secret),
        tuor_bool(in.webhook_active == 1), tuor_time(q->now), tuor_text(in.webhook_secret_next),
        tuor_bool(in.webhook_standard == 1)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    apr_table_setn(q->r->headers_out, "Location", apr_pstrcat(q->pool, "/v1/projects/", id, NULL));
    return tuor_project_answer(q, HTTP_CREATED, res);
}

static const tuor_stmt lock_stmt = {
    "projects_lock",
    "SELECT p.webhook_url IS NOT NULL, p.webhook_secret IS NOT NULL, p.webhook_active, p.managed"
    " FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = $1 FOR NO KEY UPDATE"
};

static const tuor_stmt update_stmt = {
    "projects_update",
    "UPDATE tuor.projects p SET name = coalesce($2, p.name), input_type = coalesce($3, p.input_type),"
    " output_type = coalesce($4, p.output_type), guidelines = CASE WHEN $5 THEN $6 ELSE p.guidelines END,"
    " webhook_url = CASE WHEN $7 THEN $8 ELSE p.webhook_url END,"
    " webhook_secret = CASE WHEN $9 THEN $10 ELSE p.webhook_secret END,"
    " webhook_active = coalesce($11, p.webhook_active), archived = coalesce($12, p.archived),"
    " webhook_secret_next = CASE WHEN $14 THEN $15 ELSE p.webhook_secret_next END,"
    " webhook_standard = coalesce($16, p.webhook_standard), updated_at = greatest($13, p.updated_at)"
    " WHERE p.org_id = tuor.org() AND p.id = $1 RETURNING " TUOR_PROJECT_COLUMNS
};

/* A member that httpd.conf declares is changed there, or it would change back at the next start. */
static tuor_error *check_managed(tuor_request *q, const tuor_project_input *in, const apr_array_header_t *managed)
{
    const char *list = "";
    int n = 0;

    for (int f = 0; f < TUOR_P_FIELDS; f++) {
        for (int i = 0; in->sent[f] && i < managed->nelts; i++) {
            if (strcmp(APR_ARRAY_IDX(managed, i, const char *), tuor_project_member(f)) == 0) {
                list = apr_pstrcat(q->pool, list, n++ ? ", " : "", tuor_project_member(f), NULL);
                break;
            }
        }
    }
    return n ? tuor_error_make(q->pool, HTTP_CONFLICT, "The server's configuration declares %s of this project: "
                               "change %s there", list, n > 1 ? "them" : "it")
             : NULL;
}

/* What the row as it stands has to say to the change; the row is locked. */
static tuor_error *check_row(tuor_request *q, const tuor_project_input *in, const tuor_result *res)
{
    int has_url = in->sent[TUOR_P_WEBHOOK_URL] ? in->webhook_url != NULL : tuor_result_int(res, 0, 0) != 0;
    int has_secret = in->sent[TUOR_P_WEBHOOK_SECRET] ? in->webhook_secret != NULL : tuor_result_int(res, 0, 1) != 0;
    int active = in->webhook_active < 0 ? tuor_result_int(res, 0, 2) != 0 : in->webhook_active;
    tuor_error *err;

    check_active(q, in, active, has_url, has_secret);
    err = tuor_faults(q);
    return err ? err : check_managed(q, in, tuor_result_texts(res, 0, 3, q->pool));
}

tuor_error *tuor_projects_update(tuor_request *q)
{
    tuor_project_input in;
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_project_read(&in, q, 0)) || (err = tuor_db_begin(&db, q, TUOR_DB_ATOMIC))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &lock_stmt, TUOR_ARGS(tuor_text(q->param[0])));
    if (!err) {
        err = tuor_result_rows(res) ? check_row(q, &in, res) : tuor_error_not_found(q->pool, "project");
    }
    if (!err) {
        err = tuor_db_exec_commit(&res, db, &update_stmt, TUOR_ARGS(
            tuor_text(q->param[0]), tuor_text(in.name), tuor_text(in.input_type), tuor_text(in.output_type),
            tuor_bool(in.sent[TUOR_P_GUIDELINES]), tuor_text(in.guidelines),
            tuor_bool(in.sent[TUOR_P_WEBHOOK_URL]), tuor_text(in.webhook_url),
            tuor_bool(in.sent[TUOR_P_WEBHOOK_SECRET]), tuor_text(in.webhook_secret),
            tuor_bool(in.webhook_active), tuor_bool(in.archived), tuor_time(q->now),
            tuor_bool(in.sent[TUOR_P_WEBHOOK_SECRET_NEXT]), tuor_text(in.webhook_secret_next),
            tuor_bool(in.webhook_standard)));
    }
    tuor_db_end(db);
    return err ? err : tuor_project_answer(q, HTTP_OK, res);
}

/* Nothing is lost: traces, reviews and deliveries stay, and PUT {"archived": false} undoes it. */
static const tuor_stmt archive_stmt = {
    "projects_archive",
    "UPDATE tuor.projects p SET archived = true,"
    " updated_at = CASE WHEN p.archived THEN p.updated_at ELSE greatest($2, p.updated_at) END"
    " WHERE p.org_id = tuor.org() AND p.id = $1 AND cardinality(p.managed) = 0 RETURNING " TUOR_PROJECT_COLUMNS
};

static const tuor_stmt exists_stmt = {
    "projects_exists",
    "SELECT 1 FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = $1"
};

tuor_error *tuor_projects_archive(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q))
        || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &archive_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_time(q->now)));
    if (!err && !tuor_result_rows(res)) {
        err = tuor_db_exec(&res, db, &exists_stmt, TUOR_ARGS(tuor_text(q->param[0])));
        if (!err) {
            err = tuor_result_rows(res)
                ? tuor_error_make(q->pool, HTTP_CONFLICT, "The server's configuration declares this project: "
                                  "take it out there first")
                : tuor_error_not_found(q->pool, "project");
        }
    }
    tuor_db_end(db);
    return err ? err : tuor_project_answer(q, HTTP_OK, res);
}
