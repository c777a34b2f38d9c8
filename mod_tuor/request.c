/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * One request's way: who asks, what for, may they, may they now; then the plugin's handler.
 * Refusals come in a fixed order (401, 403 organization, 404 route, 405, 403 role, 429, …), so
 * that no answer tells a caller more than the one before it would have allowed.
 */
#include "core.h"

#include <http_request.h>

APLOG_USE_MODULE(tuor);

#define NO_FILE "tuor-no-file"

tuor_request *tuor_request_of(request_rec *r)
{
    return ap_get_module_config(r->request_config, &tuor_module);
}

/* What stands before the handler. */
static tuor_error *admit(tuor_request *q)
{
    const char *allow = NULL;
    int open, found = tuor_route_find(q, &allow, &open);
    tuor_error *err = NULL;

    if (open) {
        q->who->kind = TUOR_BY_SYSTEM;
        q->who->verified = 1;
    }
    else {
        err = tuor_auth_identify(q);
    }
    if (err || (open && found == OK)) {
        return err;
    }
    if (found == HTTP_NOT_FOUND) {
        return tuor_error_make(q->pool, HTTP_NOT_FOUND, "No such endpoint: see /v1/openapi.json for those there are");
    }
    if (found == HTTP_METHOD_NOT_ALLOWED) {
        apr_table_setn(q->r->err_headers_out, "Allow", allow);
        return tuor_error_make(q->pool, HTTP_METHOD_NOT_ALLOWED, "%s is not allowed here; allowed: %s",
                               q->r->method, allow);
    }
    if (q->route->flags & TUOR_ROUTE_USERS_ONLY && q->who->kind == TUOR_BY_KEY) {
        return tuor_error_make(q->pool, HTTP_FORBIDDEN, "An API key may not do this: sign in as an admin");
    }
    if (q->who->role < q->route->role) {
        return tuor_error_make(q->pool, HTTP_FORBIDDEN, "This needs the role %s; yours is %s",
                               tuor_role_name(q->route->role), tuor_role_name(q->who->role));
    }
    tuor_run_admit(q, &err);
    return err;
}

/* An error must not tell the holder of a revoked key more than that: see to the key first. */
static tuor_error *settle(tuor_request *q, tuor_error *err)
{
    tuor_error *denied;

    if (q->who->kind != TUOR_BY_KEY || q->who->verified || err->settled
        || err->status == HTTP_UNAUTHORIZED || err->status == HTTP_SERVICE_UNAVAILABLE) {
        return err;
    }
    denied = err->status == AP_FILTER_ERROR ? NULL : tuor_auth_verify(q);
    return denied ? denied : err;
}

static int handle(request_rec *r)
{
    tuor_request *q;
    tuor_error *err;

    if (!r->handler || strcmp(r->handler, TUOR_HANDLER)) {
        return DECLINED;
    }
    q = apr_pcalloc(r->pool, sizeof(*q));
    q->r = r;
    q->pool = r->pool;
    q->now = apr_time_now();
    q->who = apr_pcalloc(r->pool, sizeof(*q->who));
    ap_set_module_config(r->request_config, &tuor_module, q);
    tuor_log_ids(r);            /* for the access log, too */

    err = admit(q);
    if (!err) {
        err = q->route->handler(q);
    }
    if (err) {
        err = settle(q, err);
    }
    tuor_run_finished(q, err ? err->status : r->status);
    tuor_route_count(q, err ? err->status : r->status);
    if (err && err->status == AP_FILTER_ERROR) {
        return AP_FILTER_ERROR;         /* the input filters have answered */
    }
    return err ? tuor_error_send(q, err) : OK;
}

/*
 * Our paths are no files: httpd need not look for them on disk, nor for what <Directory> says of where
 * they would be. mod_proxy does the same. Aliases and rewrites have had their turn.
 */
static int translate_name(request_rec *r)
{
    if (!tuor_location(r)) {
        return DECLINED;
    }
    apr_table_setn(r->notes, NO_FILE, "");
    r->filename = r->uri;
    return OK;
}

/* Here the location is no longer known: httpd begins anew. TRACE is its own to refuse. */
static int map_to_storage(request_rec *r)
{
    return apr_table_get(r->notes, NO_FILE) && r->method_number != M_TRACE ? OK : DECLINED;
}

void tuor_request_register(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_LAST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}
