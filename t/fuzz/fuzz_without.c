/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Dropping the members named after the byte 0xFF, each name after another one. */
#include "fuzz_lib.h"

static apr_status_t append(void *baton, const char *p, apr_size_t len)
{
    HOLDS(len > 0);
    tuor_buf_add(baton, p, len);
    return APR_SUCCESS;
}

static int named(tuor_slice key, const apr_array_header_t *names)
{
    for (int i = 0; i < names->nelts; ++i)
        if (tuor_json_key_is(key, APR_ARRAY_IDX(names, i, const char *)))
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(const char *));
    tuor_slice text, rest, name, out;
    tuor_json_walk a, b;
    tuor_json_member x, y;
    tuor_buf buf;

    halves(data, size, &text, &rest);
    while (rest.p) {
        halves((const uint8_t *)rest.p, rest.len, &name, &rest);
        APR_ARRAY_PUSH(names, const char *) = apr_pstrmemdup(pool, name.p, name.len);
    }
    if (!is_json(text, NULL, pool))
        return 0;
    tuor_buf_init(&buf, pool);
    HOLDS(tuor_json_without(text, names, append, &buf) == APR_SUCCESS);
    out = (tuor_slice){ buf.p, buf.len };
    HOLDS(is_json(out, NULL, pool));
    HOLDS(out.len <= text.len);
    tuor_json_walk_init(&a, text);
    tuor_json_walk_init(&b, out);
    HOLDS(a.object == b.object);
    while (tuor_json_walk_next(&a, &x)) {
        if (a.object && named(x.key, names))
            continue;
        HOLDS(tuor_json_walk_next(&b, &y));
        HOLDS(same_bytes(x.value, y.value) && same_bytes(x.key, y.key));
    }
    HOLDS(!tuor_json_walk_next(&b, &y));
    return 0;
}
