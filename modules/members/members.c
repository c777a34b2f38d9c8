/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * /v1/members: list, add, change, remove. An organization always keeps an admin.
 */
#include "members.h"

#define MEMBER_COLUMNS "m.user_id, m.login, m.name, m.role, m.created_at"

static const char *const roles[] = { "viewer", "reviewer", "admin", NULL };

/* The members of a body; a login belongs to the creation alone. */
enum { NAME, ROLE, LOGIN, FIELDS };

static void write_text(tuor_reply *rp, const char *key, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, key);
    tuor_reply_json(rp, tuor_result_text(res, row, col));
}

static void write_row(tuor_reply *rp, const tuor_result *res, int row)
{
    write_text(rp, "{\"user_id\":", res, row, 0);
    write_text(rp, ",\"login\":", res, row, 1);
    write_text(rp, ",\"name\":", res, row, 2);
    write_text(rp, ",\"role\":", res, row, 3);
    tuor_reply_puts(rp, ",\"created_at\":");
    tuor_reply_time(rp, tuor_result_time(res, row, 4));
    tuor_reply_puts(rp, "}");
}

static tuor_error *answer(tuor_request *q, int status, const tuor_result *res)
{
    tuor_reply *rp = tuor_reply_begin(q, status, "application/json");

    write_row(rp, res, 0);
    return tuor_reply_end(rp);
}

static const tuor_stmt list_stmt = {
    "members_list",
    "SELECT " MEMBER_COLUMNS " FROM tuor.members m WHERE m.org_id = tuor.org() ORDER BY m.login LIMIT $1 OFFSET $2"
};

tuor_error *members_list(tuor_request *q)
{
    return members_list_run(q, &list_stmt, write_row);
}

/* ------------------------------------------------------------------ adding */

static const tuor_stmt add_stmt = {
    "members_add", "SELECT " MEMBER_COLUMNS " FROM tuor.add_member($1, $2, $3, $4, $5) m"
};

tuor_error *members_create(tuor_request *q)
{
    tuor_json_field f[FIELDS] = {
        [NAME] = { .name = "name" }, [ROLE] = { .name = "role" }, [LOGIN] = { .name = "login" }
    };
    const char *login, *name, *role;
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_body_json(q, f, FIELDS, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    login = members_text(q, &f[LOGIN], 1, LOGIN_MAX_CHARACTERS);
    name = members_text(q, &f[NAME], 0, NAME_MAX_CHARACTERS);
    role = tuor_field_word(q, &f[ROLE], 1, roles);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &add_stmt, TUOR_ARGS(
        tuor_text(login), tuor_text(name), tuor_text(role), tuor_text(tuor_id("user", q->now, q->pool)),
        tuor_time(q->now)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "\"%s\" is a member already", login);
    }
    apr_table_setn(q->r->headers_out, "Location",
                   apr_pstrcat(q->pool, "/v1/members/", tuor_result_text(res, 0, 0), NULL));
    return answer(q, HTTP_CREATED, res);
}

/* --------------------------------------------------------------- the others */

/*
 * The member and all admins. Of two who remove the last two admins at once, the second waits here and
 * then sees one; the order is tuorctl's, so that nobody waits in a circle.
 */
static const tuor_stmt lock_stmt = {
    "members_lock",
    "SELECT m.user_id, m.role FROM tuor.members m WHERE m.org_id = tuor.org() AND (m.role = 'admin' OR m.user_id = $1)"
    " ORDER BY m.user_id FOR UPDATE"
};

/* Lock the member: 404 for none, 409 for the last admin who is to be one no more. */
static tuor_error *lock_member(tuor_db *db, tuor_request *q, int stays_admin)
{
    const char *id = q->param[0];
    int admins = 0, found = 0, is_admin = 0, i;
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &lock_stmt, TUOR_ARGS(tuor_text(id)));

    for (i = 0; !err && i < tuor_result_rows(res); i++) {
        int admin = !strcmp(tuor_result_text(res, i, 1), "admin");

        admins += admin;
        if (!strcmp(tuor_result_text(res, i, 0), id)) {
            found = 1;
            is_admin = admin;
        }
    }
    if (!err && !found) {
        return tuor_error_not_found(q->pool, "member");
    }
    if (!err && is_admin && admins == 1 && !stays_admin) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "This is the last admin of the organization: make somebody else "
                               "an admin first");
    }
    return err;
}

static const tuor_stmt update_stmt = {
    "members_update",
    "UPDATE tuor.members m SET name = CASE WHEN $2 THEN $3 ELSE m.name END, role = coalesce($4, m.role)"
    " WHERE m.org_id = tuor.org() AND m.user_id = $1 RETURNING " MEMBER_COLUMNS
};

/* A login is whom Apache's authentication names: it does not change, and is ignored here. */
tuor_error *members_update(tuor_request *q)
{
    tuor_json_field f[LOGIN] = { [NAME] = { .name = "name" }, [ROLE] = { .name = "role" } };
    const char *name, *role;
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_body_json(q, f, LOGIN, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    name = members_text(q, &f[NAME], 0, NAME_MAX_CHARACTERS);
    role = tuor_field_word(q, &f[ROLE], f[ROLE].type == TUOR_JSON_NULL, roles);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_ATOMIC))) {
        return err;
    }
    err = lock_member(db, q, !role || !strcmp(role, "admin"));
    if (!err) {
        err = tuor_db_exec_commit(&res, db, &update_stmt, TUOR_ARGS(
            tuor_text(q->param[0]), tuor_bool(f[NAME].type != TUOR_JSON_NONE), tuor_text(name), tuor_text(role)));
    }
    tuor_db_end(db);
    return err ? err : answer(q, HTTP_OK, res);
}

static const tuor_stmt remove_stmt = {
    "members_remove", "DELETE FROM tuor.members m WHERE m.org_id = tuor.org() AND m.user_id = $1"
};

tuor_error *members_remove(tuor_request *q)
{
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_ATOMIC))) {
        return err;
    }
    err = lock_member(db, q, 0);
    if (!err) {
        err = tuor_db_exec_commit(NULL, db, &remove_stmt, TUOR_ARGS(tuor_text(q->param[0])));
    }
    tuor_db_end(db);
    return err ? err : tuor_reply_end(tuor_reply_begin(q, HTTP_NO_CONTENT, NULL));
}
