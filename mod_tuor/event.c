/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The audit trail: an event's row, and whoever else wants to write something with it.
 */
#include "core.h"

APLOG_USE_MODULE(tuor);

static const tuor_stmt insert = {
    "event_insert",
    "INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_before,"
    " status_after, version, comment, tag_id, correction_diff)"
    " VALUES (tuor.org(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
};

tuor_error *tuor_event_record(tuor_db *db, tuor_request *q, const tuor_event *e)
{
    tuor_error *err = tuor_db_exec(NULL, db, &insert, TUOR_ARGS(
        tuor_text(e->trace_id), tuor_text(e->id), tuor_text(e->type), tuor_text(tuor_actor_name(q->who->kind)),
        tuor_text(q->who->id), tuor_time(e->at), tuor_text(e->status_before), tuor_text(e->status_after),
        tuor_int(e->version), tuor_text(e->comment), tuor_text(e->tag_id), tuor_text_slice(e->correction_diff)));

    if (!err) {
        tuor_run_event(db, q, e, &err);
    }
    return err;
}

/* ------------------------------------------------------------------- JSON */

enum { ID, TYPE, ACTOR_TYPE, ACTOR_ID, AT, BEFORE, AFTER, VERSION, COMMENT, DIFF, TAG };

static void put(tuor_buf *b, const char *member, tuor_slice text)
{
    tuor_buf_puts(b, member);
    tuor_buf_json_slice(b, text);
}

void tuor_event_write(tuor_buf *b, const tuor_slice *c)
{
    char at[TUOR_TIME_LEN], version[24];

    tuor_time_format(at, tuor_copy_time(c[AT]));
    apr_snprintf(version, sizeof(version), "%" APR_INT64_T_FMT, tuor_copy_int(c[VERSION]));
    put(b, "{\"event_id\":", c[ID]);
    put(b, ",\"event_type\":", c[TYPE]);
    put(b, ",\"actor_type\":", c[ACTOR_TYPE]);
    put(b, ",\"actor_id\":", c[ACTOR_ID]);
    tuor_buf_puts(b, ",\"occurred_at\":\"");
    tuor_buf_puts(b, at);
    put(b, "\",\"status_before\":", c[BEFORE]);
    put(b, ",\"status_after\":", c[AFTER]);
    tuor_buf_puts(b, ",\"version\":");
    tuor_buf_puts(b, version);
    put(b, ",\"comment\":", c[COMMENT]);
    tuor_buf_puts(b, ",\"correction_diff\":");
    tuor_buf_raw(b, c[DIFF]);
    put(b, ",\"tag_id\":", c[TAG]);
}
