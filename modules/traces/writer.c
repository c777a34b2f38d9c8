/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which traces share a statement and its commit: those of all requests that arrive while a commit is
 * under way (share.c).
 *
 * One commit at a time in a child and for a server: with two, each has half the company, and costs more than
 * it saves. Large ones have a queue of their own, so that nobody waits for their bytes.
 *
 * libpq copies a statement's parameters, and keeps a buffer of that size for the life of the connection. So few
 * of the very large ones are under way at a time; the pool gives them the same few connections.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

/* From here on a request is large; and from here on it goes by itself. */
#define LARGE (32 * 1024)
#define HUGE_ONE (1024 * 1024)

static tuor_metric *requests_a_commit, *traces_a_commit;

static tuor_error *run(server_rec *s, share_member *first, int n, apr_time_t deadline, apr_pool_t *pool)
{
    draft **list = first->work;
    share_member *m;
    int k = 0;

    if (first->next) {
        list = apr_palloc(pool, (apr_size_t)n * sizeof(*list));
        for (m = first; m; m = m->next) {
            memcpy(list + k, m->work, (apr_size_t)m->n * sizeof(*list));
            k += m->n;
        }
    }
    tuor_metric_observe(traces_a_commit, n);
    return ingest_statement(s, list, n, deadline, pool);
}

/* ingest() takes 256 rows; the bytes are copied for libpq, and by it. */
static const share_kind small = { SHARE_INGEST, 1, 250, 512 * 1024, NULL, run, &requests_a_commit };
static const share_kind large = { SHARE_INGEST_LARGE, 1, 250, HUGE_ONE, NULL, run, &requests_a_commit };
static const share_kind huge = { SHARE_INGEST_HUGE, 4, 0, 0, NULL, run, &requests_a_commit };

static tuor_error *alone(server_rec *s, draft **list, int n, apr_pool_t *pool)
{
    tuor_metric_observe(requests_a_commit, 1);
    tuor_metric_observe(traces_a_commit, n);
    return ingest_statement(s, list, n, 0, pool);
}

tuor_error *writer_store(tuor_request *q, draft **list, int n, apr_pool_t *pool)
{
    share_member me = { .q = q, .work = list, .n = n };
    const share_kind *kind;
    int i;

    for (i = 0; i < n; i++) {
        me.bytes += list[i]->input.len + list[i]->output.len + list[i]->config.len;
    }
    kind = me.bytes >= HUGE_ONE ? &huge : n > small.rows_max ? NULL : me.bytes >= LARGE ? &large : &small;
    if (!kind || !share_run(kind, &me)) {
        return alone(q->r->server, list, n, pool);
    }
    return me.err;
}

static int add_figures(apr_pool_t *pconf, server_rec *s)
{
    static const double some[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };

    (void)pconf, (void)s;
    requests_a_commit = tuor_metric_histogram("tuor_ingest_commit_requests", NULL, "Requests whose traces one commit stored",
                                              some, sizeof(some) / sizeof(*some));
    traces_a_commit = tuor_metric_histogram("tuor_ingest_commit_traces", NULL, "Traces that one commit stored or refused",
                                            some, sizeof(some) / sizeof(*some));
    return DECLINED;
}

void writer_register(apr_pool_t *pool)
{
    (void)pool;
    tuor_hook_routes(add_figures, NULL, NULL, APR_HOOK_MIDDLE);
}
