/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_traces.h
 * What the traces plugin offers to other plugins. They ask for it with APR_RETRIEVE_OPTIONAL_FN in
 * post_config, so that neither needs the other to be loaded.
 */
#ifndef TUOR_TRACES_OFFER_H
#define TUOR_TRACES_OFFER_H

#include "mod_tuor.h"

#include <apr_optional.h>

/** A trace to be stored. */
typedef struct tuor_trace_in {
    const char *project;                /**< project_id, whoever's: a foreign one becomes the 404 */
    /** Valid JSON objects within the limits of size and depth, without white space; config may be none. */
    tuor_slice input, output, config;
    apr_time_t at;                      /**< its creation: q->now, a microsecond more for each that follows */
    /**
     * What makes it the same as one that was stored in the last 24 hours, or NULL: that one's id comes back,
     * and nothing is stored, whatever else has changed. The organization's own; begins with the plugin's name.
     */
    const char *same;
    const char *id;                     /**< out: trace_…, in q->pool */
    tuor_error *err;                    /**< out: why it was not stored, or NULL */
} tuor_trace_in;

/**
 * Store traces as a batch does: in groups, each of which commits by itself. In a handler that holds no
 * connection; what the quota says about them is the caller's to ask.
 * @param away set to the 503 when the database went away: what came after it was not tried
 */
APR_DECLARE_OPTIONAL_FN(void, tuor_traces_store, (tuor_request *q, tuor_trace_in *list, int n, tuor_error **away));
void tuor_traces_store(tuor_request *q, tuor_trace_in *list, int n, tuor_error **away);

/** A trace as it is stored. */
typedef struct trace tuor_traces_trace;

/**
 * Read a trace, payloads included, in a unit of work of the caller's. Lives as long as the request.
 * @param t set to NULL where there is none of that id in the organization, or it is deleted
 */
APR_DECLARE_OPTIONAL_FN(tuor_error *, tuor_traces_read,
                        (const tuor_traces_trace **t, tuor_request *q, tuor_db *db, const char *id));
tuor_error *tuor_traces_read(const tuor_traces_trace **t, tuor_request *q, tuor_db *db, const char *id);

/** Write it as GET /v1/traces/{id} does. t has to live until the answer has left. */
APR_DECLARE_OPTIONAL_FN(void, tuor_traces_write, (tuor_reply *rp, const tuor_traces_trace *t, apr_pool_t *pool));
void tuor_traces_write(tuor_reply *rp, const tuor_traces_trace *t, apr_pool_t *pool);

#endif
