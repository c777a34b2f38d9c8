/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

/* How long the addresses of a name are used before it is looked up again. */
#define FRESH apr_time_from_sec(2)
/* Threads that look up names at once; a name that answers slowly has one, however many wait for it. */
#define LOOKUPS_MAX 256
/* Every address is checked; this many are tried. */
#define TRIED_MAX 16

typedef struct name {
    struct name *next;
    int asked;                          /* a look-up is under way */
    apr_interval_time_t fresh_until;
    const char *error;                  /* static; NULL when addrs is good */
    char *addrs;                        /* NULL: never looked up */
    webhook_transfer *waiting;
    char host[];
} name;

struct webhook_names {
    webhook_resolver *resolver;
    name *first;
    int lookups;
};

webhook_names *webhook_names_make(void *multi)
{
    webhook_names *names = calloc(1, sizeof(*names));

    if (names && !(names->resolver = webhook_resolver_make(multi))) {
        free(names);
        return NULL;
    }
    return names;
}

static name *find(webhook_names *names, const char *host)
{
    name *n;

    for (n = names->first; n && strcmp(n->host, host) != 0; n = n->next) {
        continue;
    }
    return n;
}

static name *add(webhook_names *names, const char *host)
{
    name *n = calloc(1, sizeof(*n) + strlen(host) + 1);

    if (n) {
        strcpy(n->host, host);
        n->next = names->first;
        names->first = n;
    }
    return n;
}

static void release(name *n)
{
    free(n->addrs);
    free(n);
}

/* Names that nobody waits for and whose addresses are stale. */
static void prune(webhook_names *names, apr_interval_time_t now)
{
    name **p = &names->first;

    while (*p) {
        name *n = *p;

        if (!n->asked && !n->waiting && n->fresh_until <= now) {
            *p = n->next;
            release(n);
        }
        else {
            p = &n->next;
        }
    }
}

static void start(webhook_names *names, name *n)
{
    if (!n->asked && names->lookups < LOOKUPS_MAX && webhook_resolver_start(names->resolver, n->host) == 0) {
        n->asked = 1;
        names->lookups++;
    }
}

static void answer(const name *n, webhook_transfer *t)
{
    if (n->error) {
        webhook_transfer_fail(t, "not sent: %s", n->error);
    }
    else {
        t->addrs = apr_pstrdup(t->d->pool, n->addrs);
    }
}

int webhook_names_ask(webhook_names *names, webhook_transfer *t)
{
    apr_interval_time_t now = webhook_clock();
    name *n;

    if (t->target.literal) {
        return 1;
    }
    n = find(names, t->target.host);
    if (n && !n->asked && n->fresh_until > now) {
        answer(n, t);
        return 1;
    }
    if (!n && !(n = add(names, t->target.host))) {
        webhook_transfer_fail(t, "not sent: the server is out of memory");
        return 1;
    }
    t->next = n->waiting;
    n->waiting = t;
    start(names, n);
    return 0;
}

static int add_address(char *out, size_t room, const struct sockaddr *sa)
{
    char text[INET6_ADDRSTRLEN];

    if (sa->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof(text));
        return snprintf(out, room, "%s", text);
    }
    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, text, sizeof(text));
    return snprintf(out, room, "[%s]", text);
}

/* Check every address, and write those to be tried the way CURLOPT_RESOLVE wants them. */
static void judge(name *n, const webhook_lookup *l, const webhook_settings *settings)
{
    size_t size = TRIED_MAX * (INET6_ADDRSTRLEN + 3), len = 0;
    int tried = 0;

    free(n->addrs);
    n->addrs = calloc(1, size);
    n->error = NULL;
    if (l->error || !l->addrs) {
        n->error = l->error == EAI_AGAIN ? "the name of the host could not be looked up just now"
                                         : "the name of the host does not exist or has no address";
        return;
    }
    if (!n->addrs) {
        n->error = "the server is out of memory";
        return;
    }
    for (const struct addrinfo *a = l->addrs; a; a = a->ai_next) {
        if (!webhook_admits(a->ai_addr, l->own, settings)) {
            n->error = "the host has an address that is private, local or reserved";
            return;
        }
        if (tried++ < TRIED_MAX) {
            if (len) {
                n->addrs[len++] = ',';
            }
            n->addrs[len] = '\0';
            len += (size_t)add_address(n->addrs + len, size - len, a->ai_addr);
        }
    }
}

/* Move transfers to the front of another list. */
static void move_all(webhook_transfer **to, webhook_transfer **from)
{
    while (*from) {
        webhook_transfer *t = *from;

        *from = t->next;
        t->next = *to;
        *to = t;
    }
}

static void take_lookup(webhook_names *names, const webhook_lookup *l, webhook_transfer **out, apr_interval_time_t now)
{
    name *n = find(names, l->host);

    names->lookups--;
    if (!n) {
        return;
    }
    n->asked = 0;
    if (!n->waiting) {
        return;
    }
    judge(n, l, n->waiting->settings);
    /* What went wrong is told to those who wait; whoever comes next asks anew. */
    n->fresh_until = n->error ? 0 : now + FRESH;
    for (webhook_transfer *t = n->waiting; t; t = t->next) {
        answer(n, t);
    }
    move_all(out, &n->waiting);
}

static void take_late(name *n, webhook_transfer **out, apr_interval_time_t now)
{
    webhook_transfer **p = &n->waiting;

    while (*p) {
        webhook_transfer *t = *p;

        if (t->deadline > now) {
            p = &t->next;
            continue;
        }
        webhook_transfer_fail(t, "timed out: the name of the host was not found within %d s", t->settings->timeout);
        *p = t->next;
        t->next = *out;
        *out = t;
    }
}

webhook_transfer *webhook_names_answered(webhook_names *names)
{
    apr_interval_time_t now = webhook_clock();
    webhook_lookup *l = webhook_resolver_take(names->resolver);
    webhook_transfer *out = NULL;

    while (l) {
        webhook_lookup *next = l->next;

        take_lookup(names, l, &out, now);
        webhook_lookup_free(l);
        l = next;
    }
    for (name *n = names->first; n; n = n->next) {
        take_late(n, &out, now);
        if (n->waiting) {
            start(names, n);
        }
    }
    prune(names, now);
    return out;
}

webhook_transfer *webhook_names_give_up(webhook_names *names)
{
    webhook_transfer *out = NULL;

    for (name *n = names->first; n; n = n->next) {
        move_all(&out, &n->waiting);
    }
    return out;
}

apr_interval_time_t webhook_names_deadline(const webhook_names *names)
{
    apr_interval_time_t first = 0;

    for (const name *n = names->first; n; n = n->next) {
        for (const webhook_transfer *t = n->waiting; t; t = t->next) {
            if (!first || t->deadline < first) {
                first = t->deadline;
            }
        }
    }
    return first;
}

void webhook_names_free(webhook_names *names)
{
    webhook_resolver_leave(names->resolver);
    while (names->first) {
        name *n = names->first;

        names->first = n->next;
        release(n);
    }
    free(names);
}
