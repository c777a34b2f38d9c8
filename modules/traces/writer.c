/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Who shares a statement and its commit: what arrives while a commit is under way goes with the next one.
 *
 * A request that finds no commit under way leads: its thread runs the statement for itself and for all
 * who wait. When the statement is through, its members have their verdicts, and the first of those who have
 * come meanwhile leads the next one. So there is no timer, a request that comes alone waits for nobody,
 * and the more there is to do, the less each costs. Large requests go by themselves: they have
 * nothing to gain from company, and company would wait for their bytes.
 *
 * What a member asks for in vain (a revoked key, a foreign project) is a verdict of its own within the
 * statement. A statement that the database refuses as a whole stores nothing and tells nothing of one
 * member, so each then runs its own. A database that is away is that for all of them.
 *
 * Threads: a member's thread sleeps from the moment it is in the queue until it is told to lead or has its
 * verdicts. Meanwhile the leader's thread alone touches the member's request and its pool; the lock hands
 * both over and back. A member leaves the queue by itself when nobody has taken it within
 * TuorDatabaseTimeout; once it is taken it waits for its leader, whose statement has a deadline. Where the
 * client goes away nothing changes: its thread is here, and notices when it writes the answer.
 */
#include "traces.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

APLOG_USE_MODULE(tuor_traces);

extern module AP_MODULE_DECLARE_DATA tuor_traces_module;

/* Under way at a time, in a child and for a server. */
#define FLIGHTS 1
/* A statement takes so many traces (ingest() can take 256) and bytes of payload, and one that is larger. */
#define ROWS_MAX 250
#define BYTES_MAX (512 * 1024)
/* From here on a request goes by itself. */
#define LARGE (64 * 1024)

typedef enum { QUEUED, TAKEN, LEADING, ALONE, SERVED } state;

/* A request's traces; on the stack of its thread. */
typedef struct member {
    tuor_request *q;
    draft **list;
    int n;
    apr_size_t bytes;
    apr_time_t since;
    state state;
    tuor_error *err;                    /* of the statement; in q->pool */
    apr_thread_cond_t *told;            /* of the state */
    struct member *next;                /* in the queue; afterwards, of those that go together */
} member;

/* One a server: servers may have databases and limits of their own. */
typedef struct writer {
    server_rec *s;
    apr_thread_mutex_t *lock;           /* over all that follows, and the states of members */
    member *first, *last;
    int flights;
} writer;

static tuor_metric *traces_a_commit, *requests_a_commit;

static writer *writer_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &tuor_traces_module);
}

/* -------------------------------------------------------------- the queue */

static void enqueue(writer *w, member *m)
{
    m->state = QUEUED;
    if (w->first) {
        w->last->next = m;
    }
    else {
        w->first = m;
    }
    w->last = m;
}

static member *dequeue(writer *w)
{
    member *m = w->first;

    w->first = m->next;
    m->next = NULL;
    return m;
}

static void leave_queue(writer *w, const member *m)
{
    member **at = &w->first, *before = NULL;

    while (*at != m) {
        before = *at;
        at = &before->next;
    }
    *at = m->next;
    if (w->last == m) {
        w->last = before;
    }
}

static void tell(member *m, state what)
{
    m->state = what;
    apr_thread_cond_signal(m->told);
}

/* Those in front of the queue that have room in the leader's statement. @return how many traces */
static int take_company(writer *w, member *leader)
{
    member *last = leader;
    apr_size_t bytes = leader->bytes;
    int n = leader->n;

    while (w->first && n + w->first->n <= ROWS_MAX && bytes + w->first->bytes <= BYTES_MAX) {
        last->next = dequeue(w);
        last = last->next;
        last->state = TAKEN;
        n += last->n;
        bytes += last->bytes;
    }
    return n;
}

/* A place in the air is free: the first in the queue has it. */
static void pass_on(writer *w)
{
    if (w->first) {
        tell(dequeue(w), LEADING);
    }
    else {
        w->flights--;
    }
}

/* Until somebody takes this member or lets it lead, or its time is over. */
static void await(writer *w, member *m, apr_interval_time_t timeout)
{
    apr_time_t now = apr_time_now();

    while (m->state == QUEUED && now < m->since + timeout) {
        apr_thread_cond_timedwait(m->told, w->lock, m->since + timeout - now);
        now = apr_time_now();
    }
    if (m->state == QUEUED) {
        leave_queue(w, m);
        m->state = SERVED;
        m->err = tuor_error_make(m->q->pool, HTTP_SERVICE_UNAVAILABLE, "The database is too slow at the moment: try again shortly");
        m->err->cause = "no commit had room for the request in time";
    }
    while (m->state == TAKEN) {
        apr_thread_cond_wait(m->told, w->lock);
    }
}

/* ---------------------------------------------------------- the statement */

static void observe(int requests, int traces)
{
    tuor_metric_observe(requests_a_commit, requests);
    tuor_metric_observe(traces_a_commit, traces);
}

/* Everybody's memory is freed when that request is over: so an error of all is one of each. */
static tuor_error *copy_error(const tuor_error *err, apr_pool_t *pool)
{
    tuor_error *copy = tuor_error_make(pool, err->status, "%s", err->detail);

    copy->retry_after = err->retry_after;
    copy->cause = apr_pstrdup(pool, err->cause);
    copy->sqlstate = apr_pstrdup(pool, err->sqlstate);
    return copy;
}

/* The statement of a leader and its company. @return its error, in a member's pool; for members each its own */
static void fly(writer *w, member *leader, int n, apr_interval_time_t timeout, apr_pool_t *pool)
{
    draft **list = leader->list;
    apr_time_t deadline = leader->since + timeout, least = apr_time_now() + timeout / 4;
    tuor_error *err;
    int requests = 0, k = 0;
    member *m;

    if (leader->next) {
        list = apr_palloc(pool, (apr_size_t)n * sizeof(*list));
        for (m = leader; m; m = m->next) {
            memcpy(list + k, m->list, (apr_size_t)m->n * sizeof(*list));
            k += m->n;
            requests++;
        }
    }
    err = ingest_statement(w->s, list, n, deadline > least ? deadline : least, pool);
    observe(leader->next ? requests : 1, n);
    for (m = leader; err && m; m = m->next) {
        m->err = copy_error(err, m->q->pool);
    }
}

static void lead(writer *w, member *leader, apr_interval_time_t timeout)
{
    apr_pool_t *pool;
    member *m, *next;
    state end;
    int n;

    apr_pool_create(&pool, leader->q->pool);
    apr_thread_mutex_lock(w->lock);
    n = take_company(w, leader);
    apr_thread_mutex_unlock(w->lock);

    fly(w, leader, n, timeout, pool);

    /* Refused as a whole, which says nothing of a single one. */
    end = leader->err && leader->err->status != HTTP_SERVICE_UNAVAILABLE && leader->next ? ALONE : SERVED;
    apr_thread_mutex_lock(w->lock);
    pass_on(w);
    for (m = leader->next; m; m = next) {
        next = m->next;                 /* as soon as it is told and the lock is free, m may be gone */
        tell(m, end);
    }
    leader->state = end;
    apr_thread_mutex_unlock(w->lock);
    apr_pool_destroy(pool);
}

static tuor_error *alone(writer *w, draft **list, int n, apr_pool_t *pool)
{
    tuor_error *err = ingest_statement(w->s, list, n, 0, pool);

    observe(1, n);
    return err;
}

tuor_error *writer_store(tuor_request *q, draft **list, int n, apr_pool_t *pool)
{
    writer *w = writer_of(q->r->server);
    apr_interval_time_t timeout = tuor_db_timeout(w->s);
    member me = { .q = q, .list = list, .n = n };
    int i;

    for (i = 0; i < n; i++) {
        me.bytes += list[i]->input.len + list[i]->output.len + list[i]->config.len;
    }
    if (me.bytes >= LARGE || n > ROWS_MAX) {
        return alone(w, list, n, pool);
    }
    me.since = apr_time_now();
    apr_thread_mutex_lock(w->lock);
    if (w->flights < FLIGHTS) {
        w->flights++;
        me.state = LEADING;
    }
    else {
        apr_thread_cond_create(&me.told, q->pool);
        enqueue(w, &me);
        await(w, &me, timeout);
    }
    apr_thread_mutex_unlock(w->lock);
    if (me.state == LEADING) {
        lead(w, &me, timeout);
    }
    return me.state == ALONE ? alone(w, list, n, pool) : me.err;
}

/* -------------------------------------------------------------- hooks */

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

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    writer *w;

    for (; s; s = s->next) {
        w = apr_pcalloc(pchild, sizeof(*w));
        w->s = s;
        apr_thread_mutex_create(&w->lock, APR_THREAD_MUTEX_DEFAULT, pchild);
        ap_set_module_config(s->module_config, &tuor_traces_module, w);
    }
}

void writer_register(apr_pool_t *pool)
{
    (void)pool;
    tuor_hook_routes(add_figures, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
