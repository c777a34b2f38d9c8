/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * OpenTelemetry: traces from the spans of GenAI applications.
 */
#include "otlp.h"

static const tuor_route routes[] = {
    { M_POST, "/otlp/v1/traces", TUOR_ROLE_ADMIN, "ingest", otlp_export, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    otlp_setup();
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    TUOR_OPENAPI(pool, otlp);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_otlp) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    NULL,                       /* create per-server config */
    NULL,                       /* merge per-server config */
    NULL,                       /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
