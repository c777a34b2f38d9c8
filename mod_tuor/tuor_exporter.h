/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_exporter.h
 * What a plugin provides that adds a format to exports: GET /v1/traces/export?format=NAME.
 */
#ifndef TUOR_EXPORTER_H
#define TUOR_EXPORTER_H

#include "mod_tuor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Provider group of export formats; ap_register_provider(pconf, TUOR_EXPORTER_GROUP, name, "1", vtable). */
#define TUOR_EXPORTER_GROUP "tuor-exporter"

/** One trace of an export. Slices live for the call. */
typedef struct tuor_export_row {
    const char *project_id;
    const char *output_type;            /**< of the project */
    tuor_slice id, status;
    tuor_slice model_input, model_output, corrected_output, final_output, trace_config;
    const apr_array_header_t *tags;     /**< const char * names, sorted */
    tuor_slice events;                  /**< JSON array; none when excluded or not wanted */
    tuor_slice metadata;                /**< JSON object; none when not wanted */
    apr_time_t created_at, last_reviewed_at;    /**< last_reviewed_at 0 for never */
    tuor_slice last_reviewed_by;
    apr_int64_t version;
} tuor_export_row;

/**
 * A format: static, used by many exports at once, so its state is what begin() makes for each.
 */
typedef struct tuor_exporter {
    const char *content_type;           /**< static */
    unsigned wants_events:1;            /**< events and metadata are made only when wanted */
    unsigned training:1;                /**< only approved and corrected traces; pending and rejected give no rows */
    /**
     * For formats that have to know all rows before they write the first, such as the columns of a
     * table; may be NULL. Sees every row, without its model_input, in a pass of its own over the same
     * snapshot, before begin. *state is NULL in the first call; what it keeps must not grow with the rows.
     */
    void (*survey)(void **state, tuor_request *q, const tuor_export_row *row, apr_pool_t *scratch);
    /** Before the first row; may be NULL. The headers have left: an error breaks the export off. state from q->pool. */
    tuor_error *(*begin)(void **state, tuor_request *q, tuor_reply *rp);
    /** Write one row, or nothing. scratch is cleared after the call. Never flush: the export does. */
    void (*row)(void *state, tuor_reply *rp, const tuor_export_row *row, apr_pool_t *scratch);
} tuor_exporter;

#ifdef __cplusplus
}
#endif

#endif
