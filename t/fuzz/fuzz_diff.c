/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The difference of two texts, cut at the byte 0xFF: it is valid, empty for one text, and mirrors. */
#include "fuzz_lib.h"
#include "tuor_diff.h"

static tuor_slice diff_of(tuor_slice from, tuor_slice to, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    tuor_buf out;

    tuor_buf_init(&out, pool);
    HOLDS(apr_pool_create(&scratch, pool) == APR_SUCCESS);
    tuor_diff(&out, from, to, scratch);
    apr_pool_destroy(scratch);
    HOLDS(is_json((tuor_slice){ out.p, out.len }, NULL, pool));
    return (tuor_slice){ out.p, out.len };
}

static tuor_slice member_of(tuor_slice entry, const char *name)
{
    tuor_json_member m;

    HOLDS(tuor_json_get(entry, name, &m));
    return m.value;
}

/* Entries, and an order-free sum over what they say, with the sides swapped or not. */
static int entries(tuor_slice list, int swapped, apr_uint64_t *sum)
{
    tuor_json_walk walk;
    tuor_json_member m;
    int n = 0;

    *sum = 0;
    for (tuor_json_walk_init(&walk, list); tuor_json_walk_next(&walk, &m); ++n) {
        tuor_slice parts[3] = { member_of(m.value, "path"), member_of(m.value, swapped ? "to" : "from"),
                                member_of(m.value, swapped ? "from" : "to") };
        apr_uint64_t hash = 14695981039346656037ULL;

        for (int i = 0; i < 3; ++i) {
            for (size_t k = 0; k < parts[i].len; ++k)
                hash = (hash ^ (unsigned char)parts[i].p[k]) * 1099511628211ULL;
            hash = (hash ^ 0x100) * 1099511628211ULL;
        }
        *sum += hash;
        HOLDS(tuor_json_type_of(parts[0]) == TUOR_JSON_STRING);
    }
    return n;
}

static tuor_slice compacted(tuor_slice text, apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, text.p, text.len);

    return (tuor_slice){ copy, tuor_json_compact(copy, text.len) };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    tuor_slice a, b, ab, ba;
    apr_uint64_t sum, mirror;
    unsigned depth;

    halves(data, size, &a, &b);
    if (!is_json(a, &depth, pool))
        return 0;
    if (depth < 200)            /* deeper values are compared by their bytes */
        HOLDS(diff_of(a, compacted(a, pool), pool).len == 2);
    HOLDS(diff_of(a, a, pool).len == 2);
    if (!b.p || !is_json(b, NULL, pool))
        b = TUOR_SLICE_NONE;
    ab = diff_of(a, b, pool);
    ba = diff_of(b, a, pool);
    HOLDS(entries(ab, 0, &sum) == entries(ba, 1, &mirror));
    HOLDS(sum == mirror);
    return 0;
}
