/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The way of traces into the database: one statement checks the callers, the projects, the
 * Idempotency-Keys and the limits, writes traces and events, and says of each what became of it. Which
 * traces share a statement is writer.c's to say.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

#define ANSWER "SELECT verdict, org, actor, first_trace, first_at, first_by, most FROM tuor."

/* For one, the payloads go to the connection from where they are. */
static const tuor_stmt one = {
    "traces_ingest", ANSWER "ingest_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, nullif($16, 0))"
};

static const tuor_stmt many = {
    "traces_ingest_many",
    ANSWER "ingest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, nullif($16, 0)) ORDER BY n"
};

static const tuor_stmt count_begin = { "traces_count_begin", "SELECT tuor.count_begin($1)" };
static const tuor_stmt count_finish = { "traces_count_finish", "SELECT tuor.count_finish($1)" };

/* What the statement said of one. */
static void judge(draft *d, const tuor_result *res, int row)
{
    tuor_request *q = d->q;
    const char *verdict = tuor_result_text(res, row, 0), *org = tuor_result_text(res, row, 1);

    d->err = NULL;
    d->uncounted = 0;
    if (!strcmp(verdict, "key")) {
        d->err = tuor_error_unauthorized(q->pool);
        return;
    }
    if (org && !q->who->verified) {
        tuor_auth_accept(q, tuor_result_text(res, row, 2), org);
    }
    if (!strcmp(verdict, "ok")) {
        d->by = q->who->id;
    }
    else if (!strcmp(verdict, "replay")) {
        d->replayed = 1;
        d->id = apr_pstrdup(q->pool, tuor_result_text(res, row, 3));
        d->at = tuor_result_time(res, row, 4);
        d->by = apr_pstrdup(q->pool, tuor_result_text(res, row, 5));
    }
    else if (!strcmp(verdict, "reuse")) {
        q->faults = NULL;
        tuor_fault(q, KEY_HEADER, "was used for another body in the last 24 hours: a new request needs a new key");
        d->err = tuor_faults(q);
    }
    else if (!strcmp(verdict, "project")) {
        d->err = tuor_error_not_found(q->pool, "project");
    }
    else if (!strcmp(verdict, "limit")) {
        d->err = tuor_error_make(q->pool, HTTP_PAYMENT_REQUIRED,
                                 "The organization has reached its limit of %" APR_INT64_T_FMT " stored traces "
                                 "(deleted ones count too)", tuor_result_int(res, row, 6));
    }
    else if (!strcmp(verdict, "count")) {
        d->uncounted = 1;
    }
    else if (!strcmp(verdict, "taken")) {       /* and gone before it was looked at: its day has just ended */
        d->err = tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE, "The " KEY_HEADER " has just expired: try again");
    }
    else {
        d->err = tuor_error_no_organization(q->pool);
    }
}

static tuor_error *run_one(tuor_result **res, tuor_db *db, const draft *d)
{
    const tuor_principal *who = d->q->who;
    int by_key = who->kind == TUOR_BY_KEY;

    return tuor_db_exec(res, db, &one, TUOR_ARGS(
        tuor_bytes(by_key ? who->key_hash : NULL, TUOR_HASH_LEN), tuor_text(by_key ? NULL : who->id),
        tuor_text(by_key ? NULL : who->org_id), tuor_text(d->id), tuor_text(d->event), tuor_text(d->project), tuor_time(d->at),
        tuor_text(d->model), tuor_text(d->prompt), tuor_text(d->run),
        tuor_text_slice(d->input), tuor_text_slice(d->output), tuor_text_slice(d->config),
        tuor_text(d->key), tuor_bytes(d->key ? d->hash : NULL, TUOR_HASH_LEN), tuor_int(tuor_trace_limit(d->q->r->server))));
}

/* The columns of many, each an array. */
typedef struct columns {
    apr_array_header_t *caller, *user, *org, *id, *event, *project, *at, *model, *prompt, *run, *input, *output, *config,
        *key, *hash;
} columns;

static void push(apr_array_header_t *a, const void *p, apr_size_t len)
{
    APR_ARRAY_PUSH(a, tuor_slice) = p ? (tuor_slice){ p, len } : TUOR_SLICE_NONE;
}

static void push_text(apr_array_header_t *a, const char *s)
{
    push(a, s, s ? strlen(s) : 0);
}

static void add(columns *c, const draft *d)
{
    const tuor_principal *who = d->q->who;
    int by_key = who->kind == TUOR_BY_KEY;

    push(c->caller, by_key ? who->key_hash : NULL, TUOR_HASH_LEN);
    push_text(c->user, by_key ? NULL : who->id);
    push_text(c->org, by_key ? NULL : who->org_id);
    push_text(c->id, d->id);
    push_text(c->event, d->event);
    push_text(c->project, d->project);
    APR_ARRAY_PUSH(c->at, apr_time_t) = d->at;
    push_text(c->model, d->model);
    push_text(c->prompt, d->prompt);
    push_text(c->run, d->run);
    push(c->input, d->input.p, d->input.len);
    push(c->output, d->output.p, d->output.len);
    push(c->config, d->config.p, d->config.len);
    push_text(c->key, d->key);
    push(c->hash, d->key ? d->hash : NULL, TUOR_HASH_LEN);
}

static tuor_error *run_many(tuor_result **res, tuor_db *db, server_rec *s, draft **list, int n, apr_pool_t *pool)
{
    columns c;
    apr_array_header_t **all[] = {
        &c.caller, &c.user, &c.org, &c.id, &c.event, &c.project, &c.model, &c.prompt, &c.run, &c.input, &c.output,
        &c.config, &c.key, &c.hash
    };
    unsigned u;
    int i;

    for (u = 0; u < sizeof(all) / sizeof(*all); u++) {
        *all[u] = apr_array_make(pool, n, sizeof(tuor_slice));
    }
    c.at = apr_array_make(pool, n, sizeof(apr_time_t));
    for (i = 0; i < n; i++) {
        add(&c, list[i]);
    }
    return tuor_db_exec(res, db, &many, TUOR_ARGS(
        tuor_blobs(c.caller), tuor_slices(c.user), tuor_slices(c.org), tuor_slices(c.id), tuor_slices(c.event),
        tuor_slices(c.project), tuor_times(c.at), tuor_slices(c.model), tuor_slices(c.prompt), tuor_slices(c.run),
        tuor_slices(c.input), tuor_slices(c.output), tuor_slices(c.config), tuor_slices(c.key), tuor_blobs(c.hash),
        tuor_int(tuor_trace_limit(s))));
}

tuor_error *ingest_statement(server_rec *s, draft **list, int n, apr_time_t deadline, apr_pool_t *pool)
{
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_db_begin_system(&db, s, NULL, TUOR_DB_EACH, pool);
    int i;

    if (!err) {
        tuor_db_until(db, deadline);
        err = n == 1 ? run_one(&res, db, list[0]) : run_many(&res, db, s, list, n, pool);
    }
    tuor_db_end(db);
    for (i = 0; !err && i < n; i++) {
        judge(list[i], res, i);
    }
    return err;
}

/* An organization's first trace under a limit: find out how many it has. */
static tuor_error *count(tuor_request *q, apr_pool_t *pool)
{
    tuor_db *db;
    tuor_error *err = tuor_db_begin_system(&db, q->r->server, NULL, TUOR_DB_EACH, pool);

    if (!err) {
        err = tuor_db_exec(NULL, db, &count_begin, TUOR_ARGS(tuor_text(q->who->org_id)));
    }
    if (!err) {
        err = tuor_db_exec(NULL, db, &count_finish, TUOR_ARGS(tuor_text(q->who->org_id)));
    }
    tuor_db_end(db);
    return err;
}

/* What a statement needs beside what the request brought. */
static void prepare(draft *d, tuor_request *q, apr_pool_t *pool)
{
    d->q = q;
    d->event = tuor_id("evt", d->at, pool);
    d->model = draft_well_known(d->config, "model", pool);
    d->prompt = draft_well_known(d->config, "prompt_version_id", pool);
    d->run = draft_well_known(d->config, "internal_run_id", pool);
}

tuor_error *ingest(tuor_request *q, draft **list, int n, apr_pool_t *pool)
{
    draft **again = apr_palloc(pool, (apr_size_t)n * sizeof(*again));
    tuor_error *err;
    int i, k = 0;

    for (i = 0; i < n; i++) {
        prepare(list[i], q, pool);
    }
    err = writer_store(q, list, n, pool);
    for (i = 0; !err && i < n; i++) {
        if (list[i]->uncounted) {
            again[k++] = list[i];
        }
    }
    if (!k) {
        return err;
    }
    err = count(q, pool);
    if (!err) {
        err = writer_store(q, again, k, pool);
    }
    for (i = 0; i < k; i++) {
        if (err || again[i]->uncounted) {       /* counting was stopped meanwhile: as good as away */
            again[i]->err = err ? err : tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE,
                                                        "The trace limit has just been changed: try again");
        }
    }
    return NULL;
}
