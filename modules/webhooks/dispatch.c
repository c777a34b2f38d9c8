/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The two threads of a child: started in child_init, told to claim no more when httpd stops the child,
 * joined in a pre-cleanup of the child's pool. Pre-cleanups run before the pools below it go, so
 * mod_dbd's connections are still there for the last outcomes.
 */
#include "webhooks.h"
#include "sockets.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <curl/curl.h>

APLOG_USE_MODULE(tuor_webhooks);

/* How long sends that are under way may go on: httpd kills a child about nine seconds after it asked. */
#define UNGRACEFUL_WAIT apr_time_from_sec(3)

/* Set once in child_init, before the child has threads. */
static webhook_dispatch *dispatch;

apr_interval_time_t webhook_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_interval_time_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void tray_init(webhook_tray *tray, apr_pool_t *pool)
{
    apr_thread_mutex_create(&tray->lock, APR_THREAD_MUTEX_DEFAULT, pool);
    tray->first = NULL;
    tray->last = &tray->first;
}

void webhook_tray_put(webhook_tray *tray, webhook_delivery *d)
{
    d->next = NULL;
    apr_thread_mutex_lock(tray->lock);
    *tray->last = d;
    tray->last = &d->next;
    apr_thread_mutex_unlock(tray->lock);
}

webhook_delivery *webhook_tray_empty(webhook_tray *tray)
{
    webhook_delivery *first;

    apr_thread_mutex_lock(tray->lock);
    first = tray->first;
    tray->first = NULL;
    tray->last = &tray->first;
    apr_thread_mutex_unlock(tray->lock);
    return first;
}

void webhook_dispatch_wake(void)
{
    if (dispatch && !apr_atomic_read32(&dispatch->stopping)) {
        apr_pollset_wakeup(dispatch->clerk_wakeup);
    }
}

void webhook_dispatch_stop(int graceful)
{
    if (!dispatch) {
        return;
    }
    if (!graceful) {
        apr_atomic_set32(&dispatch->ungraceful, 1);
    }
    apr_atomic_set32(&dispatch->stopping, 1);
    apr_pollset_wakeup(dispatch->clerk_wakeup);
}

/* Runs in the child's main thread, in prefork from a signal handler: takes no lock. */
static apr_status_t join(void *data)
{
    webhook_dispatch *d = data;
    apr_status_t ignored;

    d->leave_at = webhook_clock() + (apr_atomic_read32(&d->ungraceful) ? UNGRACEFUL_WAIT
                                     : apr_time_from_sec(d->settings->timeout + 1));
    apr_atomic_set32(&d->stopping, 1);
    apr_atomic_set32(&d->leaving, 1);
    curl_multi_wakeup(d->multi);
    apr_pollset_wakeup(d->clerk_wakeup);
    apr_thread_join(&ignored, d->courier);
    apr_thread_join(&ignored, d->clerk);
    curl_multi_cleanup(d->multi);
    webhook_sockets_free(d->sockets);
    dispatch = NULL;
    return APR_SUCCESS;
}

/*
 * A thread that looks up a name cannot be stopped (resolve.c), and may still be at it when the process
 * ends and httpd unloads its modules. Code that a thread may return to has to stay.
 */
static void stay_loaded(void)
{
    Dl_info info;

    if (dladdr((void *)&stay_loaded, &info)) {
        dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

void webhook_dispatch_start(apr_pool_t *pchild, server_rec *s)
{
    webhook_dispatch *d = apr_pcalloc(pchild, sizeof(*d));
    apr_pool_t *pool;
    sigset_t all, before;
    apr_status_t rv;

    stay_loaded();
    apr_pool_create(&pool, pchild);
    apr_pool_tag(pool, "tuor_webhooks");
    d->s = s;
    d->settings = webhook_settings_get();
    tray_init(&d->outgoing, pool);
    tray_init(&d->done, pool);
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || !(d->multi = curl_multi_init())
        || !(d->sockets = webhook_sockets_make())) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, TUORNO(0302) "libcurl does not start: this child sends no webhooks");
        return;
    }
    rv = apr_pollset_create(&d->clerk_wakeup, 1, pool, APR_POLLSET_WAKEABLE | APR_POLLSET_NOCOPY);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, TUORNO(0303) "cannot make a pollset: this child sends no webhooks");
        return;
    }
    /* Signals are for httpd's own threads: in prefork the handler ends the process. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = ap_thread_create(&d->courier, NULL, webhook_courier, d, pool);
    if (rv == APR_SUCCESS) {
        rv = ap_thread_create(&d->clerk, NULL, webhook_clerk, d, pool);
        if (rv != APR_SUCCESS) {
            apr_status_t ignored;

            apr_atomic_set32(&d->leaving, 1);
            curl_multi_wakeup(d->multi);
            apr_thread_join(&ignored, d->courier);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, TUORNO(0304) "cannot start a thread: this child sends no webhooks");
        curl_multi_cleanup(d->multi);
        return;
    }
    dispatch = d;
    apr_pool_pre_cleanup_register(pchild, d, join);
}
