/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Where connections come from and go to.
 *
 * mod_dbd opens and pools the shared ones. It has three habits that would hurt: at DBDMax it waits
 * for ever, it connects while it holds the pool's lock, and it hands out connections whose server
 * is gone. So a gate in front of it lets no more threads in than there are connections and waits
 * no longer than TuorDatabaseTimeout, only one thread at a time may be in the pool (another would
 * wait on its lock without a limit) and puts back what others return meanwhile, a failed connect
 * closes the gate for a moment (everybody else gets 503 at once, and the first after that tries
 * again), and a connection is looked at before use.
 *
 * Exports have connections of their own, opened with the parameters of a shared one, so that a
 * reader who stalls takes nothing from the requests.
 *
 * Threads: any worker may open and close; a link itself belongs to one thread.
 */
#include "db.h"

#include <apr_atomic.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <libpq-events.h>
#include <sys/socket.h>

APLOG_USE_MODULE(tuor);

/* How long a failed connect speaks for the next ones. */
#define PAUSE_AFTER_FAILURE (APR_USEC_PER_SEC / 2)

/* What one export uses: traces and events. */
#define IDLE_MAX 2

/* mod_dbd's own default of DBDMax, until its first connection tells what is configured. */
#define DBD_MAX_DEFAULT 10

static APR_OPTIONAL_FN_TYPE(ap_dbd_open) *dbd_open;
static APR_OPTIONAL_FN_TYPE(ap_dbd_close) *dbd_close;

/* One set a child; made in child_init, before there are threads. */
static struct gate {
    apr_thread_mutex_t *lock;           /* over everything here */
    apr_thread_cond_t *changed;         /* used or inside has */
    apr_thread_cond_t *exported;        /* an export has ended */
    int used, max;                      /* shared connections out, and allowed out */
    int inside;                         /* a thread is in mod_dbd's pool, where it may connect */
    tuor_link *returned;                /* for it to put back when it leaves */
    apr_time_t closed_until;            /* after a failed connect */
    int exports;                        /* exports under way */
    tuor_link *idle;                    /* connections that exports have left, for the next ones */
    int idles;                          /* how many */
    PQconninfoOption *params;           /* of the shared pool, for connections of our own */
} gate;

/* ------------------------------------------------ what is known of a link */

/* libpq tells when a connection was reset: its prepared statements are gone then. */
static int on_event(PGEventId event, void *info, void *data)
{
    tuor_link *link = data;

    (void)info;
    if (event == PGEVT_CONNRESET) {
        apr_hash_clear(link->prepared);
        link->schema_ok = 0;
    }
    return 1;
}

static tuor_link *known(PGconn *pg)
{
    return PQinstanceData(pg, on_event);
}

static void adopt(tuor_link *link, PGconn *pg, apr_pool_t *pool)
{
    link->pg = pg;
    link->pool = pool;
    link->prepared = apr_hash_make(pool);
    PQregisterEventProc(pg, on_event, "tuor", link);
    PQsetInstanceData(pg, on_event, link);
    PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
    PQsetnonblocking(pg, 1);
}

/* mod_dbd has made a connection (inside ap_dbd_open, so in the thread that will use it first). */
static apr_status_t post_connect(apr_pool_t *pool, dbd_cfg_t *cfg, ap_dbd_t *dbd)
{
    tuor_link *link;

    if (strcmp(apr_dbd_name(dbd->driver), "pgsql")) {
        return APR_SUCCESS;     /* another application's */
    }
    link = apr_pcalloc(pool, sizeof(*link));
    adopt(link, apr_dbd_native_handle(dbd->driver, dbd->handle), pool);
    link->dbd = dbd;
    if (gate.lock) {
        apr_thread_mutex_lock(gate.lock);
        gate.max = cfg->persist && cfg->nmax > 0 ? cfg->nmax : DBD_MAX_DEFAULT;
        apr_thread_mutex_unlock(gate.lock);
    }
    return APR_SUCCESS;
}

/*
 * Whether the server still holds its end. An idle connection has nothing to read; where there is
 * something, two reads, because the first may only fetch a last message ("terminating connection …")
 * that lies before the end of the stream.
 */
static int alive(PGconn *pg)
{
    char c;

    if (PQstatus(pg) == CONNECTION_OK && recv(PQsocket(pg), &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0
        && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 1;
    }
    return PQstatus(pg) == CONNECTION_OK && PQconsumeInput(pg) && PQconsumeInput(pg)
        && PQstatus(pg) == CONNECTION_OK;
}

/* ---------------------------------------------------------------- figures */

static tuor_metric *in_use, *exporting, *waited, *away;

static int add_figures(apr_pool_t *pconf, server_rec *s)
{
    static const double seconds[] = { 0.0001, 0.001, 0.01, 0.1, 0.5, 1, 5, 10 };

    (void)pconf, (void)s;
    in_use = tuor_metric_gauge("tuor_db_connections_in_use", NULL, "Connections of the shared pools in use");
    exporting = tuor_metric_gauge("tuor_exports_running", NULL, "Exports under way");
    waited = tuor_metric_histogram("tuor_db_wait_seconds", NULL, "Time that work waited for a connection", seconds,
                                   sizeof(seconds) / sizeof(*seconds));
    away = tuor_metric_counter("tuor_db_unavailable_total", NULL, "Times that no connection could be had");
    return DECLINED;
}

/* ------------------------------------------------------------ the gate */

tuor_error *tuor_db_away(apr_pool_t *pool, const char *cause)
{
    tuor_error *err = tuor_error_make(pool, HTTP_SERVICE_UNAVAILABLE,
                                      "The database cannot be reached at the moment: try again shortly");

    err->cause = cause;
    return err;
}

/* Wait for a place and for one's turn in mod_dbd's pool. @return NULL, or why not */
static const char *gate_enter(apr_interval_time_t timeout)
{
    apr_time_t now = apr_time_now(), end = now + timeout;
    const char *why = NULL;

    apr_thread_mutex_lock(gate.lock);
    while (!why && (gate.used >= gate.max || gate.inside)) {
        if (now < gate.closed_until) {
            why = "the last connect failed a moment ago";
        }
        else if (now >= end) {
            why = "every connection is busy";
        }
        else {
            apr_thread_cond_timedwait(gate.changed, gate.lock, end - now);
            now = apr_time_now();
        }
    }
    if (!why && now < gate.closed_until) {
        why = "the last connect failed a moment ago";
    }
    if (!why) {
        gate.used++;
        gate.inside = 1;
    }
    apr_thread_mutex_unlock(gate.lock);
    return why;
}

/* The lock is held, and this thread inside: put back what has been returned meanwhile, and let the next one in. */
static void gate_leave(void)
{
    tuor_link *link;

    while ((link = gate.returned) != NULL) {
        gate.returned = link->next;
        apr_thread_mutex_unlock(gate.lock);
        dbd_close(link->s, link->dbd);
        apr_thread_mutex_lock(gate.lock);
        gate.used--;
    }
    gate.inside = 0;
    apr_thread_cond_signal(gate.changed);
}

static void gate_opened(int ok)
{
    apr_thread_mutex_lock(gate.lock);
    if (!ok) {
        gate.used--;
        gate.closed_until = apr_time_now() + PAUSE_AFTER_FAILURE;
        apr_thread_cond_broadcast(gate.changed);
    }
    gate_leave();
    apr_thread_mutex_unlock(gate.lock);
}

/* Does not wait for who is inside: that one may be connecting to a server that does not answer. */
static void gate_return(tuor_link *link)
{
    apr_thread_mutex_lock(gate.lock);
    link->next = gate.returned;
    gate.returned = link;
    if (!gate.inside) {
        gate.inside = 1;
        gate_leave();
    }
    apr_thread_mutex_unlock(gate.lock);
}

static void remember_params(tuor_link *link)
{
    apr_thread_mutex_lock(gate.lock);
    if (!gate.params) {
        gate.params = PQconninfo(link->pg);
    }
    apr_thread_mutex_unlock(gate.lock);
    link->remembered = 1;
}

/* ----------------------------------------------------------- shared links */

/* mod_dbd's connection, made whole if its server has gone meanwhile. NULL: no database. */
static tuor_link *acquire(server_rec *s, apr_pool_t *pool)
{
    ap_dbd_t *dbd = dbd_open(pool, s);
    PGconn *pg;

    if (!dbd) {
        return NULL;
    }
    pg = strcmp(apr_dbd_name(dbd->driver), "pgsql") ? NULL : apr_dbd_native_handle(dbd->driver, dbd->handle);
    if (!pg || !known(pg)) {
        dbd_close(s, dbd);
        return NULL;
    }
    if (!alive(pg)) {
        PQreset(pg);
    }
    if (PQstatus(pg) != CONNECTION_OK) {
        dbd_close(s, dbd);
        return NULL;
    }
    PQsetnonblocking(pg, 1);
    return known(pg);
}

tuor_error *tuor_link_open(tuor_link **out, server_rec *s, apr_pool_t *pool)
{
    apr_interval_time_t timeout = tuor_config_of(s).db_timeout, took;
    apr_time_t began = apr_time_now();
    tuor_link *link;
    const char *why;

    if (!dbd_open) {
        return tuor_db_away(pool, "mod_dbd is not loaded: LoadModule dbd_module, then DBDriver pgsql and DBDParams");
    }
    why = gate_enter(timeout);
    if (why) {
        tuor_metric_add(away, 1);
        return tuor_db_away(pool, why);
    }
    link = acquire(s, pool);
    gate_opened(link != NULL);
    took = apr_time_now() - began;
    tuor_metric_observe(waited, (double)took / APR_USEC_PER_SEC);
    if (!link) {
        tuor_metric_add(away, 1);
        return tuor_db_away(pool, "no connection: see mod_dbd's message above, and DBDriver pgsql, DBDParams");
    }
    tuor_metric_add(in_use, 1);
    link->s = s;
    link->timeout = took < timeout - timeout / 4 ? timeout - took : timeout / 4;
    if (!link->remembered) {
        remember_params(link);
    }
    *out = link;
    return NULL;
}

void tuor_link_close(tuor_link *link)
{
    if (PQstatus(link->pg) == CONNECTION_OK && PQtransactionStatus(link->pg) != PQTRANS_IDLE) {
        tuor_link_break(link);  /* nobody can say what would come next on it */
    }
    PQsetnonblocking(link->pg, 0);      /* other modules may share the pool */
    tuor_metric_add(in_use, -1);
    gate_return(link);
}

void tuor_link_break(tuor_link *link)
{
    int fd = PQsocket(link->pg);

    if (fd >= 0) {
        shutdown(fd, SHUT_RDWR);
    }
    PQconsumeInput(link->pg);   /* lets libpq notice */
}

/* ----------------------------------------------------- links of our own */

/* Connect with the shared pool's parameters, within the timeout. */
static PGconn *connect_own(apr_interval_time_t timeout)
{
    const char *keys[64], *values[64];
    PQconninfoOption *o;
    PGconn *pg;
    int n = 0;

    for (o = gate.params; o && o->keyword && n < 62; o++) {
        if (o->val && *o->val && strcmp(o->keyword, "connect_timeout")) {
            keys[n] = o->keyword;
            values[n++] = o->val;
        }
    }
    keys[n] = "connect_timeout";
    values[n++] = timeout > apr_time_from_sec(5) ? "5" : "2";
    keys[n] = values[n] = NULL;
    pg = PQconnectdbParams(keys, values, 0);
    if (PQstatus(pg) != CONNECTION_OK) {
        PQfinish(pg);
        return NULL;
    }
    return pg;
}

/* A place among the exports. @return whether there is one */
static int reserve(int max, apr_interval_time_t timeout)
{
    apr_time_t now = apr_time_now(), end = now + timeout;
    int got;

    apr_thread_mutex_lock(gate.lock);
    while (gate.exports >= max && now < end) {
        apr_thread_cond_timedwait(gate.exported, gate.lock, end - now);
        now = apr_time_now();
    }
    got = gate.exports < max;
    gate.exports += got;
    apr_thread_mutex_unlock(gate.lock);
    tuor_metric_add(exporting, got);
    return got;
}

static void unreserve(void)
{
    apr_thread_mutex_lock(gate.lock);
    gate.exports--;
    apr_thread_cond_signal(gate.exported);
    apr_thread_mutex_unlock(gate.lock);
    tuor_metric_add(exporting, -1);
}

static void finish(tuor_link *link)
{
    PQfinish(link->pg);
    apr_pool_destroy(link->pool);
}

/* One that an earlier export left, and that is still alive. */
static tuor_link *take_idle(void)
{
    tuor_link *link;

    for (;;) {
        apr_thread_mutex_lock(gate.lock);
        link = gate.idle;
        if (link) {
            gate.idle = link->next;
            gate.idles--;
        }
        apr_thread_mutex_unlock(gate.lock);
        if (!link || alive(link->pg)) {
            return link;
        }
        finish(link);
    }
}

static int keep_idle(tuor_link *link)
{
    int kept;

    apr_thread_mutex_lock(gate.lock);
    kept = gate.idles < IDLE_MAX;
    if (kept) {
        link->next = gate.idle;
        gate.idle = link;
        gate.idles++;
    }
    apr_thread_mutex_unlock(gate.lock);
    return kept;
}

/* The parameters come from a shared connection: make sure that there was one. */
static tuor_error *have_params(server_rec *s, apr_pool_t *pool)
{
    tuor_link *link;
    tuor_error *err;
    int have;

    apr_thread_mutex_lock(gate.lock);
    have = gate.params != NULL;
    apr_thread_mutex_unlock(gate.lock);
    if (have) {
        return NULL;
    }
    err = tuor_link_open(&link, s, pool);
    if (!err) {
        tuor_link_close(link);
    }
    return err;
}

static tuor_link *open_own(apr_interval_time_t timeout)
{
    tuor_link *link;
    apr_pool_t *pool;
    PGconn *pg = connect_own(timeout);

    if (!pg) {
        return NULL;
    }
    apr_pool_create(&pool, NULL);       /* not the request's: the connection may outlive it */
    link = apr_pcalloc(pool, sizeof(*link));
    adopt(link, pg, pool);
    return link;
}

tuor_error *tuor_link_open_own(tuor_link **out, server_rec *s, int first, apr_pool_t *pool)
{
    tuor_config conf = tuor_config_of(s);
    tuor_link *link;
    tuor_error *err = have_params(s, pool);

    if (err) {
        return err;
    }
    if (first && !reserve(conf.exports, conf.db_timeout)) {
        return tuor_error_make(pool, HTTP_SERVICE_UNAVAILABLE,
                               "Too many exports are running: try again when one has ended");
    }
    link = take_idle();
    if (!link) {
        link = open_own(conf.db_timeout);
    }
    if (!link) {
        if (first) {
            unreserve();
        }
        return tuor_db_away(pool, "no connection for an export");
    }
    link->s = s;
    link->timeout = conf.db_timeout;
    link->counted = first;
    *out = link;
    return NULL;
}

void tuor_link_close_own(tuor_link *link)
{
    int counted = link->counted;
    PGcancel *cancel;
    char why[256];

    if (PQtransactionStatus(link->pg) == PQTRANS_ACTIVE && (cancel = PQgetCancel(link->pg)) != NULL) {
        PQcancel(cancel, why, sizeof(why));     /* nobody reads the rest of the stream */
        PQfreeCancel(cancel);
    }
    if (PQtransactionStatus(link->pg) != PQTRANS_IDLE || !alive(link->pg) || !keep_idle(link)) {
        finish(link);
    }
    if (counted) {
        unreserve();
    }
}

/* -------------------------------------------------------------- hooks */

static apr_status_t child_exit(void *data)
{
    tuor_link *link;

    (void)data;

    while ((link = gate.idle) != NULL) {
        gate.idle = link->next;
        finish(link);
    }
    if (gate.params) {
        PQconninfoFree(gate.params);
        gate.params = NULL;
    }
    return APR_SUCCESS;
}

/*
 * prefork makes a child's pool with an allocator that has no lock, as it knows of no threads. Ours open connections,
 * and mod_dbd makes each in a pool under that one, while the main thread serves a request from another. The lock may be
 * taken twice by one thread: prefork ends a child inside a signal handler, whatever it has interrupted.
 */
static void lock_allocator(apr_pool_t *pchild)
{
    apr_allocator_t *allocator = apr_pool_allocator_get(pchild);
    apr_thread_mutex_t *lock;

    if (!apr_allocator_mutex_get(allocator)
        && apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_NESTED, pchild) == APR_SUCCESS) {
        apr_allocator_mutex_set(allocator, lock);
    }
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)s;
    lock_allocator(pchild);
    memset(&gate, 0, sizeof(gate));
    gate.max = DBD_MAX_DEFAULT;
    apr_thread_mutex_create(&gate.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    apr_thread_cond_create(&gate.changed, pchild);
    apr_thread_cond_create(&gate.exported, pchild);
    apr_pool_cleanup_register(pchild, NULL, child_exit, apr_pool_cleanup_null);
    tuor_db_child_init(pchild);
}

static void retrieve(void)
{
    dbd_open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    dbd_close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
}

void tuor_db_register(apr_pool_t *pool)
{
    static const char *const after[] = { "mod_dbd.c", NULL };

    (void)pool;
    tuor_hook_routes(add_figures, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_optional_fn_retrieve(retrieve, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, after, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(dbd, post_connect, post_connect, NULL, NULL, APR_HOOK_MIDDLE);
}
