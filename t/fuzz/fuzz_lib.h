/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file fuzz_lib.h
 * What the fuzzers share: a pool that each input finds empty, and a check that stays in every build.
 *
 * The input itself is in a block of its own size, so that a sanitizer sees every read past it.
 */
#ifndef TUOR_FUZZ_LIB_H
#define TUOR_FUZZ_LIB_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_errno.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tuor_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : broken(#condition, __FILE__, __LINE__))

static inline void broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

static inline apr_pool_t *fresh_pool(void)
{
    static apr_pool_t *pool;

    if (!pool) {
        HOLDS(apr_initialize() == APR_SUCCESS);
        HOLDS(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    }
    apr_pool_clear(pool);
    return pool;
}

static inline tuor_slice input(const uint8_t *data, size_t size)
{
    return (tuor_slice){ (const char *)data, size };
}

/** Cut at the first byte 0xFF, which stands in no JSON: both parts, of which the second may be none. */
static inline void halves(const uint8_t *data, size_t size, tuor_slice *a, tuor_slice *b)
{
    const uint8_t *cut = size ? memchr(data, 0xFF, size) : NULL;

    *a = input(data, cut ? (size_t)(cut - data) : size);
    *b = cut ? input(cut + 1, size - a->len - 1) : TUOR_SLICE_NONE;
}

static inline int is_json(tuor_slice text, unsigned *depth, apr_pool_t *pool)
{
    tuor_json_fault fault;

    return tuor_json_check(text, NULL, depth, &fault, pool) == APR_SUCCESS;
}

static inline int same_bytes(tuor_slice a, tuor_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#endif
