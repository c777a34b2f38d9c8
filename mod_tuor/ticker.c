/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A thread in each child that runs the tick hook once a second, for what has to be done some time.
 *
 * It is started when the child starts and joined in a pre-cleanup of the child's pool: pre-cleanups
 * run before the pools below it go, so mod_dbd's connections are still there for a tick under way.
 */
#include "core.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <pthread.h>
#include <signal.h>

#include "metrics.h"

APLOG_USE_MODULE(tuor);

static struct ticker {
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *stopped;
    int stopping;
    server_rec *s;
} ticker;

/* @return whether the child goes on */
static int wait_a_second(void)
{
    int go_on;

    apr_thread_mutex_lock(ticker.lock);
    if (!ticker.stopping) {
        apr_thread_cond_timedwait(ticker.stopped, ticker.lock, APR_USEC_PER_SEC);
    }
    go_on = !ticker.stopping;
    apr_thread_mutex_unlock(ticker.lock);
    return go_on;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    (void)thread;
    (void)data;
    apr_allocator_create(&allocator);
    apr_pool_create_ex(&pool, NULL, NULL, allocator);
    apr_allocator_owner_set(allocator, pool);
    do {
        tuor_run_tick(ticker.s, pool);
        apr_pool_clear(pool);
    } while (wait_a_second());
    apr_pool_destroy(pool);
    /* Not by apr_thread_exit(): it leaves this frame without unwinding, and AddressSanitizer sees a broken stack. */
    return NULL;
}

static apr_status_t stop(void *data)
{
    apr_status_t ignored;

    (void)data;
    apr_thread_mutex_lock(ticker.lock);
    ticker.stopping = 1;
    apr_thread_cond_signal(ticker.stopped);
    apr_thread_mutex_unlock(ticker.lock);
    apr_thread_join(&ignored, ticker.thread);
    return APR_SUCCESS;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    sigset_t all, before;
    apr_status_t rv;

    tuor_metrics_child_init();
    memset(&ticker, 0, sizeof(ticker));
    ticker.s = s;
    apr_thread_mutex_create(&ticker.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    apr_thread_cond_create(&ticker.stopped, pchild);
    /* Signals are for httpd's own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = ap_thread_create(&ticker.thread, NULL, run, NULL, pchild);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, TUORNO(0005) "no thread for housekeeping in this child");
        return;
    }
    apr_pool_pre_cleanup_register(pchild, NULL, stop);
}

void tuor_ticker_register(apr_pool_t *pool)
{
    static const char *const after[] = { "mod_dbd.c", NULL };

    (void)pool;
    ap_hook_child_init(child_init, after, NULL, APR_HOOK_LAST);
}
