/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Counting in the background, so that a report finds little left to do. Each child has a thread that
 * looks every few seconds; the database lets one of them, on whatever machine, do the work.
 *
 * The thread touches the database alone. It is told to stop by an atomic flag and a pollset's wake-up,
 * and joined in a pre-cleanup of the child's pool, when mod_dbd's connections are still there.
 */
#include "analytics.h"

#include <apr_atomic.h>
#include <apr_poll.h>
#include <apr_thread_proc.h>
#include <pthread.h>
#include <signal.h>

APLOG_USE_MODULE(tuor_analytics);

#define PAUSE apr_time_from_sec(5)

/* Between two statements: others want the database too, and the feed of events a gap to look through. */
#define BREATH apr_time_from_msec(20)

static const tuor_stmt fold_next = { "analytics_fold_next", "SELECT org, n FROM tuor.analytics_fold_next($1, $2)" };

typedef struct folder {
    server_rec *s;
    apr_thread_t *thread;
    apr_pollset_t *wakeup;              /* empty: the thread sleeps on it */
    volatile apr_uint32_t stopping;
} folder;

/* Set once in child_init, before the child has threads. */
static folder *the_folder;

/* Count events of the next organization. @return 0 when there is none left for now */
static int step(folder *f, const char **org, apr_pool_t *names, apr_pool_t *scratch)
{
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_db_begin_system(&db, f->s, NULL, TUOR_DB_EACH, scratch);
    int more = 0;

    if (!err) {
        err = tuor_db_exec(&res, db, &fold_next, TUOR_ARGS(tuor_text(*org), tuor_int(FOLD_EVENTS)));
    }
    if (!err && tuor_result_rows(res)) {
        more = 1;
        /* A whole portion: there may be more of this one. */
        if (tuor_result_int(res, 0, 1) < FOLD_EVENTS) {
            *org = apr_pstrdup(names, tuor_result_text(res, 0, 0));
        }
    }
    tuor_db_end(db);
    if (err) {
        /* Requests say in the log that the database is away; what is left to count waits. */
        ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, f->s, TUORNO(0910) "analytics: %s: %s", err->detail, err->cause ? err->cause : "");
    }
    return more;
}

static void snooze(folder *f, apr_interval_time_t time)
{
    const apr_pollfd_t *ignored;
    apr_int32_t n;

    if (!apr_atomic_read32(&f->stopping)) {
        apr_pollset_poll(f->wakeup, time, &n, &ignored);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    folder *f = data;
    apr_pool_t *names, *scratch;

    (void)thread;
    if (apr_pool_create_unmanaged_ex(&names, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    apr_pool_create(&scratch, names);
    while (!apr_atomic_read32(&f->stopping)) {
        const char *org = "";

        while (!apr_atomic_read32(&f->stopping) && step(f, &org, names, scratch)) {
            apr_pool_clear(scratch);
            snooze(f, BREATH);
        }
        apr_pool_clear(names);
        apr_pool_create(&scratch, names);
        snooze(f, PAUSE);
    }
    apr_pool_destroy(names);
    return NULL;
}

void fold_stop(void)
{
    if (the_folder) {
        apr_atomic_set32(&the_folder->stopping, 1);
        apr_pollset_wakeup(the_folder->wakeup);
    }
}

/* In the child's main thread, in prefork in a signal handler: takes no lock. */
static apr_status_t join(void *data)
{
    folder *f = data;
    apr_status_t ignored;

    fold_stop();
    apr_thread_join(&ignored, f->thread);
    the_folder = NULL;
    return APR_SUCCESS;
}

void fold_start(apr_pool_t *pchild, server_rec *s)
{
    folder *f = apr_pcalloc(pchild, sizeof(*f));
    apr_pool_t *pool;
    sigset_t all, before;
    apr_status_t rv;

    apr_pool_create(&pool, pchild);
    apr_pool_tag(pool, "tuor_analytics");
    f->s = s;
    rv = apr_pollset_create(&f->wakeup, 1, pool, APR_POLLSET_WAKEABLE | APR_POLLSET_NOCOPY);
    if (rv == APR_SUCCESS) {
        /* Signals are for httpd's own threads: in prefork the handler ends the process. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        rv = ap_thread_create(&f->thread, NULL, run, f, pool);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s, TUORNO(0911) "cannot start a thread: this child counts when it is asked, no earlier");
        return;
    }
    the_folder = f;
    apr_pool_pre_cleanup_register(pchild, f, join);
}
