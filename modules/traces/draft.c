/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The body of a create, alone or as a line of a batch.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

enum { F_PROJECT, F_INPUT, F_OUTPUT, F_CONFIG, F_FIELDS };

#define PROJECT_MAX 100
/* Written with an escape for each, a hundred characters beyond the BMP are no longer. */
#define PROJECT_MAX_BYTES (PROJECT_MAX * 12 + 2)

/* A filter on a longer value finds nothing; B-tree entries have their limit. */
#define WELL_KNOWN_MAX 1000

const char *draft_well_known(tuor_slice config, const char *name, apr_pool_t *pool)
{
    tuor_json_member m;
    const char *text;
    apr_size_t len;

    if (!config.p || !tuor_json_get(config, name, &m) || m.value.len > WELL_KNOWN_MAX) {
        return NULL;
    }
    if (m.type == TUOR_JSON_NUMBER) {
        return apr_pstrmemdup(pool, m.value.p, m.value.len);
    }
    if (m.type != TUOR_JSON_STRING || tuor_json_decode(&text, &len, m.value, 1, pool) != APR_SUCCESS
        || memchr(text, '\0', len)) {
        return NULL;
    }
    return text;
}

/* A thousand lines may bring a thousand long ones: none is decoded before it is known to be short. */
static const char *read_project(tuor_request *q, const tuor_json_field *f)
{
    if (f->type == TUOR_JSON_STRING && f->value.len > PROJECT_MAX_BYTES) {
        tuor_fault(q, f->name, "must have 1 to %d characters", PROJECT_MAX);
        return NULL;
    }
    return tuor_field_string(q, f, 1, 1, PROJECT_MAX);
}

tuor_error *draft_read(draft *d, tuor_request *q, tuor_slice text, const char *what, apr_pool_t *scratch)
{
    tuor_json_field f[F_FIELDS] = {
        { .name = "project_id" }, { .name = "model_input" }, { .name = "model_output" }, { .name = "trace_config" }
    };
    tuor_error *err = tuor_body_part(q, text, f, F_FIELDS, what, scratch);

    if (err) {
        return err;
    }
    d->project = read_project(q, &f[F_PROJECT]);
    d->input = tuor_field_payload(q, &f[F_INPUT], 1);
    d->output = tuor_field_payload(q, &f[F_OUTPUT], 1);
    d->config = tuor_field_payload(q, &f[F_CONFIG], 0);
    return tuor_faults(q);
}
