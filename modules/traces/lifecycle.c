/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What review, reset, delete and restore have in common: lock the trace, check its state and the
 * version that the client saw, write, record the event, commit, answer. Two who race queue at the
 * lock, and the second finds another version.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt lock = {
    "lifecycle_lock",
    "SELECT t.status, t.version, t.deleted_at, t.project_id, " LAST_EVENT " FROM tuor.traces t"
    " WHERE t.org_id = tuor.org() AND t.id = $1 FOR NO KEY UPDATE"
};
static const tuor_stmt lock_with_output = {
    "lifecycle_lock_output",
    "SELECT t.status, t.version, t.deleted_at, t.project_id, " LAST_EVENT ", t.model_output FROM tuor.traces t"
    " WHERE t.org_id = tuor.org() AND t.id = $1 FOR NO KEY UPDATE"
};

tuor_error *lifecycle_expected(tuor_request *q, apr_int64_t *expected)
{
    tuor_json_field f = { .name = "expected_version" };
    tuor_param p = { "expected_version", NULL };
    int may_query = q->r->method_number == M_DELETE;
    tuor_error *err = tuor_body_json(q, &f, 1, may_query);

    if (!err) {
        err = tuor_query(q, &p, may_query);
    }
    if (err) {
        return err;
    }
    *expected = p.value ? tuor_param_int(q, &p, 1, APR_INT64_MAX, 0) : tuor_field_int(q, &f, 1, 1);
    return tuor_faults(q);
}

static tuor_error *check(lifecycle *lc, tuor_request *q, const lifecycle_rule *rule, int deleted, apr_int64_t expected)
{
    int reviewed = strcmp(lc->status, "pending") != 0;

    if (deleted && !rule->from_deleted) {
        return tuor_error_conflict(q->pool, lc->version, lc->status, "The trace is deleted: restore it first");
    }
    if (!deleted && rule->from_deleted) {
        return tuor_error_conflict(q->pool, lc->version, lc->status, "The trace is not deleted");
    }
    if (lc->version != expected) {
        return tuor_error_conflict(q->pool, lc->version, lc->status, "The trace has changed: version %" APR_INT64_T_FMT
                                   " was expected, it is at version %" APR_INT64_T_FMT, expected, lc->version);
    }
    if (rule->from && !strcmp(rule->from, "pending") ? reviewed : rule->from && !reviewed) {
        return tuor_error_conflict(q->pool, lc->version, lc->status, "A trace that is %s cannot be %s", lc->status, rule->verb);
    }
    return NULL;
}

tuor_error *lifecycle_begin(lifecycle *lc, tuor_request *q, const lifecycle_rule *rule, apr_int64_t expected)
{
    tuor_result *res;
    tuor_error *err;

    memset(lc, 0, sizeof(*lc));
    err = tuor_db_begin(&lc->db, q, TUOR_DB_ATOMIC);
    if (err) {
        return err;
    }
    err = tuor_db_exec(&res, lc->db, rule->wants_output ? &lock_with_output : &lock, TUOR_ARGS(tuor_text(q->param[0])));
    if (!err && !tuor_result_rows(res)) {
        err = tuor_error_not_found(q->pool, "trace");
    }
    if (!err) {
        lc->id = q->param[0];
        lc->status = tuor_result_text(res, 0, 0);
        lc->version = tuor_result_int(res, 0, 1);
        lc->project_id = tuor_result_text(res, 0, 3);
        if (rule->wants_output) {
            lc->model_output = tuor_result_slice(res, 0, 5);
        }
        event_time(q, tuor_result_time(res, 0, 4));
        err = check(lc, q, rule, !tuor_result_null(res, 0, 2), expected);
    }
    if (err) {
        tuor_db_end(lc->db);
    }
    return err;
}

tuor_error *lifecycle_end(lifecycle *lc, tuor_request *q, const tuor_stmt *stmt, const tuor_arg *args, int n,
                          tuor_event *event)
{
    tuor_result *res;
    trace t;
    tuor_error *err = tuor_db_exec(&res, lc->db, stmt, args, n);

    if (!err) {
        trace_from_result(&t, res, 0);
        event->id = tuor_id("evt", q->now, q->pool);
        event->trace_id = lc->id;
        event->project_id = lc->project_id;
        event->at = q->now;
        event->status_before = lc->status;
        event->status_after = t.col[T_STATUS].p;
        event->version = lc->version + 1;
        err = tuor_event_record(lc->db, q, event);
    }
    if (!err) {
        err = tuor_db_commit(lc->db);
    }
    tuor_db_end(lc->db);
    return err ? err : trace_reply(q, HTTP_OK, &t);
}
