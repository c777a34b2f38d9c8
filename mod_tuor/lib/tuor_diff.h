/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_diff.h
 * What a reviewer changed: the leaves in which two JSON values differ.
 *
 * The list holds the leaves of "from" in its order, then members that only "to" has, object by
 * object; arrays go by index. Numbers differ when their characters do, strings when their decoded
 * text does. A scalar against an object or array is one entry with both whole values; {} and []
 * are leaves; of duplicate keys the last counts (at the place of the first of them); an absent
 * member against null is a difference.
 */
#ifndef TUOR_DIFF_H
#define TUOR_DIFF_H

#include "tuor_json.h"

/**
 * Write [{"path": …, "from": …, "to": …}, …] into out.
 *
 * Cost: linear in the size of both values times their depth, in whatever order keys come; a hash in
 * scratch serves wide objects. Recursion never goes deeper than the values do, nor than 200 levels: what
 * is nested deeper is compared byte by byte, as a whole. A list beyond 32 MiB (a long key above
 * many leaves repeats itself in each) is given up for one of whole top-level members.
 * @param from, to valid JSON; usually objects
 * @param scratch gone when the caller destroys it; nothing of it is referred to afterwards
 */
void tuor_diff(tuor_buf *out, tuor_slice from, tuor_slice to, apr_pool_t *scratch);

/**
 * Append a step to a path: address.city, items[2].price; a key that is empty or holds one of
 * . [ ] " is written ["a.b"], JSON-escaped. key is decoded UTF-8.
 */
void tuor_diff_path_key(tuor_buf *path, tuor_slice key);

#endif
