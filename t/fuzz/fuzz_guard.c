/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Any text as a URL: no crash, and whatever is accepted is accepted again, unchanged, once rewritten,
 * and its host is no address that must not be reached.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tuor_guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *pool;
    tuor_guard_target first, second;
    tuor_guard_net net;
    struct in_addr v4;
    const char *url;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    url = apr_pstrmemdup(pool, (const char *)data, size);
    if (!tuor_guard_url(&first, url, NULL, pool)) {
        if (tuor_guard_url(&second, first.url, NULL, pool) || strcmp(first.url, second.url)
            || strcmp(first.host, second.host)) {
            abort();
        }
        /* what the C library would take for an address has to be one in its usual form */
        if (!first.literal && inet_aton(first.host, &v4)) {
            abort();
        }
    }
    tuor_guard_net_parse(&net, url, pool);
    apr_pool_clear(pool);
    return 0;
}
