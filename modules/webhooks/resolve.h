/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file resolve.h
 * Names to addresses, without waiting.
 *
 * getaddrinfo() cannot be interrupted, and with a name server that keeps silent it takes longer than
 * any delivery may. So each look-up has a detached thread, as in libcurl's own resolver; one that
 * nobody waits for any more ends by itself. libcurl is not asked, because it would connect to the
 * first good address of a name before we had seen the others.
 */
#ifndef WEBHOOK_RESOLVE_H
#define WEBHOOK_RESOLVE_H

#include <ifaddrs.h>
#include <netdb.h>

typedef struct webhook_resolver webhook_resolver;

/** A look-up that has ended. */
typedef struct webhook_lookup {
    struct webhook_lookup *next;
    webhook_resolver *resolver;
    int error;                          /**< of getaddrinfo() */
    struct addrinfo *addrs;             /**< every address of the name, both families; NULL on error */
    struct ifaddrs *own;                /**< the addresses of this machine */
    char host[];
} webhook_lookup;

/** @param multi the CURLM to wake when a look-up has ended. @return NULL without memory */
webhook_resolver *webhook_resolver_make(void *multi);
/** Start a look-up. @return 0, or an errno: no thread to be had */
int webhook_resolver_start(webhook_resolver *r, const char *host);
/** Take those that have ended; each is given back to webhook_lookup_free(). */
webhook_lookup *webhook_resolver_take(webhook_resolver *r);
void webhook_lookup_free(webhook_lookup *lookup);
/** Wait for nothing more; the last thread frees the resolver. */
void webhook_resolver_leave(webhook_resolver *r);

#endif
