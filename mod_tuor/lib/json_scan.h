/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file json_scan.h
 * Private to lib/: the scanner of text that nobody has looked at yet.
 *
 * There is no recursion. Which brackets are open is kept as one bit a level (1: an object), of
 * which the first 64 stand in the scan itself; deeper texts get words from the scratch pool,
 * twice as many each time. So half a million brackets cost 64 KiB and no stack.
 *
 * Functions that return int give 1, or 0 after tuor_scan_fail().
 */
#ifndef TUOR_JSON_SCAN_H
#define TUOR_JSON_SCAN_H

#include "json_lex.h"

typedef struct tuor_scan {
    const char *start, *p, *end;
    const char *message;            /**< set by a failure, with p at the place */
    apr_pool_t *pool;
    apr_uint64_t *open, first[1];   /**< the bits of all open brackets but the innermost */
    apr_size_t words;
    unsigned depth, deepest;
    int object;                     /**< whether the innermost open bracket is an object's */
    int spaced;                     /**< white space was skipped since tuor_scan_value() began */
    tuor_slice name;                /**< the last member's name */
} tuor_scan;

void tuor_scan_begin(tuor_scan *s, tuor_slice text, apr_pool_t *pool);

/** @return 0 */
int tuor_scan_fail(tuor_scan *s, const char *p, const char *message);

/** A member's name, the colon and the white space up to its value. */
int tuor_scan_name(tuor_scan *s);

/** One value, with depth and spaced counted for it alone. */
int tuor_scan_value(tuor_scan *s);

/** Neither a comma nor a closing bracket stands where one of them must. @return 0 */
int tuor_scan_fail_unclosed(tuor_scan *s);

static inline int scan_at(const tuor_scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static inline void scan_space(tuor_scan *s)
{
    if (s->p < s->end && (unsigned char)*s->p <= ' ') {
        const char *p = json_skip_space(s->p, s->end);

        s->spaced |= p != s->p;
        s->p = p;
    }
}

#endif
