/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * trl-dpo: the same pairs as openai-dpo, in the words of Hugging Face's TRL.
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
    tuor_reply_puts(rp, "{\"prompt\":[");
    tuor_reply_slice(rp, c.messages);
    chat_write_answer(rp, "],\"chosen\":", chosen);
    chat_write_answer(rp, ",\"rejected\":", rejected);
    tuor_reply_puts(rp, "}\n");
}

const tuor_exporter exporter_trl_dpo = {
    .content_type = "application/x-ndjson",
    .training = 1,
    .row = row
};
