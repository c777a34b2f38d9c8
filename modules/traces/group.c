/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Many traces, stored group by group. A group is a statement and commits by itself; it is small, so that
 * many take the memory of their body, and a connection for moments only.
 */
#include "traces.h"
#include "tuor_traces.h"

APLOG_USE_MODULE(tuor_traces);

static void note_trouble(group *g, const tuor_error *err, int n)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, g->q->r, TUORNO(0801) "%s %d traces of a batch were not stored: %d %s%s%s",
                  tuor_log_ids(g->q->r), n, err->status, err->detail, err->cause ? ": " : "", err->cause ? err->cause : "");
}

/* Store some drafts with memory of their own. An error lies in it, so then it is kept. */
static tuor_error *store(group *g, draft **list, int n)
{
    const tuor_error *away = NULL;
    apr_pool_t *pool;
    tuor_error *err;
    int i;

    apr_pool_create(&pool, g->q->pool);
    err = ingest(g->q, list, n, pool);
    for (i = 0; i < n; i++) {
        if (err) {
            list[i]->err = err;
        }
        g->stored += list[i]->err == NULL;
        if (list[i]->err && list[i]->err->status == HTTP_SERVICE_UNAVAILABLE) {
            away = g->away = list[i]->err;
        }
    }
    if (err || away) {
        note_trouble(g, err ? err : away, n);
    }
    else {
        apr_pool_destroy(pool);
    }
    return err;
}

void group_store(group *g)
{
    tuor_error *err = NULL;
    int i;

    if (g->n && !g->away) {
        err = store(g, g->list, g->n);
        if (!err || g->away || g->n == 1) {
            g->n = 0;                   /* each has its verdict */
        }
    }
    /* A statement that the database refused tells nothing of a single trace: ask about each. */
    for (i = 0; i < g->n; i++) {
        if (g->away) {
            g->list[i]->err = g->away;
        }
        else {
            store(g, &g->list[i], 1);
        }
    }
    g->n = 0;
    g->bytes = 0;
}

void group_add(group *g, draft *d)
{
    g->list[g->n++] = d;
    g->bytes += d->input.len + d->output.len + d->config.len;
    if (g->n == GROUP_TRACES || g->bytes >= GROUP_BYTES) {
        group_store(g);
    }
}

void tuor_traces_store(tuor_request *q, tuor_trace_in *list, int n, tuor_error **away)
{
    apr_pool_t *pool;
    draft *drafts;
    group g;
    int i;

    memset(&g, 0, sizeof(g));
    g.q = q;
    apr_pool_create(&pool, q->pool);
    drafts = apr_pcalloc(pool, (apr_size_t)n * sizeof(*drafts));
    for (i = 0; i < n; i++) {
        draft *d = &drafts[i];

        d->project = list[i].project;
        d->input = list[i].input;
        d->output = list[i].output;
        d->config = list[i].config;
        d->at = list[i].at;
        d->id = tuor_id("trace", d->at, q->pool);
        /* A client's Idempotency-Key has no space. The hash stays as it is: the same name is the same trace. */
        d->key = list[i].same ? apr_pstrcat(pool, " ", list[i].same, NULL) : NULL;
        group_add(&g, d);
    }
    group_store(&g);
    for (i = 0; i < n; i++) {
        list[i].id = drafts[i].id;
        list[i].err = drafts[i].err;
    }
    *away = g.away;
    apr_pool_destroy(pool);
}
