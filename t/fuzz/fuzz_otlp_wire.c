/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The reader of OTLP's protobuf: what it takes can be written as JSON, span by span.
 */
#include "fuzz_lib.h"

#include "otlp_wire.h"

static int each(void *baton, tuor_slice resource, tuor_slice span)
{
    apr_pool_t *pool = baton;
    tuor_buf b;

    tuor_buf_init(&b, pool);
    otlp_wire_span(&b, span);
    HOLDS(is_json((tuor_slice){ b.p, b.len }, NULL, pool));
    if (resource.p) {
        b.len = 0;
        otlp_wire_resource(&b, resource);
        HOLDS(is_json((tuor_slice){ b.p, b.len }, NULL, pool));
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();

    if (otlp_wire_check(input(data, size)) == APR_SUCCESS) {
        HOLDS(otlp_wire_each(input(data, size), each, pool) == 0);
    }
    return 0;
}
