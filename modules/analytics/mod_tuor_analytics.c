/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_analytics: figures of a project, from counts that follow its events.
 */
#include "analytics.h"

#include <mpm_common.h>

static const tuor_route routes[] = {
    { M_GET, "/v1/projects/{id}/analytics", TUOR_ROLE_VIEWER, "read", analytics_report, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    fold_start(pchild, s);
}

static void child_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild, (void)graceful;
    fold_stop();
}

static void register_hooks(apr_pool_t *pool)
{
    /* The thread uses mod_dbd's pool: that has to be there first, and to outlive it. */
    static const char *const before[] = { "mod_dbd.c", NULL };

    ap_hook_child_init(child_init, before, NULL, APR_HOOK_LAST);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    TUOR_OPENAPI(pool, analytics);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_analytics) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    NULL,                       /* create per-server config */
    NULL,                       /* merge per-server config */
    NULL,                       /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
