/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Registers the refiners. Another plugin may register more in the same group.
 */
#include "refiners.h"

#include <ap_provider.h>
#include <curl/curl.h>

/* Before there are threads. A second time costs nothing. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, TUORNO(0710) "libcurl cannot be initialized");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_provider(pool, TUOR_REFINER_GROUP, "builtin", "1", &refiner_builtin);
    ap_register_provider(pool, TUOR_REFINER_GROUP, "http", "1", &refiner_http);
}

AP_DECLARE_MODULE(tuor_refiners) = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    refiner_settings_create,            /* create per-server config */
    refiner_settings_merge,             /* merge per-server config */
    refiner_commands,
    register_hooks,
    0                                   /* flags */
};
