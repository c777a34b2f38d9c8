/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The files of the bundle.
 *
 * A path is a file where there is one, else a route of the front-end, which index.html then finds its way
 * by. What looks like a file (a dot in its last segment, or below assets/) and is none is 404.
 */
#include "console.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <http_core.h>
#include <http_request.h>

APLOG_USE_MODULE(tuor_console);

#define INDEX "index.html"
#define PDF_FRAME "pdf.html"
#define ASSETS "assets/"
#define PDF_WORKER ASSETS "pdf.worker"
#define PATH_LIMIT 255

static const struct {
    const char *extension, *type;
} types[] = {
    { "html", "text/html; charset=utf-8" },
    { "js", "text/javascript; charset=utf-8" },
    { "mjs", "text/javascript; charset=utf-8" },
    { "css", "text/css; charset=utf-8" },
    { "json", "application/json" },
    { "map", "application/json" },
    { "webmanifest", "application/manifest+json" },
    { "txt", "text/plain; charset=utf-8" },
    { "svg", "image/svg+xml" },
    { "png", "image/png" },
    { "ico", "image/x-icon" },
    { "wasm", "application/wasm" },
    { "woff2", "font/woff2" },
    { "ttf", "font/ttf" },
};

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    apr_size_t i;

    for (i = 0; dot && i < sizeof(types) / sizeof(*types); i++) {
        if (!strcmp(dot + 1, types[i].extension)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

static int begins(const char *path, const char *with)
{
    return !strncmp(path, with, strlen(with));
}

static console_kind kind_of(const char *path)
{
    return begins(path, PDF_WORKER) ? CONSOLE_PDF_WORKER : begins(path, ASSETS) ? CONSOLE_ASSET
         : !strcmp(path, PDF_FRAME) ? CONSOLE_PDF_FRAME : CONSOLE_PAGE;
}

/* Names as a build makes them: no hidden files, nothing that leads upwards, no compressed copy by its own name. */
static int is_name(const char *path)
{
    apr_size_t len = strlen(path);
    const char *p;

    if (!len || len > PATH_LIMIT || (len > 3 && !strcmp(path + len - 3, ".gz"))) {
        return 0;
    }
    for (p = path; *p; p++) {
        int first = p == path || p[-1] == '/';

        if (first ? !apr_isalnum(*p) && *p != '_' : !apr_isalnum(*p) && !strchr("._-/", *p)) {
            return 0;
        }
    }
    return p[-1] != '/';
}

/* A route's last segment has no dot. */
static int is_route(const char *path)
{
    const char *slash = strrchr(path, '/');

    return !begins(path, ASSETS) && !strchr(slash ? slash + 1 : path, '.');
}

/* An ordinary file, no link: what is in the bundle and nothing that it points at. */
static int find(apr_finfo_t *info, const char *name, apr_pool_t *pool)
{
    apr_status_t rv = apr_stat(info, name, APR_FINFO_TYPE | APR_FINFO_SIZE | APR_FINFO_MTIME | APR_FINFO_LINK, pool);

    return (rv == APR_SUCCESS || rv == APR_INCOMPLETE) && info->filetype == APR_REG;
}

/* Whether the coding is accepted: named, or by *, and not with q=0. */
static int accepts_gzip(request_rec *r)
{
    const char *list = apr_table_get(r->headers_in, "Accept-Encoding");
    char *next, *item, *params, *q;
    int any = 0, refused;

    for (item = list ? apr_strtok(apr_pstrdup(r->pool, list), ",", &next) : NULL; item; item = apr_strtok(NULL, ",", &next)) {
        params = strchr(item, ';');
        if (params) {
            *params++ = '\0';
        }
        q = params ? strstr(params, "q=") : NULL;
        refused = q && q[2] == '0' && !strpbrk(q + 2, "123456789");
        apr_collapse_spaces(item, item);
        if (!ap_cstr_casecmp(item, "gzip")) {
            return !refused;
        }
        any |= !strcmp(item, "*") && !refused;
    }
    return any;
}

static int not_installed(request_rec *r, const char *root)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, TUORNO(1350) "%s no console in %s: configure --with-console=build and "
                  "make install put one there, TuorConsoleRoot says where it is", tuor_log_ids(r), root);
    console_headers(r, CONSOLE_PAGE);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    r->status = HTTP_SERVICE_UNAVAILABLE;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rputs("The review console is not installed on this server; its API is, at /v1.\n\n"
             "To build it: ./configure --with-console=build (Node.js 18 or newer and npm), make, make install.\n"
             "Release archives carry it built: --with-console=prebuilt. TuorConsoleRoot names its directory.\n", r);
    return OK;
}

static int send_file(request_rec *r, const char *name, const apr_finfo_t *info)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb;
    apr_file_t *file;
    int status = ap_meets_conditions(r);

    if (status != OK) {
        return status;
    }
    if (apr_file_open(&file, name, APR_READ | APR_BINARY, 0, r->pool) != APR_SUCCESS) {
        return HTTP_NOT_FOUND;
    }
    ap_set_content_length(r, info->size);
    ap_set_accept_ranges(r);
    bb = apr_brigade_create(r->pool, alloc);
    apr_brigade_insert_file(bb, file, 0, info->size, r->pool);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    ap_pass_brigade(r->output_filters, bb);
    return OK;
}

int console_serve(request_rec *r, const char *root, const char *path)
{
    apr_finfo_t info, packed;
    const char *name, *type;
    int gzip;

    if (!*path || is_route(path)) {
        path = INDEX;
    }
    console_headers(r, is_name(path) ? kind_of(path) : CONSOLE_PAGE);
    if (!is_name(path)) {
        return HTTP_NOT_FOUND;
    }
    name = apr_pstrcat(r->pool, root, "/", path, NULL);
    if (!find(&info, name, r->pool)) {
        return strcmp(path, INDEX) ? HTTP_NOT_FOUND : not_installed(r, root);
    }
    type = type_of(path);
    apr_table_setn(r->headers_out, "Cache-Control", begins(path, ASSETS) ? "public, max-age=31536000, immutable" : "no-cache");
    gzip = find(&packed, apr_pstrcat(r->pool, name, ".gz", NULL), r->pool);
    if (gzip) {
        apr_table_mergen(r->headers_out, "Vary", "Accept-Encoding");
        gzip = accepts_gzip(r);
    }
    if (gzip) {
        name = apr_pstrcat(r->pool, name, ".gz", NULL);
        info = packed;
        r->content_encoding = "gzip";
    }
    ap_set_content_type(r, type);
    ap_update_mtime(r, info.mtime);
    ap_set_last_modified(r);
    apr_table_setn(r->headers_out, "ETag", apr_psprintf(r->pool, "\"%" APR_UINT64_T_HEX_FMT "-%" APR_UINT64_T_HEX_FMT "%s\"",
                                                        (apr_uint64_t)info.size, (apr_uint64_t)info.mtime, gzip ? "-gz" : ""));
    return send_file(r, name, &info);
}
