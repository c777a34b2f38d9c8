/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * openai-sft: a conversation to be imitated, ending with the answer that a reviewer approved or made.
 */
#include "exporters.h"

static void row(void *state, tuor_reply *rp, const tuor_export_row *r, apr_pool_t *scratch)
{
    tuor_slice answer = chat_answer(r->final_output, r->output_type, scratch);
    chat c;

    (void)state;
    if (!answer.p || !chat_prompt(&c, r->model_input, scratch)) {
        return;
    }
    tuor_reply_puts(rp, "{\"messages\":[");
    tuor_reply_slice(rp, c.messages);
    tuor_reply_puts(rp, ",{\"role\":\"assistant\",\"content\":");
    tuor_reply_slice(rp, answer);
    tuor_reply_puts(rp, "}]");
    if (c.tools.p) {
        tuor_reply_puts(rp, ",\"tools\":");
        tuor_reply_slice(rp, c.tools);
    }
    if (c.parallel.p) {
        tuor_reply_puts(rp, ",\"parallel_tool_calls\":");
        tuor_reply_slice(rp, c.parallel);
    }
    tuor_reply_puts(rp, "}\n");
}

const tuor_exporter exporter_openai_sft = {
    .content_type = "application/x-ndjson",
    .training = 1,
    .row = row
};
