/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * /v1/api-keys: list, create, revoke. A key is shown once, in the answer that creates it; the
 * database, and its log, see its hash alone.
 */
#include "members.h"

#define KEY_COLUMNS "k.id, k.name, k.last4, k.created_at, k.last_used_at, k.revoked_at, k.created_by"

static void write_text(tuor_reply *rp, const char *key, const char *value)
{
    tuor_reply_puts(rp, key);
    tuor_reply_json(rp, value);
}

static void write_time(tuor_reply *rp, const char *key, apr_time_t t)
{
    tuor_reply_puts(rp, key);
    tuor_reply_time(rp, t);
}

static void write_key(tuor_reply *rp, const tuor_result *res, int row)
{
    write_text(rp, "{\"id\":", tuor_result_text(res, row, 0));
    write_text(rp, ",\"name\":", tuor_result_text(res, row, 1));
    write_text(rp, ",\"last4\":", tuor_result_text(res, row, 2));
    write_time(rp, ",\"created_at\":", tuor_result_time(res, row, 3));
    write_time(rp, ",\"last_used_at\":", tuor_result_time(res, row, 4));
    write_time(rp, ",\"revoked_at\":", tuor_result_time(res, row, 5));
    write_text(rp, ",\"created_by\":", tuor_result_text(res, row, 6));
    tuor_reply_puts(rp, "}");
}

static const tuor_stmt list_stmt = {
    "keys_list",
    "SELECT " KEY_COLUMNS " FROM tuor.api_keys k WHERE k.org_id = tuor.org() ORDER BY k.id LIMIT $1 OFFSET $2"
};

tuor_error *keys_list(tuor_request *q)
{
    return members_list_run(q, &list_stmt, write_key);
}

static const tuor_stmt create_stmt = {
    "keys_create",
    "INSERT INTO tuor.api_keys AS k (org_id, id, name, hash, last4, created_at, created_by)"
    " VALUES (tuor.org(), $1, $2, $3, $4, $5, $6)"
};

tuor_error *keys_create(tuor_request *q)
{
    tuor_json_field name = { .name = "name" };
    unsigned char hash[TUOR_HASH_LEN];
    const char *id, *text, *key;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_body_json(q, &name, 1, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    text = members_text(q, &name, 1, NAME_MAX_CHARACTERS);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    id = tuor_id("key", q->now, q->pool);
    key = tuor_key_new(q->pool);
    tuor_key_hash(hash, key);
    err = tuor_db_exec(NULL, db, &create_stmt, TUOR_ARGS(
        tuor_text(id), tuor_text(text), tuor_bytes(hash, sizeof(hash)), tuor_text(key + strlen(key) - 4),
        tuor_time(q->now), tuor_text(q->who->id)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_CREATED, "application/json");
    write_text(rp, "{\"id\":", id);
    write_text(rp, ",\"name\":", text);
    write_text(rp, ",\"key\":", key);
    write_time(rp, ",\"created_at\":", q->now);
    tuor_reply_puts(rp, "}");
    return tuor_reply_end(rp);
}

/* A key that was revoked before keeps its time. */
static const tuor_stmt revoke_stmt = {
    "keys_revoke",
    "UPDATE tuor.api_keys k SET revoked_at = coalesce(k.revoked_at, $2)"
    " WHERE k.org_id = tuor.org() AND k.id = $1 RETURNING k.id"
};

tuor_error *keys_revoke(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &revoke_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_time(q->now)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    return tuor_result_rows(res) ? tuor_reply_end(tuor_reply_begin(q, HTTP_NO_CONTENT, NULL))
                                 : tuor_error_not_found(q->pool, "API key");
}
