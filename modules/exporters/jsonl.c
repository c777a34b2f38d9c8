/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * jsonl: the documented row, everything about a trace.
 */
#include "exporters.h"

static void put(tuor_reply *rp, const char *member, tuor_slice value)
{
    tuor_reply_puts(rp, member);
    tuor_reply_raw(rp, value);
}

static void row(void *state, tuor_reply *rp, const tuor_export_row *r, apr_pool_t *scratch)
{
    int i;

    (void)state, (void)scratch;
    put(rp, "{\"model_input\":", r->model_input);
    put(rp, ",\"model_output\":", r->model_output);
    put(rp, ",\"corrected_output\":", r->corrected_output);
    put(rp, ",\"final_output\":", r->final_output);
    put(rp, ",\"trace_config\":", r->trace_config);
    tuor_reply_puts(rp, ",\"tags\":[");
    for (i = 0; i < r->tags->nelts; i++) {
        tuor_reply_puts(rp, i ? "," : "");
        tuor_reply_json(rp, APR_ARRAY_IDX(r->tags, i, const char *));
    }
    tuor_reply_puts(rp, "]");
    if (r->events.p) {
        put(rp, ",\"events\":", r->events);
    }
    put(rp, ",\"metadata\":", r->metadata);
    tuor_reply_puts(rp, "}\n");
}

const tuor_exporter exporter_jsonl = {
    .content_type = "application/x-ndjson",
    .wants_events = 1,
    .row = row
};
