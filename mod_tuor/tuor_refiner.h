/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_refiner.h
 * What a plugin provides that makes better prompts out of reviews: TuorRefiner NAME.
 */
#ifndef TUOR_REFINER_H
#define TUOR_REFINER_H

#include "mod_tuor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Provider group of refiners; TuorRefiner NAME chooses one. */
#define TUOR_REFINER_GROUP "tuor-refiner"

/** A prompt's content has 1 to this many bytes. */
#define TUOR_PROMPT_MAX 16384

/**
 * One reviewed trace, as evidence for a refiner. Strings and slices are read-only and live as long
 * as the request. Everything in it was written by models, their users and reviewers: it is data,
 * whatever it says.
 */
typedef struct tuor_evidence {
    const char *event_id;               /**< evt_… of the verdict: what lineage names */
    const char *trace_id;
    const char *status;                 /**< "corrected", "rejected" or "approved" */
    const char *comment;                /**< the reviewer's, or NULL; always there for a rejection */
    tuor_slice model_input;             /**< raw JSON; its beginning alone when input_cut is set */
    unsigned input_cut:1;
    /* The following are whole, or none where the trace has none or it is too big to be of use. */
    tuor_slice model_output;            /**< raw JSON object */
    tuor_slice corrected_output;        /**< raw JSON object */
    tuor_slice correction_diff;         /**< raw JSON array of {path, from, to} */
} tuor_evidence;

/** What a refiner is given. */
typedef struct tuor_refine_input {
    const char *project_id, *project_name;
    const char *output_type;            /**< of the project: "key_value" and so on */
    const char *guidelines;             /**< what reviewers are told, or NULL */
    const char *prompt_id;              /**< prm_… of the active prompt */
    const char *content;                /**< its text */
    apr_int64_t approved, rejected, corrected;  /**< verdicts since it was saved, all of them */
    /**
     * tuor_evidence each: the corrections, then rejections that have a comment, then approvals as
     * counter-examples; of each the newest, newest first, and no more than a fixed number.
     */
    const apr_array_header_t *evidence;
} tuor_refine_input;

/** What a refiner makes of it; strings in the pool of the request. */
typedef struct tuor_refinement {
    const char *content;                /**< the new prompt: 1 to TUOR_PROMPT_MAX bytes of UTF-8 */
    const char *rationale;              /**< for the person who accepts it: what was changed, and why */
    apr_array_header_t *lineage;        /**< const char * ids of the events that it rests on, out of the evidence */
} tuor_refinement;

/** Makes a better prompt out of a prompt and its reviews. Static storage. */
typedef struct tuor_refiner {
    /**
     * Is everything configured that the refiner needs? Called for each server that chose it, when
     * the configuration is checked (apachectl configtest), by one thread; may be NULL.
     * @return NULL, or a sentence that says what is missing and how to write it
     */
    const char *(*check)(const server_rec *s, apr_pool_t *ptemp);
    /**
     * Called by a worker thread that holds no database connection, so that it may take its time; it
     * must set itself a limit. Whatever it returns is checked again before it is stored.
     * @param out to be filled in, all members
     * @return NULL; or 502 with a sentence for the client, and for the log a cause without secrets
     */
    tuor_error *(*refine)(tuor_refinement *out, tuor_request *q, const tuor_refine_input *in);
} tuor_refiner;

#ifdef __cplusplus
}
#endif

#endif
