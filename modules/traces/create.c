/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/
 *
 * The answer is made from the request and a few columns that never change, so a request that is
 * repeated with its Idempotency-Key gets the first one's bytes, whatever has become of the trace.
 */
#include "traces.h"

#include <openssl/sha.h>

APLOG_USE_MODULE(tuor_traces);

#define KEY_MAX 255

/* NULL without the header; a faulty one is a fault. */
static const char *idempotency_key(tuor_request *q)
{
    const char *key = apr_table_get(q->r->headers_in, KEY_HEADER), *p = key;

    while (p && *p > 0x20 && *p < 0x7f) {
        p++;
    }
    if (p && (*p || p == key || p - key > KEY_MAX)) {
        tuor_fault(q, KEY_HEADER, "must have 1 to %d visible ASCII characters, and no spaces", KEY_MAX);
    }
    return key;
}

static tuor_slice text(const char *s)
{
    return (tuor_slice){ s, strlen(s) };
}

/* The trace as it was when it was new. */
static tuor_error *answer(tuor_request *q, const draft *d)
{
    trace t;

    memset(&t, 0, sizeof(t));
    t.col[T_ID] = text(d->id);
    t.col[T_ORG] = text(q->who->org_id);
    t.col[T_PROJECT] = text(d->project);
    t.col[T_STATUS] = text("pending");
    t.col[T_VERSION] = (tuor_slice){ "\1", 1 };
    t.col[T_CREATED_AT] = t.col[T_UPDATED_AT] = tuor_copy_from_time(d->at, q->pool);
    t.col[T_CREATED_BY] = t.col[T_UPDATED_BY] = text(d->by);
    t.col[T_INPUT] = d->input;
    t.col[T_OUTPUT] = d->output;
    t.col[T_CONFIG] = d->config;
    apr_table_setn(q->r->headers_out, "Location", apr_pstrcat(q->pool, "/v1/traces/", d->id, NULL));
    if (d->replayed) {
        apr_table_setn(q->r->headers_out, "Idempotency-Replayed", "true");
    }
    return trace_reply(q, d->replayed ? HTTP_OK : HTTP_CREATED, &t);
}

tuor_error *traces_create(tuor_request *q)
{
    draft d, *list = &d;
    tuor_error *err;

    memset(&d, 0, sizeof(d));
    if ((err = tuor_body_read(q, "application/json", 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    d.key = idempotency_key(q);
    if (d.key) {
        SHA256((const unsigned char *)q->body, q->body_len, d.hash);    /* before it is compacted */
    }
    if ((err = draft_read(&d, q, (tuor_slice){ q->body, q->body_len }, "body", q->pool))) {
        return err;
    }
    d.at = q->now;
    d.id = tuor_id("trace", d.at, q->pool);
    err = ingest(q, &list, 1, q->pool);
    if (!err) {
        err = d.err;
    }
    return err ? err : answer(q, &d);
}
