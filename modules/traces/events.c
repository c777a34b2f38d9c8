/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/traces/{id}/events: the audit trail, oldest first, fetched and sent in batches.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

#define BATCH 100

static const tuor_stmt exists = {
    "trace_exists",
    "SELECT FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1 AND t.deleted_at IS NULL"
};
static const tuor_stmt events = {
    "trace_events",
    "SELECT " EVENT_COLUMNS " FROM tuor.trace_events e WHERE e.org_id = tuor.org() AND e.trace_id = $1 AND e.id > $2"
    " ORDER BY e.id LIMIT " APR_STRINGIFY(BATCH)
};

void event_time(tuor_request *q, apr_time_t last)
{
    q->now = apr_time_now();
    if (q->now <= last) {
        q->now = last + 1;
    }
}

void event_write(tuor_buf *b, const tuor_slice *col)
{
    tuor_event_write(b, col);
    tuor_buf_puts(b, "}");
}

/* A batch behind an id, each in a unit of work of its own. */
static tuor_error *fetch(tuor_result **res, tuor_request *q, const char *after, int first)
{
    tuor_result *found;
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    if (!err && first) {
        err = tuor_db_exec(&found, db, &exists, TUOR_ARGS(tuor_text(q->param[0])));
        if (!err && !tuor_result_rows(found)) {
            err = tuor_error_not_found(q->pool, "trace");
        }
    }
    if (!err) {
        err = tuor_db_exec(res, db, &events, TUOR_ARGS(tuor_text(q->param[0]), tuor_text(after)));
    }
    tuor_db_end(db);
    return err;
}

static const char *write_batch(tuor_request *q, tuor_reply *rp, const tuor_result *res, int first)
{
    tuor_slice col[E_COLUMNS];
    tuor_buf b;
    int i, k;

    tuor_buf_init(&b, q->pool);
    for (i = 0; i < tuor_result_rows(res); i++) {
        for (k = 0; k < E_COLUMNS; k++) {
            col[k] = tuor_result_slice(res, i, k);
        }
        tuor_buf_puts(&b, i || !first ? "," : "");
        event_write(&b, col);
    }
    tuor_reply_slice(rp, (tuor_slice){ b.p, b.len });
    return i ? apr_pstrdup(q->pool, col[E_ID].p) : "";
}

tuor_error *traces_events(tuor_request *q)
{
    tuor_result *res;
    tuor_reply *rp;
    const char *last;
    int n, first = 1;
    tuor_error *err = tuor_query(q, NULL, 0);

    if (!err) {
        err = tuor_faults(q);
    }
    if (!err) {
        err = fetch(&res, q, "", 1);
    }
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    tuor_reply_puts(rp, "[");
    for (;;) {
        n = tuor_result_rows(res);
        last = write_batch(q, rp, res, first);
        first = 0;
        if (n < BATCH) {
            break;
        }
        if (tuor_reply_flush(rp)) {
            return NULL;
        }
        tuor_result_clear(res);
        if (fetch(&res, q, last, 0)) {
            return tuor_reply_abort(rp);
        }
    }
    tuor_reply_puts(rp, "]\n");
    return tuor_reply_end(rp);
}
