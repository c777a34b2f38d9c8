/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Query strings, and the faults that a request collects before it is refused: a client hears of
 * everything that is wrong at once.
 */
#include "core.h"

#include <apr_lib.h>

APLOG_USE_MODULE(tuor);

void tuor_fault(tuor_request *q, const char *field, const char *fmt, ...)
{
    tuor_fault_entry *f;
    va_list ap;

    if (!q->faults) {
        q->faults = apr_array_make(q->pool, 4, sizeof(*f));
    }
    f = apr_array_push(q->faults);
    f->field = field;
    va_start(ap, fmt);
    f->message = apr_pvsprintf(q->pool, fmt, ap);
    va_end(ap);
}

tuor_error *tuor_faults(tuor_request *q)
{
    const tuor_fault_entry *first;
    tuor_error *err;

    if (!q->faults || !q->faults->nelts) {
        return NULL;
    }
    first = &APR_ARRAY_IDX(q->faults, 0, tuor_fault_entry);
    err = q->faults->nelts == 1
        ? tuor_error_make(q->pool, HTTP_UNPROCESSABLE_ENTITY, "%s: %s", first->field, first->message)
        : tuor_error_make(q->pool, HTTP_UNPROCESSABLE_ENTITY, "%s: %s (and %d more, see errors)", first->field,
                          first->message, q->faults->nelts - 1);
    err->faults = q->faults;
    return err;
}

/* Whether a text is UTF-8 without U+0000; the scanner knows UTF-8, so ask it about a JSON string of it. */
int tuor_clean_utf8(const char *s, apr_size_t len, apr_pool_t *pool)
{
    tuor_buf b;
    tuor_json_fault fault;

    apr_size_t i;

    for (i = 0; i < len; i++) {
        /* A raw surrogate the writer would escape, and so hide from the scanner. */
        if (!s[i] || (s[i] == '\xED' && i + 1 < len && (unsigned char)s[i + 1] >= 0xA0)) {
            return 0;
        }
    }
    tuor_buf_init(&b, pool);
    tuor_buf_json_slice(&b, (tuor_slice){ s, len });
    return tuor_json_check((tuor_slice){ b.p, b.len }, NULL, NULL, &fault, pool) == APR_SUCCESS;
}

static int hex(char c)
{
    return apr_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Decode a piece of a query. NULL: bad percent-encoding, or not UTF-8. */
static const char *decode(const char *p, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, len + 1), *o = out;
    const char *end = p + len;

    while (p < end) {
        if (*p == '+') {
            *o++ = ' ';
            p++;
        }
        else if (*p == '%') {
            if (end - p < 3 || !apr_isxdigit(p[1]) || !apr_isxdigit(p[2])) {
                return NULL;
            }
            *o++ = (char)(hex(p[1]) << 4 | hex(p[2]));
            p += 3;
        }
        else {
            *o++ = *p++;
        }
    }
    *o = '\0';
    return tuor_clean_utf8(out, (apr_size_t)(o - out), pool) ? out : NULL;
}

static tuor_param *named(tuor_param *params, int n, const char *name)
{
    int i;

    for (i = 0; i < n; i++) {
        if (!strcmp(params[i].name, name)) {
            return &params[i];
        }
    }
    return NULL;
}

static tuor_error *take_pair(tuor_request *q, const char *pair, apr_size_t len, tuor_param *params, int n)
{
    const char *eq = memchr(pair, '=', len);
    apr_size_t name_len = eq ? (apr_size_t)(eq - pair) : len;
    const char *name = decode(pair, name_len, q->pool);
    const char *value = eq ? decode(eq + 1, len - name_len - 1, q->pool) : "";
    tuor_param *p;

    if (!name || !value) {
        return tuor_error_make(q->pool, HTTP_BAD_REQUEST,
                               "The query string is malformed: %% must be followed by two hexadecimal digits, and the "
                               "text must be UTF-8 without U+0000");
    }
    p = named(params, n, name);
    if (!p) {
        tuor_fault(q, name, "is no parameter of this endpoint");
    }
    else if (p->value) {
        tuor_fault(q, name, "is given twice");
    }
    else {
        p->value = value;
    }
    return NULL;
}

tuor_error *tuor_query(tuor_request *q, tuor_param *params, int n)
{
    const char *p = q->r->args;
    tuor_error *err = NULL;

    while (p && *p && !err) {
        apr_size_t len = strcspn(p, "&");

        if (len) {
            err = take_pair(q, p, len, params, n);
        }
        p += len + (p[len] == '&');
    }
    return err;
}

apr_int64_t tuor_param_int(tuor_request *q, const tuor_param *p, apr_int64_t min, apr_int64_t max,
                           apr_int64_t dflt)
{
    char *end;
    apr_int64_t n;

    if (!p->value) {
        return dflt;
    }
    errno = 0;
    n = apr_strtoi64(p->value, &end, 10);
    if (!apr_isdigit(*p->value) || *end || errno || n < min || n > max) {
        tuor_fault(q, p->name, "must be a whole number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT, min, max);
        return dflt;
    }
    return n;
}

apr_time_t tuor_param_time(tuor_request *q, const tuor_param *p)
{
    apr_time_t t = 0;

    if (p->value && tuor_time_parse(&t, p->value) != APR_SUCCESS) {
        tuor_fault(q, p->name, "must be an ISO 8601 time such as 2026-05-20T10:00:00Z, or a date");
    }
    else if (p->value && !t) {
        t = 1;                  /* 0 stands for absent, and nothing happened in that microsecond */
    }
    return t;
}
