/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Statements that requests share: what arrives while a statement is under way goes with the next one.
 *
 * A request that finds none under way leads: its thread runs the statement for itself and for all who
 * wait. When the statement is through, its members know what became of them, and the first of those who
 * have come meanwhile leads the next one. So there is no timer, a request that comes alone waits for
 * nobody, and the more there is to do, the less each costs.
 *
 * What a member asks for in vain is its own matter, which the statement tells. A statement that the
 * database refuses as a whole tells nothing of one member, so each then goes by itself. A database that
 * is away is that for all of them.
 *
 * Threads: a member's thread sleeps from the moment it is in the queue until it is told to lead or that all
 * is done. Meanwhile the leader's thread alone touches the member's request and its pool; the locks hand
 * both over and back. A member leaves the queue by itself when nobody has taken it within
 * TuorDatabaseTimeout; once it is taken it waits for its leader, whose statement has a deadline. Where the
 * client goes away nothing changes: its thread is here, and notices when it writes the answer.
 *
 * Each thread sleeps on a seat of its own, which stays for its next request: those who are woken together
 * need not stand in line for one lock, and whoever wakes them may do so when all else is done.
 */
#include "traces.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

APLOG_USE_MODULE(tuor_traces);

/* One for a server and a kind of statement: servers may have databases and limits of their own. */
typedef struct share_queue {
    server_rec *s;
    apr_pool_t *pool;                   /* of the child's life */
    apr_thread_mutex_t *lock;           /* over all that follows, the pool, and the states of members */
    share_member *first, *last;
    int flights;                        /* statements under way */
} queue;

typedef struct share_seat {
    apr_thread_mutex_t *lock;           /* over told; taken last */
    apr_thread_cond_t *woken;
    int told;
} seat;

static _Thread_local seat *own_seat;

static queue *queue_of(const server_rec *s, const share_kind *kind)
{
    return traces_server_of(s)->queues + kind->place;
}

/* -------------------------------------------------------------- the queue */

static seat *seat_of_thread(queue *w)
{
    if (!own_seat) {
        own_seat = apr_pcalloc(w->pool, sizeof(*own_seat));
        apr_thread_mutex_create(&own_seat->lock, APR_THREAD_MUTEX_DEFAULT, w->pool);
        apr_thread_cond_create(&own_seat->woken, w->pool);
    }
    return own_seat;
}

static void enqueue(queue *w, share_member *m)
{
    m->seat = seat_of_thread(w);
    m->state = SHARE_QUEUED;
    if (w->first) {
        w->last->next = m;
    }
    else {
        w->first = m;
    }
    w->last = m;
}

/* Take out *at, which before points to (NULL: it is the first). */
static share_member *take_out(queue *w, share_member **at, share_member *before)
{
    share_member *m = *at;

    *at = m->next;
    if (w->last == m) {
        w->last = before;
    }
    m->next = NULL;
    return m;
}

static void leave_queue(queue *w, const share_member *m)
{
    share_member **at = &w->first, *before = NULL;

    while (*at != m) {
        before = *at;
        at = &before->next;
    }
    take_out(w, at, before);
}

/* Its state says what. From here on its thread goes on, and m may be gone. */
static void tell(share_member *m)
{
    seat *at = m->seat;

    apr_thread_mutex_lock(at->lock);
    at->told = 1;
    apr_thread_mutex_unlock(at->lock);
    apr_thread_cond_signal(at->woken);
}

/* @param end 0: however long it takes. @return whether somebody told this thread to go on */
static int told_until(seat *at, apr_time_t end)
{
    apr_time_t now = end ? apr_time_now() : 0;
    int told;

    apr_thread_mutex_lock(at->lock);
    while (!at->told && !end) {
        apr_thread_cond_wait(at->woken, at->lock);
    }
    while (!at->told && now < end) {
        apr_thread_cond_timedwait(at->woken, at->lock, end - now);
        now = apr_time_now();
    }
    told = at->told;
    at->told = 0;
    apr_thread_mutex_unlock(at->lock);
    return told;
}

/* Those who wait and have room in the leader's statement. @return how many rows it has */
static int take_company(queue *w, const share_kind *kind, share_member *leader)
{
    share_member *last = leader, *before = NULL, **at = &w->first;
    apr_size_t bytes = leader->bytes;
    int n = leader->n;

    while (*at && n + (*at)->n <= kind->rows_max && bytes + (*at)->bytes <= kind->bytes_max) {
        if (kind->fits && !kind->fits(leader, *at)) {
            before = *at;
            at = &before->next;
            continue;
        }
        last->next = take_out(w, at, before);
        last = last->next;
        last->state = SHARE_TAKEN;
        n += last->n;
        bytes += last->bytes;
    }
    return n;
}

/* One statement less is under way. @return the first in the queue, to be told to lead the next; or NULL */
static share_member *pass_on(queue *w)
{
    share_member *m = NULL;

    if (w->first) {
        m = take_out(w, &w->first, NULL);
        m->state = SHARE_LEADING;
    }
    else {
        w->flights--;
    }
    return m;
}

/* Until somebody has done this member's part or lets it lead, or nobody has taken it in time. */
static void await(queue *w, share_member *m, apr_interval_time_t timeout)
{
    int queued;

    if (told_until(m->seat, m->since + timeout)) {
        return;
    }
    apr_thread_mutex_lock(w->lock);
    queued = m->state == SHARE_QUEUED;
    if (queued) {
        leave_queue(w, m);
    }
    apr_thread_mutex_unlock(w->lock);
    if (!queued) {
        told_until(m->seat, 0);
        return;
    }
    m->state = SHARE_DONE;
    m->err = tuor_error_make(m->q->pool, HTTP_SERVICE_UNAVAILABLE, "The database is too slow at the moment: try again shortly");
    m->err->cause = "no statement had room for the request in time";
}

/* ---------------------------------------------------------- the statement */

/* Everybody's memory is freed when that request is over: so an error of all is one of each. (faults are one request's.) */
static tuor_error *copy_error(const tuor_error *err, apr_pool_t *pool)
{
    tuor_error *copy = tuor_error_make(pool, err->status, "%s", err->detail);

    copy->members = apr_pstrdup(pool, err->members);
    copy->retry_after = err->retry_after;
    copy->settled = err->settled;
    copy->cause = apr_pstrdup(pool, err->cause);
    copy->sqlstate = apr_pstrdup(pool, err->sqlstate);
    return copy;
}

/* The statement of a leader and its company. */
static void fly(queue *w, const share_kind *kind, share_member *leader, int n, apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_time_t deadline = leader->since + timeout, least = apr_time_now() + timeout / 4;
    tuor_error *err = kind->run(w->s, leader, n, deadline > least ? deadline : least, pool);
    share_member *m;
    int members = 0;

    for (m = leader; m; m = m->next) {
        members++;
        m->err = err ? copy_error(err, m->q->pool) : NULL;
    }
    if (kind->members) {
        tuor_metric_observe(*kind->members, members);
    }
}

/* The database is away. Those who have waited for long need not find that out once more. */
static void give_up(queue *w, const tuor_error *err, apr_time_t since)
{
    share_member **at = &w->first, *before = NULL, *m;

    while ((m = *at) != NULL) {
        if (m->since > since) {
            before = m;
            at = &m->next;
            continue;
        }
        take_out(w, at, before);
        m->err = copy_error(err, m->q->pool);
        m->state = SHARE_DONE;
        tell(m);
    }
}

static void lead(queue *w, const share_kind *kind, share_member *leader, apr_interval_time_t timeout)
{
    share_member *m, *next, *successor;
    share_state end = SHARE_DONE;
    apr_pool_t *pool;
    int n;

    apr_pool_create(&pool, leader->q->pool);
    apr_thread_mutex_lock(w->lock);
    n = take_company(w, kind, leader);
    apr_thread_mutex_unlock(w->lock);

    fly(w, kind, leader, n, timeout, pool);
    apr_pool_destroy(pool);

    apr_thread_mutex_lock(w->lock);
    if (leader->err && leader->err->status == HTTP_SERVICE_UNAVAILABLE) {
        give_up(w, leader->err, apr_time_now() - timeout / 2);
    }
    else if (leader->err && leader->next) {
        end = SHARE_ALONE;              /* refused as a whole, which says nothing of a single one */
    }
    successor = pass_on(w);
    for (m = leader; m; m = m->next) {
        m->state = end;
    }
    apr_thread_mutex_unlock(w->lock);

    if (successor) {
        tell(successor);
    }
    for (m = leader->next; m; m = next) {
        next = m->next;
        tell(m);
    }
}

int share_run(const share_kind *kind, share_member *m)
{
    queue *w = queue_of(m->q->r->server, kind);
    apr_interval_time_t timeout = tuor_db_timeout(w->s);
    int queued;

    m->since = apr_time_now();
    m->next = NULL;
    m->err = NULL;
    apr_thread_mutex_lock(w->lock);
    if (w->flights < kind->flights) {
        w->flights++;
        m->state = SHARE_LEADING;
    }
    else {
        enqueue(w, m);
    }
    queued = m->state == SHARE_QUEUED;
    apr_thread_mutex_unlock(w->lock);
    if (queued) {
        await(w, m, timeout);
    }
    if (m->state == SHARE_LEADING) {
        lead(w, kind, m, timeout);
    }
    return m->state == SHARE_DONE;
}

/* ----------------------------------------------------------- one caller's */

int share_same_caller(const share_member *leader, const share_member *m)
{
    const tuor_principal *a = leader->q->who, *b = m->q->who;

    if (a->kind != b->kind || a->kind == TUOR_BY_SYSTEM) {
        return 0;
    }
    return !memcmp(a->key_hash, b->key_hash, TUOR_HASH_LEN) && (a->kind == TUOR_BY_KEY || !strcmp(a->org_id, b->org_id));
}

void share_caller(const share_member *first)
{
    const share_member *m;

    for (m = first->next; m; m = m->next) {
        if (!m->q->who->verified) {
            tuor_auth_accept(m->q, first->q->who->id, first->q->who->org_id);
        }
    }
}

/* -------------------------------------------------------------- hooks */

/* A pool with an allocator of its own: its owner's lock is enough for it. */
static apr_pool_t *own_pool(apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    apr_allocator_create(&allocator);
    apr_pool_create_ex(&pool, parent, NULL, allocator);
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    queue *w;
    int i;

    for (; s; s = s->next) {
        w = apr_pcalloc(pchild, SHARE_KINDS * sizeof(*w));
        for (i = 0; i < SHARE_KINDS; i++) {
            w[i].s = s;
            w[i].pool = own_pool(pchild);
            apr_thread_mutex_create(&w[i].lock, APR_THREAD_MUTEX_DEFAULT, pchild);
        }
        traces_server_of(s)->queues = w;
    }
}

void share_register(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
