/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/me: who asks, as whom, and for which organization.
 */
#include "members.h"

static const tuor_stmt memberships = {
    "members_memberships", "SELECT org_id, org_name, role FROM tuor.memberships($1) WHERE NOT suspended"
};

static void write_member(tuor_reply *rp, const char *key, const char *value)
{
    tuor_reply_puts(rp, key);
    tuor_reply_json(rp, value);
}

static void write_organization(tuor_reply *rp, const char *id, const char *name)
{
    write_member(rp, "{\"id\":", id);
    write_member(rp, ",\"name\":", name);
}

/* Those that X-Tuor-Org can choose: a user's active ones, or the one of a key. */
static void write_organizations(tuor_reply *rp, const tuor_principal *who, const tuor_result *res)
{
    int i;

    tuor_reply_puts(rp, ",\"organizations\":[");
    if (!res) {
        write_organization(rp, who->org_id, who->org_name);
        write_member(rp, ",\"role\":", tuor_role_name(who->role));
        tuor_reply_puts(rp, "}");
    }
    for (i = 0; res && i < tuor_result_rows(res); i++) {
        tuor_reply_puts(rp, i ? "," : "");
        write_organization(rp, tuor_result_text(res, i, 0), tuor_result_text(res, i, 1));
        write_member(rp, ",\"role\":", tuor_result_text(res, i, 2));
        tuor_reply_puts(rp, "}");
    }
    tuor_reply_puts(rp, "]");
}

static tuor_error *find_memberships(tuor_result **res, tuor_request *q)
{
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    if (!err) {
        err = tuor_db_exec(res, db, &memberships, TUOR_ARGS(tuor_text(q->who->login)));
    }
    tuor_db_end(db);
    return err;
}

tuor_error *members_me(tuor_request *q)
{
    const tuor_principal *who = q->who;
    tuor_result *res = NULL;
    tuor_reply *rp;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q))) {
        return err;
    }
    err = who->kind == TUOR_BY_USER ? find_memberships(&res, q) : tuor_auth_verify(q);
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    write_member(rp, "{\"type\":", tuor_actor_name(who->kind));
    write_member(rp, ",\"id\":", who->id);
    write_member(rp, ",\"login\":", who->login);
    write_member(rp, ",\"name\":", who->name);
    write_member(rp, ",\"role\":", tuor_role_name(who->role));
    tuor_reply_puts(rp, ",\"organization\":");
    write_organization(rp, who->org_id, who->org_name);
    tuor_reply_puts(rp, "}");
    write_organizations(rp, who, res);
    tuor_reply_puts(rp, "}");
    return tuor_reply_end(rp);
}
