/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_queue: hands pending traces out to reviewers, so that no two of them read the same one.
 */
#include "queue.h"

#include <apr_lib.h>

#define DEFAULT_LEASE 300
#define MAX_LEASE 3600

typedef struct config {
    int lease;                          /* seconds; 0: unset */
} config;

static void *create_config(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(config));
}

static void *merge_config(apr_pool_t *pool, void *basev, void *addv)
{
    const config *base = basev, *add = addv;
    config *c = apr_palloc(pool, sizeof(*c));

    c->lease = add->lease ? add->lease : base->lease;
    return c;
}

apr_int64_t queue_lease_ms(const server_rec *s)
{
    const config *c = ap_get_module_config(s->module_config, &tuor_queue_module);

    return (c->lease ? c->lease : DEFAULT_LEASE) * (apr_int64_t)1000;
}

static const char *set_lease(cmd_parms *cmd, void *dummy, const char *arg)
{
    config *c = ap_get_module_config(cmd->server->module_config, &tuor_queue_module);
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);

    (void)dummy;
    if (!apr_isdigit(*arg) || *end || n < 1 || n > MAX_LEASE) {
        return apr_psprintf(cmd->pool, "TuorQueueLease takes a number of seconds from 1 to %d, not \"%s\"", MAX_LEASE, arg);
    }
    c->lease = (int)n;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TuorQueueLease", set_lease, NULL, RSRC_CONF,
                  "seconds for which a reviewer holds a trace after the last sign of life (300)"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

static const tuor_route routes[] = {
    { M_GET, "/v1/queue", TUOR_ROLE_VIEWER, "read", queue_overview, 0 },
    { M_POST, "/v1/queue/next", TUOR_ROLE_REVIEWER, "write", queue_next, 0 },
    { M_PUT, "/v1/queue/leases/{id}", TUOR_ROLE_REVIEWER, "write", queue_hold, 0 },
    { M_DELETE, "/v1/queue/leases/{id}", TUOR_ROLE_REVIEWER, "write", queue_release, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    queue_setup();
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    TUOR_OPENAPI(pool, queue);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_event(queue_on_event, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_queue) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    create_config,              /* create per-server config */
    merge_config,               /* merge per-server config */
    commands,                   /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
