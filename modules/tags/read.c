/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Tags, read: the list and one of them.
 */
#include "tags.h"

void tuor_tag_write(tuor_reply *rp, const tuor_result *res, int row)
{
    tuor_reply_puts(rp, "{\"id\":");
    tuor_reply_json(rp, tuor_result_text(res, row, 0));
    tuor_reply_puts(rp, ",\"org_id\":");
    tuor_reply_json(rp, tuor_result_text(res, row, 1));
    tuor_reply_puts(rp, ",\"name\":");
    tuor_reply_json(rp, tuor_result_text(res, row, 2));
    tuor_reply_puts(rp, ",\"color\":");
    tuor_reply_json(rp, tuor_result_text(res, row, 3));
    tuor_reply_puts(rp, ",\"description\":");
    tuor_reply_json(rp, tuor_result_text(res, row, 4));
    tuor_reply_puts(rp, ",\"created_at\":");
    tuor_reply_time(rp, tuor_result_time(res, row, 5));
    tuor_reply_puts(rp, ",\"updated_at\":");
    tuor_reply_time(rp, tuor_result_time(res, row, 6));
    tuor_reply_puts(rp, "}");
}

tuor_error *tuor_tag_answer(tuor_request *q, int status, const tuor_result *res)
{
    tuor_reply *rp = tuor_reply_begin(q, status, "application/json");

    tuor_tag_write(rp, res, 0);
    return tuor_reply_end(rp);
}

/* Without limit it is all of them: a picker wants the whole list, and it is short. */
static const tuor_stmt list_stmt = {
    "tags_list",
    "SELECT " TUOR_TAG_COLUMNS " FROM tuor.tags t WHERE t.org_id = tuor.org()"
    " ORDER BY lower(t.name), t.id LIMIT $1 OFFSET $2"
};

tuor_error *tuor_tags_list(tuor_request *q)
{
    tuor_param params[] = { { "skip", NULL }, { "limit", NULL } };
    tuor_result *res = NULL;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;
    apr_int64_t skip, limit;
    int i;

    if ((err = tuor_query(q, params, 2))) {
        return err;
    }
    skip = tuor_param_int(q, &params[0], 0, APR_INT64_MAX, 0);
    limit = tuor_param_int(q, &params[1], 1, 500, APR_INT64_MAX);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &list_stmt, TUOR_ARGS(tuor_int(limit), tuor_int(skip)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    for (i = 0; i < tuor_result_rows(res); i++) {
        tuor_reply_puts(rp, i ? ",\n" : "[");
        tuor_tag_write(rp, res, i);
    }
    tuor_reply_puts(rp, i ? "]" : "[]");
    return tuor_reply_end(rp);
}

static const tuor_stmt get_stmt = {
    "tags_get",
    "SELECT " TUOR_TAG_COLUMNS " FROM tuor.tags t WHERE t.org_id = tuor.org() AND t.id = $1"
};

tuor_error *tuor_tags_get(tuor_request *q)
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
    return tuor_result_rows(res) ? tuor_tag_answer(q, HTTP_OK, res) : tuor_error_not_found(q->pool, "tag");
}
