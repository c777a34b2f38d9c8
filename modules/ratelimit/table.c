/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The table: buckets of cells, a cell for each credential and class that was seen in the last minute.
 *
 * A cell is two words. "state" holds the window's start, the count and two notes, so that one
 * compare-and-swap counts a request, exactly, whatever the other children do. "key" is the keyed
 * hash of whom the cell counts. The common case, a cell that is there, takes no lock.
 *
 * A cell changes hands only under its bucket's lock, in this order: state to 0, key, state. Readers
 * load state first and key second, then swap the state that they loaded: if the cell has changed
 * hands meanwhile, either the key differs or the swap fails. The one state that could come back with
 * another owner would have to start in the same millisecond, and no cell is taken from its owner
 * in the millisecond in which its window began.
 *
 * The locks are robust: a child that is killed in the middle leaves a cell with state 0, which is
 * a vacant one.
 *
 * Keys that nobody has issued are counted too, since the database has not been asked yet. They
 * cannot crowd others out: with the 401 their cell is up for grabs, and where the 401 never comes
 * (the database is away), a cell that nobody has verified yields to a newcomer after two seconds.
 */
#include "table.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <apr_shm.h>
#include <apr_siphash.h>

/* In shared memory only an atomic that needs no lock of its process is one. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics have to be lock-free");

/* Changes with the layout below, so that a new version of this DSO does not take over an old table. */
#define USERDATA "tuor:ratelimit:table:1"

#define CELLS 16                        /* a bucket: four cache lines */
#define BUCKETS 8192                    /* a power of two; 131 072 cells in 2 MiB */
#define LOCKS 64
#define CACHE_LINE 64

/* state: start in milliseconds (38 bits: nine years), count (20), refusals (5), verified (1). */
#define START_SHIFT 26
#define START_BITS 38
#define START_MASK ((UINT64_C(1) << START_BITS) - 1)
#define COUNT_SHIFT 6
#define COUNT_MASK UINT64_C(0xfffff)
#define COUNT_ONE (UINT64_C(1) << COUNT_SHIFT)
#define REFUSED_SHIFT 1
#define REFUSED_MASK UINT64_C(31)
#define REFUSED_ONE (UINT64_C(1) << REFUSED_SHIFT)
#define VERIFIED UINT64_C(1)
#define VACANT UINT64_C(0)

#define WINDOW_MS (TUOR_RATELIMIT_WINDOW * 1000)
#define EVICT_AFTER_MS 2000
/* So many refusals of a window still ask the database, so that a key that was revoked meanwhile
 * gets its 401; those after them are a flood, and cost nothing. */
#define REFUSALS_CHECKED 16
/* In the place of the refusals: the key is no good. */
#define CONDEMNED REFUSED_MASK

_Static_assert(TUOR_RATELIMIT_MAX <= COUNT_MASK, "a cell has to count to the largest quota");
_Static_assert(REFUSALS_CHECKED < CONDEMNED, "a cell has to count the refusals that are checked");

typedef struct cell {
    _Atomic uint64_t state, key;
} cell;

typedef struct bucket {
    _Alignas(CACHE_LINE) cell cells[CELLS];
} bucket;

typedef struct table {
    unsigned char secret[APR_SIPHASH_KSIZE];    /* nobody can aim at a bucket */
    pthread_mutex_t locks[LOCKS];
    _Alignas(CACHE_LINE) _Atomic uint64_t passed[TUOR_RATELIMIT_CLASSES];
    _Atomic uint64_t limited[TUOR_RATELIMIT_CLASSES], uncounted;
    bucket buckets[BUCKETS];
} table;

/* The same address in all children, as they are forked from the process that made it. */
static table *shared;

/* Milliseconds of a clock that nobody sets; it goes on while the machine sleeps, where there is such a one. */
static uint64_t clock_ms(void)
{
    struct timespec t;

#ifdef CLOCK_BOOTTIME
    clock_gettime(CLOCK_BOOTTIME, &t);
#else
    clock_gettime(CLOCK_MONOTONIC, &t);
#endif
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* How long ago a window began. Never negative: another processor's clock may be a hair ahead. */
static uint64_t age(uint64_t state, uint64_t now)
{
    uint64_t ms = (now - (state >> START_SHIFT)) & START_MASK;

    return ms > START_MASK / 2 ? 0 : ms;
}

static uint64_t first_of_window(uint64_t now, unsigned n, int verified)
{
    return (now & START_MASK) << START_SHIFT | n * COUNT_ONE | (verified ? VERIFIED : 0);
}

static unsigned count_of(uint64_t state)
{
    return (unsigned)(state >> COUNT_SHIFT & COUNT_MASK);
}

static unsigned refused_of(uint64_t state)
{
    return (unsigned)(state >> REFUSED_SHIFT & REFUSED_MASK);
}

static bucket *bucket_of(uint64_t key)
{
    return &shared->buckets[key & (BUCKETS - 1)];
}

static pthread_mutex_t *lock(uint64_t key)
{
    pthread_mutex_t *m = &shared->locks[key & (LOCKS - 1)];

    /* Its owner was killed. Whatever he was doing, the table is whole: see above. */
    if (pthread_mutex_lock(m) == EOWNERDEAD) {
        pthread_mutex_consistent(m);
    }
    return m;
}

/* The cell of a key and its state, or NULL. The state has to be loaded before the key. */
static cell *find(uint64_t key, uint64_t *state)
{
    bucket *b = bucket_of(key);
    int i;

    for (i = 0; i < CELLS; i++) {
        uint64_t s = atomic_load_explicit(&b->cells[i].state, memory_order_acquire);

        if (s != VACANT && atomic_load_explicit(&b->cells[i].key, memory_order_acquire) == key) {
            *state = s;
            return &b->cells[i];
        }
    }
    return NULL;
}

/* A cell to be had, and the state it has; NULL when the bucket is full of live windows. */
static cell *pick(bucket *b, uint64_t now, uint64_t *state)
{
    cell *oldest = NULL;
    uint64_t oldest_age = 0;
    int i;

    for (i = 0; i < CELLS; i++) {
        uint64_t s = atomic_load_explicit(&b->cells[i].state, memory_order_acquire), ms = age(s, now);

        if (s == VACANT || ms >= WINDOW_MS || (ms > 0 && !(s & VERIFIED) && refused_of(s) == CONDEMNED)) {
            *state = s;
            return &b->cells[i];
        }
        if (!(s & VERIFIED) && ms >= EVICT_AFTER_MS && ms > oldest_age) {
            oldest = &b->cells[i];
            oldest_age = ms;
            *state = s;
        }
    }
    return oldest;
}

/*
 * Open the first window of a key.
 * @return 1 when that counted the requests, 0 when the key has a cell meanwhile, -1 when there is no room
 */
static int insert(uint64_t key, uint64_t first, uint64_t now)
{
    pthread_mutex_t *m = lock(key);
    bucket *b = bucket_of(key);
    uint64_t state;
    cell *c;
    int rc;

    for (;;) {
        if (find(key, &state)) {
            rc = 0;
            break;
        }
        c = pick(b, now, &state);
        if (!c) {
            rc = -1;
            break;
        }
        /* It fails when the owner has just begun a new window, or was verified: look again. */
        if (state != VACANT && !atomic_compare_exchange_strong(&c->state, &state, VACANT)) {
            continue;
        }
        atomic_store_explicit(&c->key, key, memory_order_release);
        atomic_store_explicit(&c->state, first, memory_order_release);
        rc = 1;
        break;
    }
    pthread_mutex_unlock(m);
    return rc;
}

static void count(_Atomic uint64_t *figure, unsigned n)
{
    atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Fill in a verdict from the state that the request left behind. */
static void tell(tuor_ratelimit_verdict *v, uint64_t state, unsigned quota, uint64_t now)
{
    uint64_t left = WINDOW_MS - age(state, now);

    v->counted = 1;
    v->remaining = count_of(state) < quota ? quota - count_of(state) : 0;
    v->seconds = (unsigned)((left + 999) / 1000);
}

void tuor_ratelimit_take(tuor_ratelimit_verdict *v, const tuor_ratelimit_who *who, unsigned quota, unsigned n,
                         int verified)
{
    uint64_t key = apr_siphash24(who, sizeof(*who), shared->secret);
    uint64_t now = clock_ms(), first = first_of_window(now, least(n, quota), verified), state, next;

    memset(v, 0, sizeof(*v));
    v->key = key;
    for (;;) {
        cell *c = find(key, &state);

        if (!c) {
            int rc = insert(key, first, now);

            if (rc < 0) {
                v->passed = 1;
                v->taken = n;
                count(&shared->uncounted, n);
                return;
            }
            if (rc == 0) {
                continue;
            }
            v->taken = least(n, quota);
            next = first;
            break;
        }
        if (age(state, now) >= WINDOW_MS) {
            v->taken = least(n, quota);
            next = first;
        }
        else if (count_of(state) < quota) {
            v->taken = least(n, quota - count_of(state));
            next = (state + v->taken * COUNT_ONE) | (verified ? VERIFIED : 0);
        }
        else {
            v->settled = (state & VERIFIED) && refused_of(state) >= REFUSALS_CHECKED;
            if (!v->settled && refused_of(state) < CONDEMNED - 1) {
                /* Lost to another request, a refusal goes unnoticed: no harm. */
                atomic_compare_exchange_strong(&c->state, &state, state + REFUSED_ONE);
            }
            tell(v, state, quota, now);
            v->taken = 0;
            v->remaining = 0;
            count(&shared->limited[who->klass], n);
            return;
        }
        if (atomic_compare_exchange_strong(&c->state, &state, next)) {
            break;
        }
    }
    v->passed = 1;
    tell(v, next, quota, now);
    count(&shared->passed[who->klass], v->taken);
    count(&shared->limited[who->klass], n - v->taken);
}

void tuor_ratelimit_verified(apr_uint64_t key)
{
    uint64_t state;
    cell *c;

    while ((c = find(key, &state)) && !(state & VERIFIED)
           && !atomic_compare_exchange_strong(&c->state, &state, state | VERIFIED)) {
        /* Somebody was counted meanwhile. */
    }
}

void tuor_ratelimit_release(apr_uint64_t key)
{
    uint64_t state;
    cell *c;

    while ((c = find(key, &state)) && !(state & VERIFIED)
           && !atomic_compare_exchange_strong(&c->state, &state, state | CONDEMNED << REFUSED_SHIFT)) {
        /* As above. */
    }
}

void tuor_ratelimit_figures_get(tuor_ratelimit_figures *figures)
{
    int i;

    memset(figures, 0, sizeof(*figures));
    if (!shared) {
        return;
    }
    for (i = 0; i < TUOR_RATELIMIT_CLASSES; i++) {
        figures->passed[i] = atomic_load_explicit(&shared->passed[i], memory_order_relaxed);
        figures->limited[i] = atomic_load_explicit(&shared->limited[i], memory_order_relaxed);
    }
    figures->uncounted = atomic_load_explicit(&shared->uncounted, memory_order_relaxed);
}

static apr_status_t make(table **made, apr_pool_t *pool)
{
    pthread_mutexattr_t attr;
    apr_shm_t *shm;
    apr_status_t rv;
    table *t;
    int i;

    /* Anonymous: no file to clean up, none that another user could open. Its pages are zero, so
     * every cell is vacant. apr_shm puts a word of its own first, hence the rounding. */
    rv = apr_shm_create(&shm, sizeof(table) + CACHE_LINE, NULL, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    t = (table *)(((uintptr_t)apr_shm_baseaddr_get(shm) + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    rv = apr_generate_random_bytes(t->secret, sizeof(t->secret));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    pthread_mutexattr_init(&attr);
    if ((rv = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED)) == 0
        && (rv = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST)) == 0) {
        for (i = 0; i < LOCKS && rv == 0; i++) {
            rv = pthread_mutex_init(&t->locks[i], &attr);
        }
    }
    pthread_mutexattr_destroy(&attr);
    *made = t;
    return rv;
}

apr_status_t tuor_ratelimit_table_open(server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    void *found = NULL;
    table *t = NULL;
    apr_status_t rv;

    apr_pool_userdata_get(&found, USERDATA, pool);
    if (found) {
        shared = found;
        return APR_SUCCESS;
    }
    rv = make(&t, pool);
    if (rv == APR_SUCCESS) {
        /* Not _setn: that would keep the key's address, which goes away with this DSO. And no
         * cleanup of ours: apr_shm has its own, in APR. */
        rv = apr_pool_userdata_set(t, USERDATA, NULL, pool);
        shared = t;
    }
    return rv;
}
