/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Traces: ingest, read, list, export, review lifecycle, audit trail, tags on traces, retention.
 */
#include "traces.h"
#include "tuor_traces.h"

static const tuor_route routes[] = {
    { M_POST, "/v1/traces", TUOR_ROLE_ADMIN, "ingest", traces_create, 0 },
    { M_POST, "/v1/traces/batch", TUOR_ROLE_ADMIN, "ingest", traces_batch, 0 },
    { M_GET, "/v1/traces", TUOR_ROLE_VIEWER, "read", traces_list, 0 },
    { M_GET, "/v1/traces/export", TUOR_ROLE_VIEWER, "export", traces_export, 0 },
    { M_GET, "/v1/traces/{id}", TUOR_ROLE_VIEWER, "read", traces_get, 0 },
    { M_DELETE, "/v1/traces/{id}", TUOR_ROLE_ADMIN, "write", traces_delete, 0 },
    { M_GET, "/v1/traces/{id}/events", TUOR_ROLE_VIEWER, "read", traces_events, 0 },
    { M_POST, "/v1/traces/{id}/review", TUOR_ROLE_REVIEWER, "write", traces_review, 0 },
    { M_POST, "/v1/traces/{id}/reset", TUOR_ROLE_REVIEWER, "write", traces_reset, 0 },
    { M_POST, "/v1/traces/{id}/restore", TUOR_ROLE_ADMIN, "write", traces_restore, 0 },
    { M_POST, "/v1/traces/{id}/tags", TUOR_ROLE_REVIEWER, "write", traces_tags_add, 0 },
    { M_DELETE, "/v1/traces/{id}/tags/{tag_id}", TUOR_ROLE_REVIEWER, "write", traces_tags_remove, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

extern module AP_MODULE_DECLARE_DATA tuor_traces_module;

/* ----------------------------------------------------------- configuration */

static void *create_server(apr_pool_t *pool, server_rec *s)
{
    traces_server *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)s;
    conf->retention_days = -1;
    return conf;
}

static void *merge_server(apr_pool_t *pool, void *basev, void *addv)
{
    const traces_server *base = basev, *add = addv;
    traces_server *conf = apr_pcalloc(pool, sizeof(*conf));

    conf->retention_days = add->retention_days >= 0 ? add->retention_days : base->retention_days;
    return conf;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TuorRetention", retention_set, NULL, RSRC_CONF, "Days after which traces and webhook deliveries are removed, or none"),
    { NULL }
};

traces_server *traces_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &tuor_traces_module);
}

/* ------------------------------------------------------------------- hooks */

static void register_hooks(apr_pool_t *pool)
{
    TUOR_OPENAPI(pool, traces);
    APR_REGISTER_OPTIONAL_FN(tuor_traces_store);
    APR_REGISTER_OPTIONAL_FN(tuor_traces_read);
    APR_REGISTER_OPTIONAL_FN(tuor_traces_write);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
    share_register(pool);
    writer_register(pool);
    reader_register(pool);
    list_register();
    tuor_hook_tick(retention_tick, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_traces) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    create_server,              /* create per-server config */
    merge_server,               /* merge per-server config */
    commands,                   /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
