/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/{id}/review: approve, reject or correct.
 */
#include "traces.h"

#include "tuor_diff.h"

APLOG_USE_MODULE(tuor_traces);

#define COMMENT_MAX 4000

enum { F_ACTION, F_EXPECTED, F_CORRECTED, F_COMMENT, F_FIELDS };

enum { APPROVE, REJECT, CORRECT };
static const char *const actions[] = { "approve", "reject", "correct", NULL };
static const char *const statuses[] = { "approved", "rejected", "corrected" };
static const char *const types[] = { "review.approved", "review.rejected", "review.corrected" };

static const tuor_stmt update = {
    "traces_review",
    "UPDATE tuor.traces t SET status = $2, version = t.version + 1, updated_at = $3, updated_by = $4,"
    " last_reviewed_at = $3, last_reviewed_by = $4, corrected_output = $5, correction_diff = $6"
    " WHERE t.org_id = tuor.org() AND t.id = $1 RETURNING " TRACE_COLUMNS
};

static int index_of(const char *action)
{
    int i;

    for (i = 0; actions[i] && actions[i] != action; i++) {
    }
    return i;
}

/* The differences, in memory of their own: a wide payload's bookkeeping goes before the database is asked on. */
static tuor_slice difference(tuor_request *q, tuor_slice from, tuor_slice to)
{
    apr_pool_t *scratch;
    tuor_buf b;

    tuor_buf_init(&b, q->pool);
    apr_pool_create(&scratch, q->pool);
    tuor_diff(&b, from, to, scratch);
    apr_pool_destroy(scratch);
    return (tuor_slice){ b.p, b.len };
}

tuor_error *traces_review(tuor_request *q)
{
    tuor_json_field f[F_FIELDS] = {
        { .name = "action" }, { .name = "expected_version" }, { .name = "corrected_output" }, { .name = "comment" }
    };
    lifecycle_rule rule = { "reviewed again: reset it first", 0, "pending", 0 };
    tuor_event event = { 0 };
    lifecycle lc;
    const char *action;
    apr_int64_t expected;
    int verdict;
    tuor_error *err = tuor_body_json(q, f, F_FIELDS, 0);

    if (!err) {
        err = tuor_query(q, NULL, 0);
    }
    if (err) {
        return err;
    }
    action = tuor_field_word(q, &f[F_ACTION], 1, actions);
    verdict = action ? index_of(action) : -1;
    expected = tuor_field_int(q, &f[F_EXPECTED], 1, 1);
    event.comment = tuor_field_string(q, &f[F_COMMENT], 0, 0, COMMENT_MAX);
    event.corrected_output = tuor_field_payload(q, &f[F_CORRECTED], verdict == CORRECT);
    if (verdict >= 0 && verdict != CORRECT && f[F_CORRECTED].type > TUOR_JSON_NULL) {
        tuor_fault(q, "corrected_output", "goes with the action correct only");
    }
    err = tuor_faults(q);
    if (err) {
        return err;
    }
    rule.wants_output = verdict == CORRECT;
    err = lifecycle_begin(&lc, q, &rule, expected);
    if (err) {
        return err;
    }
    event.type = types[verdict];
    if (verdict == CORRECT) {
        event.correction_diff = difference(q, lc.model_output, event.corrected_output);
    }
    return lifecycle_end(&lc, q, &update, TUOR_ARGS(
        tuor_text(lc.id), tuor_text(statuses[verdict]), tuor_time(q->now), tuor_text(q->who->id),
        tuor_text_slice(event.corrected_output), tuor_text_slice(event.correction_diff)), &event);
}
