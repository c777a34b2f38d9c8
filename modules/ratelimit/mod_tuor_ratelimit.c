/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_ratelimit: how many requests a credential may make in a minute.
 *
 * Counted before the handler runs and before a byte of the body is read, for each credential and
 * class of route, over all children of this machine. The counts live in table.c.
 */
#include "mod_tuor.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include <apr_lib.h>

APLOG_USE_MODULE(tuor_ratelimit);

extern module AP_MODULE_DECLARE_DATA tuor_ratelimit_module;

/* A server's quotas; UNSET takes the main server's, then the default. 0 is no limit. */
typedef struct config {
    int quota[TUOR_RATELIMIT_CLASSES];
} config;

#define UNSET -1

static const struct {
    const char *name;
    int quota;
} classes[TUOR_RATELIMIT_CLASSES] = {
    [TUOR_RATELIMIT_INGEST] = { "ingest", 200 },
    [TUOR_RATELIMIT_READ] = { "read", 120 },
    [TUOR_RATELIMIT_WRITE] = { "write", 100 },
    [TUOR_RATELIMIT_EXPORT] = { "export", 20 },
    [TUOR_RATELIMIT_REFINE] = { "refine", 5 },
    [TUOR_RATELIMIT_CONSOLE] = { "console", 1200 },     /* of signed-in people, whatever the route */
};

/* The class of a name, or -1. */
static int class_of(const char *name)
{
    int i;

    for (i = 0; i < TUOR_RATELIMIT_CLASSES; i++) {
        if (!strcmp(name, classes[i].name)) {
            return i;
        }
    }
    return -1;
}

/* ----------------------------------------------------------- configuration */

static void *create_config(apr_pool_t *pool, server_rec *s)
{
    config *conf = apr_palloc(pool, sizeof(*conf));
    int i;

    (void)s;
    for (i = 0; i < TUOR_RATELIMIT_CLASSES; i++) {
        conf->quota[i] = UNSET;
    }
    return conf;
}

static void *merge_config(apr_pool_t *pool, void *base, void *add)
{
    config *conf = apr_pmemdup(pool, add, sizeof(*conf));
    int i;

    for (i = 0; i < TUOR_RATELIMIT_CLASSES; i++) {
        if (conf->quota[i] == UNSET) {
            conf->quota[i] = ((config *)base)->quota[i];
        }
    }
    return conf;
}

/* TuorRateLimit CLASS N/min|off */
static const char *set_limit(cmd_parms *cmd, void *dir, const char *name, const char *value)
{
    config *conf = ap_get_module_config(cmd->server->module_config, &tuor_ratelimit_module);
    int all = !ap_cstr_casecmp(name, "all"), klass = class_of(name), i;
    long quota = 0;

    (void)dir;
    if (!all && klass < 0) {
        return apr_pstrcat(cmd->pool, "TuorRateLimit: there is no class \"", name, "\"; write ingest, read, write, "
                           "export, refine, console or all, as in \"TuorRateLimit ingest 200/min\"", NULL);
    }
    if (ap_cstr_casecmp(value, "off")) {
        char *end = NULL;

        errno = 0;
        quota = apr_isdigit(value[0]) ? strtol(value, &end, 10) : 0;
        if (!end || ap_cstr_casecmp(end, "/min")) {
            return apr_pstrcat(cmd->pool, "TuorRateLimit: \"", value, "\" is no limit; write a number of requests per "
                               "minute, as in \"TuorRateLimit ", name, " 200/min\", or off", NULL);
        }
        if (errno || quota < 1 || quota > TUOR_RATELIMIT_MAX) {
            return apr_psprintf(cmd->pool, "TuorRateLimit: a limit is from 1/min to %d/min; \"TuorRateLimit %s off\" "
                                "sets none", TUOR_RATELIMIT_MAX, name);
        }
    }
    for (i = 0; i < TUOR_RATELIMIT_CLASSES; i++) {
        if (all || i == klass) {
            conf->quota[i] = (int)quota;
        }
    }
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE2("TuorRateLimit", set_limit, NULL, RSRC_CONF,
                  "a class (ingest, read, write, export, refine, console or all) and N/min or off"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

/* ------------------------------------------------------------------- hooks */

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_status_t rv = tuor_ratelimit_table_open(s);

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, TUORNO(0601) "no shared memory for the rate limits");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* In err_headers_out, since those go with every answer, whether the handler or httpd makes it. */
static void set_headers(tuor_request *q, const char *name, unsigned quota, const tuor_ratelimit_verdict *v)
{
    apr_table_t *headers = q->r->err_headers_out;

    apr_table_setn(headers, "RateLimit-Policy",
                   apr_psprintf(q->pool, "\"%s\";q=%u;w=%d", name, quota, TUOR_RATELIMIT_WINDOW));
    apr_table_setn(headers, "RateLimit",
                   apr_psprintf(q->pool, "\"%s\";r=%u;t=%u", name, v->remaining, v->seconds));
}

/* The class that a request counts in, and its quota; -1 where nothing is counted. */
static int quota_of(const tuor_request *q, int *quota)
{
    const config *conf = ap_get_module_config(q->r->server->module_config, &tuor_ratelimit_module);
    int klass;

    if (!q->route->limit || q->who->kind == TUOR_BY_SYSTEM) {
        return -1;
    }
    klass = q->who->kind == TUOR_BY_USER ? TUOR_RATELIMIT_CONSOLE : class_of(q->route->limit);
    if (klass < 0) {
        return -1;                      /* a class of another plugin's */
    }
    *quota = conf->quota[klass] == UNSET ? classes[klass].quota : conf->quota[klass];
    return *quota ? klass : -1;
}

/* Count n in a class and tell the client. NULL: let them pass. */
static tuor_ratelimit_verdict *take(tuor_request *q, int klass, int quota, int n)
{
    tuor_ratelimit_verdict *v = apr_palloc(q->pool, sizeof(*v));
    tuor_ratelimit_who who;

    memset(&who, 0, sizeof(who));
    memcpy(who.hash, q->who->key_hash, sizeof(who.hash));
    who.kind = q->who->kind;
    who.klass = (apr_uint32_t)klass;
    tuor_ratelimit_take(v, &who, (unsigned)quota, (unsigned)n, q->who->verified || q->who->kind == TUOR_BY_USER);
    if (!v->counted) {
        return NULL;
    }
    ap_set_module_config(q->r->request_config, &tuor_ratelimit_module, v);
    set_headers(q, classes[klass].name, (unsigned)quota, v);
    return v;
}

static tuor_error *used_up(tuor_request *q, int klass, int quota, const tuor_ratelimit_verdict *v)
{
    tuor_error *err = tuor_error_make(q->pool, HTTP_TOO_MANY_REQUESTS,
                                      "The limit of %d requests per minute in the class \"%s\" is used up: "
                                      "try again in %u second%s",
                                      quota, classes[klass].name, v->seconds, v->seconds == 1 ? "" : "s");

    err->retry_after = (int)v->seconds;
    err->settled = v->settled;
    return err;
}

static int admit(tuor_request *q, tuor_error **err)
{
    const tuor_ratelimit_verdict *v;
    int quota, klass = quota_of(q, &quota);

    if (klass < 0 || !(v = take(q, klass, quota, 1)) || v->passed) {
        return DECLINED;
    }
    *err = used_up(q, klass, quota, v);
    return DONE;
}

static int admit_more(tuor_request *q, int more, int *granted, tuor_error **err)
{
    const tuor_ratelimit_verdict *v;
    int quota, klass = quota_of(q, &quota);

    (void)more;
    if (klass < 0 || *granted < 1 || !(v = take(q, klass, quota, *granted)) || (int)v->taken == *granted) {
        return DECLINED;
    }
    *granted = (int)v->taken;
    *err = used_up(q, klass, quota, v);
    return OK;
}

static void finished(tuor_request *q, int status)
{
    const tuor_ratelimit_verdict *v = ap_get_module_config(q->r->request_config, &tuor_ratelimit_module);

    if (!v) {
        return;
    }
    if (q->who->verified) {
        tuor_ratelimit_verified(v->key);
    }
    else if (status == HTTP_UNAUTHORIZED) {
        tuor_ratelimit_release(v->key);
    }
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_admit(admit, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_admit_more(admit_more, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_finished(finished, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA tuor_ratelimit_module = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    create_config,                      /* create per-server config */
    merge_config,                       /* merge per-server config */
    commands,
    register_hooks,
    0                                   /* flags */
};
