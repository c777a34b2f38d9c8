/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file test_lib.h
 * What the tests of mod_tuor/lib share: cmocka in its order, a pool for each test, slices.
 */
#ifndef TUOR_TEST_LIB_H
#define TUOR_TEST_LIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_errno.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tuor_json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static apr_pool_t *pool;

static inline int new_pool(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static inline int drop_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, new_pool, drop_pool)

static inline tuor_slice slice(const char *s)
{
    return (tuor_slice){ s, s ? strlen(s) : 0 };
}

/** A copy in a block of its own size, so that a sanitizer sees a read past its end. */
static inline tuor_slice tight(const char *p, apr_size_t len)
{
    char *copy = malloc(len ? len : 1);

    if (!copy)
        abort();
    memcpy(copy, p, len);
    return (tuor_slice){ copy, len };
}

static inline void loose(tuor_slice s)
{
    free((void *)(uintptr_t)s.p);
}

static inline const char *text_of(tuor_slice s)
{
    return s.p ? apr_pstrmemdup(pool, s.p, s.len) : NULL;
}

#define assert_slice(slice_, expected) assert_string_equal(text_of(slice_), (expected))

static inline int run_group(const struct CMUnitTest *tests, size_t n, const char *name)
{
    int rv;

    apr_initialize();
    rv = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
    apr_terminate();
    return rv;
}

#endif
