/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * openai-dpo: the reviewer's correction, preferred to what the model said.
 */
#include "exporters.h"

static void row(void *state, tuor_reply *rp, const tuor_export_row *r, apr_pool_t *scratch)
{
    tuor_slice chosen, rejected;
    chat c;

    (void)state;
    if (!chat_preference(&c, &chosen, &rejected, r, scratch)) {
        return;
    }
    tuor_reply_puts(rp, "{\"input\":{\"messages\":[");
    tuor_reply_slice(rp, c.messages);
    tuor_reply_puts(rp, "]");
    if (c.tools.p) {
        tuor_reply_puts(rp, ",\"tools\":");
        tuor_reply_slice(rp, c.tools);
    }
    if (c.parallel.p) {
        tuor_reply_puts(rp, ",\"parallel_tool_calls\":");
        tuor_reply_slice(rp, c.parallel);
    }
    chat_write_answer(rp, "},\"preferred_output\":", chosen);
    chat_write_answer(rp, ",\"non_preferred_output\":", rejected);
    tuor_reply_puts(rp, "}\n");
}

const tuor_exporter exporter_openai_dpo = {
    .content_type = "application/x-ndjson",
    .training = 1,
    .row = row
};
