/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file keyset.h
 * Private to lib/: a set of keys that numbers them in the order in which they came.
 *
 * The keys are other people's, so nobody may be able to make them collide: the hash is SipHash-1-3
 * under a random key of each set. Sets of up to TUOR_KEYSET_SMALL keys do without.
 */
#ifndef TUOR_KEYSET_H
#define TUOR_KEYSET_H

#include "tuor_json.h"

#define TUOR_KEYSET_SMALL 12

typedef struct tuor_keyset_key {
    tuor_slice text;
    apr_uint64_t hash;          /**< set once there are slots */
} tuor_keyset_key;

typedef struct tuor_keyset {
    apr_pool_t *pool;
    tuor_keyset_key *keys;
    apr_size_t count, size;
    apr_uint32_t *slots;        /**< number of a key + 1, 0 is free */
    apr_size_t used, slots_size;/**< slots in use for this filling (0: none), slots allocated */
    apr_uint64_t secret[2];
} tuor_keyset;

void tuor_keyset_init(tuor_keyset *set, apr_pool_t *pool);

/** Forget the keys and keep the memory. */
void tuor_keyset_clear(tuor_keyset *set);

/**
 * Add a key unless it is there; the slice, made by tuor_json_plain(), must outlive the set.
 * @return its number; set->count tells whether it is new
 */
apr_size_t tuor_keyset_put(tuor_keyset *set, tuor_slice key);

#endif
