/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Prompts, read: the active one with the history of a project, and one version.
 */
#include "prompts.h"

/* Of 16 KB each at most; a long history is fetched and sent in turns. */
#define BATCH 100

static const tuor_stmt project_stmt = {
    "prompts_project",
    "SELECT 1 FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = $1"
};

static const tuor_stmt history_stmt = {
    "prompts_history",
    "SELECT " PROMPT_COLUMNS " FROM tuor.prompts p WHERE p.org_id = tuor.org() AND p.project_id = $1 AND p.version < $2"
    " ORDER BY p.version DESC LIMIT " APR_STRINGIFY(BATCH)
};

static apr_int64_t version_of(const tuor_result *res, int row)
{
    return tuor_result_int(res, row, 3);
}

/* The versions below one, newest first. Without any, is there at least the project? */
static tuor_error *fetch(tuor_result **res, tuor_request *q, apr_int64_t below, int first)
{
    tuor_result *project;
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    if (err) {
        return err;
    }
    err = tuor_db_exec(res, db, &history_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_int(below)));
    if (!err && first && !tuor_result_rows(*res)) {
        err = tuor_db_exec(&project, db, &project_stmt, TUOR_ARGS(tuor_text(q->param[0])));
        if (!err && !tuor_result_rows(project)) {
            err = tuor_error_not_found(q->pool, "project");
        }
    }
    tuor_db_end(db);
    return err;
}

/* The newest version is the active one, always: what is saved becomes active. */
tuor_error *prompts_list(tuor_request *q)
{
    tuor_result *res;
    tuor_reply *rp;
    apr_int64_t last;
    int i, n, first = 1;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q)) || (err = fetch(&res, q, APR_INT32_MAX, 1))) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    tuor_reply_puts(rp, "{\"active\":");
    if (tuor_result_rows(res)) {
        prompt_write(rp, res, 0, q->pool);
    }
    else {
        tuor_reply_puts(rp, "null");
    }
    tuor_reply_puts(rp, ",\"history\":[");
    for (;;) {
        n = tuor_result_rows(res);
        for (i = 0; i < n; i++) {
            tuor_reply_puts(rp, first ? "\n" : ",\n");
            prompt_write(rp, res, i, q->pool);
            first = 0;
        }
        if (n < BATCH) {
            break;
        }
        last = version_of(res, n - 1);
        if (tuor_reply_flush(rp)) {
            return NULL;
        }
        tuor_result_clear(res);
        if (fetch(&res, q, last, 0)) {
            return tuor_reply_abort(rp);
        }
    }
    tuor_reply_puts(rp, "]}\n");
    return tuor_reply_end(rp);
}

static const tuor_stmt get_stmt = {
    "prompts_get",
    "SELECT " PROMPT_COLUMNS " FROM tuor.prompts p WHERE p.org_id = tuor.org() AND p.project_id = $1 AND p.id = $2"
};

tuor_error *prompts_get(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &get_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_text(q->param[1])));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    return tuor_result_rows(res) ? prompt_answer(q, HTTP_OK, res) : tuor_error_not_found(q->pool, "prompt");
}
