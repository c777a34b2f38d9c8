/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a person may do about deliveries: send one or many again, and send a test.
 */
#include "webhooks.h"

/* Nothing is asked of a body; one that is sent has to be JSON all the same. */
static tuor_error *read_nothing(tuor_request *q)
{
    tuor_error *err = tuor_body_json(q, NULL, 0, 1);

    if (!err) {
        err = tuor_query(q, NULL, 0);
    }
    return err ? err : tuor_faults(q);
}

static tuor_error *no_receiver(tuor_request *q)
{
    return tuor_error_make(q->pool, HTTP_CONFLICT, "The project has no webhook URL or no secret: set webhook_url and "
                           "webhook_secret first");
}

static tuor_error *answer(tuor_request *q, const tuor_result *res)
{
    tuor_reply *rp;

    webhook_wrote(q);
    apr_table_setn(q->r->headers_out, "Location",
                   apr_pstrcat(q->pool, "/v1/webhook-deliveries/", tuor_result_text(res, 0, 0), NULL));
    rp = tuor_reply_begin(q, HTTP_ACCEPTED, "application/json");
    webhook_delivery_write(rp, res, 0);
    tuor_reply_puts(rp, "}");
    return tuor_reply_end(rp);
}

static const tuor_stmt lock_stmt = {
    "webhooks_lock",
    "SELECT d.status, p.webhook_url IS NOT NULL AND p.webhook_secret IS NOT NULL"
    " FROM tuor.webhook_deliveries d JOIN tuor.projects p ON p.org_id = d.org_id AND p.id = d.project_id"
    " WHERE d.org_id = tuor.org() AND d.id = $1 FOR NO KEY UPDATE OF d"
};

/* Event id and body stay what they are; the signature is made of them with the secret of the day. */
static const tuor_stmt retry_stmt = {
    "webhooks_retry",
    "UPDATE tuor.webhook_deliveries d SET status = 'pending', by_hand = true, updated_at = greatest($2, d.updated_at),"
    " response_status = NULL, error = NULL WHERE d.org_id = tuor.org() AND d.id = $1 RETURNING " WEBHOOK_COLUMNS
};

static tuor_error *check_retry(tuor_request *q, const tuor_result *res)
{
    const char *status;

    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "delivery");
    }
    status = tuor_result_text(res, 0, 0);
    if (strcmp(status, "pending") == 0 || strcmp(status, "sending") == 0) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "The delivery is %s: wait for its outcome before you retry it", status);
    }
    return tuor_result_int(res, 0, 1) ? NULL : no_receiver(q);
}

tuor_error *webhook_retry(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = read_nothing(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_ATOMIC))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &lock_stmt, TUOR_ARGS(tuor_text(q->param[0])));
    if (!err) {
        err = check_retry(q, res);
    }
    if (!err) {
        err = tuor_db_exec_commit(&res, db, &retry_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_time(q->now)));
    }
    tuor_db_end(db);
    return err ? err : answer(q, res);
}

static const tuor_stmt project_stmt = {
    "webhooks_project",
    "SELECT p.name, p.webhook_url IS NOT NULL AND p.webhook_secret IS NOT NULL FROM tuor.projects p"
    " WHERE p.org_id = tuor.org() AND p.id = $1"
};

/* The project has to have somewhere to send to. name may be NULL. */
static tuor_error *find_receiver(const char **name, tuor_request *q, tuor_db *db)
{
    tuor_result *res = NULL;
    tuor_error *err = tuor_db_exec(&res, db, &project_stmt, TUOR_ARGS(tuor_text(q->param[0])));

    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "project");
    }
    if (name) {
        *name = tuor_result_text(res, 0, 0);
    }
    return tuor_result_int(res, 0, 1) ? NULL : no_receiver(q);
}

/* ----------------------------------------------------------------- a range */

#define RANGE_MAX 1000

/* As the retry of one. Who comes at the same time waits for the rows, finds them pending, and takes the next. */
static const tuor_stmt range_stmt = {
    "webhooks_retry_range",
    "WITH found AS MATERIALIZED ("
    "  SELECT e.id, e.created_at FROM tuor.webhook_deliveries e"
    "  WHERE e.org_id = tuor.org() AND e.project_id = $1 AND e.status = 'failed'"
    "    AND e.created_at >= $2 AND e.created_at < $3"
    "  ORDER BY e.created_at, e.id LIMIT $4 + 1 FOR NO KEY UPDATE"
    "), again AS ("
    "  UPDATE tuor.webhook_deliveries d SET status = 'pending', by_hand = true,"
    "    updated_at = greatest($5, d.updated_at), response_status = NULL, error = NULL"
    "  FROM (SELECT f.id FROM found f ORDER BY f.created_at, f.id LIMIT $4) AS due"
    "  WHERE d.org_id = tuor.org() AND d.id = due.id RETURNING 1"
    ") SELECT (SELECT count(*) FROM again), (SELECT count(*) FROM found) > $4"
};

/* A moment of the body; 0 when it is missing or none. */
static apr_time_t read_time(tuor_request *q, const tuor_json_field *f)
{
    const char *s = tuor_field_string(q, f, 1, 1, 64);
    apr_time_t t = 0;

    if (s && tuor_time_parse(&t, s) != APR_SUCCESS) {
        tuor_fault(q, f->name, "must be an ISO 8601 time such as 2026-05-20T10:00:00Z, or a date");
        return 0;
    }
    return s && !t ? 1 : t;
}

tuor_error *webhook_retry_range(tuor_request *q)
{
    enum { FROM, TO, LIMIT, FIELDS };
    tuor_json_field fields[FIELDS] = { [FROM] = { .name = "from" }, [TO] = { .name = "to" }, [LIMIT] = { .name = "limit" } };
    tuor_result *res = NULL;
    apr_time_t from, to;
    apr_int64_t limit;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_body_json(q, fields, FIELDS, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    from = read_time(q, &fields[FROM]);
    to = read_time(q, &fields[TO]);
    if (from && to && from >= to) {
        tuor_fault(q, "to", "must be later than from");
    }
    limit = tuor_field_int(q, &fields[LIMIT], 0, 1);
    if (limit > RANGE_MAX) {
        tuor_fault(q, "limit", "must be at most %d", RANGE_MAX);
    }
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = find_receiver(NULL, q, db);
    if (!err) {
        err = tuor_db_exec(&res, db, &range_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_time(from), tuor_time(to),
                                                            tuor_int(limit ? limit : RANGE_MAX), tuor_time(q->now)));
    }
    tuor_db_end(db);
    if (err) {
        return err;
    }
    webhook_wrote(q);
    rp = tuor_reply_begin(q, HTTP_ACCEPTED, "application/json");
    tuor_reply_printf(rp, "{\"retried\":%" APR_INT64_T_FMT ",\"has_more\":%s}", tuor_result_int(res, 0, 0),
                      tuor_result_int(res, 0, 1) ? "true" : "false");
    return tuor_reply_end(rp);
}

/* ------------------------------------------------------------------ a test */

static const tuor_stmt test_stmt = {
    "webhooks_test",
    "INSERT INTO tuor.webhook_deliveries AS d (org_id, id, project_id, event_id, event_type, by_hand,"
    " created_at, updated_at, body_size, body)"
    " VALUES (tuor.org(), $1, $2, $3, 'webhook.test', true, $4, $4, octet_length($5), $5) RETURNING " WEBHOOK_COLUMNS
};

static const char *make_test(tuor_request *q, const char *event_id, const char *project_id, const char *name)
{
    char at[TUOR_TIME_LEN];
    tuor_buf b;

    tuor_time_format(at, q->now);
    tuor_buf_init(&b, q->pool);
    tuor_buf_puts(&b, "{\"event_id\":");
    tuor_buf_json(&b, event_id);
    tuor_buf_puts(&b, ",\"event_type\":\"webhook.test\",\"action\":\"test\",\"occurred_at\":");
    tuor_buf_json(&b, at);
    tuor_buf_puts(&b, ",\"project\":{\"id\":");
    tuor_buf_json(&b, project_id);
    tuor_buf_puts(&b, ",\"name\":");
    tuor_buf_json(&b, name);
    tuor_buf_puts(&b, "},\"trace\":null}");
    return tuor_buf_text(&b);
}

tuor_error *webhook_test(tuor_request *q)
{
    const char *project_id = q->param[0], *event_id, *name = NULL;
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = read_nothing(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = find_receiver(&name, q, db);
    if (!err) {
        event_id = tuor_id("evt", q->now, q->pool);
        err = tuor_db_exec(&res, db, &test_stmt, TUOR_ARGS(
            tuor_text(tuor_id("whd", q->now, q->pool)), tuor_text(project_id), tuor_text(event_id), tuor_time(q->now),
            tuor_text(make_test(q, event_id, project_id, name))));
    }
    tuor_db_end(db);
    return err ? err : answer(q, res);
}
