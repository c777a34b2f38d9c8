/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/queue/next: the oldest pending trace that nobody holds, and a lease of it.
 */
#include "queue.h"

#include "../traces/tuor_traces.h"

APLOG_USE_MODULE(tuor_queue);

enum { F_PROJECT, F_TAG, F_CLIENT, F_FIELDS };

/* A trace may be deleted between its lease and its reading: then another one, a few times. */
#define TRIES 5

static const tuor_stmt next = {
    "queue_next",
    "SELECT n.verdict, n.trace, n.of_project, n.leased_at, n.expires_at FROM tuor.queue_next($1, $2, $3, $4, $5, $6, $7) n"
};

static APR_OPTIONAL_FN_TYPE(tuor_traces_read) *read_trace;
static APR_OPTIONAL_FN_TYPE(tuor_traces_write) *write_trace;

void queue_setup(void)
{
    read_trace = APR_RETRIEVE_OPTIONAL_FN(tuor_traces_read);
    write_trace = APR_RETRIEVE_OPTIONAL_FN(tuor_traces_write);
}

static tuor_error *judge(tuor_request *q, const char *verdict)
{
    return !strcmp(verdict, "full") ? queue_full(q->pool)
         : strcmp(verdict, "ok") && strcmp(verdict, "none") ? tuor_error_not_found(q->pool, verdict) : NULL;
}

static tuor_error *answer(tuor_request *q, const tuor_traces_trace *trace, const queue_lease *lease)
{
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");

    tuor_reply_puts(rp, "{\"trace\":");
    if (trace) {
        write_trace(rp, trace, q->pool);
        tuor_reply_puts(rp, ",\"lease\":");
        queue_lease_write(rp, lease);
    }
    else {
        tuor_reply_puts(rp, "null,\"lease\":null");
    }
    tuor_reply_puts(rp, "}");
    return tuor_reply_end(rp);
}

/* One try: *trace stays NULL where nothing is left; *more where what was leased has gone. */
static tuor_error *take(const tuor_traces_trace **trace, queue_lease *lease, int *more, tuor_request *q,
                        const char *project, const char *tag, const char *client)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    *more = 0;
    if (!err) {
        err = tuor_db_exec(&res, db, &next, TUOR_ARGS(
            tuor_text(project), tuor_text(tag), tuor_text(tuor_actor_name(q->who->kind)), tuor_text(q->who->id),
            tuor_text(client ? client : ""), tuor_int(queue_lease_ms(q->r->server)), tuor_int(QUEUE_LEASES_MAX)));
    }
    if (!err) {
        err = judge(q, tuor_result_text(res, 0, 0));
    }
    if (!err && !tuor_result_null(res, 0, 1)) {
        *lease = (queue_lease){
            .trace_id = tuor_result_text(res, 0, 1), .project_id = tuor_result_text(res, 0, 2),
            .holder_type = tuor_actor_name(q->who->kind), .holder_id = q->who->id, .holder_name = queue_caller_name(q->who),
            .client = client, .mine = 1, .leased_at = tuor_result_time(res, 0, 3), .expires_at = tuor_result_time(res, 0, 4)
        };
        err = read_trace(trace, q, db, lease->trace_id);
        *more = !err && !*trace;
    }
    tuor_db_end(db);
    return err;
}

tuor_error *queue_next(tuor_request *q)
{
    tuor_json_field f[F_FIELDS] = { { .name = "project_id" }, { .name = "tag_id" }, { .name = "client" } };
    const char *project, *tag, *client;
    const tuor_traces_trace *trace = NULL;
    queue_lease lease;
    int tries, more = 1;
    tuor_error *err = tuor_body_json(q, f, F_FIELDS, 1);

    if (!err) {
        err = tuor_query(q, NULL, 0);
    }
    if (err) {
        return err;
    }
    project = tuor_field_string(q, &f[F_PROJECT], 0, 1, 100);
    tag = tuor_field_string(q, &f[F_TAG], 0, 1, 100);
    client = tuor_field_string(q, &f[F_CLIENT], 0, 1, QUEUE_CLIENT_MAX);
    err = tuor_faults(q);
    if (!err && !read_trace) {
        err = tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE, "The queue needs mod_tuor_traces, which this server has not loaded");
    }
    if (!err) {
        err = tuor_auth_verify(q);      /* a lease names its holder */
    }
    for (tries = 0; !err && more && tries < TRIES; tries++) {
        err = take(&trace, &lease, &more, q, project, tag, client);
    }
    return err ? err : answer(q, trace, &lease);
}
