/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a request is called: by us and the client (X-Request-Id), and in the distributed trace that it
 * is a part of (W3C Trace Context). Both come from outside, so both are looked at before they are
 * written anywhere.
 */
#include "core.h"

APLOG_USE_MODULE(tuor);

#define REQUEST_ID "X-Request-Id"

/* What other systems send: long enough to be of use, and harmless in a log and a header. */
static int well_formed(const char *id)
{
    apr_size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:@+/=");

    return n >= 1 && n <= 128 && !id[n];
}

const char *tuor_request_id(request_rec *r)
{
    const char *id = apr_table_get(r->err_headers_out, REQUEST_ID);

    if (id) {
        return id;
    }
    id = apr_table_get(r->headers_in, REQUEST_ID);
    if (!id || !well_formed(id)) {
        id = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    }
    if (!id) {
        id = tuor_id("req", r->request_time, r->pool);
    }
    apr_table_setn(r->err_headers_out, REQUEST_ID, id);
    apr_table_setn(r->notes, "tuor-request-id", id);
    return id;
}

/* ----------------------------------------------------------- trace context */

/* Where the parts of VERSION-TRACE_ID-PARENT_ID-FLAGS stand. */
enum { TRACE_AT = 3, TRACE_LEN = 32, PARENT_AT = 36, PARENT_LEN = 16, FLAGS_AT = 53, TOTAL = 55 };

static int is_hex(const char *p, apr_size_t n)
{
    return strspn(p, "0123456789abcdef") >= n;
}

static int is_zero(const char *p, apr_size_t n)
{
    return strspn(p, "0") >= n;
}

/* A later version may say more behind a further hyphen; what stands before it means what it does in 00. */
static int is_traceparent(const char *s)
{
    if (strlen(s) < TOTAL || s[2] != '-' || s[PARENT_AT - 1] != '-' || s[FLAGS_AT - 1] != '-') {
        return 0;
    }
    if (!is_hex(s, 2) || !is_hex(s + TRACE_AT, TRACE_LEN) || !is_hex(s + PARENT_AT, PARENT_LEN) || !is_hex(s + FLAGS_AT, 2)) {
        return 0;
    }
    if (!strncmp(s, "ff", 2) || is_zero(s + TRACE_AT, TRACE_LEN) || is_zero(s + PARENT_AT, PARENT_LEN)) {
        return 0;
    }
    return !strncmp(s, "00", 2) ? !s[TOTAL] : !s[TOTAL] || s[TOTAL] == '-';
}

const char *tuor_traceparent(request_rec *r)
{
    const char *s = apr_table_get(r->headers_in, "traceparent");

    return s && is_traceparent(s) ? s : NULL;
}

const char *tuor_log_ids(request_rec *r)
{
    const char *id = tuor_request_id(r), *trace = apr_table_get(r->notes, "tuor-trace-id");
    const char *parent = trace ? NULL : tuor_traceparent(r);

    if (parent) {
        trace = apr_pstrmemdup(r->pool, parent + TRACE_AT, TRACE_LEN);
        apr_table_setn(r->notes, "tuor-trace-id", trace);
    }
    return trace ? apr_pstrcat(r->pool, "[", id, " trace=", trace, "]", NULL) : apr_pstrcat(r->pool, "[", id, "]", NULL);
}
