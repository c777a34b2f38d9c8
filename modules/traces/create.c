/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/: one statement checks the caller and the project and writes trace and event.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

enum { F_PROJECT, F_INPUT, F_OUTPUT, F_CONFIG, F_FIELDS };

/* A filter on a longer value finds nothing; B-tree entries have their limit. */
#define WELL_KNOWN_MAX 1000

/* tuor.ingest() takes any number of traces; here is one. */
static const tuor_stmt ingest = {
    "traces_ingest",
    "SELECT verdict, org, actor FROM tuor.ingest(ARRAY[$1::bytea], ARRAY[$2::text], ARRAY[$3::text], ARRAY[$4::text],"
    " ARRAY[$5::text], ARRAY[$6::text], ARRAY[$7::timestamptz], ARRAY[$8::text], ARRAY[$9::text], ARRAY[$10::text],"
    " ARRAY[$11::text], ARRAY[$12::text], ARRAY[$13::text])"
};

/* A member of trace_config that lists filter by: the text of a string, the characters of a number. */
static const char *well_known(tuor_slice config, const char *name, apr_pool_t *pool)
{
    tuor_json_member m;
    const char *text;
    apr_size_t len;

    if (!config.p || !tuor_json_get(config, name, &m) || m.value.len > WELL_KNOWN_MAX) {
        return NULL;
    }
    if (m.type == TUOR_JSON_NUMBER) {
        return apr_pstrmemdup(pool, m.value.p, m.value.len);
    }
    if (m.type != TUOR_JSON_STRING || tuor_json_decode(&text, &len, m.value, 1, pool) != APR_SUCCESS
        || memchr(text, '\0', len)) {
        return NULL;
    }
    return text;
}

/* What the statement said of the caller and the project. */
static tuor_error *judge(tuor_request *q, const tuor_result *res)
{
    const char *verdict = tuor_result_text(res, 0, 0), *org = tuor_result_text(res, 0, 1);

    if (!strcmp(verdict, "key")) {
        return tuor_error_unauthorized(q->pool);
    }
    if (org) {
        tuor_auth_accept(q, tuor_result_text(res, 0, 2), org);
    }
    if (!strcmp(verdict, "ok")) {
        return NULL;
    }
    return !strcmp(verdict, "project") ? tuor_error_not_found(q->pool, "project") : tuor_error_no_organization(q->pool);
}

static tuor_error *store(tuor_request *q, const char *id, const char *project, tuor_slice input, tuor_slice output,
                         tuor_slice config)
{
    int by_key = q->who->kind == TUOR_BY_KEY;
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_db_begin_system(&db, q->r->server, NULL, TUOR_DB_EACH, q->pool);

    if (!err) {
        err = tuor_db_exec(&res, db, &ingest, TUOR_ARGS(
            tuor_bytes(by_key ? q->who->key_hash : NULL, TUOR_HASH_LEN), tuor_text(by_key ? NULL : q->who->id),
            tuor_text(by_key ? NULL : q->who->org_id), tuor_text(id), tuor_text(tuor_id("evt", q->now, q->pool)),
            tuor_text(project), tuor_time(q->now), tuor_text(well_known(config, "model", q->pool)),
            tuor_text(well_known(config, "prompt_version_id", q->pool)),
            tuor_text(well_known(config, "internal_run_id", q->pool)),
            tuor_text_slice(input), tuor_text_slice(output), tuor_text_slice(config)));
    }
    tuor_db_end(db);
    return err ? err : judge(q, res);
}

static tuor_slice text(const char *s)
{
    return (tuor_slice){ s, strlen(s) };
}

/* Big-endian, as a column would come. */
static tuor_slice binary_time(apr_time_t t, apr_pool_t *pool)
{
    apr_uint64_t v = (apr_uint64_t)(t - APR_INT64_C(946684800000000));
    char *p = apr_palloc(pool, 8);
    int i;

    for (i = 7; i >= 0; i--, v >>= 8) {
        p[i] = (char)(v & 0xff);
    }
    return (tuor_slice){ p, 8 };
}

tuor_error *traces_create(tuor_request *q)
{
    tuor_json_field f[F_FIELDS] = {
        { .name = "project_id" }, { .name = "model_input" }, { .name = "model_output" }, { .name = "trace_config" }
    };
    const char *project;
    tuor_error *err = tuor_body_json(q, f, F_FIELDS, 0);
    trace t;

    if (!err) {
        err = tuor_query(q, NULL, 0);
    }
    if (err) {
        return err;
    }
    memset(&t, 0, sizeof(t));
    project = tuor_field_string(q, &f[F_PROJECT], 1, 1, 100);
    t.col[T_INPUT] = tuor_field_payload(q, &f[F_INPUT], 1);
    t.col[T_OUTPUT] = tuor_field_payload(q, &f[F_OUTPUT], 1);
    t.col[T_CONFIG] = tuor_field_payload(q, &f[F_CONFIG], 0);
    err = tuor_faults(q);
    if (err) {
        return err;
    }
    t.col[T_ID] = text(tuor_id("trace", q->now, q->pool));
    err = store(q, t.col[T_ID].p, project, t.col[T_INPUT], t.col[T_OUTPUT], t.col[T_CONFIG]);
    if (err) {
        return err;
    }
    t.col[T_ORG] = text(q->who->org_id);
    t.col[T_PROJECT] = text(project);
    t.col[T_STATUS] = text("pending");
    t.col[T_VERSION] = (tuor_slice){ "\1", 1 };
    t.col[T_CREATED_AT] = t.col[T_UPDATED_AT] = binary_time(q->now, q->pool);
    t.col[T_CREATED_BY] = t.col[T_UPDATED_BY] = text(q->who->id);
    apr_table_setn(q->r->headers_out, "Location", apr_pstrcat(q->pool, "/v1/traces/", t.col[T_ID].p, NULL));
    return trace_reply(q, HTTP_CREATED, &t);
}
