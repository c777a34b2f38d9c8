/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Figures that all children share: counters and histograms are cells of one piece of shared memory,
 * which a restart of httpd keeps; a figure is found again by its name and labels. A gauge has a cell
 * for each child, and only those of living children count, so that a child that is killed leaves
 * nothing behind.
 *
 * Threads: registration happens in post_config alone; afterwards every function may be called from
 * any thread of any child. Cells are C11 atomics, which are lock-free here and so work across processes.
 */
#include "metrics.h"

#include <apr_hash.h>
#include <apr_optional_hooks.h>
#include <apr_shm.h>
#include <http_request.h>
#include <mod_status.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

APLOG_USE_MODULE(tuor);

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "figures need atomics that work across processes");

#define KEY_MAX 200
#define CELLS_MAX 20                    /* buckets, then count, then sum in microseconds */
#define SLOTS_MAX 1024
#define GAUGES_MAX 16
#define CHILDREN_MAX 512
#define USERDATA "tuor figures"

typedef atomic_llong cell;

typedef struct slot {
    char key[KEY_MAX];
    cell cells[CELLS_MAX];
} slot;

typedef struct gauge_slot {
    char key[KEY_MAX];
    cell cells[CHILDREN_MAX];
} gauge_slot;

typedef struct shared {
    atomic_llong child[CHILDREN_MAX];   /* process ids; 0 is free */
    int slots, gauges;                  /* in use; changed by the parent alone */
    gauge_slot gauge[GAUGES_MAX];
    slot slot[SLOTS_MAX];
} shared;

typedef enum { COUNTER, HISTOGRAM, GAUGE } kind;

struct tuor_metric {
    kind kind;
    const char *name, *labels, *help;
    const double *bounds;               /* of a histogram, rising */
    int n;
    cell *cells;
};

static shared *mem;
static int self = -1;                   /* this child's place among the gauges */
static apr_array_header_t *metrics;     /* tuor_metric * each, in the order of registration */

apr_status_t tuor_metrics_open(apr_pool_t *pconf, server_rec *s)
{
    apr_pool_t *process = s->process->pool;
    apr_shm_t *shm;
    void *found = NULL;
    apr_status_t rv;

    metrics = apr_array_make(pconf, 128, sizeof(tuor_metric *));
    apr_pool_userdata_get(&found, USERDATA, process);
    if (!found) {
        rv = apr_shm_create(&shm, sizeof(shared), NULL, process);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        found = apr_shm_baseaddr_get(shm);
        memset(found, 0, sizeof(shared));
        /* Not _setn: the key would lie in this DSO, which a restart unloads. */
        apr_pool_userdata_set(found, USERDATA, NULL, process);
    }
    mem = found;
    return APR_SUCCESS;
}

static void find_slot(tuor_metric *m, const char *key)
{
    int i;

    for (i = 0; i < mem->slots && strcmp(mem->slot[i].key, key); i++) {
    }
    if (i == SLOTS_MAX) {
        return;                 /* counted nowhere */
    }
    if (i == mem->slots) {
        apr_cpystrn(mem->slot[i].key, key, KEY_MAX);
        mem->slots++;
    }
    m->cells = mem->slot[i].cells;
}

static void find_gauge(tuor_metric *m, const char *key)
{
    int i;

    for (i = 0; i < mem->gauges && strcmp(mem->gauge[i].key, key); i++) {
    }
    if (i == GAUGES_MAX) {
        return;
    }
    if (i == mem->gauges) {
        apr_cpystrn(mem->gauge[i].key, key, KEY_MAX);
        mem->gauges++;
    }
    m->cells = mem->gauge[i].cells;
}

static tuor_metric *make(kind k, const char *name, const char *labels, const char *help)
{
    apr_pool_t *pool;
    tuor_metric *m;
    char key[KEY_MAX];

    if (!metrics) {
        return NULL;            /* httpd -t lists routes without opening anything */
    }
    pool = metrics->pool;
    m = apr_pcalloc(pool, sizeof(*m));
    m->kind = k;
    m->name = apr_pstrdup(pool, name);
    m->labels = apr_pstrdup(pool, labels ? labels : "");
    m->help = apr_pstrdup(pool, help);
    apr_snprintf(key, sizeof(key), "%s{%s}", name, m->labels);
    if (k == GAUGE) {
        find_gauge(m, key);
    }
    else {
        find_slot(m, key);
    }
    APR_ARRAY_PUSH(metrics, tuor_metric *) = m;
    return m;
}

tuor_metric *tuor_metric_counter(const char *name, const char *labels, const char *help)
{
    return make(COUNTER, name, labels, help);
}

tuor_metric *tuor_metric_gauge(const char *name, const char *labels, const char *help)
{
    return make(GAUGE, name, labels, help);
}

tuor_metric *tuor_metric_histogram(const char *name, const char *labels, const char *help,
                                   const double *bounds, int n)
{
    tuor_metric *m = make(HISTOGRAM, name, labels, help);

    if (m) {
        m->bounds = bounds;
        m->n = n < CELLS_MAX - 2 ? n : CELLS_MAX - 2;
    }
    return m;
}

void tuor_metric_add(tuor_metric *m, apr_int64_t n)
{
    if (!m || !m->cells) {
        return;
    }
    if (m->kind != GAUGE) {
        atomic_fetch_add_explicit(&m->cells[0], n, memory_order_relaxed);
    }
    else if (self >= 0) {
        atomic_fetch_add_explicit(&m->cells[self], n, memory_order_relaxed);
    }
}

void tuor_metric_observe(tuor_metric *m, double value)
{
    int i = 0;

    if (!m || !m->cells) {
        return;
    }
    while (i < m->n && value > m->bounds[i]) {
        i++;
    }
    if (i < m->n) {
        atomic_fetch_add_explicit(&m->cells[i], 1, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&m->cells[m->n], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->cells[m->n + 1], (long long)(value * 1e6), memory_order_relaxed);
}

/* ---------------------------------------------------------------- children */

static int is_alive(long long pid)
{
    return pid && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

void tuor_metrics_child_init(void)
{
    long long seen;
    int i, g;

    self = -1;
    for (i = 0; mem && i < CHILDREN_MAX && self < 0; i++) {
        seen = atomic_load(&mem->child[i]);
        if (!is_alive(seen) && atomic_compare_exchange_strong(&mem->child[i], &seen, (long long)getpid())) {
            self = i;
        }
    }
    for (g = 0; self >= 0 && g < GAUGES_MAX; g++) {
        atomic_store(&mem->gauge[g].cells[self], 0);
    }
}

static long long gauge_value(const tuor_metric *m)
{
    long long sum = 0;
    int i;

    for (i = 0; i < CHILDREN_MAX; i++) {
        if (is_alive(atomic_load(&mem->child[i]))) {
            sum += atomic_load_explicit(&m->cells[i], memory_order_relaxed);
        }
    }
    return sum;
}

/* --------------------------------------------------------------- rendering */

static void line(tuor_buf *out, const tuor_metric *m, const char *suffix, const char *more, const char *value)
{
    const char *comma = *m->labels && *more ? "," : "";

    tuor_buf_puts(out, apr_pstrcat(out->pool, m->name, suffix, *m->labels || *more ? "{" : "", m->labels, comma, more,
                                   *m->labels || *more ? "}" : "", " ", value, "\n", NULL));
}

static const char *number(tuor_buf *out, long long n)
{
    return apr_psprintf(out->pool, "%" APR_INT64_T_FMT, (apr_int64_t)n);
}

static void render_histogram(tuor_buf *out, const tuor_metric *m)
{
    long long total = 0, micro = atomic_load(&m->cells[m->n + 1]);
    char bound[40];
    int i;

    for (i = 0; i < m->n; i++) {
        total += atomic_load(&m->cells[i]);
        snprintf(bound, sizeof(bound), "le=\"%g\"", m->bounds[i]);    /* APR's own writes .1 */
        line(out, m, "_bucket", bound, number(out, total));
    }
    line(out, m, "_bucket", "le=\"+Inf\"", number(out, atomic_load(&m->cells[m->n])));
    line(out, m, "_sum", "", apr_psprintf(out->pool, "%" APR_INT64_T_FMT ".%06d", (apr_int64_t)(micro / 1000000),
                                          (int)(micro % 1000000)));
    line(out, m, "_count", "", number(out, atomic_load(&m->cells[m->n])));
}

static void render(tuor_buf *out, const tuor_metric *m)
{
    if (!m->cells) {
        return;
    }
    switch (m->kind) {
    case COUNTER:
        line(out, m, "", "", number(out, atomic_load(&m->cells[0])));
        break;
    case GAUGE:
        line(out, m, "", "", number(out, gauge_value(m)));
        break;
    case HISTOGRAM:
        render_histogram(out, m);
        break;
    }
}

/* All figures of a name stand together, under one heading, as Prometheus asks. */
static void render_all(tuor_buf *out)
{
    static const char *const types[] = { "counter", "histogram", "gauge" };
    apr_hash_t *seen = apr_hash_make(out->pool);
    int i, k;

    for (i = 0; i < metrics->nelts; i++) {
        const tuor_metric *m = APR_ARRAY_IDX(metrics, i, tuor_metric *);

        if (apr_hash_get(seen, m->name, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(seen, m->name, APR_HASH_KEY_STRING, m);
        tuor_metric_heading(out, m->name, types[m->kind], m->help);
        for (k = i; k < metrics->nelts; k++) {
            const tuor_metric *other = APR_ARRAY_IDX(metrics, k, tuor_metric *);

            if (!strcmp(other->name, m->name)) {
                render(out, other);
            }
        }
    }
}

void tuor_metric_heading(tuor_buf *out, const char *name, const char *type, const char *help)
{
    tuor_buf_puts(out, apr_pstrcat(out->pool, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", NULL));
}

static int handler(request_rec *r)
{
    tuor_buf out;

    if (!r->handler || strcmp(r->handler, TUOR_METRICS_HANDLER)) {
        return DECLINED;
    }
    tuor_request_id(r);         /* every answer has one */
    if (r->method_number != M_GET) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    tuor_buf_init(&out, r->pool);
    render_all(&out);
    tuor_run_metrics(&out, r);
    ap_set_content_type(r, "text/plain; version=0.0.4; charset=utf-8");
    ap_rwrite(out.p, (int)out.len, r);
    return OK;
}

/* The section in mod_status: the plain counters. */
static int status(request_rec *r, int flags)
{
    int i;

    if (!(flags & AP_STATUS_SHORT)) {
        ap_rputs("<hr>\n<h2>Tuor</h2>\n<table>\n", r);
    }
    for (i = 0; i < metrics->nelts; i++) {
        const tuor_metric *m = APR_ARRAY_IDX(metrics, i, tuor_metric *);
        long long n;

        if (m->kind == HISTOGRAM || !m->cells) {
            continue;
        }
        n = m->kind == GAUGE ? gauge_value(m) : atomic_load(&m->cells[0]);
        if (flags & AP_STATUS_SHORT) {
            ap_rprintf(r, "%s{%s}: %" APR_INT64_T_FMT "\n", m->name, m->labels, (apr_int64_t)n);
        }
        else if (n) {
            ap_rprintf(r, "<tr><td>%s</td><td>%s</td><td align=\"right\">%" APR_INT64_T_FMT "</td></tr>\n", m->name,
                       ap_escape_html(r->pool, m->labels), (apr_int64_t)n);
        }
    }
    if (!(flags & AP_STATUS_SHORT)) {
        ap_rputs("</table>\n", r);
    }
    return OK;
}

void tuor_metrics_register(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ap, status_hook, status, NULL, NULL, APR_HOOK_MIDDLE);
}
