/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The directives. A delivery belongs to no virtual host, so what they say holds for the whole server,
 * wherever they stand; networks add up, of the others the last counts.
 */
#include "webhooks.h"
#include "certificates.h"
#include "tuor_guard.h"

#include <apr_lib.h>
#include <curl/curl.h>
#include <openssl/err.h>

#include <http_core.h>

APLOG_USE_MODULE(tuor_webhooks);

#define CONCURRENCY_DEFAULT 128
#define CONCURRENCY_MAX 4096
#define TIMEOUT_DEFAULT 10
#define TIMEOUT_MAX 300

/* Written while the configuration is read, by one thread; lives in pconf. */
static webhook_settings *settings;

void webhook_settings_reset(apr_pool_t *pconf)
{
    settings = apr_pcalloc(pconf, sizeof(*settings));
    settings->concurrency = CONCURRENCY_DEFAULT;
    settings->share = CONCURRENCY_DEFAULT / 4;
    settings->timeout = TIMEOUT_DEFAULT;
}

const webhook_settings *webhook_settings_get(void)
{
    return settings;
}

static const char *set_allow(cmd_parms *cmd, void *dir, const char *arg)
{
    tuor_guard_net net;
    const char *why = tuor_guard_net_parse(&net, arg, cmd->pool);

    (void)dir;
    if (why) {
        return apr_pstrcat(cmd->pool, "TuorWebhookAllow: ", why, NULL);
    }
    if (!settings->allow) {
        settings->allow = apr_array_make(cmd->pool, 4, sizeof(net));
    }
    APR_ARRAY_PUSH(settings->allow, tuor_guard_net) = net;
    return NULL;
}

static const char *set_ca_file(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *file = ap_server_root_relative(cmd->pool, arg), *why = NULL;

    (void)dir;
    if (!file) {
        return apr_psprintf(cmd->pool, "TuorWebhookCAFile: %s is no path", arg);
    }
    if (certificates_read(&why, NULL, NULL, file, cmd->pool) < 0) {
        return apr_pstrcat(cmd->pool, "TuorWebhookCAFile: ", why, NULL);
    }
    settings->ca_file = file;
    return NULL;
}

/* A whole number without sign or space. */
static int number(int *out, const char *arg, int max)
{
    char *end = NULL;
    apr_int64_t n;

    if (!apr_isdigit(*arg) || strlen(arg) > 9) {
        return 0;
    }
    n = apr_strtoi64(arg, &end, 10);
    if (*end || n < 1 || n > max) {
        return 0;
    }
    *out = (int)n;
    return 1;
}

static const char *set_concurrency(cmd_parms *cmd, void *dir, const char *all, const char *share)
{
    (void)dir;
    if (!number(&settings->concurrency, all, CONCURRENCY_MAX)) {
        return apr_psprintf(cmd->pool, "TuorWebhookConcurrency must be a number from 1 to %d, such as %d",
                            CONCURRENCY_MAX, CONCURRENCY_DEFAULT);
    }
    settings->share = settings->concurrency < 4 ? 1 : settings->concurrency / 4;
    if (share && !number(&settings->share, share, settings->concurrency)) {
        return apr_psprintf(cmd->pool, "TuorWebhookConcurrency: the second number, for one project, must be from 1 to the "
                            "first, %d", settings->concurrency);
    }
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (!number(&settings->timeout, arg, TIMEOUT_MAX)) {
        return apr_psprintf(cmd->pool, "TuorWebhookTimeout must be a number of seconds from 1 to %d, such as %d",
                            TIMEOUT_MAX, TIMEOUT_DEFAULT);
    }
    return NULL;
}

const command_rec webhook_commands[] = {
    AP_INIT_ITERATE("TuorWebhookAllow", set_allow, NULL, RSRC_CONF,
                    "networks beside the public ones that webhooks may reach, as CIDR"),
    AP_INIT_TAKE1("TuorWebhookCAFile", set_ca_file, NULL, RSRC_CONF,
                  "a PEM file of certificate authorities to trust beside the system's"),
    AP_INIT_TAKE12("TuorWebhookConcurrency", set_concurrency, NULL, RSRC_CONF,
                   "deliveries under way at once in one child, and of those for one project"),
    AP_INIT_TAKE1("TuorWebhookTimeout", set_timeout, NULL, RSRC_CONF,
                  "seconds that one attempt may take, from looking up the name to the answer's end"),
    { NULL, { NULL }, NULL, 0, 0, NULL }
};

static apr_status_t free_roots(void *roots)
{
    X509_STORE_free(roots);
    return APR_SUCCESS;
}

/* The bundle that libcurl was built for is the system's; failing that, OpenSSL's own places. */
static void add_system_roots(X509_STORE *store)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *file = NULL, *dir = NULL;

    if (info->age >= CURLVERSION_SEVENTH) {
        file = info->cainfo;
        dir = info->capath;
    }
    if (!file && !dir) {
        X509_STORE_set_default_paths(store);
        return;
    }
    if (file) {
        X509_STORE_load_locations(store, file, NULL);
    }
    if (dir) {
        X509_STORE_load_locations(store, NULL, dir);
    }
    ERR_clear_error();
}

int webhook_settings_load(apr_pool_t *pconf, server_rec *s)
{
    const char *why = NULL;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    settings->roots = X509_STORE_new();
    if (!settings->roots) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, TUORNO(0300) "out of memory for certificate authorities");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_pool_cleanup_register(pconf, settings->roots, free_roots, apr_pool_cleanup_null);
    /* As libcurl does: a trusted intermediate will do, and trusted certificates are looked for first. */
    X509_STORE_set_flags(settings->roots, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    add_system_roots(settings->roots);
    if (settings->ca_file && certificates_read(&why, NULL, settings->roots, settings->ca_file, pconf) < 0) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, TUORNO(0301) "TuorWebhookCAFile: %s", why);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}
