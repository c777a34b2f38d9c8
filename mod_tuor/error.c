/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The one place where errors become HTTP.
 */
#include "core.h"

#include <apr_buckets.h>
#include <http_core.h>
#include <http_request.h>
#include <util_filter.h>

APLOG_USE_MODULE(tuor);

#define FILTER "TUOR_ERROR"

tuor_error *tuor_error_make(apr_pool_t *pool, int status, const char *fmt, ...)
{
    tuor_error *err = apr_pcalloc(pool, sizeof(*err));
    va_list ap;

    va_start(ap, fmt);
    err->detail = apr_pvsprintf(pool, fmt, ap);
    va_end(ap);
    err->status = status;
    if (status == HTTP_SERVICE_UNAVAILABLE) {
        err->retry_after = 2;
    }
    return err;
}

tuor_error *tuor_error_unauthorized(apr_pool_t *pool)
{
    tuor_error *err = tuor_error_make(pool, HTTP_UNAUTHORIZED, "Invalid or revoked API key");

    err->members = "\"hint\":\"Send an API key in the header X-API-Key, or sign in\"";
    return err;
}

tuor_error *tuor_error_no_organization(apr_pool_t *pool)
{
    return tuor_error_make(pool, HTTP_FORBIDDEN, "The organization of this credential is not active");
}

tuor_error *tuor_error_not_found(apr_pool_t *pool, const char *what)
{
    return tuor_error_make(pool, HTTP_NOT_FOUND, "No such %s in this organization", what);
}

tuor_error *tuor_error_conflict(apr_pool_t *pool, apr_int64_t version, const char *status,
                                const char *fmt, ...)
{
    tuor_error *err = apr_pcalloc(pool, sizeof(*err));
    tuor_buf members;
    va_list ap;

    va_start(ap, fmt);
    err->detail = apr_pvsprintf(pool, fmt, ap);
    va_end(ap);
    err->status = HTTP_CONFLICT;
    tuor_buf_init(&members, pool);
    tuor_buf_puts(&members, apr_psprintf(pool, "\"current_version\":%" APR_INT64_T_FMT ",\"status\":", version));
    tuor_buf_json(&members, status);
    err->members = tuor_buf_text(&members);
    return err;
}

/* --------------------------------------------------------------- sending */

static void log_error(request_rec *r, const tuor_error *err)
{
    int level = err->status >= 500 ? APLOG_ERR : APLOG_DEBUG;

    ap_log_rerror(APLOG_MARK, level, 0, r, TUORNO(0002) "%s %d %s%s%s", tuor_log_ids(r), err->status,
                  err->detail, err->cause ? ": " : "", err->cause ? err->cause : "");
}

void tuor_error_members(tuor_buf *b, const tuor_error *err)
{
    int i;

    tuor_buf_puts(b, "\"detail\":");
    tuor_buf_json(b, err->detail);
    if (err->members) {
        tuor_buf_puts(b, ",");
        tuor_buf_puts(b, err->members);
    }
    if (err->faults) {
        tuor_buf_puts(b, ",\"errors\":[");
        for (i = 0; i < err->faults->nelts; i++) {
            const tuor_fault_entry *f = &APR_ARRAY_IDX(err->faults, i, tuor_fault_entry);

            tuor_buf_puts(b, i ? ",{\"field\":" : "{\"field\":");
            tuor_buf_json(b, f->field);
            tuor_buf_puts(b, ",\"message\":");
            tuor_buf_json(b, f->message);
            tuor_buf_puts(b, "}");
        }
        tuor_buf_puts(b, "]");
    }
}

static const char *render(apr_pool_t *pool, const tuor_error *err)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    tuor_buf_puts(&b, "{");
    tuor_error_members(&b, err);
    tuor_buf_puts(&b, "}\n");
    return tuor_buf_text(&b);
}

/* A challenge for the kind of credential that was tried. */
static void challenge(request_rec *r)
{
    if (ap_auth_type(r) && !apr_table_get(r->headers_in, "X-API-Key")) {
        ap_note_auth_failure(r);
    }
    if (!apr_table_get(r->err_headers_out, "WWW-Authenticate")) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate", "ApiKey realm=\"Tuor\", header=\"X-API-Key\"");
    }
}

int tuor_error_send(tuor_request *q, const tuor_error *err)
{
    request_rec *r = q->r;
    const char *body = render(q->pool, err);

    q->answered = 1;
    log_error(r, err);
    r->status = err->status;
    r->status_line = NULL;
    if (err->status == HTTP_UNAUTHORIZED) {
        challenge(r);
    }
    if (err->retry_after) {
        apr_table_set(r->err_headers_out, "Retry-After", apr_itoa(q->pool, err->retry_after));
    }
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, strlen(body));
    ap_rputs(body, r);
    return OK;
}

/* ------------------------------------------- errors that httpd itself makes */

/* What to say where httpd refuses before Tuor is asked. */
static const char *plain_words(request_rec *r)
{
    switch (r->status) {
    case HTTP_BAD_REQUEST:
        return "Malformed request: check the path's percent-encoding and the headers";
    case HTTP_FORBIDDEN:
        return "This server does not let you in here";
    case HTTP_NOT_FOUND:
        return "No such endpoint: see /v1/openapi.json for those there are";
    case HTTP_METHOD_NOT_ALLOWED:
        return "This method is not allowed here";
    case HTTP_REQUEST_TIME_OUT:
        return "The request did not arrive in time";
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return "The request is larger than this server takes";
    case HTTP_REQUEST_URI_TOO_LARGE:
        return "The request's URL is too long";
    default:
        return ap_get_status_line(r->status) + 4;      /* behind "NNN " */
    }
}

/* Puts our body in the place of httpd's, and lets the rest of the brigades go. */
static apr_status_t error_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    tuor_error *err = r->status == HTTP_UNAUTHORIZED ? tuor_error_unauthorized(r->pool)
                                                     : tuor_error_make(r->pool, r->status, "%s", plain_words(r));
    const char *body, *allow;
    apr_bucket *e, *eos = NULL;

    for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb); e = APR_BUCKET_NEXT(e)) {
        if (APR_BUCKET_IS_EOS(e)) {
            eos = e;
            break;
        }
    }
    if (!eos) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    while ((e = APR_BRIGADE_FIRST(bb)) != eos) {
        apr_bucket_delete(e);
    }
    if (r->status == HTTP_METHOD_NOT_ALLOWED && r->uri && (allow = tuor_route_methods(r->pool, r->uri))) {
        apr_table_setn(r->headers_out, "Allow", allow);         /* TRACE is httpd's to refuse, which knows no routes */
    }
    body = render(r->pool, err);
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, strlen(body));
    APR_BRIGADE_INSERT_HEAD(bb, apr_bucket_immortal_create(body, strlen(body), f->c->bucket_alloc));
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/*
 * Refusals that come before the walk of locations (a bad percent-encoding, %2F, a path that is too
 * long, TRACE) know no handler: there the path has to tell, or the line that it was to be taken from.
 */
static int looks_like_ours(const request_rec *r)
{
    const char *path = r->unparsed_uri;

    if (!path && r->the_request) {
        path = strchr(r->the_request, ' ');
        path = path ? path + 1 : NULL;
    }
    return (path && tuor_route_near(path)) || (r->method_number == M_TRACE && r->uri && tuor_route_methods(r->pool, r->uri));
}

static void insert_error_filter(request_rec *r)
{
    const tuor_request *q = tuor_request_of(r);

    if (q && q->answered) {
        return;                 /* ours already */
    }
    if (tuor_location(r) || looks_like_ours(r)) {
        tuor_log_ids(r);
        if (r->status == HTTP_UNAUTHORIZED && !apr_table_get(r->err_headers_out, "WWW-Authenticate")) {
            challenge(r);
        }
        ap_add_output_filter(FILTER, NULL, r, r->connection);
    }
}

void tuor_error_register(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL, APR_HOOK_LAST);
    ap_register_output_filter(FILTER, error_filter, NULL, AP_FTYPE_RESOURCE);
}
