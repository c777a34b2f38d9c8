/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file otlp_wire.h
 * OTLP's protobuf, as far as traces need it: the few messages of an ExportTraceServiceRequest, read
 * where they lie, and single ones written as OTLP's JSON, so that the rest of the way is one.
 *
 * Threads: reentrant, no state. Memory: slices point into the request.
 */
#ifndef TUOR_OTLP_WIRE_H
#define TUOR_OTLP_WIRE_H

#include "tuor_json.h"

/** Called with a Resource (none where there is none) and a Span of its; a non-zero return stops and is handed on. */
typedef int otlp_wire_sink(void *baton, tuor_slice resource, tuor_slice span);

/**
 * Whether a request is sound, down to the attributes: framing, UTF-8, and nesting of values.
 * @return APR_SUCCESS or APR_EINVAL
 */
apr_status_t otlp_wire_check(tuor_slice request);

/* ---- both need a request that was checked before ---- */

/** Every span of a request, in order. */
int otlp_wire_each(tuor_slice request, otlp_wire_sink *sink, void *baton);

/** Write a Resource or a Span as OTLP's JSON: what a trace has use for. */
void otlp_wire_resource(tuor_buf *out, tuor_slice resource);
void otlp_wire_span(tuor_buf *out, tuor_slice span);

#endif
