/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* An envelope against the plain check and a walk over the same text. */
#include "fuzz_lib.h"

enum { FIELDS = 4 };

static int twice_by_walking(tuor_slice text)
{
    tuor_json_walk a;
    tuor_json_member x;
    int members = 0;

    for (tuor_json_walk_init(&a, text); tuor_json_walk_next(&a, &x) && ++members < 300;) {
        tuor_json_walk b = a;
        tuor_json_member y;

        while (tuor_json_walk_next(&b, &y))
            if (tuor_json_same_text(x.key, y.key))
                return 1;
    }
    return 0;
}

static void check_field(tuor_slice text, const tuor_json_field *field, apr_pool_t *pool)
{
    tuor_json_member m;
    unsigned depth;
    char *copy;

    if (!tuor_json_get(text, field->name, &m)) {
        HOLDS(field->value.p == NULL && field->type == TUOR_JSON_NONE && !field->depth && !field->spaced);
        return;
    }
    HOLDS(field->value.p == m.value.p && field->value.len == m.value.len);
    HOLDS(field->type == m.type);
    HOLDS(is_json(field->value, &depth, pool) && depth == field->depth);
    copy = apr_pstrmemdup(pool, field->value.p, field->value.len);
    HOLDS((tuor_json_compact(copy, field->value.len) != field->value.len) == field->spaced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    tuor_json_field fields[FIELDS] = {
        { .name = "model_input" }, { .name = "a" }, { .name = "" }, { .name = "\xC3\xA9" }
    };
    tuor_json_fault fault = { 0, NULL };
    tuor_slice text = input(data, size);
    tuor_json_type type = TUOR_JSON_NONE;
    apr_status_t rv = tuor_json_envelope(text, fields, FIELDS, &fault, pool);
    int valid = tuor_json_check(text, &type, NULL, &fault, pool) == APR_SUCCESS;

    HOLDS((rv == APR_EINVAL) == !valid);
    HOLDS((rv == APR_EMISMATCH) == (valid && type != TUOR_JSON_OBJECT));
    if (rv != APR_SUCCESS)
        for (int i = 0; i < FIELDS; ++i)
            HOLDS(fields[i].value.p == NULL && fields[i].type == TUOR_JSON_NONE);
    if (rv == APR_SUCCESS || rv == APR_EEXIST)
        HOLDS((rv == APR_EEXIST) == twice_by_walking(text));
    if (rv == APR_SUCCESS)
        for (int i = 0; i < FIELDS; ++i)
            check_field(text, &fields[i], pool);
    return 0;
}
