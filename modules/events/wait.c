/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Requests that wait for events. A waiting request holds a worker thread and nothing else: no
 * connection, no transaction.
 *
 * One of those who wait leads: it asks the database for all of them, with one statement a second, and
 * wakes whom it concerns. A write that commits in this child lets it ask at once, and again after
 * short times that double, as the event may be held back by a transaction that is still at work
 * elsewhere. Writes in other children and on other machines are found by the asking alone. When the
 * leader goes, the next one leads; so no thread and no statement is spent while nobody waits.
 *
 * Threads: everything here is under one mutex, which nobody holds while speaking to the database. A
 * waiter is in its request's memory, and only its own thread takes it off the list: the leader, back
 * from the database, looks for those it asked about by their numbers.
 */
#include "events.h"

#include <apr_atomic.h>
#include <apr_network_io.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <http_core.h>

APLOG_USE_MODULE(tuor_events);

/* Asking: the shortest time between two statements, and the longest while somebody waits. */
#define SHORTEST apr_time_from_msec(20)
#define LONGEST apr_time_from_sec(1)

typedef struct waiter {
    struct waiter *next, **prev;
    const char *org_id;
    place after;
    apr_uint64_t number;
    apr_thread_cond_t *cond;
    int news;
} waiter;

/* Of this child; set up before it has threads. */
static struct {
    apr_thread_mutex_t *lock;
    apr_uint32_t most;                  /* requests that may wait */
    apr_uint32_t n;                     /* that do, or are about to; atomic */
    waiter *first, *leader;
    apr_uint64_t numbers;
    apr_time_t asked_at;                /* when the last statement was sent */
    apr_interval_time_t interval;       /* from then to the next */
    apr_uint32_t stopping;              /* atomic */
} room;

void wait_init(apr_pool_t *pchild, int most)
{
    memset(&room, 0, sizeof(room));
    apr_thread_mutex_create(&room.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    room.most = (apr_uint32_t)most;
    room.interval = LONGEST;
}

void wait_stop(void)
{
    apr_atomic_set32(&room.stopping, 1);
}

int wait_enter(void)
{
    if (apr_atomic_inc32(&room.n) < room.most) {
        return 1;
    }
    apr_atomic_dec32(&room.n);
    return 0;
}

void wait_leave(void)
{
    apr_atomic_dec32(&room.n);
}

/* ------------------------------------------------------------------ asking */

static const tuor_stmt news = { "events_news", "SELECT tuor.events_news($1, $2, $3)" };

/* Everyone who waits, as the statement's parameters. */
static int list_waiters(tuor_arg args[3], apr_uint64_t **numbers, apr_pool_t *pool)
{
    apr_array_header_t *org = apr_array_make(pool, 8, sizeof(const char *)), *pos = apr_array_make(pool, 8, sizeof(const char *)),
                       *seq = apr_array_make(pool, 8, sizeof(const char *)),
                       *number = apr_array_make(pool, 8, sizeof(apr_uint64_t));
    const waiter *w;

    for (w = room.first; w; w = w->next) {
        APR_ARRAY_PUSH(org, const char *) = apr_pstrdup(pool, w->org_id);
        APR_ARRAY_PUSH(pos, const char *) = apr_psprintf(pool, "%" APR_INT64_T_FMT, w->after.pos);
        APR_ARRAY_PUSH(seq, const char *) = apr_psprintf(pool, "%" APR_INT64_T_FMT, w->after.seq);
        APR_ARRAY_PUSH(number, apr_uint64_t) = w->number;
    }
    args[0] = tuor_texts(org);
    args[1] = tuor_texts(pos);
    args[2] = tuor_texts(seq);
    *numbers = (apr_uint64_t *)number->elts;
    return number->nelts;
}

static void tell(waiter *w)
{
    w->news = 1;
    apr_thread_cond_signal(w->cond);
}

static void tell_number(apr_uint64_t number)
{
    waiter *w;

    for (w = room.first; w; w = w->next) {
        if (w->number == number) {
            tell(w);
        }
    }
}

static tuor_error *ask_database(tuor_result **res, server_rec *s, const tuor_arg args[3], apr_pool_t *pool)
{
    tuor_db *db;
    tuor_error *err = tuor_db_begin_system(&db, s, NULL, TUOR_DB_EACH, pool);

    if (!err) {
        err = tuor_db_exec(res, db, &news, args, 3);
    }
    tuor_db_end(db);
    return err;
}

/* The leader's task. Gives the lock away while it speaks to the database. */
static void ask(tuor_request *q)
{
    apr_uint64_t *numbers;
    tuor_result *res = NULL;
    tuor_arg args[3];
    apr_pool_t *pool;
    tuor_error *err;
    waiter *w;
    int i, n;

    apr_pool_create(&pool, q->pool);
    room.asked_at = apr_time_now();
    room.interval = room.interval * 2 < LONGEST ? room.interval * 2 : LONGEST;
    n = list_waiters(args, &numbers, pool);
    apr_thread_mutex_unlock(room.lock);
    err = ask_database(&res, q->r->server, args, pool);
    apr_thread_mutex_lock(room.lock);
    if (err) {
        /* Their own statements will find out, and tell their clients. */
        for (w = room.first; w; w = w->next) {
            tell(w);
        }
    }
    for (i = 0; !err && i < tuor_result_rows(res); i++) {
        apr_int64_t k = tuor_result_int(res, i, 0);

        if (k >= 1 && k <= n) {
            tell_number(numbers[k - 1]);
        }
    }
    apr_pool_destroy(pool);
}

void wait_wrote(const char *org_id)
{
    const waiter *w;

    if (!apr_atomic_read32(&room.n)) {
        return;
    }
    apr_thread_mutex_lock(room.lock);
    for (w = room.first; w; w = w->next) {
        if (!strcmp(w->org_id, org_id)) {
            room.interval = SHORTEST;
            if (room.leader) {
                apr_thread_cond_signal(room.leader->cond);
            }
            break;
        }
    }
    apr_thread_mutex_unlock(room.lock);
}

/* ----------------------------------------------------------------- waiting */

/* HTTP/2's connection is not ours to look at. */
static int client_gone(request_rec *r)
{
    apr_socket_t *sock = r->connection->master ? NULL : ap_get_conn_socket(r->connection);
    int eof = 0;

    return r->connection->aborted || (sock && apr_socket_atreadeof(sock, &eof) == APR_SUCCESS && eof);
}

static void enter(waiter *w)
{
    w->number = ++room.numbers;
    w->next = room.first;
    w->prev = &room.first;
    if (w->next) {
        w->next->prev = &w->next;
    }
    room.first = w;
    /* What was written since this request looked, and before it stood here, woke nobody. */
    room.interval = SHORTEST;
    if (room.leader) {
        apr_thread_cond_signal(room.leader->cond);
    }
}

static void leave(waiter *w)
{
    *w->prev = w->next;
    if (w->next) {
        w->next->prev = w->prev;
    }
    if (room.leader == w) {
        room.leader = room.first;
        if (room.leader) {
            apr_thread_cond_signal(room.leader->cond);
        }
    }
}

static void sleep_until(waiter *w, apr_time_t when, apr_time_t now)
{
    if (when > now) {
        apr_thread_cond_timedwait(w->cond, room.lock, when - now);
    }
}

/* Sleep a while, or as the leader ask. */
static void turn(waiter *w, tuor_request *q, apr_time_t until, apr_time_t now)
{
    apr_time_t limit = now + LONGEST < until ? now + LONGEST : until, due;

    if (!room.leader) {
        room.leader = w;
    }
    if (room.leader != w) {
        sleep_until(w, limit, now);
        return;
    }
    due = room.asked_at + room.interval;
    if (due > now + LONGEST) {
        due = now;                      /* the clock was set back */
    }
    if (due <= now) {
        ask(q);
    }
    else {
        sleep_until(w, due < limit ? due : limit, now);
    }
}

int wait_for(tuor_request *q, place after, apr_time_t not_before, apr_time_t until)
{
    waiter w = { .org_id = q->who->org_id, .after = after };
    apr_time_t now = apr_time_now();

    if (apr_thread_cond_create(&w.cond, q->pool) != APR_SUCCESS) {
        return 0;
    }
    if (not_before > until) {
        not_before = until;
    }
    if (not_before > now) {
        apr_sleep(not_before - now);
    }
    apr_thread_mutex_lock(room.lock);
    enter(&w);
    for (;;) {
        now = apr_time_now();
        if (w.news || now >= until || apr_atomic_read32(&room.stopping) || client_gone(q->r)) {
            break;
        }
        turn(&w, q, until, now);
    }
    leave(&w);
    apr_thread_mutex_unlock(room.lock);
    return w.news;
}
