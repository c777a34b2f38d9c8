/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The directives of the core. Each is checked when it is read: httpd puts file and line in front
 * of the message, the message says what would be right.
 */
#include "core.h"

#include <apr_lib.h>

APLOG_USE_MODULE(tuor);

#define DEFAULT_MAX_PAYLOAD (5 * 1024 * 1024)
#define DEFAULT_MAX_DEPTH 10
#define MAX_TRACE_LIMIT APR_INT64_C(1000000000000)
#define DEFAULT_DB_TIMEOUT apr_time_from_sec(10)
#define DEFAULT_EXPORTS 4
#define DEFAULT_EXPORT_TIMEOUT apr_time_from_sec(3600)

/* The JSON around the payloads: ids, keys, white space. */
#define ENVELOPE_ROOM (2 * 1024 * 1024)

void *tuor_config_create(apr_pool_t *pool, server_rec *s)
{
    tuor_config *c = apr_palloc(pool, sizeof(*c));

    (void)s;
    c->organization = NULL;
    c->max_payload = -1;
    c->max_depth = -1;
    c->trace_limit = -1;
    c->db_timeout = -1;
    c->exports = -1;
    c->export_timeout = -1;
    return c;
}

void *tuor_config_merge(apr_pool_t *pool, void *basev, void *addv)
{
    const tuor_config *base = basev, *add = addv;
    tuor_config *c = apr_palloc(pool, sizeof(*c));

    c->organization = add->organization ? add->organization : base->organization;
    c->max_payload = add->max_payload >= 0 ? add->max_payload : base->max_payload;
    c->max_depth = add->max_depth >= 0 ? add->max_depth : base->max_depth;
    c->trace_limit = add->trace_limit >= 0 ? add->trace_limit : base->trace_limit;
    c->db_timeout = add->db_timeout >= 0 ? add->db_timeout : base->db_timeout;
    c->exports = add->exports >= 0 ? add->exports : base->exports;
    c->export_timeout = add->export_timeout >= 0 ? add->export_timeout : base->export_timeout;
    return c;
}

tuor_config tuor_config_of(const server_rec *s)
{
    tuor_config c = *(const tuor_config *)ap_get_module_config(s->module_config, &tuor_module);

    if (c.max_payload < 0) {
        c.max_payload = DEFAULT_MAX_PAYLOAD;
    }
    if (c.max_depth < 0) {
        c.max_depth = DEFAULT_MAX_DEPTH;
    }
    if (c.trace_limit < 0) {
        c.trace_limit = 0;
    }
    if (c.db_timeout < 0) {
        c.db_timeout = DEFAULT_DB_TIMEOUT;
    }
    if (c.exports < 0) {
        c.exports = DEFAULT_EXPORTS;
    }
    if (c.export_timeout < 0) {
        c.export_timeout = DEFAULT_EXPORT_TIMEOUT;
    }
    return c;
}

apr_size_t tuor_max_payload(const server_rec *s)
{
    return (apr_size_t)tuor_config_of(s).max_payload;
}

unsigned tuor_max_depth(const server_rec *s)
{
    return (unsigned)tuor_config_of(s).max_depth;
}

apr_interval_time_t tuor_db_timeout(const server_rec *s)
{
    return tuor_config_of(s).db_timeout;
}

apr_int64_t tuor_trace_limit(const server_rec *s)
{
    return tuor_config_of(s).trace_limit;
}

const char *tuor_default_org(const server_rec *s)
{
    return tuor_config_of(s).organization;
}

apr_size_t tuor_max_body(const server_rec *s)
{
    return 3 * tuor_max_payload(s) + ENVELOPE_ROOM;
}

/* ------------------------------------------------------------ directives */

static tuor_config *config_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &tuor_module);
}

static const char *set_organization(cmd_parms *cmd, void *dummy, const char *arg)
{
    (void)dummy;
    if (!*arg) {
        return "TuorOrganization needs the name or the id (org_…) of an organization";
    }
    config_of(cmd)->organization = arg;
    return NULL;
}

/* A whole number within bounds, or a message. */
static const char *parse_number(cmd_parms *cmd, const char *arg, apr_int64_t min, apr_int64_t max,
                                apr_int64_t *out)
{
    char *end;
    apr_int64_t n = apr_strtoi64(arg, &end, 10);

    if (!apr_isdigit(*arg) || *end || n < min || n > max) {
        return apr_psprintf(cmd->pool, "%s takes a whole number from %" APR_INT64_T_FMT " to %"
                            APR_INT64_T_FMT ", not \"%s\"", cmd->cmd->name, min, max, arg);
    }
    *out = n;
    return NULL;
}

static const char *set_max_payload(cmd_parms *cmd, void *dummy, const char *arg)
{
    (void)dummy;
    /* PostgreSQL takes 1 GB a value; far below it, three of them still fit one request in memory. */
    return parse_number(cmd, arg, 1024, 64 * 1024 * 1024, &config_of(cmd)->max_payload);
}

static const char *set_max_depth(cmd_parms *cmd, void *dummy, const char *arg)
{
    apr_int64_t n = 0;
    const char *err = parse_number(cmd, arg, 1, 128, &n);

    (void)dummy;
    config_of(cmd)->max_depth = (int)n;
    return err;
}

static const char *set_trace_limit(cmd_parms *cmd, void *dummy, const char *arg)
{
    (void)dummy;
    if (!ap_cstr_casecmp(arg, "none")) {
        config_of(cmd)->trace_limit = 0;
        return NULL;
    }
    return apr_isdigit(*arg) ? parse_number(cmd, arg, 1, MAX_TRACE_LIMIT, &config_of(cmd)->trace_limit)
        : apr_psprintf(cmd->pool, "TuorTraceLimit takes a number of traces, or none, not \"%s\"", arg);
}

static const char *set_db_timeout(cmd_parms *cmd, void *dummy, const char *arg)
{
    apr_int64_t n = 0;
    const char *err = parse_number(cmd, arg, 1, 600, &n);

    (void)dummy;
    config_of(cmd)->db_timeout = apr_time_from_sec(n);
    return err;
}

static const char *set_exports(cmd_parms *cmd, void *dummy, const char *arg)
{
    apr_int64_t n = 0;
    const char *err = parse_number(cmd, arg, 1, 64, &n);

    (void)dummy;
    config_of(cmd)->exports = (int)n;
    return err;
}

static const char *set_export_timeout(cmd_parms *cmd, void *dummy, const char *arg)
{
    apr_int64_t n = 0;
    const char *err = parse_number(cmd, arg, 1, 7 * 86400, &n);

    (void)dummy;
    config_of(cmd)->export_timeout = apr_time_from_sec(n);
    return err;
}

const command_rec tuor_commands[] = {
    AP_INIT_TAKE1("TuorOrganization", set_organization, NULL, RSRC_CONF,
                  "the organization (name or id) of users who belong to several and name none"),
    AP_INIT_TAKE1("TuorMaxPayload", set_max_payload, NULL, RSRC_CONF,
                  "largest payload field in bytes (5242880)"),
    AP_INIT_TAKE1("TuorMaxDepth", set_max_depth, NULL, RSRC_CONF,
                  "deepest nesting of a payload field (10)"),
    AP_INIT_TAKE1("TuorTraceLimit", set_trace_limit, NULL, RSRC_CONF,
                  "stored traces of an organization at most, or none (none)"),
    AP_INIT_TAKE1("TuorDatabaseTimeout", set_db_timeout, NULL, RSRC_CONF,
                  "seconds to wait for a connection, and for a statement, before 503 (10)"),
    AP_INIT_TAKE1("TuorExportConcurrency", set_exports, NULL, RSRC_CONF,
                  "exports that a child process streams at once, on connections of their own (4)"),
    AP_INIT_TAKE1("TuorExportTimeout", set_export_timeout, NULL, RSRC_CONF,
                  "seconds after which an export is broken off (3600)"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
