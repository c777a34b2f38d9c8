/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Reads by id that share a statement (share.c): those of one caller that arrive while one is under way.
 * One caller's, so that the check of the credential and row-level security stand in front of it as ever.
 *
 * Small traces alone, which are copied from the common result. One that is large, or not there, is not
 * among the rows: its request asks for it by itself.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

/* A result has to fit into memory: ROWS_MAX times this. */
#define SMALL 32768
#define ROWS_MAX 64

/*
 * Each id is looked up by itself: only an equality on the whole primary key leaves the planner no other way, whatever
 * it knows of the table. OFFSET 0 keeps it from making a join of it.
 */
static const tuor_stmt get_many = {
    "traces_get_many",
    "SELECT " TRACE_COLUMNS " FROM unnest($1) u (id), LATERAL ("
    "SELECT * FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = u.id OFFSET 0) t WHERE t.deleted_at IS NULL"
    " AND octet_length(t.model_input) + octet_length(t.model_output) + coalesce(octet_length(t.trace_config), 0)"
    " + coalesce(octet_length(t.corrected_output), 0) + coalesce(octet_length(t.correction_diff), 0) <= " APR_STRINGIFY(SMALL)
};

static tuor_metric *requests_a_read;

/* What a member wants, and what it gets. */
typedef struct wish {
    const char *id;
    trace *t;
    int found;
} wish;

static int is_id(tuor_slice s, const char *id)
{
    return !strncmp(s.p, id, s.len) && !id[s.len];
}

/* A row, into a piece of memory of its own. */
static void copy_row(wish *w, const trace *row, apr_pool_t *pool)
{
    apr_size_t len = 0;
    char *p;
    int i;

    for (i = 0; i < T_COLUMNS; i++) {
        len += row->col[i].len + 1;
    }
    p = apr_palloc(pool, len);
    for (i = 0; i < T_COLUMNS; i++) {
        w->t->col[i] = row->col[i];
        if (row->col[i].p) {
            w->t->col[i].p = memcpy(p, row->col[i].p, row->col[i].len);
            p += row->col[i].len;
            *p++ = '\0';
        }
    }
    w->found = 1;
}

static void share_out(share_member *first, const tuor_result *res)
{
    int i, n = tuor_result_rows(res);
    share_member *m;
    trace row;

    share_caller(first);
    for (i = 0; i < n; i++) {
        trace_from_result(&row, res, i);
        for (m = first; m; m = m->next) {
            wish *w = m->work;

            if (!w->found && is_id(row.col[T_ID], w->id)) {
                copy_row(w, &row, m->q->pool);
            }
        }
    }
}

static tuor_error *run(server_rec *s, share_member *first, int n, apr_time_t deadline, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, n, sizeof(const char *));
    tuor_result *res;
    share_member *m;
    tuor_error *err;
    tuor_db *db;

    (void)s;
    for (m = first; m; m = m->next) {
        APR_ARRAY_PUSH(ids, const char *) = ((wish *)m->work)->id;
    }
    err = tuor_db_begin(&db, first->q, TUOR_DB_EACH);
    if (!err) {
        tuor_db_until(db, deadline);
        err = tuor_db_exec(&res, db, &get_many, TUOR_ARGS(tuor_texts(ids)));
    }
    tuor_db_end(db);
    if (!err) {
        share_out(first, res);
        tuor_result_clear(res);
    }
    return err;
}

static const share_kind reads = { SHARE_READ, 1, ROWS_MAX, ROWS_MAX * 128, share_same_caller, run, &requests_a_read };

tuor_error *reader_get(trace *t, int *found, tuor_request *q, const char *id)
{
    wish mine = { id, t, 0 };
    share_member me = { .q = q, .work = &mine, .n = 1, .bytes = strlen(id) };
    int shared = share_run(&reads, &me);

    *found = mine.found;
    return shared ? me.err : NULL;
}

static int add_figures(apr_pool_t *pconf, server_rec *s)
{
    static const double some[] = { 1, 2, 4, 8, 16, 32, 64 };

    (void)pconf, (void)s;
    requests_a_read = tuor_metric_histogram("tuor_read_statement_requests", NULL, "Requests for a trace that one statement served",
                                            some, sizeof(some) / sizeof(*some));
    return DECLINED;
}

void reader_register(apr_pool_t *pool)
{
    (void)pool;
    tuor_hook_routes(add_figures, NULL, NULL, APR_HOOK_MIDDLE);
}
