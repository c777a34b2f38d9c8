/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_webhooks: signed webhooks for verdicts, their delivery and its log.
 */
#include "webhooks.h"
#include "tuor_guard.h"
#include "tuor_webhooks.h"

#include <mpm_common.h>

static const tuor_route routes[] = {
    { M_GET, "/v1/projects/{id}/webhook-deliveries", TUOR_ROLE_VIEWER, "read", webhook_list, 0 },
    { M_POST, "/v1/projects/{id}/webhook-deliveries/retry", TUOR_ROLE_ADMIN, "write", webhook_retry_range, 0 },
    { M_POST, "/v1/projects/{id}/test-webhook", TUOR_ROLE_ADMIN, "write", webhook_test, 0 },
    { M_GET, "/v1/webhook-deliveries/{id}", TUOR_ROLE_VIEWER, "read", webhook_get, 0 },
    { M_POST, "/v1/webhook-deliveries/{id}/retry", TUOR_ROLE_ADMIN, "write", webhook_retry, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf;
    (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(routes[0]));
    webhook_figures_make();
    return OK;
}

/* Offered to the projects plugin. */
static const char *tuor_webhook_check_url(const char *url, apr_pool_t *pool)
{
    return tuor_guard_url(NULL, url, webhook_settings_get()->allow, pool);
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    webhook_settings_reset(pconf);
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return webhook_settings_load(pconf, s);
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    webhook_dispatch_start(pchild, s);
}

static void child_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild;
    webhook_dispatch_stop(graceful);
}

static void register_hooks(apr_pool_t *pool)
{
    /* The pools of mod_dbd have to be there before the clerk asks for a connection, and to outlive it. */
    static const char *const before[] = { "mod_dbd.c", NULL };

    TUOR_OPENAPI(pool, webhooks);
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, before, NULL, APR_HOOK_LAST);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_event(webhook_on_event, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_metrics(webhook_figures_look_up, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_finished(webhook_on_finished, NULL, NULL, APR_HOOK_MIDDLE);
    APR_REGISTER_OPTIONAL_FN(tuor_webhook_check_url);
}

AP_DECLARE_MODULE(tuor_webhooks) = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    NULL,                               /* create per-server config: see settings.c */
    NULL,                               /* merge per-server config */
    webhook_commands,
    register_hooks,
    0                                   /* flags */
};
