/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file otlp.h
 * What the files of the otlp plugin share: the request in export.c, a span in span.c, the content of the
 * GenAI conventions in genai.c.
 */
#ifndef TUOR_OTLP_H
#define TUOR_OTLP_H

#include "mod_tuor.h"
#include "../traces/tuor_traces.h"

tuor_handler otlp_export;

/** In post_config: find those whose help is needed. */
void otlp_setup(void);

/**
 * Make a trace of a span, both in OTLP's JSON, which is valid; payloads lie in the pool.
 * @param resource an object, or none
 * @return NULL, or why none can be made of it: no content in it; in the pool or static
 */
const char *span_read(tuor_trace_in *t, tuor_request *q, tuor_slice resource, tuor_slice span, apr_pool_t *pool);

/** Values nest as deep as this; payloads may less. */
#define OTLP_NESTED_MAX 64

/** Write an AnyValue as the JSON that it stands for. @return 0 when it is none, or nested too deep */
int any_write(tuor_buf *b, tuor_slice any, int level);

/** What a span tells of a conversation. */
typedef struct genai {
    apr_pool_t *pool;
    tuor_slice input, output, system;   /**< JSON of whatever type; or none */
    tuor_buf asked, answered;           /**< messages of the older events, with a comma behind each */
} genai;

void genai_init(genai *g, apr_pool_t *pool);
/** Take an attribute, if it is content. @return 1 when it was, -1 when it is broken */
int genai_attribute(genai *g, tuor_slice key, tuor_slice any);
/** Take an event of a span. @return 0 when it is broken */
int genai_event(genai *g, tuor_slice event);
/** Write both payloads. @return NULL, or what is missing or wrong */
const char *genai_write(genai *g, tuor_buf *input, tuor_buf *output);

#endif
