/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/traces/{id}
 */
#include "traces.h"
#include "tuor_traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt get = {
    "traces_get",
    "SELECT " TRACE_COLUMNS " FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1 AND t.deleted_at IS NULL"
};

tuor_error *tuor_traces_read(const trace **t, tuor_request *q, tuor_db *db, const char *id)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &get, TUOR_ARGS(tuor_text(id)));
    trace *found;

    *t = NULL;
    if (!err && tuor_result_rows(res)) {
        found = apr_palloc(q->pool, sizeof(*found));
        trace_from_result(found, res, 0);
        *t = found;
    }
    return err;
}

void tuor_traces_write(tuor_reply *rp, const trace *t, apr_pool_t *pool)
{
    trace_write(rp, t, NULL, pool);
}

tuor_error *traces_get(tuor_request *q)
{
    const char *etag;
    tuor_db *db;
    tuor_error *err = tuor_query(q, NULL, 0);
    const trace *t;

    if (!err) {
        err = tuor_faults(q);
    }
    if (!err) {
        err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    }
    if (err) {
        return err;
    }
    err = tuor_traces_read(&t, q, db, q->param[0]);
    tuor_db_end(db);
    if (err) {
        return err;
    }
    if (!t) {
        return tuor_error_not_found(q->pool, "trace");
    }
    etag = trace_etag(t, q->pool);
    if (tuor_not_modified(q, etag)) {
        apr_table_setn(q->r->headers_out, "ETag", etag);
        return tuor_reply_end(tuor_reply_begin(q, HTTP_NOT_MODIFIED, NULL));
    }
    return trace_reply(q, HTTP_OK, t);
}
