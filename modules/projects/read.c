/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Projects, read: the list and one of them.
 */
#include "projects.h"

static void write_text(tuor_reply *rp, const char *key, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, key);
    tuor_reply_json(rp, tuor_result_text(res, row, col));
}

static void write_bool(tuor_reply *rp, const char *key, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, key);
    tuor_reply_puts(rp, tuor_result_int(res, row, col) ? "true" : "false");
}

void tuor_project_write(tuor_reply *rp, const tuor_result *res, int row)
{
    write_text(rp, "{\"id\":", res, row, 0);
    write_text(rp, ",\"org_id\":", res, row, 1);
    write_text(rp, ",\"name\":", res, row, 2);
    write_text(rp, ",\"input_type\":", res, row, 3);
    write_text(rp, ",\"output_type\":", res, row, 4);
    write_text(rp, ",\"guidelines\":", res, row, 5);
    write_text(rp, ",\"webhook_url\":", res, row, 6);
    write_bool(rp, ",\"webhook_active\":", res, row, 7);
    write_bool(rp, ",\"webhook_secret_set\":", res, row, 8);
    write_bool(rp, ",\"webhook_secret_next_set\":", res, row, 13);
    write_bool(rp, ",\"webhook_standard\":", res, row, 14);
    write_bool(rp, ",\"archived\":", res, row, 9);
    write_bool(rp, ",\"managed\":", res, row, 10);
    tuor_reply_puts(rp, ",\"created_at\":");
    tuor_reply_time(rp, tuor_result_time(res, row, 11));
    tuor_reply_puts(rp, ",\"updated_at\":");
    tuor_reply_time(rp, tuor_result_time(res, row, 12));
    tuor_reply_puts(rp, "}");
}

tuor_error *tuor_project_answer(tuor_request *q, int status, const tuor_result *res)
{
    tuor_reply *rp = tuor_reply_begin(q, status, "application/json");

    tuor_project_write(rp, res, 0);
    return tuor_reply_end(rp);
}

/* Without limit it is all of them: whoever chooses a project wants the whole list, and it is short. */
static const tuor_stmt list_stmt = {
    "projects_list",
    "SELECT " TUOR_PROJECT_COLUMNS " FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.archived = $1"
    " ORDER BY lower(p.name), p.name, p.id LIMIT $2 OFFSET $3"
};

tuor_error *tuor_projects_list(tuor_request *q)
{
    tuor_param params[] = { { "archived", NULL }, { "skip", NULL }, { "limit", NULL } };
    tuor_result *res = NULL;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;
    apr_int64_t skip, limit;
    int archived, i;

    if ((err = tuor_query(q, params, 3))) {
        return err;
    }
    archived = params[0].value && strcmp(params[0].value, "true") == 0;
    if (params[0].value && !archived && strcmp(params[0].value, "false") != 0) {
        tuor_fault(q, "archived", "must be true or false");
    }
    skip = tuor_param_int(q, &params[1], 0, APR_INT64_MAX, 0);
    limit = tuor_param_int(q, &params[2], 1, 500, APR_INT64_MAX);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &list_stmt, TUOR_ARGS(tuor_bool(archived), tuor_int(limit), tuor_int(skip)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    for (i = 0; i < tuor_result_rows(res); i++) {
        tuor_reply_puts(rp, i ? ",\n" : "[");
        tuor_project_write(rp, res, i);
    }
    tuor_reply_puts(rp, i ? "]" : "[]");
    return tuor_reply_end(rp);
}

static const tuor_stmt get_stmt = {
    "projects_get",
    "SELECT " TUOR_PROJECT_COLUMNS " FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = $1"
};

tuor_error *tuor_projects_get(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q))
        || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &get_stmt, TUOR_ARGS(tuor_text(q->param[0])));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    return tuor_result_rows(res) ? tuor_project_answer(q, HTTP_OK, res) : tuor_error_not_found(q->pool, "project");
}
