/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/{id}/reset: back to pending, the correction cleared. Who reviewed last stays on record.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt update = {
    "traces_reset",
    "UPDATE tuor.traces t SET status = 'pending', version = t.version + 1, updated_at = $2, updated_by = $3,"
    " corrected_output = NULL, correction_diff = NULL"
    " WHERE t.org_id = tuor.org() AND t.id = $1 RETURNING " TRACE_COLUMNS
};

tuor_error *traces_reset(tuor_request *q)
{
    static const lifecycle_rule rule = { "reset: only reviewed ones can", 0, "reviewed", 0 };
    tuor_event event = { .type = "trace.reset" };
    lifecycle lc;
    apr_int64_t expected;
    tuor_error *err = lifecycle_expected(q, &expected);

    if (!err) {
        err = lifecycle_begin(&lc, q, &rule, expected);
    }
    return err ? err : lifecycle_end(&lc, q, &update, TUOR_ARGS(
        tuor_text(lc.id), tuor_time(q->now), tuor_text(q->who->id)), &event);
}
