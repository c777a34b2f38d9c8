/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A page of the feed, from tuor.events_page().
 *
 * A filter on types looks at EVENTS_SCAN events, and the page ends behind them whether they
 * matched or not: whoever wants rare events reads past the others once, in short statements.
 */
#include "events.h"

APLOG_USE_MODULE(tuor_events);

enum { C_HORIZON, C_FRONTIER, C_AHEAD, C_SCANNED, C_MATCHED, C_LAST_POS, C_LAST_SEQ, C_POS, C_SEQ, C_EVENT,
       C_TRACE = C_EVENT + TUOR_EVENT_COLUMNS_N, C_PROJECT };

static const tuor_stmt events_page = {
    "events_page",
    "SELECT e.horizon, e.frontier, e.ahead, e.scanned, e.matched, e.last_pos, e.last_seq, e.pos, e.seq, " TUOR_EVENT_COLUMNS ","
    " e.trace_id, e.project_id FROM tuor.events_page($1, $2, $3, $4, $5, $6) e"
};
static const tuor_stmt rebase = { "events_rebase", "SELECT tuor.event_rebase()" };

static tuor_error *look(tuor_result **res, tuor_request *q, const page_query *what, place after)
{
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    int again;

    /* A copy of the database in another cluster: its first reader makes it count on from where the other one was. */
    for (again = 0; !err && again < 2; again++) {
        err = tuor_db_exec(res, db, &events_page, TUOR_ARGS(
            tuor_int(after.pos), tuor_int(after.seq), tuor_int(what->limit), tuor_texts(what->types),
            tuor_int(what->types ? EVENTS_SCAN : what->limit + 1), tuor_int(EVENTS_PAGE_BYTES)));
        if (err || again || !tuor_result_int(*res, 0, C_AHEAD)) {
            break;
        }
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, q->r, TUORNO(0901)
                      "%s events are ahead of this PostgreSQL cluster: the database is a copy, and counts on from there",
                      tuor_log_ids(q->r));
        err = tuor_db_exec(NULL, db, &rebase, TUOR_NO_ARGS);
    }
    tuor_db_end(db);
    return err;
}

void page_take(page *pg, tuor_result *res, int limit, int filtered, place from)
{
    apr_int64_t scanned = tuor_result_int(res, 0, C_SCANNED);
    int matched = (int)tuor_result_int(res, 0, C_MATCHED);

    pg->res = res;
    pg->n = tuor_result_null(res, 0, C_POS) ? 0 : tuor_result_rows(res);
    if (pg->n > limit) {
        pg->n = limit;
    }
    if (matched > pg->n) {
        pg->more = 1;
        pg->next = (place){ tuor_result_int(res, pg->n - 1, C_POS), tuor_result_int(res, pg->n - 1, C_SEQ) };
        return;
    }
    pg->more = filtered && scanned == EVENTS_SCAN;
    pg->next = scanned ? (place){ tuor_result_int(res, 0, C_LAST_POS), tuor_result_int(res, 0, C_LAST_SEQ) } : from;
}

tuor_error *page_fetch(page *pg, tuor_request *q, const page_query *what, place after)
{
    tuor_result *res;
    tuor_error *err = look(&res, q, what, after);

    if (err) {
        return err;
    }
    if (after.pos > tuor_result_int(res, 0, C_FRONTIER)) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "The cursor is ahead of the events that the database has: it must have been "
                               "restored to an earlier state. Start again without after, or with after=latest");
    }
    pg->end = (place){ tuor_result_int(res, 0, C_HORIZON) - 1, APR_INT64_MAX };
    page_take(pg, res, what->limit, what->types != NULL, after);
    return NULL;
}

void page_write(tuor_reply *rp, const page *pg, apr_pool_t *pool)
{
    tuor_slice col[TUOR_EVENT_COLUMNS_N];
    tuor_buf b;
    int i, k;

    tuor_buf_init(&b, pool);
    for (i = 0; i < pg->n; i++) {
        for (k = 0; k < TUOR_EVENT_COLUMNS_N; k++) {
            col[k] = tuor_result_slice(pg->res, i, C_EVENT + k);
        }
        tuor_buf_puts(&b, i ? "," : "");
        tuor_event_write(&b, col);
        tuor_buf_puts(&b, ",\"trace_id\":");
        tuor_buf_json_slice(&b, tuor_result_slice(pg->res, i, C_TRACE));
        tuor_buf_puts(&b, ",\"project_id\":");
        tuor_buf_json_slice(&b, tuor_result_slice(pg->res, i, C_PROJECT));
        tuor_buf_puts(&b, "}");
    }
    tuor_reply_slice(rp, (tuor_slice){ b.p, b.len });
}
