/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * <TuorProject>: projects that the administrator declares in httpd.conf. They are checked when the
 * configuration is read and put into the database when a child starts; while the database is away, or
 * an organization is not there yet, that is tried again every second.
 */
#include "managed.h"
#include "projects.h"

#include <apr_file_io.h>
#include <jansson.h>

APLOG_USE_MODULE(tuor_projects);

#define SECRET_MAX 512
#define GUIDELINES_MAX 16384

typedef struct managed_project {
    const char *org, *id;
    const char *value[TUOR_P_FIELDS];   /* as declared, secrets read from their files; NULL: not declared */
    int on[TUOR_P_FIELDS];              /* of those that are On or Off */
    const ap_directive_t *where;
} managed_project;

/* Of the configuration being read or in force; pconf. */
static apr_array_header_t *projects;
static const char *declared;            /* all of them, as tuor.declare_projects() wants them */
static int applied, complained;         /* in this child; the ticker's thread alone */

void managed_reset(apr_pool_t *pconf)
{
    projects = apr_array_make(pconf, 4, sizeof(managed_project *));
}

/* ------------------------------------------------------------ directives */

/* The members of the section, and what they declare. */
static const struct { const char *name; int field; } members[] = {
    { "Name", TUOR_P_NAME }, { "InputType", TUOR_P_INPUT_TYPE }, { "OutputType", TUOR_P_OUTPUT_TYPE },
    { "Guidelines", TUOR_P_GUIDELINES }, { "WebhookURL", TUOR_P_WEBHOOK_URL },
    { "WebhookSecretFile", TUOR_P_WEBHOOK_SECRET }, { "WebhookSecretNextFile", TUOR_P_WEBHOOK_SECRET_NEXT },
    { "WebhookStandard", TUOR_P_WEBHOOK_STANDARD }, { "WebhookActive", TUOR_P_WEBHOOK_ACTIVE },
};
#define MEMBERS_N (int)(sizeof(members) / sizeof(*members))

static const char *one_of(apr_pool_t *pool, const char *name, const char *value, const char *a, const char *b, const char *c)
{
    return !strcasecmp(value, a) || !strcasecmp(value, b) || !strcasecmp(value, c) ? NULL
        : apr_psprintf(pool, "%s takes one of %s, %s, %s, not \"%s\"", name, a, b, c, value);
}

/* The first line of a file that only the administrator can read: never the argument itself, which mod_info prints. */
static const char *read_secret(const char **secret, cmd_parms *cmd, const char *name, const char *path)
{
    const char *full = ap_server_root_relative(cmd->pool, path);
    char buf[SECRET_MAX * 4 + 2];
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, full ? full : path, APR_READ, APR_OS_DEFAULT, cmd->temp_pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_gets(buf, sizeof(buf), file);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(cmd->pool, "%s %s cannot be read: %pm", name, path, &rv);
    }
    buf[strcspn(buf, "\r\n")] = '\0';
    if (!*buf || strlen(buf) > SECRET_MAX) {
        return apr_psprintf(cmd->pool, "%s %s: its first line must be a secret of 1 to %d bytes", name, path, SECRET_MAX);
    }
    *secret = apr_pstrdup(cmd->pool, buf);
    return NULL;
}

static const char *check_value(managed_project *p, int field, const char *name, const char *value, cmd_parms *cmd)
{
    switch (field) {
    case TUOR_P_NAME:
        return *value && strlen(value) <= 100 ? NULL : "Name takes 1 to 100 characters";
    case TUOR_P_INPUT_TYPE:
        return one_of(cmd->pool, name, value, "text", "pdf", "image");
    case TUOR_P_OUTPUT_TYPE:
        return one_of(cmd->pool, name, value, "key_value", "text", "classification");
    case TUOR_P_GUIDELINES:
        return strlen(value) <= GUIDELINES_MAX ? NULL : "Guidelines takes up to 16384 bytes";
    case TUOR_P_WEBHOOK_SECRET:
    case TUOR_P_WEBHOOK_SECRET_NEXT:
        return read_secret(&p->value[field], cmd, name, value);
    case TUOR_P_WEBHOOK_ACTIVE:
    case TUOR_P_WEBHOOK_STANDARD:
        p->on[field] = !strcasecmp(value, "on");
        return p->on[field] || !strcasecmp(value, "off") ? NULL : apr_pstrcat(cmd->pool, name, " takes On or Off", NULL);
    default:
        return NULL;            /* the URL is checked when all of the configuration is known */
    }
}

static const char *take_member(managed_project *p, const ap_directive_t *d, cmd_parms *cmd)
{
    const char *args = d->args, *value = ap_getword_conf(cmd->pool, &args);
    int i;

    if (*args) {
        return apr_psprintf(cmd->pool, "%s takes one argument: put quotes around one with spaces", d->directive);
    }
    if (!strcasecmp(d->directive, "Organization")) {
        p->org = value;
        return *value ? NULL : "Organization takes the name or the id (org_...) of an organization";
    }
    for (i = 0; i < MEMBERS_N; i++) {
        if (!strcasecmp(d->directive, members[i].name)) {
            if (p->value[members[i].field]) {
                return apr_psprintf(cmd->pool, "%s is given twice", members[i].name);
            }
            p->value[members[i].field] = value;
            return check_value(p, members[i].field, members[i].name, value, cmd);
        }
    }
    return apr_psprintf(cmd->pool, "%s is not known in <TuorProject>: Organization, Name, InputType, OutputType, Guidelines, "
                        "WebhookURL, WebhookSecretFile, WebhookSecretNextFile, WebhookStandard and WebhookActive are", d->directive);
}

static const char *check_section(managed_project *p, cmd_parms *cmd)
{
    int i;

    if (!p->org) {
        p->org = tuor_default_org(cmd->server);
    }
    if (!p->org) {
        return "<TuorProject> needs an Organization, or a TuorOrganization before it";
    }
    if (p->on[TUOR_P_WEBHOOK_ACTIVE] && (!p->value[TUOR_P_WEBHOOK_URL] || !p->value[TUOR_P_WEBHOOK_SECRET])) {
        return "WebhookActive On needs a WebhookURL and a WebhookSecretFile in the same <TuorProject>";
    }
    for (i = 0; i < projects->nelts; i++) {
        const managed_project *other = APR_ARRAY_IDX(projects, i, managed_project *);

        if (!strcmp(other->id, p->id)) {
            return apr_psprintf(cmd->pool, "<TuorProject %s> stands in %s, line %d, already", p->id, other->where->filename,
                                other->where->line_num);
        }
    }
    return NULL;
}

const char *managed_section(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *end = ap_strrchr_c(arg, '>'), *err = ap_check_cmd_context(cmd, NOT_IN_DIR_LOC_FILE);
    const ap_directive_t *d;
    managed_project *p;

    (void)dummy;
    if (err) {
        return err;
    }
    if (!end) {
        return "<TuorProject is not closed with >: <TuorProject proj_id>";
    }
    p = apr_pcalloc(cmd->pool, sizeof(*p));
    arg = apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(end - arg));
    p->id = ap_getword_conf(cmd->pool, &arg);
    p->where = cmd->directive;
    if (*arg || !tuor_id_valid(p->id, "proj")) {
        return "<TuorProject> takes one id: proj_ and 22 to 64 letters and digits";
    }
    for (d = cmd->directive->first_child; d; d = d->next) {
        err = take_member(p, d, cmd);
        if (err) {
            cmd->err_directive = d;     /* httpd names its file and line */
            return err;
        }
    }
    err = check_section(p, cmd);
    if (!err) {
        APR_ARRAY_PUSH(projects, managed_project *) = p;
    }
    return err;
}

/* ----------------------------------------------------------- check_config */

/* What tuor.declare_projects() reads. */
static json_t *as_json(const managed_project *p)
{
    json_t *o = json_pack("{s:s, s:s, s:[]}", "org", p->org, "id", p->id, "managed");
    int i;

    for (i = 0; i < TUOR_P_FIELDS; i++) {
        if (p->value[i]) {
            json_object_set_new(o, tuor_project_member(i),
                                i == TUOR_P_WEBHOOK_ACTIVE || i == TUOR_P_WEBHOOK_STANDARD ? json_boolean(p->on[i])
                                    : json_string(p->value[i]));
            json_array_append_new(json_object_get(o, "managed"), json_string(tuor_project_member(i)));
        }
    }
    return o;
}

int managed_check(apr_pool_t *pconf, server_rec *s)
{
    json_t *all = json_array();
    char *text;
    int i;

    for (i = 0; i < projects->nelts; i++) {
        const managed_project *p = APR_ARRAY_IDX(projects, i, managed_project *);
        const char *url = p->value[TUOR_P_WEBHOOK_URL];
        const char *why = url ? tuor_project_check_url(url, pconf) : NULL;

        if (why) {
            ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, s, TUORNO(0501) "%s, line %d: WebhookURL %s: %s",
                         p->where->filename, p->where->line_num, url, why);
            json_decref(all);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        json_array_append_new(all, as_json(p));
    }
    text = json_dumps(all, JSON_COMPACT);
    declared = apr_pstrdup(pconf, text ? text : "[]");
    free(text);
    json_decref(all);
    return OK;
}

/* --------------------------------------------------------------- applying */

void managed_child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)pchild, (void)s;
    applied = complained = 0;
}

void managed_apply(server_rec *s, apr_pool_t *pool)
{
    static const tuor_stmt declare = { "projects_declare", "SELECT * FROM tuor.declare_projects($1::text::jsonb)" };
    tuor_result *res;
    tuor_db *db;
    tuor_error *err;

    if (applied) {
        return;
    }
    err = tuor_db_begin_system(&db, s, NULL, TUOR_DB_EACH, pool);
    if (!err) {
        err = tuor_db_exec(&res, db, &declare, TUOR_ARGS(tuor_text(declared)));
    }
    tuor_db_end(db);
    if (!err && !tuor_result_rows(res)) {
        applied = 1;
        return;
    }
    if (!complained++) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, TUORNO(0502) "<TuorProject> is not applied yet: %s%s",
                     err ? err->detail : "there is no organization (or more than one) called ",
                     err ? "" : tuor_result_text(res, 0, 0));
    }
}
