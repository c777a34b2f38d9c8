/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * If-None-Match, against the tags that our own answers carry.
 */
#include "core.h"

APLOG_USE_MODULE(tuor);

/* mod_deflate marks the tag of a compressed answer: "3" becomes "3-gzip". The resource is the same. */
static int is_same(const char *candidate, apr_size_t len, const char *etag)
{
    apr_size_t n = strlen(etag) - 1;    /* without the closing quote */

    if (len > 2 && !strncmp(candidate, "W/", 2)) {
        candidate += 2;
        len -= 2;
    }
    if (len <= n || strncmp(candidate, etag, n)) {
        return 0;
    }
    candidate += n;
    len -= n;
    return (len == 1 && *candidate == '"') || (len == 6 && !strncmp(candidate, "-gzip\"", 6))
        || (len == 4 && !strncmp(candidate, "-br\"", 4));
}

int tuor_not_modified(tuor_request *q, const char *etag)
{
    const char *p = apr_table_get(q->r->headers_in, "If-None-Match");

    while (p && *p) {
        apr_size_t len;

        p += strspn(p, " \t,");
        len = strcspn(p, " \t,");
        if ((len == 1 && *p == '*') || (len && is_same(p, len, etag))) {
            return 1;
        }
        p += len;
    }
    return 0;
}
