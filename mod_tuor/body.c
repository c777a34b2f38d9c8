/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Request bodies: read whole into one buffer that the scanner then cuts into slices.
 *
 * The buffer is malloc'ed, not from the pool: realloc of a large block moves pages, not bytes, and
 * untouched pages cost nothing, so a body costs about its size however it arrives (by length,
 * chunked, HTTP/2), and its memory goes back to the system with the request.
 */
#include "core.h"

#include <stdlib.h>

APLOG_USE_MODULE(tuor);

#define READ_SIZE (64 * 1024)

static apr_status_t free_body(void *data)
{
    tuor_request *q = data;

    free(q->body);
    q->body = NULL;
    return APR_SUCCESS;
}

static tuor_error *too_large(tuor_request *q, apr_size_t limit)
{
    return tuor_error_make(q->pool, HTTP_REQUEST_ENTITY_TOO_LARGE,
                           "The body is larger than the %" APR_SIZE_T_FMT " bytes that this endpoint takes", limit);
}

static tuor_error *reserve(tuor_request *q, apr_size_t *size, apr_size_t need)
{
    char *grown;

    if (need <= *size) {
        return NULL;
    }
    if (*size && need < *size * 2) {
        need = *size * 2;
    }
    grown = realloc(q->body, need);
    if (!grown) {
        return tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE, "The server is short of memory");
    }
    q->body = grown;
    *size = need;
    return NULL;
}

static tuor_error *cut_short(tuor_request *q, apr_status_t rv)
{
    int status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);

    q->r->connection->keepalive = AP_CONN_CLOSE;
    if (status == AP_FILTER_ERROR) {
        /* httpd's own limit was passed and its answer is on the way: see insert_error_filter() */
        return tuor_error_make(q->pool, AP_FILTER_ERROR, "The request is larger than LimitRequestBody");
    }
    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE || status == HTTP_REQUEST_TIME_OUT) {
        return tuor_error_make(q->pool, status, status == HTTP_REQUEST_TIME_OUT
                               ? "The body did not arrive in time" : "The body is larger than this server takes");
    }
    return tuor_error_make(q->pool, HTTP_BAD_REQUEST, "The body ended before it was complete, or its framing is broken");
}

/* One brigade into the buffer. */
static tuor_error *take(tuor_request *q, apr_bucket_brigade *bb, apr_size_t *size, apr_size_t limit, int *eos)
{
    apr_bucket *e;
    const char *data;
    apr_size_t len;
    apr_status_t rv;
    tuor_error *err;

    for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb); e = APR_BUCKET_NEXT(e)) {
        if (APR_BUCKET_IS_EOS(e)) {
            *eos = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(e)) {
            continue;
        }
        rv = apr_bucket_read(e, &data, &len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return cut_short(q, rv);
        }
        if (len > limit - q->body_len) {
            return too_large(q, limit);
        }
        err = reserve(q, size, q->body_len + len + 1);
        if (err) {
            return err;
        }
        memcpy(q->body + q->body_len, data, len);
        q->body_len += len;
    }
    return NULL;
}

static tuor_error *read_all(tuor_request *q, apr_size_t limit)
{
    request_rec *r = q->r;
    apr_bucket_brigade *bb = apr_brigade_create(q->pool, r->connection->bucket_alloc);
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t announced = 0;
    apr_size_t size = 0;
    tuor_error *err = NULL;
    apr_status_t rv;
    int eos = 0;

    if (length && ap_parse_strict_length(&announced, length) && (apr_uint64_t)announced > limit) {
        return too_large(q, limit);
    }
    apr_pool_cleanup_register(q->pool, q, free_body, apr_pool_cleanup_null);
    err = reserve(q, &size, announced > 0 ? (apr_size_t)announced + 1 : READ_SIZE);
    while (!err && !eos) {
        rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, READ_SIZE);
        if (rv != APR_SUCCESS) {
            return cut_short(q, rv);
        }
        err = take(q, bb, &size, limit, &eos);
        apr_brigade_cleanup(bb);
    }
    if (!err) {
        q->body[q->body_len] = '\0';
    }
    return err;
}

/* Whether the Content-Type is the one wanted, parameters aside. */
static int has_type(request_rec *r, const char *media_type)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t n = strlen(media_type);

    return type && !ap_cstr_casecmpn(type, media_type, n) && (!type[n] || strchr("; \t", type[n]));
}

tuor_error *tuor_body_read(tuor_request *q, const char *media_type, apr_size_t limit)
{
    if (!has_type(q->r, media_type)) {
        return tuor_error_make(q->pool, HTTP_UNSUPPORTED_MEDIA_TYPE, "Send the body as Content-Type: %s", media_type);
    }
    return read_all(q, limit ? limit : tuor_max_body(q->r->server));
}

/* Whether the request has no body at all: then a Content-Type is not asked for either. */
static int bodiless(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return length ? !strcmp(length, "0") : !apr_table_get(r->headers_in, "Transfer-Encoding");
}

tuor_error *tuor_body_part(tuor_request *q, tuor_slice text, tuor_json_field *fields, int n, const char *what,
                           apr_pool_t *scratch)
{
    tuor_json_fault fault;
    apr_status_t rv = tuor_json_envelope(text, fields, n, &fault, scratch);

    if (rv == APR_EMISMATCH) {
        tuor_fault(q, what, "must be a JSON object");
        return tuor_faults(q);
    }
    if (rv == APR_EEXIST) {
        return tuor_error_make(q->pool, HTTP_BAD_REQUEST, "A member of the %s is given twice (byte %" APR_SIZE_T_FMT ")",
                               what, fault.offset);
    }
    return rv == APR_SUCCESS ? NULL
        : tuor_error_make(q->pool, HTTP_BAD_REQUEST, "The %s is not valid JSON: %s (byte %" APR_SIZE_T_FMT ")", what,
                          fault.message, fault.offset);
}

tuor_error *tuor_body_json(tuor_request *q, tuor_json_field *fields, int n, int optional)
{
    static char nothing[] = "{}";
    tuor_json_fault fault;
    tuor_error *err;

    if (optional && bodiless(q->r)) {
        return tuor_json_envelope(TUOR_SLICE(nothing), fields, n, &fault, q->pool) == APR_SUCCESS ? NULL
            : tuor_error_make(q->pool, HTTP_INTERNAL_SERVER_ERROR, "The scanner refuses {}");
    }
    err = tuor_body_read(q, "application/json", 0);
    return err ? err : tuor_body_part(q, (tuor_slice){ q->body, q->body_len }, fields, n, "body", q->pool);
}
