/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * PUT and DELETE /v1/queue/leases/{id}: keep a trace for longer, or give it back. And what ends a lease.
 */
#include "queue.h"

APLOG_USE_MODULE(tuor_queue);

static const tuor_stmt hold = {
    "queue_hold",
    "SELECT h.verdict, h.status, h.version, h.of_project, h.by_type, h.by_id, tuor.queue_name(h.by_type, h.by_id),"
    " h.leased_at, h.expires_at FROM tuor.queue_hold($1, $2, $3, $4, $5, $6) h"
};
static const tuor_stmt release = {
    "queue_release",
    "WITH gone AS (DELETE FROM tuor.queue_leases l"
    "  WHERE l.org_id = tuor.org() AND l.trace_id = $1 AND l.holder_id = $2 AND l.client = $3)"
    " SELECT FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1"
};
static const tuor_stmt end = {
    "queue_end", "DELETE FROM tuor.queue_leases l WHERE l.org_id = tuor.org() AND l.trace_id = $1"
};

const char *queue_caller_name(const tuor_principal *who)
{
    return who->name ? who->name : who->login;
}

tuor_error *queue_full(apr_pool_t *pool)
{
    return tuor_error_make(pool, HTTP_CONFLICT, "You hold %d traces in this tab already: review them, or give some back with "
                           "DELETE /v1/queue/leases/{trace_id}", QUEUE_LEASES_MAX);
}

void queue_lease_write(tuor_reply *rp, const queue_lease *l)
{
    tuor_reply_puts(rp, "{\"trace_id\":");
    tuor_reply_json(rp, l->trace_id);
    tuor_reply_puts(rp, ",\"project_id\":");
    tuor_reply_json(rp, l->project_id);
    tuor_reply_puts(rp, ",\"holder\":{\"type\":");
    tuor_reply_json(rp, l->holder_type);
    tuor_reply_puts(rp, ",\"id\":");
    tuor_reply_json(rp, l->holder_id);
    tuor_reply_puts(rp, ",\"name\":");
    tuor_reply_json(rp, l->holder_name);
    tuor_reply_puts(rp, "},\"client\":");
    tuor_reply_json(rp, l->client && *l->client ? l->client : NULL);
    tuor_reply_puts(rp, l->mine ? ",\"mine\":true,\"leased_at\":" : ",\"mine\":false,\"leased_at\":");
    tuor_reply_time(rp, l->leased_at);
    tuor_reply_puts(rp, ",\"expires_at\":");
    tuor_reply_time(rp, l->expires_at);
    tuor_reply_puts(rp, "}");
}

/* The 409 that says who has it, and until when. */
static tuor_error *held(tuor_request *q, const queue_lease *l)
{
    char until[TUOR_TIME_LEN];
    tuor_error *err;
    tuor_buf b;

    tuor_time_format(until, l->expires_at);
    err = tuor_error_make(q->pool, HTTP_CONFLICT, "%s holds this trace until %s", l->holder_name ? l->holder_name : "Somebody else", until);
    tuor_buf_init(&b, q->pool);
    tuor_buf_puts(&b, "\"holder\":{\"type\":");
    tuor_buf_json(&b, l->holder_type);
    tuor_buf_puts(&b, ",\"id\":");
    tuor_buf_json(&b, l->holder_id);
    tuor_buf_puts(&b, ",\"name\":");
    if (l->holder_name) {
        tuor_buf_json(&b, l->holder_name);
    }
    else {
        tuor_buf_puts(&b, "null");
    }
    tuor_buf_puts(&b, "},\"expires_at\":");
    tuor_buf_json(&b, until);
    err->members = tuor_buf_text(&b);
    return err;
}

static tuor_error *hold_answer(tuor_request *q, const tuor_result *res, const char *client)
{
    const char *verdict = tuor_result_text(res, 0, 0);
    queue_lease lease = {
        .trace_id = q->param[0], .project_id = tuor_result_text(res, 0, 3), .holder_type = tuor_result_text(res, 0, 4),
        .holder_id = tuor_result_text(res, 0, 5), .holder_name = tuor_result_text(res, 0, 6), .client = client, .mine = 1,
        .leased_at = tuor_result_time(res, 0, 7), .expires_at = tuor_result_time(res, 0, 8)
    };
    tuor_reply *rp;

    if (!strcmp(verdict, "trace")) {
        return tuor_error_not_found(q->pool, "trace");
    }
    if (!strcmp(verdict, "state")) {
        return tuor_error_conflict(q->pool, tuor_result_int(res, 0, 2), tuor_result_text(res, 0, 1),
                                   "The trace is %s: there is nothing left to hold", tuor_result_text(res, 0, 1));
    }
    if (!strcmp(verdict, "held")) {
        return held(q, &lease);
    }
    if (!strcmp(verdict, "full")) {
        return queue_full(q->pool);
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    queue_lease_write(rp, &lease);
    return tuor_reply_end(rp);
}

tuor_error *queue_hold(tuor_request *q)
{
    tuor_json_field f = { .name = "client" };
    const char *client;
    tuor_result *res = NULL;
    tuor_db *db = NULL;
    tuor_error *err = tuor_body_json(q, &f, 1, 1);

    if (!err) {
        err = tuor_query(q, NULL, 0);
    }
    if (err) {
        return err;
    }
    client = tuor_field_string(q, &f, 0, 1, QUEUE_CLIENT_MAX);
    err = tuor_faults(q);
    if (!err) {
        err = tuor_auth_verify(q);
    }
    if (!err) {
        err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    }
    if (!err) {
        err = tuor_db_exec(&res, db, &hold, TUOR_ARGS(
            tuor_text(q->param[0]), tuor_text(tuor_actor_name(q->who->kind)), tuor_text(q->who->id),
            tuor_text(client ? client : ""), tuor_int(queue_lease_ms(q->r->server)), tuor_int(QUEUE_LEASES_MAX)));
    }
    tuor_db_end(db);
    return err ? err : hold_answer(q, res, client);
}

/* Whether there was one or not: afterwards the caller holds nothing. Others' leases stay. */
tuor_error *queue_release(tuor_request *q)
{
    tuor_param client = { "client", NULL };
    tuor_result *res = NULL;
    tuor_db *db = NULL;
    tuor_error *err = tuor_query(q, &client, 1);

    if (!err) {
        err = tuor_faults(q);
    }
    if (!err) {
        err = tuor_auth_verify(q);
    }
    if (!err) {
        err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    }
    if (!err) {
        err = tuor_db_exec(&res, db, &release, TUOR_ARGS(
            tuor_text(q->param[0]), tuor_text(q->who->id), tuor_text(client.value ? client.value : "")));
    }
    tuor_db_end(db);
    if (err) {
        return err;
    }
    return tuor_result_rows(res) ? tuor_reply_end(tuor_reply_begin(q, HTTP_NO_CONTENT, NULL)) : tuor_error_not_found(q->pool, "trace");
}

int queue_on_event(tuor_db *db, tuor_request *q, const tuor_event *event, tuor_error **err)
{
    (void)q;
    if (strncmp(event->type, "review.", 7) && strcmp(event->type, "trace.reset") && strcmp(event->type, "trace.deleted")) {
        return DECLINED;
    }
    *err = tuor_db_exec(NULL, db, &end, TUOR_ARGS(tuor_text(event->trace_id)));
    return *err ? DONE : OK;
}
