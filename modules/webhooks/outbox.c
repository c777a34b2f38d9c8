/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The outbox: a verdict's delivery is written in the verdict's own transaction.
 *
 * The body is put together by the database from the payload columns and pieces made here, so that
 * megabytes of payload do not travel out and in again, and stay the bytes that were stored.
 */
#include "webhooks.h"

/* MATERIALIZED: the body is made once, though it is used for its length too. */
static const tuor_stmt insert_stmt = {
    "webhooks_outbox",
    "WITH made AS MATERIALIZED ("
    "  SELECT t.org_id, t.project_id, t.id AS trace_id,"
    "    $6::text || CASE $7::text WHEN 'review.approved' THEN t.model_output"
    "                              WHEN 'review.corrected' THEN $8::text ELSE 'null' END ||"
    "    ',\"corrected_output_before\":null,\"corrected_output_after\":' || coalesce($8::text, 'null') ||"
    "    ',\"correction_diff\":' || coalesce($9::text, 'null') ||"
    "    ',\"trace\":{\"id\":\"' || t.id || '\",\"model_input\":' || t.model_input ||"
    "    ',\"model_output\":' || t.model_output || ',\"trace_config\":' || coalesce(t.trace_config, 'null') || '}}' AS body"
    "  FROM tuor.traces t JOIN tuor.projects p ON p.org_id = t.org_id AND p.id = t.project_id"
    "  WHERE t.org_id = tuor.org() AND t.id = $4 AND p.webhook_active"
    "    AND p.webhook_url IS NOT NULL AND p.webhook_secret IS NOT NULL"
    ")"
    " INSERT INTO tuor.webhook_deliveries AS d (org_id, id, project_id, event_id, event_type, trace_id,"
    "   created_at, updated_at, body_size, body, traceparent)"
    " SELECT m.org_id, $1, m.project_id, $2, $3, m.trace_id, $5, $5, octet_length(m.body), m.body, $10 FROM made m"
    " RETURNING d.id"
};

static void add_member(tuor_buf *b, const char *key, const char *value)
{
    tuor_buf_puts(b, key);
    tuor_buf_json(b, value);
}

/* Everything before the first payload. Always from pending, so nothing was final before. */
static const char *make_head(tuor_request *q, const tuor_event *e)
{
    char at[TUOR_TIME_LEN];
    tuor_buf b;

    tuor_time_format(at, e->at);
    tuor_buf_init(&b, q->pool);
    add_member(&b, "{\"event_id\":", e->id);
    add_member(&b, ",\"event_type\":", e->type);
    add_member(&b, ",\"actor_type\":", tuor_actor_name(q->who->kind));
    add_member(&b, ",\"actor_id\":", q->who->id);
    add_member(&b, ",\"occurred_at\":", at);
    add_member(&b, ",\"status_before\":", e->status_before);
    add_member(&b, ",\"status_after\":", e->status_after);
    tuor_buf_puts(&b, ",\"final_output_before\":null,\"final_output_after\":");
    return tuor_buf_text(&b);
}

/* The verdict's traceparent. Of a version to come what version 00 knows, as whatever follows may be no text. */
static const char *trace_context(tuor_request *q)
{
    enum { KNOWN = 55, VERSION = 2 };
    const char *s = tuor_traceparent(q->r);

    return s && strlen(s) > KNOWN ? apr_pstrcat(q->pool, "00", apr_pstrmemdup(q->pool, s + VERSION, KNOWN - VERSION), NULL) : s;
}

int webhook_on_event(tuor_db *db, tuor_request *q, const tuor_event *e, tuor_error **err)
{
    int corrected = strcmp(e->type, "review.corrected") == 0;
    tuor_result *res = NULL;

    if (!corrected && strcmp(e->type, "review.approved") != 0 && strcmp(e->type, "review.rejected") != 0) {
        return DECLINED;
    }
    *err = tuor_db_exec(&res, db, &insert_stmt, TUOR_ARGS(
        tuor_text(tuor_id("whd", e->at, q->pool)), tuor_text(e->id), tuor_text(e->type), tuor_text(e->trace_id),
        tuor_time(e->at), tuor_text(make_head(q, e)), tuor_text(e->type),
        tuor_text_slice(corrected ? e->corrected_output : TUOR_SLICE_NONE),
        tuor_text_slice(corrected ? e->correction_diff : TUOR_SLICE_NONE), tuor_text(trace_context(q))));
    if (*err) {
        return DONE;
    }
    if (tuor_result_rows(res)) {
        webhook_wrote(q);
    }
    return OK;
}

void webhook_wrote(tuor_request *q)
{
    static char yes;

    ap_set_module_config(q->r->request_config, &tuor_webhooks_module, &yes);
}

void webhook_on_finished(tuor_request *q, int status)
{
    (void)status;
    if (ap_get_module_config(q->r->request_config, &tuor_webhooks_module)) {
        webhook_dispatch_wake();
    }
}
