/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /console/csp-report: what a browser says that the policy forbade.
 *
 * Anybody may post here, and what is posted is not to be trusted: two names are taken from it, cut down to
 * what such names are made of, and a child logs a few lines a minute.
 */
#include "console.h"

#include <apr_lib.h>
#include <http_core.h>
#include <http_request.h>
#include <jansson.h>

#include <stdatomic.h>

APLOG_USE_MODULE(tuor_console);

#define BODY_LIMIT 16384
#define NAME_LIMIT 120
#define LINES_A_MINUTE 10

static tuor_metric *reports;

void console_report_open(void)
{
    reports = tuor_metric_counter("tuor_console_csp_reports_total", NULL,
                                  "Violations of the console's Content-Security-Policy that browsers reported");
}

/* Up to BODY_LIMIT bytes, NUL-terminated; more is an error. @return an HTTP status, or OK */
static int read_body(request_rec *r, char **body, apr_size_t *len)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int end = 0;

    *body = apr_palloc(r->pool, BODY_LIMIT + 1);
    *len = 0;
    while (!end) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, BODY_LIMIT);
        apr_size_t n = BODY_LIMIT - *len;
        apr_off_t all = 0;

        if (rv != APR_SUCCESS) {
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        if (apr_brigade_length(bb, 1, &all) != APR_SUCCESS || all > (apr_off_t)n) {
            return HTTP_REQUEST_ENTITY_TOO_LARGE;
        }
        apr_brigade_flatten(bb, *body + *len, &n);
        *len += n;
        end = !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        apr_brigade_cleanup(bb);
    }
    (*body)[*len] = '\0';
    return OK;
}

/* A directive, a keyword such as inline, or a URL without what follows its host: no path, no query, no payload. */
static const char *name_of(const json_t *report, const char *member, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(report, member)), *host;
    char *name, *p;

    if (!text) {
        return "?";
    }
    host = strstr(text, "://");
    name = apr_pstrndup(pool, text, host ? (apr_size_t)(host - text) + 3 + strcspn(host + 3, "/?#") : strcspn(text, ":/?# "));
    if (strlen(name) > NAME_LIMIT) {
        name[NAME_LIMIT] = '\0';
    }
    for (p = name; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-.:/[]", *p)) {
            *p = '?';
        }
    }
    return name;
}

/* A few lines a minute; the figure counts them all. */
static int may_log(apr_time_t now)
{
    static _Atomic apr_int64_t minute;
    static _Atomic int lines;
    apr_int64_t this_minute = apr_time_sec(now) / 60;

    if (atomic_exchange(&minute, this_minute) != this_minute) {
        atomic_store(&lines, 0);
    }
    return atomic_fetch_add(&lines, 1) < LINES_A_MINUTE;
}

int console_report(request_rec *r)
{
    json_t *root, *report;
    apr_size_t len;
    char *body;
    int status;

    console_headers(r, CONSOLE_PAGE);
    status = read_body(r, &body, &len);
    if (status != OK) {
        return status;
    }
    root = json_loadb(body, len, 0, NULL);
    report = json_object_get(root, "csp-report");
    if (!json_is_object(report)) {
        json_decref(root);
        return HTTP_BAD_REQUEST;
    }
    tuor_metric_add(reports, 1);
    if (may_log(r->request_time)) {
        const char *directive = name_of(report, "effective-directive", r->pool);

        if (*directive == '?') {
            directive = name_of(report, "violated-directive", r->pool);
        }
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, TUORNO(1351) "%s the console's policy stopped %s by %s",
                      tuor_log_ids(r), name_of(report, "blocked-uri", r->pool), directive);
    }
    json_decref(root);
    r->status = HTTP_NO_CONTENT;
    return OK;
}
