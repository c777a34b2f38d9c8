/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/queue: how much there is, how much was done, and who is at what.
 */
#include "queue.h"

APLOG_USE_MODULE(tuor_queue);

enum { P_PROJECT, P_TAG, P_CLIENT, P_SINCE, P_PARAMS };
enum { L_TRACE, L_PROJECT, L_TYPE, L_ID, L_NAME, L_CLIENT, L_LEASED, L_EXPIRES };

/* Counting stops here: a queue is asked for often, and more than this nobody counts down. */
#define COUNT_MAX 10000
#define LEASES_SHOWN 500

static const tuor_stmt counts = {
    "queue_counts",
    "SELECT c.verdict, c.pending, c.leased, c.mine, c.everybody FROM tuor.queue_counts($1, $2, $3, $4, $5) c"
};
static const tuor_stmt leases = {
    "queue_leases",
    "SELECT l.trace_id, l.project_id, l.holder_type, l.holder_id, tuor.queue_name(l.holder_type, l.holder_id), l.client,"
    " l.leased_at, l.expires_at FROM tuor.queue_leases l"
    " WHERE l.org_id = tuor.org() AND l.expires_at > now() AND ($1::text IS NULL OR l.project_id = $1)"
    " AND ($2::text IS NULL OR (SELECT true FROM tuor.trace_tags x"
    "   WHERE x.org_id = tuor.org() AND x.trace_id = l.trace_id AND x.tag_id = $2))"
    " ORDER BY l.expires_at DESC LIMIT $3"
};

static void put_count(tuor_reply *rp, const char *member, apr_int64_t n)
{
    tuor_reply_puts(rp, member);
    tuor_reply_printf(rp, "%" APR_INT64_T_FMT, n > COUNT_MAX ? COUNT_MAX : n);
}

/* Whose a lease is, everybody may know; by which tab, its holder. */
static void put_lease(tuor_reply *rp, tuor_request *q, const tuor_result *res, int row, const char *client)
{
    const char *of = tuor_result_text(res, row, L_CLIENT);
    int own = !strcmp(tuor_result_text(res, row, L_ID), q->who->id);

    queue_lease_write(rp, &(queue_lease){
        .trace_id = tuor_result_text(res, row, L_TRACE), .project_id = tuor_result_text(res, row, L_PROJECT),
        .holder_type = tuor_result_text(res, row, L_TYPE), .holder_id = tuor_result_text(res, row, L_ID),
        .holder_name = tuor_result_text(res, row, L_NAME), .client = own ? of : NULL,
        .mine = own && !strcmp(of, client ? client : ""), .leased_at = tuor_result_time(res, row, L_LEASED),
        .expires_at = tuor_result_time(res, row, L_EXPIRES)
    });
}

static tuor_error *answer(tuor_request *q, const tuor_result *n, const tuor_result *list, const char *client)
{
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    int i;

    put_count(rp, "{\"pending\":", tuor_result_int(n, 0, 1));
    tuor_reply_puts(rp, tuor_result_int(n, 0, 1) > COUNT_MAX ? ",\"pending_more\":true" : ",\"pending_more\":false");
    put_count(rp, ",\"leased\":", tuor_result_int(n, 0, 2));
    put_count(rp, ",\"reviewed\":{\"mine\":", tuor_result_int(n, 0, 3));
    put_count(rp, ",\"all\":", tuor_result_int(n, 0, 4));
    tuor_reply_puts(rp, "},\"leases\":[");
    for (i = 0; i < tuor_result_rows(list); i++) {
        tuor_reply_puts(rp, i ? ",\n" : "");
        put_lease(rp, q, list, i, client);
    }
    tuor_reply_puts(rp, "]}");
    return tuor_reply_end(rp);
}

tuor_error *queue_overview(tuor_request *q)
{
    tuor_param p[P_PARAMS] = { { "project_id", NULL }, { "tag_id", NULL }, { "client", NULL }, { "since", NULL } };
    tuor_result *n = NULL, *list = NULL;
    tuor_db *db = NULL;
    apr_time_t since;
    tuor_error *err = tuor_query(q, p, P_PARAMS);

    if (err) {
        return err;
    }
    since = tuor_param_time(q, &p[P_SINCE]);
    if (!since) {
        since = q->now - q->now % (86400 * APR_USEC_PER_SEC);
    }
    err = tuor_faults(q);
    if (!err) {
        err = tuor_auth_verify(q);
    }
    if (!err) {
        err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    }
    if (!err) {
        err = tuor_db_exec(&n, db, &counts, TUOR_ARGS(tuor_text(p[P_PROJECT].value), tuor_text(p[P_TAG].value),
                                                      tuor_text(q->who->id), tuor_time(since), tuor_int(COUNT_MAX + 1)));
    }
    if (!err && strcmp(tuor_result_text(n, 0, 0), "ok")) {
        err = tuor_error_not_found(q->pool, tuor_result_text(n, 0, 0));
    }
    if (!err) {
        err = tuor_db_exec(&list, db, &leases, TUOR_ARGS(tuor_text(p[P_PROJECT].value), tuor_text(p[P_TAG].value),
                                                         tuor_int(LEASES_SHOWN)));
    }
    tuor_db_end(db);
    return err ? err : answer(q, n, list, p[P_CLIENT].value);
}
