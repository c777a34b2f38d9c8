/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * DELETE /v1/traces/{id}: hidden from reads, lists and exports until it is restored.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt update = {
    "traces_delete",
    "UPDATE tuor.traces t SET version = t.version + 1, updated_at = $2, updated_by = $3, deleted_at = $2, deleted_by = $3"
    " WHERE t.org_id = tuor.org() AND t.id = $1 RETURNING " TRACE_COLUMNS
};

tuor_error *traces_delete(tuor_request *q)
{
    static const lifecycle_rule rule = { "deleted", 0, NULL, 0 };
    tuor_event event = { .type = "trace.deleted" };
    lifecycle lc;
    apr_int64_t expected;
    tuor_error *err = lifecycle_expected(q, &expected);

    if (!err) {
        err = lifecycle_begin(&lc, q, &rule, expected);
    }
    return err ? err : lifecycle_end(&lc, q, &update, TUOR_ARGS(
        tuor_text(lc.id), tuor_time(q->now), tuor_text(q->who->id)), &event);
}
