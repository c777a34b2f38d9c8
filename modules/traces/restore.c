/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/{id}/restore: a deleted trace comes back with the status it had.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt update = {
    "traces_restore",
    "UPDATE tuor.traces t SET version = t.version + 1, updated_at = $2, updated_by = $3, deleted_at = NULL, deleted_by = NULL,"
    " restored_at = $2, restored_by = $3"
    " WHERE t.org_id = tuor.org() AND t.id = $1 RETURNING " TRACE_COLUMNS
};

tuor_error *traces_restore(tuor_request *q)
{
    static const lifecycle_rule rule = { "restored", 1, NULL, 0 };
    tuor_event event = { .type = "trace.restored" };
    lifecycle lc;
    apr_int64_t expected;
    tuor_error *err = lifecycle_expected(q, &expected);

    if (!err) {
        err = lifecycle_begin(&lc, q, &rule, expected);
    }
    return err ? err : lifecycle_end(&lc, q, &update, TUOR_ARGS(
        tuor_text(lc.id), tuor_time(q->now), tuor_text(q->who->id)), &event);
}
