/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Who asks: the holder of an API key, or a user whom Apache signed in.
 *
 * A key whose checksum holds is believed until the first database statement, which checks it in the
 * same round trip (db.c); a malformed one never reaches the database. A user's organization and
 * role are looked up at once, because the role decides whether the handler runs at all.
 */
#include "core.h"

#include <ap_expr.h>
#include <ap_provider.h>
#include <http_core.h>
#include <http_request.h>
#include <mod_auth.h>

#include <openssl/sha.h>

APLOG_USE_MODULE(tuor);

#define KEY_HEADER "X-API-Key"
#define ORG_HEADER "X-Tuor-Org"

static const char *const role_names[] = { "public", "viewer", "reviewer", "admin" };

const char *tuor_role_name(tuor_role role)
{
    return (unsigned)role < sizeof(role_names) / sizeof(*role_names) ? role_names[role] : NULL;
}

int tuor_role_parse(tuor_role *role, const char *name)
{
    int i;

    for (i = TUOR_ROLE_VIEWER; i <= TUOR_ROLE_ADMIN; i++) {
        if (!strcmp(name, role_names[i])) {
            *role = i;
            return 1;
        }
    }
    return 0;
}

const char *tuor_actor_name(tuor_actor kind)
{
    return kind == TUOR_BY_USER ? "user" : kind == TUOR_BY_KEY ? "api_key" : "system";
}

/* ------------------------------------------------------------ entering */

static const tuor_stmt enter_key = {
    "enter_key", "SELECT id, name, org_id, org_name, suspended FROM tuor.enter_key($1)"
};
static const tuor_stmt enter_member = {
    "enter_member", "SELECT role FROM tuor.enter_member($1, $2)"
};

const tuor_stmt *tuor_auth_entry(const tuor_principal *who, tuor_arg args[2], int *n)
{
    if (who->kind == TUOR_BY_KEY) {
        args[0] = tuor_bytes(who->key_hash, TUOR_HASH_LEN);
        *n = 1;
        return &enter_key;
    }
    args[0] = tuor_text(who->org_id);
    args[1] = tuor_text(who->id);
    *n = 2;
    return &enter_member;
}

void tuor_auth_accept(tuor_request *q, const char *id, const char *org_id)
{
    q->who->verified = 1;
    q->who->id = apr_pstrdup(q->pool, id);
    q->who->org_id = apr_pstrdup(q->pool, org_id);
    q->r->user = (char *)q->who->id;    /* for the access log */
}

tuor_error *tuor_auth_entered(tuor_request *q, const tuor_result *res)
{
    tuor_principal *who = q->who;

    if (who->kind != TUOR_BY_KEY) {
        return tuor_result_rows(res) ? NULL : tuor_error_no_organization(q->pool);
    }
    if (!tuor_result_rows(res)) {
        who->verified = 0;
        return tuor_error_unauthorized(q->pool);
    }
    if (!who->verified) {
        tuor_auth_accept(q, tuor_result_text(res, 0, 0), tuor_result_text(res, 0, 2));
        who->name = apr_pstrdup(q->pool, tuor_result_text(res, 0, 1));
        who->org_name = apr_pstrdup(q->pool, tuor_result_text(res, 0, 3));
    }
    return tuor_result_int(res, 0, 4) ? tuor_error_no_organization(q->pool) : NULL;
}

tuor_error *tuor_auth_verify(tuor_request *q)
{
    static const tuor_stmt nothing = { "nothing", "SELECT" };
    tuor_db *db;
    tuor_error *err;

    if (q->who->verified) {
        return NULL;
    }
    err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    if (!err) {
        err = tuor_db_exec(NULL, db, &nothing, TUOR_NO_ARGS);
    }
    tuor_db_end(db);
    return err;
}

/* --------------------------------------------------------------- users */

/*
 * A browser sends cookies, passwords and certificates along with requests that other sites make.
 * It also says so: Sec-Fetch-Site, or Origin in older ones. A client with neither is no browser.
 */
int tuor_same_origin(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *host = apr_table_get(r->headers_in, "Host");

    if (r->method_number == M_GET || r->method_number == M_OPTIONS) {
        return 1;
    }
    if (site) {
        return !strcmp(site, "same-origin") || !strcmp(site, "none");
    }
    if (!origin) {
        return 1;
    }
    /* The host decides: a proxy in front may have taken the TLS off, so the scheme tells nothing. */
    origin = strstr(origin, "://");
    return host && origin && !ap_cstr_casecmp(origin + 3, host);
}

static tuor_error *check_origin(tuor_request *q)
{
    return tuor_same_origin(q->r) ? NULL : tuor_error_make(
        q->pool, HTTP_FORBIDDEN, "This request comes from another site: a browser's sign-in serves this server's own "
        "pages alone; use an API key from elsewhere");
}

static const tuor_stmt memberships = {
    "memberships", "SELECT org_id, org_name, suspended, user_id, name, role FROM tuor.memberships($1)"
};

/* Which of a user's organizations this request is for: the row, or -1. */
static int choose(const tuor_result *res, const char *wanted, const char *dflt)
{
    int i, n = tuor_result_rows(res), active = 0, last = -1;

    for (i = 0; i < n; i++) {
        const char *id = tuor_result_text(res, i, 0), *name = tuor_result_text(res, i, 1);

        if (tuor_result_int(res, i, 2)) {
            continue;
        }
        if (wanted ? !strcmp(wanted, id) : dflt && (!strcmp(dflt, id) || !strcmp(dflt, name))) {
            return i;
        }
        active++;
        last = i;
    }
    return !wanted && active == 1 ? last : -1;
}

/* Which organizations there are to choose from, where a user has to. */
static tuor_error *ask_which(tuor_request *q, const tuor_result *res)
{
    tuor_error *err = tuor_error_make(q->pool, HTTP_FORBIDDEN,
                                      "Say with the header " ORG_HEADER " which of your organizations this is for: "
                                      "you belong to several, or to none that is active");
    tuor_buf b;
    int i, n = 0;

    tuor_buf_init(&b, q->pool);
    tuor_buf_puts(&b, "\"organizations\":[");
    for (i = 0; i < tuor_result_rows(res); i++) {
        if (!tuor_result_int(res, i, 2)) {
            tuor_buf_puts(&b, n++ ? ",{\"id\":" : "{\"id\":");
            tuor_buf_json(&b, tuor_result_text(res, i, 0));
            tuor_buf_puts(&b, ",\"name\":");
            tuor_buf_json(&b, tuor_result_text(res, i, 1));
            tuor_buf_puts(&b, "}");
        }
    }
    tuor_buf_puts(&b, "]");
    err->members = tuor_buf_text(&b);
    return err;
}

static tuor_error *take_membership(tuor_request *q, const tuor_result *res)
{
    tuor_principal *who = q->who;
    const char *wanted = apr_table_get(q->r->headers_in, ORG_HEADER);
    int row = choose(res, wanted, tuor_default_org(q->r->server));

    if (row < 0 && wanted) {
        return tuor_error_make(q->pool, HTTP_FORBIDDEN,
                               "The header " ORG_HEADER " names no active organization of yours");
    }
    if (row < 0 && tuor_result_rows(res)) {
        return ask_which(q, res);
    }
    if (row < 0) {
        return tuor_error_make(q->pool, HTTP_FORBIDDEN, "%s belongs to no organization here: an admin can add the "
                               "login as a member; the header " ORG_HEADER " then chooses among several", who->login);
    }
    who->org_id = apr_pstrdup(q->pool, tuor_result_text(res, row, 0));
    who->org_name = apr_pstrdup(q->pool, tuor_result_text(res, row, 1));
    who->id = apr_pstrdup(q->pool, tuor_result_text(res, row, 3));
    who->name = apr_pstrdup(q->pool, tuor_result_text(res, row, 4));
    who->verified = 1;
    return tuor_role_parse(&who->role, tuor_result_text(res, row, 5)) ? NULL : tuor_error_no_organization(q->pool);
}

static tuor_error *identify_user(tuor_request *q)
{
    tuor_principal *who = q->who;
    tuor_result *res;
    tuor_db *db;
    tuor_error *err;

    who->kind = TUOR_BY_USER;
    who->login = q->r->user;
    if (!tuor_clean_utf8(who->login, strlen(who->login), q->pool)) {
        return tuor_error_make(q->pool, HTTP_FORBIDDEN, "The login is not UTF-8, and so no member's");
    }
    SHA256((const unsigned char *)who->login, strlen(who->login), who->key_hash);
    err = tuor_db_begin_system(&db, q->r->server, NULL, TUOR_DB_EACH, q->pool);
    if (!err) {
        err = tuor_db_exec(&res, db, &memberships, TUOR_ARGS(tuor_text(who->login)));
    }
    tuor_db_end(db);
    if (!err) {
        err = take_membership(q, res);
    }
    return err ? err : check_origin(q);
}

tuor_error *tuor_auth_identify(tuor_request *q)
{
    const char *key = apr_table_get(q->r->headers_in, KEY_HEADER);

    if (!key) {
        return q->r->user ? identify_user(q) : tuor_error_unauthorized(q->pool);
    }
    if (!tuor_key_valid(key)) {
        return tuor_error_unauthorized(q->pool);
    }
    q->who->kind = TUOR_BY_KEY;
    q->who->role = TUOR_ROLE_ADMIN;
    tuor_key_hash(q->who->key_hash, key);
    return NULL;
}

/* -------------------------------------------------------- httpd's seams */

int tuor_handler_is(request_rec *r, const char *name)
{
    const core_dir_config *conf = ap_get_core_module_config(r->per_dir_config);
    const char *handler = conf->handler, *error = NULL;

    if (conf->expr_handler) {   /* SetHandler; the other is mod_mime's and its like */
        handler = ap_expr_str_exec(r, conf->expr_handler, &error);
    }
    return handler && !error && !strcmp(handler, name);
}

int tuor_location(request_rec *r)
{
    return tuor_handler_is(r, TUOR_HANDLER);
}

/*
 * A request with a key needs no other sign-in where Tuor's handler will look at the key itself.
 * Nowhere else: a header alone must open no other location.
 */
static int check_authn(request_rec *r)
{
    if (!apr_table_get(r->headers_in, KEY_HEADER) || !tuor_location(r)) {
        return DECLINED;
    }
    r->user = "(api key)";
    r->ap_auth_type = "ApiKey";
    return OK;
}

/* Who this is, in any location: for Require tuor-role. */
static tuor_error *identify_anywhere(request_rec *r, tuor_request **out)
{
    tuor_request *q = apr_pcalloc(r->pool, sizeof(*q));
    tuor_error *err;

    q->r = r;
    q->pool = r->pool;
    q->who = apr_pcalloc(r->pool, sizeof(*q->who));
    *out = q;
    err = tuor_auth_identify(q);
    return err ? err : tuor_auth_verify(q);
}

static authz_status check_role(request_rec *r, const char *line, const void *parsed)
{
    tuor_role wanted = (tuor_role)(apr_uintptr_t)parsed;
    tuor_request *q;
    tuor_error *err;

    (void)line;
    if (!r->user && !apr_table_get(r->headers_in, KEY_HEADER)) {
        return AUTHZ_DENIED_NO_USER;
    }
    err = identify_anywhere(r, &q);
    if (err) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, TUORNO(0001) "%s Require tuor-role: %s", tuor_log_ids(r), err->detail);
        return err->status == HTTP_UNAUTHORIZED && !r->user ? AUTHZ_DENIED_NO_USER : AUTHZ_DENIED;
    }
    return q->who->role >= wanted ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static const char *parse_role(cmd_parms *cmd, const char *line, const void **parsed)
{
    tuor_role role;

    if (!tuor_role_parse(&role, line)) {
        return apr_psprintf(cmd->pool, "Require tuor-role takes one of viewer, reviewer, admin, not \"%s\"", line);
    }
    *parsed = (const void *)(apr_uintptr_t)role;
    return NULL;
}

static const authz_provider role_provider = { check_role, parse_role };

/* For what changes something on behalf of a browser's user and is not Tuor's own to serve, such as a sign-in. */
static authz_status check_same_origin(request_rec *r, const char *line, const void *parsed)
{
    (void)line, (void)parsed;
    return tuor_same_origin(r) ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static const char *parse_same_origin(cmd_parms *cmd, const char *line, const void **parsed)
{
    (void)cmd, (void)parsed;
    return *line ? "Require tuor-same-origin takes no argument" : NULL;
}

static const authz_provider same_origin_provider = { check_same_origin, parse_same_origin };

void tuor_auth_register(apr_pool_t *pool)
{
    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "tuor-role", AUTHZ_PROVIDER_VERSION,
                              &role_provider, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "tuor-same-origin", AUTHZ_PROVIDER_VERSION,
                              &same_origin_provider, AP_AUTH_INTERNAL_PER_CONF);
}
