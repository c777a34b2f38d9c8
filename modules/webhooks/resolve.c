/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The threads may outlive the child's pools, so everything here is malloc()ed and belongs to whoever
 * holds the last reference. pthreads rather than APR's, whose threads want a pool.
 */
#include "resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define STACK_BYTES (256 * 1024)

struct webhook_resolver {
    pthread_mutex_t lock;
    void *multi;                        /* NULL once nobody waits */
    int refs;                           /* the courier's and each thread's */
    webhook_lookup *done;
};

/* Called with the lock held; releases it. */
static void drop(webhook_resolver *r)
{
    int last = --r->refs == 0;

    pthread_mutex_unlock(&r->lock);
    if (last) {
        while (r->done) {
            webhook_lookup *l = r->done;

            r->done = l->next;
            webhook_lookup_free(l);
        }
        pthread_mutex_destroy(&r->lock);
        free(r);
    }
}

webhook_resolver *webhook_resolver_make(void *multi)
{
    webhook_resolver *r = calloc(1, sizeof(*r));

    if (r) {
        pthread_mutex_init(&r->lock, NULL);
        r->multi = multi;
        r->refs = 1;
    }
    return r;
}

static void *look_up(void *data)
{
    webhook_lookup *l = data;
    webhook_resolver *r = l->resolver;
    struct addrinfo hints;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    l->error = getaddrinfo(l->host, NULL, &hints, &l->addrs);
    if (l->error) {
        l->addrs = NULL;
    }
    else if (getifaddrs(&l->own) != 0) {
        l->own = NULL;
    }
    pthread_mutex_lock(&r->lock);
    l->next = r->done;
    r->done = l;
    if (r->multi) {
        curl_multi_wakeup(r->multi);
    }
    drop(r);
    return NULL;
}

int webhook_resolver_start(webhook_resolver *r, const char *host)
{
    size_t len = strlen(host) + 1;
    webhook_lookup *l = calloc(1, sizeof(*l) + len);
    pthread_attr_t attr;
    pthread_t thread;
    int rv;

    if (!l) {
        return ENOMEM;
    }
    memcpy(l->host, host, len);
    l->resolver = r;
    pthread_mutex_lock(&r->lock);
    r->refs++;
    pthread_mutex_unlock(&r->lock);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    rv = pthread_create(&thread, &attr, look_up, l);
    pthread_attr_destroy(&attr);
    if (rv) {
        webhook_lookup_free(l);
        pthread_mutex_lock(&r->lock);
        drop(r);
    }
    return rv;
}

webhook_lookup *webhook_resolver_take(webhook_resolver *r)
{
    webhook_lookup *l;

    pthread_mutex_lock(&r->lock);
    l = r->done;
    r->done = NULL;
    pthread_mutex_unlock(&r->lock);
    return l;
}

void webhook_lookup_free(webhook_lookup *l)
{
    if (l->addrs) {
        freeaddrinfo(l->addrs);
    }
    if (l->own) {
        freeifaddrs(l->own);
    }
    free(l);
}

void webhook_resolver_leave(webhook_resolver *r)
{
    pthread_mutex_lock(&r->lock);
    r->multi = NULL;
    drop(r);
}
