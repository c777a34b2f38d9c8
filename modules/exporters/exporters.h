/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file exporters.h
 * The export formats that come with Tuor: one provider a file, and what the training formats share.
 */
#ifndef TUOR_EXPORTERS_H
#define TUOR_EXPORTERS_H

#include "mod_tuor.h"

extern const tuor_exporter exporter_jsonl, exporter_openai_sft, exporter_openai_dpo, exporter_trl_dpo, exporter_csv;

/* ---- chat messages (messages.c) */

/** What a model was asked, as chat messages. Slices of the row, or texts in the scratch pool. */
typedef struct chat {
    tuor_slice messages;                /**< inside of an array, without its brackets; never empty */
    tuor_slice tools, parallel;         /**< of a request with messages of its own; or none */
} chat;

/**
 * The messages of a model_input: its own array as sent; else system_prompt and content; else the
 * rest of the object, compact, as the user's text.
 * @return 0 when nothing is there that a model could have been asked
 */
int chat_prompt(chat *c, tuor_slice input, apr_pool_t *scratch);

/**
 * The assistant's content for an output, as a JSON string: content of a text, label of a
 * classification, the compact raw JSON of key/values and of any other shape.
 * @return none for no output
 */
tuor_slice chat_answer(tuor_slice output, const char *output_type, apr_pool_t *scratch);

/** Write [{"role":"assistant","content":…}]. */
void chat_write_answer(tuor_reply *rp, const char *member, tuor_slice content);

/**
 * A row that a preference is learnt from: a correction whose text differs from the model's.
 * @return 0 for any other
 */
int chat_preference(chat *c, tuor_slice *chosen, tuor_slice *rejected, const tuor_export_row *row, apr_pool_t *scratch);

#endif
