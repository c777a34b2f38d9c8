/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Names and logins, and lists of things that have them.
 */
#include "members.h"

static int has_control(const char *s)
{
    const unsigned char *p;

    for (p = (const unsigned char *)s; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) {
            return 1;
        }
    }
    return 0;
}

const char *members_text(tuor_request *q, const tuor_json_field *f, int required, apr_size_t max)
{
    const char *s = tuor_field_string(q, f, required, 1, max);

    if (s && has_control(s)) {
        tuor_fault(q, f->name, "must not hold control characters");
        return NULL;
    }
    return s;
}

static tuor_error *list_reply(tuor_request *q, const tuor_result *res, members_row_writer *write)
{
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    int i;

    for (i = 0; i < tuor_result_rows(res); i++) {
        tuor_reply_puts(rp, i ? ",\n" : "[");
        write(rp, res, i);
    }
    tuor_reply_puts(rp, i ? "]" : "[]");
    return tuor_reply_end(rp);
}

/* Without limit it is all of them: there are few. */
tuor_error *members_list_run(tuor_request *q, const tuor_stmt *stmt, members_row_writer *write)
{
    tuor_param params[] = { { "skip", NULL }, { "limit", NULL } };
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;
    apr_int64_t skip, limit;

    if ((err = tuor_query(q, params, 2))) {
        return err;
    }
    skip = tuor_param_int(q, &params[0], 0, APR_INT64_MAX, 0);
    limit = tuor_param_int(q, &params[1], 1, 500, APR_INT64_MAX);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, stmt, TUOR_ARGS(tuor_int(limit), tuor_int(skip)));
    tuor_db_end(db);
    return err ? err : list_reply(q, res, write);
}
