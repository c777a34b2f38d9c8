/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The directives of the http refiner. The key is read from its file here, by httpd's parent with its
 * privileges, and never logged; mod_info shows the file's name alone.
 */
#include "refiners.h"
#include "certificates.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_uri.h>

#define TIMEOUT_DEFAULT 60
#define TIMEOUT_MAX 600
#define KEY_MAX 4096

void *refiner_settings_create(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(refiner_settings));
}

/* Key and authority belong to the URL that they were configured with: another URL gets neither. */
void *refiner_settings_merge(apr_pool_t *pool, void *basev, void *addv)
{
    const refiner_settings *base = basev, *add = addv;
    refiner_settings *c = apr_pcalloc(pool, sizeof(*c));

    c->url = add->url ? add->url : base->url;
    c->model = add->model ? add->model : base->model;
    c->key = add->key ? add->key : add->url ? NULL : base->key;
    c->ca = add->ca.p ? add->ca : add->url ? TUOR_SLICE_NONE : base->ca;
    c->timeout = add->timeout ? add->timeout : base->timeout;
    return c;
}

refiner_settings refiner_settings_of(const server_rec *s)
{
    refiner_settings c = *(const refiner_settings *)ap_get_module_config(s->module_config, &tuor_refiners_module);

    c.timeout = c.timeout ? c.timeout : TIMEOUT_DEFAULT;
    return c;
}

static refiner_settings *settings_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &tuor_refiners_module);
}

/* Where it leads is the administrator's business; that it leads somewhere is checked. */
static const char *set_url(cmd_parms *cmd, void *dummy, const char *arg)
{
    apr_uri_t uri;

    (void)dummy;
    if (apr_uri_parse(cmd->pool, arg, &uri) != APR_SUCCESS || !uri.scheme || !uri.hostname || !*uri.hostname
        || (strcasecmp(uri.scheme, "http") && strcasecmp(uri.scheme, "https")) || strpbrk(arg, " \t")) {
        return "TuorRefinerURL takes the URL of a chat-completions endpoint, such as "
               "https://api.openai.com/v1/chat/completions";
    }
    if (uri.user || uri.password) {
        return "TuorRefinerURL must not hold a password: mod_info would show it. Put the key into a file and name that "
               "with TuorRefinerKeyFile";
    }
    settings_of(cmd)->url = arg;
    return NULL;
}

static const char *set_model(cmd_parms *cmd, void *dummy, const char *arg)
{
    (void)dummy;
    if (!*arg) {
        return "TuorRefinerModel needs the name of a model, as the endpoint knows it";
    }
    settings_of(cmd)->model = arg;
    return NULL;
}

/* One word in visible ASCII: it goes into a header. */
static int is_key(const char *s)
{
    for (; apr_isgraph(*s); s++) {
    }
    return !*s;
}

static const char *set_key_file(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *file = ap_server_root_relative(cmd->pool, arg);
    apr_size_t len = KEY_MAX;
    char *key = apr_pcalloc(cmd->pool, KEY_MAX + 1), why[120];
    apr_file_t *f;
    apr_status_t rv;

    (void)dummy;
    if (!file) {
        return apr_psprintf(cmd->pool, "TuorRefinerKeyFile: %s is no path", arg);
    }
    rv = apr_file_open(&f, file, APR_READ, APR_OS_DEFAULT, cmd->temp_pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(f, key, KEY_MAX, &len);
        apr_file_close(f);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return apr_psprintf(cmd->pool, "TuorRefinerKeyFile: cannot read %s: %s", file, apr_strerror(rv, why, sizeof(why)));
    }
    while (len && apr_isspace(key[len - 1])) {
        key[--len] = '\0';
    }
    if (!len || len >= KEY_MAX || strlen(key) != len || !is_key(key)) {
        return apr_psprintf(cmd->pool, "TuorRefinerKeyFile: %s must hold the key alone, on one line", file);
    }
    settings_of(cmd)->key = key;
    return NULL;
}

/* Read here, so that it need not be readable to the children, and cannot be another one tomorrow. */
static const char *set_ca_file(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *file = ap_server_root_relative(cmd->pool, arg), *why = NULL;

    (void)dummy;
    if (!file) {
        return apr_psprintf(cmd->pool, "TuorRefinerCAFile: %s is no path", arg);
    }
    if (certificates_read(&why, &settings_of(cmd)->ca, NULL, file, cmd->pool) < 0) {
        return apr_pstrcat(cmd->pool, "TuorRefinerCAFile: ", why, NULL);
    }
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *dummy, const char *arg)
{
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);

    (void)dummy;
    if (!apr_isdigit(*arg) || *end || n < 1 || n > TIMEOUT_MAX) {
        return apr_psprintf(cmd->pool, "TuorRefinerTimeout must be a number of seconds from 1 to %d, such as %d",
                            TIMEOUT_MAX, TIMEOUT_DEFAULT);
    }
    settings_of(cmd)->timeout = (int)n;
    return NULL;
}

const command_rec refiner_commands[] = {
    AP_INIT_TAKE1("TuorRefinerURL", set_url, NULL, RSRC_CONF, "the chat-completions endpoint of the http refiner"),
    AP_INIT_TAKE1("TuorRefinerModel", set_model, NULL, RSRC_CONF, "the model that it is asked for"),
    AP_INIT_TAKE1("TuorRefinerKeyFile", set_key_file, NULL, RSRC_CONF, "a file with the key that it wants"),
    AP_INIT_TAKE1("TuorRefinerCAFile", set_ca_file, NULL, RSRC_CONF,
                  "a PEM file of the certificate authorities that its certificate must come from"),
    AP_INIT_TAKE1("TuorRefinerTimeout", set_timeout, NULL, RSRC_CONF, "seconds that its answer may take (60)"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
