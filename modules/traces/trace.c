/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The trace object: columns in, JSON out. Payloads are spliced as they are.
 */
#include "traces.h"

#include <openssl/sha.h>

APLOG_USE_MODULE(tuor_traces);

void trace_from_result(trace *t, const tuor_result *res, int row)
{
    int i;

    for (i = 0; i < T_COLUMNS; i++) {
        t->col[i] = tuor_result_slice(res, row, i);
    }
}

static int status_is(const trace *t, const char *status)
{
    return t->col[T_STATUS].len == strlen(status) && !memcmp(t->col[T_STATUS].p, status, t->col[T_STATUS].len);
}

tuor_slice trace_final_output(const trace *t)
{
    return status_is(t, "approved") ? t->col[T_OUTPUT]
         : status_is(t, "corrected") ? t->col[T_CORRECTED] : TUOR_SLICE_NONE;
}

/* A member that is a string or null; before: the text before the string, with its quote. Ids and statuses need no escapes. */
static void write_id(tuor_reply *rp, tuor_slice before, tuor_slice id)
{
    if (id.p) {
        tuor_reply_add(rp, before.p, before.len);
        tuor_reply_add(rp, id.p, id.len);
        tuor_reply_puts(rp, "\"");
    }
    else {
        tuor_reply_add(rp, before.p, before.len - 1);
        tuor_reply_puts(rp, "null");
    }
}

static void write_time(tuor_reply *rp, tuor_slice before, tuor_slice t)
{
    tuor_reply_add(rp, before.p, before.len);
    tuor_reply_time(rp, tuor_copy_time(t));
}

static void write_payload(tuor_reply *rp, tuor_slice before, tuor_slice value, const exclusions *ex,
                          excludable field, apr_pool_t *pool)
{
    if (excluded(ex, field)) {
        return;
    }
    tuor_reply_add(rp, before.p, before.len);
    tuor_reply_raw(rp, exclude(ex, field, value, pool));
}

static void write_tags(tuor_reply *rp, tuor_slice col, apr_pool_t *pool)
{
    apr_array_header_t *flat;
    int i;

    tuor_reply_puts(rp, ",\"tags\":[");
    if (col.p) {
        flat = tuor_copy_texts(col, pool);
        for (i = 0; i + 3 < flat->nelts; i += 4) {
            tuor_reply_puts(rp, i ? ",{\"id\":" : "{\"id\":");
            tuor_reply_json(rp, APR_ARRAY_IDX(flat, i, const char *));
            tuor_reply_puts(rp, ",\"name\":");
            tuor_reply_json(rp, APR_ARRAY_IDX(flat, i + 1, const char *));
            tuor_reply_puts(rp, ",\"color\":");
            tuor_reply_json(rp, APR_ARRAY_IDX(flat, i + 2, const char *));
            tuor_reply_puts(rp, ",\"description\":");
            tuor_reply_json(rp, APR_ARRAY_IDX(flat, i + 3, const char *));
            tuor_reply_puts(rp, "}");
        }
    }
    tuor_reply_puts(rp, "]");
}

void trace_write(tuor_reply *rp, const trace *t, const exclusions *ex, apr_pool_t *pool)
{
    const tuor_slice *c = t->col;

    write_id(rp, TUOR_SLICE("{\"id\":\""), c[T_ID]);
    write_id(rp, TUOR_SLICE(",\"org_id\":\""), c[T_ORG]);
    write_id(rp, TUOR_SLICE(",\"project_id\":\""), c[T_PROJECT]);
    write_id(rp, TUOR_SLICE(",\"status\":\""), c[T_STATUS]);
    write_payload(rp, TUOR_SLICE(",\"model_input\":"), c[T_INPUT], ex, X_INPUT, pool);
    write_payload(rp, TUOR_SLICE(",\"model_output\":"), c[T_OUTPUT], ex, X_OUTPUT, pool);
    write_payload(rp, TUOR_SLICE(",\"trace_config\":"), c[T_CONFIG], ex, X_CONFIG, pool);
    write_payload(rp, TUOR_SLICE(",\"corrected_output\":"), c[T_CORRECTED], ex, X_CORRECTED, pool);
    write_payload(rp, TUOR_SLICE(",\"final_output\":"), trace_final_output(t), ex, X_FINAL, pool);
    tuor_reply_puts(rp, ",\"correction_diff\":");
    tuor_reply_raw(rp, c[T_DIFF]);
    write_tags(rp, c[T_TAGS], pool);
    tuor_reply_puts(rp, ",\"version\":");
    tuor_reply_int(rp, tuor_copy_int(c[T_VERSION]));
    write_time(rp, TUOR_SLICE(",\"created_at\":"), c[T_CREATED_AT]);
    write_id(rp, TUOR_SLICE(",\"created_by\":\""), c[T_CREATED_BY]);
    write_time(rp, TUOR_SLICE(",\"updated_at\":"), c[T_UPDATED_AT]);
    write_id(rp, TUOR_SLICE(",\"updated_by\":\""), c[T_UPDATED_BY]);
    write_time(rp, TUOR_SLICE(",\"last_reviewed_at\":"), c[T_REVIEWED_AT]);
    write_id(rp, TUOR_SLICE(",\"last_reviewed_by\":\""), c[T_REVIEWED_BY]);
    write_time(rp, TUOR_SLICE(",\"deleted_at\":"), c[T_DELETED_AT]);
    write_id(rp, TUOR_SLICE(",\"deleted_by\":\""), c[T_DELETED_BY]);
    write_time(rp, TUOR_SLICE(",\"restored_at\":"), c[T_RESTORED_AT]);
    write_id(rp, TUOR_SLICE(",\"restored_by\":\""), c[T_RESTORED_BY]);
    tuor_reply_puts(rp, "}");
}

/* Everything else in the object changes with the version. */
const char *trace_etag(const trace *t, apr_pool_t *pool)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    tuor_slice tags = t->col[T_TAGS];

    if (!tags.p) {
        return apr_psprintf(pool, "\"%" APR_INT64_T_FMT "\"", tuor_copy_int(t->col[T_VERSION]));
    }
    SHA256((const unsigned char *)tags.p, tags.len, hash);
    return apr_psprintf(pool, "\"%" APR_INT64_T_FMT "-%02x%02x%02x%02x%02x%02x%02x%02x\"", tuor_copy_int(t->col[T_VERSION]),
                        hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
}

tuor_error *trace_reply(tuor_request *q, int status, const trace *t)
{
    tuor_reply *rp = tuor_reply_begin(q, status, "application/json");

    apr_table_setn(q->r->headers_out, "Cache-Control", "private, no-cache");
    apr_table_setn(q->r->headers_out, "ETag", trace_etag(t, q->pool));
    trace_write(rp, t, NULL, q->pool);
    tuor_reply_puts(rp, "\n");
    return tuor_reply_end(rp);
}
