/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_events: the event feed, GET /v1/events.
 */
#include "events.h"

#include <ap_mpm.h>
#include <apr_lib.h>
#include <mpm_common.h>

/* A quarter of a child's threads may wait unless TuorEventWaiters says otherwise. */
#define SHARE 4

/* TuorEventWaiters: for the whole server, as threads are. */
static int configured = -1;

static const tuor_route routes[] = {
    { M_GET, "/v1/events", TUOR_ROLE_VIEWER, "read", events_feed, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

static const char *set_waiters(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);

    (void)dummy;
    if (err) {
        return err;
    }
    if (!apr_isdigit(*arg) || *end || n > 10000) {
        return apr_psprintf(cmd->pool, "TuorEventWaiters takes a whole number from 0 to 10000, not \"%s\"", arg);
    }
    configured = (int)n;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TuorEventWaiters", set_waiters, NULL, RSRC_CONF,
                  "requests of a child that may wait for events at once (a quarter of its threads)"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf, (void)plog, (void)ptemp;
    configured = -1;
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    int threads = 0;

    (void)s;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    wait_init(pchild, configured >= 0 ? configured : threads / SHARE);
}

static void child_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild, (void)graceful;
    wait_stop();
}

/* Any write may have recorded events; those that have not cost a look. */
static void finished(tuor_request *q, int status)
{
    if (q->r->method_number != M_GET && status < 300 && q->who->org_id) {
        wait_wrote(q->who->org_id);
    }
}

static void register_hooks(apr_pool_t *pool)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    TUOR_OPENAPI(pool, events);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_finished(finished, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_events) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    NULL,                       /* create per-server config */
    NULL,                       /* merge per-server config */
    commands,
    register_hooks,             /* register hooks */
    0                           /* flags */
};
