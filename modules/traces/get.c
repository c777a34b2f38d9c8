/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/traces/{id}
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt get = {
    "traces_get",
    "SELECT " TRACE_COLUMNS " FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1 AND t.deleted_at IS NULL"
};

tuor_error *traces_get(tuor_request *q)
{
    const char *id = q->param[0];
    const char *etag;
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_query(q, NULL, 0);
    trace t;

    if (!err) {
        err = tuor_faults(q);
    }
    if (!err) {
        err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    }
    if (err) {
        return err;
    }
    err = tuor_db_exec(&res, db, &get, TUOR_ARGS(tuor_text(id)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "trace");
    }
    trace_from_result(&t, res, 0);
    etag = trace_etag(&t, q->pool);
    if (tuor_not_modified(q, etag)) {
        apr_table_setn(q->r->headers_out, "ETag", etag);
        return tuor_reply_end(tuor_reply_begin(q, HTTP_NOT_MODIFIED, NULL));
    }
    return trace_reply(q, HTTP_OK, &t);
}
