/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor: stores every call of a model as a trace and puts it before human reviewers.
 * This file holds hooks and the module record; the way of a request is in request.c.
 */
#include "core.h"

#include <malloc.h>

#include <http_core.h>
#include <http_request.h>

#include "metrics.h"

APR_HOOK_STRUCT(
    APR_HOOK_LINK(routes)
    APR_HOOK_LINK(admit)
    APR_HOOK_LINK(admit_more)
    APR_HOOK_LINK(event)
    APR_HOOK_LINK(finished)
    APR_HOOK_LINK(metrics)
    APR_HOOK_LINK(tick)
)

APR_IMPLEMENT_EXTERNAL_HOOK_RUN_ALL(tuor, TUOR, int, routes, (apr_pool_t *pconf, server_rec *s),
                                    (pconf, s), OK, DECLINED)
APR_IMPLEMENT_EXTERNAL_HOOK_RUN_ALL(tuor, TUOR, int, admit, (tuor_request *q, tuor_error **err),
                                    (q, err), OK, DECLINED)
APR_IMPLEMENT_EXTERNAL_HOOK_RUN_ALL(tuor, TUOR, int, admit_more,
                                    (tuor_request *q, int more, int *granted, tuor_error **err),
                                    (q, more, granted, err), OK, DECLINED)
APR_IMPLEMENT_EXTERNAL_HOOK_RUN_ALL(tuor, TUOR, int, event,
                                    (tuor_db *db, tuor_request *q, const tuor_event *event,
                                     tuor_error **err),
                                    (db, q, event, err), OK, DECLINED)
APR_IMPLEMENT_EXTERNAL_HOOK_VOID(tuor, TUOR, finished, (tuor_request *q, int status), (q, status))
APR_IMPLEMENT_EXTERNAL_HOOK_VOID(tuor, TUOR, metrics, (tuor_buf *out, request_rec *r), (out, r))
APR_IMPLEMENT_EXTERNAL_HOOK_VOID(tuor, TUOR, tick, (server_rec *s, apr_pool_t *pool), (s, pool))

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_status_t rv;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;              /* the dry run; a second pass follows */
    }
    rv = tuor_metrics_open(pconf, s);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, TUORNO(0004) "no shared memory for figures");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    tuor_routes_collect(pconf, s);
    tuor_openapi_build(pconf, ptemp, s);
    ap_add_version_component(pconf, "Tuor");
    return OK;
}

/*
 * Bodies and rows of megabytes come and go. glibc would learn from the first of them to keep such blocks
 * in the arena of each thread; with a fixed threshold they go back to the system at once.
 */
static void child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)pchild, (void)s;
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 512 * 1024);
#endif
}

/* Runs in httpd -t alone, in place of post_config. */
static void test_config(apr_pool_t *pconf, server_rec *s)
{
    if (ap_exists_config_define("DUMP_TUOR_ROUTES")) {
        tuor_routes_dump(pconf, s);
    }
}

static void register_hooks(apr_pool_t *pool)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_request_register(pool);
    ap_hook_test_config(test_config, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_auth_register(pool);
    tuor_error_register(pool);
    tuor_db_register(pool);
    tuor_health_register(pool);
    tuor_openapi_register(pool);
    tuor_metrics_register(pool);
    tuor_ticker_register(pool);
}

AP_DECLARE_MODULE(tuor) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    tuor_config_create,         /* create per-server config */
    tuor_config_merge,          /* merge per-server config */
    tuor_commands,              /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
