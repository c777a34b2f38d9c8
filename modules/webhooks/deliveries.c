/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The delivery log, read: a project's list, and one delivery with its attempts.
 */
#include "webhooks.h"

static void write_text(tuor_reply *rp, const char *key, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, key);
    tuor_reply_json(rp, tuor_result_text(res, row, col));
}

static void write_time(tuor_reply *rp, const char *key, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, key);
    tuor_reply_time(rp, tuor_result_time(res, row, col));
}

static void write_int(tuor_reply *rp, const char *key, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, key);
    if (tuor_result_null(res, row, col)) {
        tuor_reply_puts(rp, "null");
    }
    else {
        tuor_reply_printf(rp, "%" APR_INT64_T_FMT, tuor_result_int(res, row, col));
    }
}

void webhook_delivery_write(tuor_reply *rp, const tuor_result *res, int row)
{
    write_text(rp, "{\"id\":", res, row, 0);
    write_text(rp, ",\"event_id\":", res, row, 1);
    write_text(rp, ",\"event_type\":", res, row, 2);
    write_text(rp, ",\"trace_id\":", res, row, 3);
    write_text(rp, ",\"project_id\":", res, row, 4);
    write_text(rp, ",\"status\":", res, row, 5);
    write_time(rp, ",\"created_at\":", res, row, 6);
    write_time(rp, ",\"updated_at\":", res, row, 7);
    write_int(rp, ",\"attempt_count\":", res, row, 8);
    write_int(rp, ",\"response_status\":", res, row, 9);
    write_text(rp, ",\"error\":", res, row, 10);
}

/*
 * No row: no such project. A row of NULLs: it has no such delivery. The range and the order leave the planner
 * no index but those that lead with the project, and the status stands in the text, as partial indexes want it.
 */
#define LIST(name, condition) { name, \
    "SELECT " WEBHOOK_COLUMNS " FROM tuor.projects p LEFT JOIN LATERAL (" \
    "  SELECT * FROM tuor.webhook_deliveries e WHERE e.org_id = p.org_id" condition \
    "  AND (e.project_id, e.id) > (p.id, '') AND (e.project_id, e.id) < (p.id, '~')" \
    "  ORDER BY e.project_id DESC, e.id DESC LIMIT $2 OFFSET $3) AS d ON true" \
    " WHERE p.org_id = tuor.org() AND p.id = $1 ORDER BY d.id DESC" }
#define LIST_ENDED(name, word) { name, \
    "SELECT " WEBHOOK_COLUMNS " FROM tuor.projects p LEFT JOIN LATERAL (" \
    "  SELECT * FROM tuor.webhook_deliveries e WHERE e.org_id = p.org_id AND e.project_id = p.id AND e.status IN ('success', 'failed')" \
    "  AND (e.status, e.id) > ('" word "', '') AND (e.status, e.id) < ('" word "', '~')" \
    "  ORDER BY e.status DESC, e.id DESC LIMIT $2 OFFSET $3) AS d ON true" \
    " WHERE p.org_id = tuor.org() AND p.id = $1 ORDER BY d.id DESC" }

static const char *const statuses[] = { "pending", "sending", "success", "failed", NULL };

/* Those under way are few, in all organizations: no more than the dispatchers can have at once. */
#define LIST_SENDING { "webhooks_list_sending", \
    "SELECT " WEBHOOK_COLUMNS " FROM tuor.projects p LEFT JOIN LATERAL (" \
    "  SELECT * FROM (SELECT * FROM tuor.webhook_deliveries e WHERE e.status = 'sending' AND e.lease_until > '-infinity'" \
    "                 ORDER BY e.lease_until OFFSET 0) e" \
    "  WHERE e.org_id = p.org_id AND e.project_id = p.id ORDER BY e.id DESC LIMIT $2 OFFSET $3) AS d ON true" \
    " WHERE p.org_id = tuor.org() AND p.id = $1 ORDER BY d.id DESC" }

/* By status, in their order; then all. */
static const tuor_stmt list_stmts[] = {
    LIST("webhooks_list_pending", " AND e.status = 'pending'"), LIST_SENDING,
    LIST_ENDED("webhooks_list_success", "success"), LIST_ENDED("webhooks_list_failed", "failed"), LIST("webhooks_list", "")
};

tuor_error *webhook_list(tuor_request *q)
{
    tuor_param params[] = { { "status", NULL }, { "skip", NULL }, { "limit", NULL } };
    tuor_result *res = NULL;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;
    apr_int64_t skip, limit;
    int i, which = 4;

    if ((err = tuor_query(q, params, 3))) {
        return err;
    }
    if (params[0].value) {
        for (which = 0; statuses[which] && strcmp(statuses[which], params[0].value); which++) {
        }
        if (!statuses[which]) {
            tuor_fault(q, "status", "must be one of pending, sending, success, failed");
        }
    }
    skip = tuor_param_int(q, &params[1], 0, APR_INT64_MAX, 0);
    limit = tuor_param_int(q, &params[2], 1, 500, 50);
    if ((err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &list_stmts[which], TUOR_ARGS(tuor_text(q->param[0]), tuor_int(limit), tuor_int(skip)));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "project");
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    tuor_reply_puts(rp, "[");
    for (i = 0; i < tuor_result_rows(res) && !tuor_result_null(res, i, 0); i++) {
        tuor_reply_puts(rp, i ? ",\n" : "");
        webhook_delivery_write(rp, res, i);
        tuor_reply_puts(rp, "}");
    }
    tuor_reply_puts(rp, "]");
    return tuor_reply_end(rp);
}

static const tuor_stmt get_stmt = {
    "webhooks_get",
    "SELECT " WEBHOOK_COLUMNS ", a.attempted_at, a.duration_ms, a.status_code, a.error, a.response_body"
    " FROM tuor.webhook_deliveries d LEFT JOIN tuor.webhook_attempts a ON a.org_id = d.org_id AND a.delivery_id = d.id"
    " WHERE d.org_id = tuor.org() AND d.id = $1 ORDER BY a.attempt"
};

tuor_error *webhook_get(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;
    int i;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q))
        || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &get_stmt, TUOR_ARGS(tuor_text(q->param[0])));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "delivery");
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    webhook_delivery_write(rp, res, 0);
    tuor_reply_puts(rp, ",\"attempts\":[");
    for (i = 0; i < tuor_result_rows(res) && !tuor_result_null(res, i, WEBHOOK_COLUMNS_N); i++) {
        write_time(rp, i ? ",{\"attempted_at\":" : "{\"attempted_at\":", res, i, WEBHOOK_COLUMNS_N);
        write_int(rp, ",\"duration_ms\":", res, i, WEBHOOK_COLUMNS_N + 1);
        write_int(rp, ",\"status_code\":", res, i, WEBHOOK_COLUMNS_N + 2);
        write_text(rp, ",\"error\":", res, i, WEBHOOK_COLUMNS_N + 3);
        write_text(rp, ",\"response_body\":", res, i, WEBHOOK_COLUMNS_N + 4);
        tuor_reply_puts(rp, "}");
    }
    tuor_reply_puts(rp, "]}");
    return tuor_reply_end(rp);
}
