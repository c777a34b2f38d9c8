/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file table.h
 * Fixed windows of a minute, counted over all children in shared memory.
 *
 * The table outlives graceful restarts: it lies in a pool of the process, and nothing in it or on
 * that pool points into this DSO, which httpd unloads and loads again.
 *
 * Every function but tuor_ratelimit_table_open() may be called from any thread of any child.
 */
#ifndef TUOR_RATELIMIT_TABLE_H
#define TUOR_RATELIMIT_TABLE_H

#include <apr_pools.h>
#include <httpd.h>

/** Length of a window, seconds. */
#define TUOR_RATELIMIT_WINDOW 60
/** The largest quota that a cell can count to. */
#define TUOR_RATELIMIT_MAX 1000000

typedef enum {
    TUOR_RATELIMIT_INGEST,
    TUOR_RATELIMIT_READ,
    TUOR_RATELIMIT_WRITE,
    TUOR_RATELIMIT_EXPORT,
    TUOR_RATELIMIT_REFINE,
    TUOR_RATELIMIT_CONSOLE,
    TUOR_RATELIMIT_CLASSES
} tuor_ratelimit_class;

/** Who is counted. Filled in byte by byte: memset it to 0 first. */
typedef struct tuor_ratelimit_who {
    unsigned char hash[32];
    apr_uint32_t kind;                  /**< keys and logins are hashes of different things */
    apr_uint32_t klass;
} tuor_ratelimit_who;

/** What became of a request. */
typedef struct tuor_ratelimit_verdict {
    unsigned counted:1;                 /**< 0: the table was full; let the request pass */
    unsigned passed:1;                  /**< some did */
    unsigned settled:1;                 /**< refused, and the credential is known to be good */
    unsigned taken;                     /**< how many passed */
    unsigned remaining;                 /**< requests that still pass in this window */
    unsigned seconds;                   /**< until the window is over, rounded up, at least 1 */
    apr_uint64_t key;                   /**< the ticket: for _verified() and _release() */
} tuor_ratelimit_verdict;

/**
 * Find the table that an earlier generation left, or make one.
 * @param s any server of this process
 */
apr_status_t tuor_ratelimit_table_open(server_rec *s);

/**
 * Count n requests, as many of them as still pass: quota in each window.
 * @param n at least 1, at most TUOR_RATELIMIT_MAX
 * @param verified the credential is known to be good already
 */
void tuor_ratelimit_take(tuor_ratelimit_verdict *v, const tuor_ratelimit_who *who, unsigned quota, unsigned n,
                         int verified);

/** The credential of a ticket is good: keep its cell, and answer its refusals at once. */
void tuor_ratelimit_verified(apr_uint64_t key);

/** The credential of a ticket is no good: give its cell back, unless it was good before in this window. */
void tuor_ratelimit_release(apr_uint64_t key);

/** Figures since the server's start. Uncounted: requests that passed because the table was full. */
typedef struct tuor_ratelimit_figures {
    apr_uint64_t passed[TUOR_RATELIMIT_CLASSES], limited[TUOR_RATELIMIT_CLASSES], uncounted;
} tuor_ratelimit_figures;

void tuor_ratelimit_figures_get(tuor_ratelimit_figures *figures);

#endif
