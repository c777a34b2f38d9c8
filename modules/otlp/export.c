/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /otlp/v1/traces: OTLP over HTTP, in protobuf or JSON.
 *
 * The body is checked as a whole before anything is stored. Then it is read span by span, and what
 * becomes a trace is stored group by group, each with memory of its own.
 */
#include "otlp.h"
#include "otlp_wire.h"

#include <util_filter.h>

APLOG_USE_MODULE(tuor_otlp);

#define PROTOBUF "application/x-protobuf"
#define JSON "application/json"
#define BODY_MAX (64 * 1024 * 1024)

/* Exporters send 512 at once, and collectors 8192. */
#define SPANS_MAX 10000

/* The traces plugin takes as many at once; see there. */
#define GROUP_TRACES 250
#define GROUP_BYTES (4 * 1024 * 1024)

/* A resource is read anew for each of its spans. */
#define RESOURCE_MAX (64 * 1024)
#define ENVELOPE_MAX (2 * 1024 * 1024)

#define REASONS_MAX 8

static APR_OPTIONAL_FN_TYPE(tuor_traces_store) *store_traces;

typedef struct reason {
    const char *why;
    int n;
} reason;

typedef struct export {
    tuor_request *q;
    int protobuf;
    int spans;                          /* in the body */
    int granted, seen;
    tuor_error *refused;                /* why those beyond the quota are not taken */
    tuor_trace_in group[GROUP_TRACES];
    int grouped;
    apr_size_t bytes;
    apr_pool_t *pool, *scratch;         /* of the group; of a span that is none */
    const char *known;                  /* the resource in the wire form that stands in resource */
    tuor_buf resource;
    apr_pool_t *resource_pool;
    int stored, rejected;
    tuor_error *away;
    reason reasons[REASONS_MAX];
    int n_reasons, more_reasons;
} export;

void otlp_setup(void)
{
    store_traces = APR_RETRIEVE_OPTIONAL_FN(tuor_traces_store);
}

/* ---- the body */

static int has_type(request_rec *r, const char *media_type)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t n = strlen(media_type);

    return type && !ap_cstr_casecmpn(type, media_type, n) && (!type[n] || strchr("; \t", type[n]));
}

/* mod_deflate's filter inflates, and watches the ratio; what comes out is counted like any body. */
static tuor_error *decoding(tuor_request *q)
{
    const char *coding = apr_table_get(q->r->headers_in, "Content-Encoding");

    if (!coding || !*coding || !ap_cstr_casecmp(coding, "identity")) {
        return NULL;
    }
    if (ap_cstr_casecmp(coding, "gzip") && ap_cstr_casecmp(coding, "x-gzip")) {
        return tuor_error_make(q->pool, HTTP_UNSUPPORTED_MEDIA_TYPE, "Send the body with Content-Encoding: gzip, or without any");
    }
    if (!ap_get_input_filter_handle("deflate")) {
        return tuor_error_make(q->pool, HTTP_UNSUPPORTED_MEDIA_TYPE,
                               "This server takes no compressed bodies (mod_deflate is not loaded): send it without Content-Encoding");
    }
    ap_add_input_filter("DEFLATE", NULL, q->r, q->r->connection);
    return NULL;
}

static tuor_error *malformed(tuor_request *q, const char *why)
{
    return tuor_error_make(q->pool, HTTP_BAD_REQUEST, "The body is no ExportTraceServiceRequest: %s", why);
}

/* ---- the spans of a JSON body. A sink's non-zero return stops; -1 when something is no list of objects */

static int each_in(tuor_slice object, const char *name, int (*go)(export *, tuor_slice, tuor_slice, otlp_wire_sink *),
                   export *x, tuor_slice resource, otlp_wire_sink *sink)
{
    tuor_json_member list, m;
    tuor_json_walk walk;
    int stop = 0;

    if (!tuor_json_get(object, name, &list) || list.type == TUOR_JSON_NULL) {
        return 0;
    }
    if (list.type != TUOR_JSON_ARRAY) {
        return -1;
    }
    for (tuor_json_walk_init(&walk, list.value); !stop && tuor_json_walk_next(&walk, &m);) {
        stop = m.type != TUOR_JSON_OBJECT ? -1 : go ? go(x, resource, m.value, sink) : sink(x, resource, m.value);
    }
    return stop;
}

static int each_scope(export *x, tuor_slice resource, tuor_slice scope, otlp_wire_sink *sink)
{
    return each_in(scope, "spans", NULL, x, resource, sink);
}

static int each_resource(export *x, tuor_slice none, tuor_slice spans, otlp_wire_sink *sink)
{
    tuor_slice resource = none;
    tuor_json_member m;

    if (tuor_json_get(spans, "resource", &m) && m.type != TUOR_JSON_NULL) {
        if (m.type != TUOR_JSON_OBJECT) {
            return -1;
        }
        resource = m.value;
    }
    return each_in(spans, "scopeSpans", each_scope, x, resource, sink);
}

static int each_span(export *x, otlp_wire_sink *sink)
{
    tuor_slice body = { x->q->body, x->q->body_len };

    return x->protobuf ? otlp_wire_each(body, sink, x) : each_in(body, "resourceSpans", each_resource, x, TUOR_SLICE_NONE, sink);
}

static int count(void *baton, tuor_slice resource, tuor_slice span)
{
    (void)resource, (void)span;
    ((export *)baton)->spans++;
    return 0;
}

static tuor_error *check(export *x)
{
    tuor_request *q = x->q;
    tuor_slice body = { q->body, q->body_len };
    tuor_json_fault fault;
    tuor_json_type type;

    if (x->protobuf) {
        if (otlp_wire_check(body) != APR_SUCCESS) {
            return malformed(q, "a field is broken, cut short, nested too deep or not in UTF-8");
        }
    }
    else if (tuor_json_check(body, &type, NULL, &fault, q->pool) != APR_SUCCESS) {
        return tuor_error_make(q->pool, HTTP_BAD_REQUEST, "The body is not valid JSON: %s (byte %" APR_SIZE_T_FMT ")",
                               fault.message, fault.offset);
    }
    else if (type != TUOR_JSON_OBJECT) {
        return malformed(q, "it must be a JSON object");
    }
    return each_span(x, count) ? malformed(q, "resourceSpans, scopeSpans and spans must be lists of objects, and resource an object")
                               : NULL;
}

/* ---- what becomes of them */

static void reject(export *x, const char *why)
{
    int i;

    x->rejected++;
    for (i = 0; i < x->n_reasons && strcmp(x->reasons[i].why, why); i++)
        ;
    if (i == x->n_reasons) {
        if (i == REASONS_MAX) {
            x->more_reasons++;
            return;
        }
        x->reasons[x->n_reasons++].why = apr_pstrdup(x->q->pool, why);
    }
    x->reasons[i].n++;
}

static void store(export *x)
{
    tuor_error *away = NULL;
    int i;

    if (x->grouped && !x->away) {
        store_traces(x->q, x->group, x->grouped, &away);
        x->away = away;
    }
    else {
        for (i = 0; i < x->grouped; i++) {
            x->group[i].err = x->away;
        }
    }
    for (i = 0; i < x->grouped; i++) {
        if (x->group[i].err) {
            reject(x, x->group[i].err->detail);
        }
        else {
            x->stored++;
        }
    }
    x->grouped = 0;
    x->bytes = 0;
    apr_pool_clear(x->pool);
}

/* The wire's form as JSON; a resource once for all its spans. */
static void transcode(export *x, tuor_slice *resource, tuor_slice *span)
{
    tuor_buf b;

    if (resource->p && resource->p != x->known) {
        apr_pool_clear(x->resource_pool);
        tuor_buf_init(&x->resource, x->resource_pool);
        otlp_wire_resource(&x->resource, *resource);
        x->known = resource->p;
    }
    if (resource->p) {
        *resource = (tuor_slice){ x->resource.p, x->resource.len };
    }
    tuor_buf_init(&b, x->scratch);
    otlp_wire_span(&b, *span);
    *span = (tuor_slice){ b.p, b.len };
}

static char *copy(apr_pool_t *pool, tuor_slice *s)
{
    return (char *)(s->p = apr_pmemdup(pool, s->p, s->len));
}

static int take(void *baton, tuor_slice resource, tuor_slice span)
{
    export *x = baton;
    tuor_trace_in *t = &x->group[x->grouped];
    int number = x->seen++;
    const char *why;

    if (number >= SPANS_MAX) {
        reject(x, "more than 10000 spans in a request");
        return 0;
    }
    if (number > x->granted) {
        reject(x, x->refused ? x->refused->detail : "the quota is used up");
        return 0;
    }
    if (resource.len > RESOURCE_MAX || span.len > 3 * tuor_max_payload(x->q->r->server) + ENVELOPE_MAX) {
        reject(x, resource.len > RESOURCE_MAX ? "the resource is larger than 64 KiB" : "the span is larger than three payloads");
        return 0;
    }
    memset(t, 0, sizeof(*t));
    if (x->protobuf) {
        transcode(x, &resource, &span);
    }
    why = span_read(t, x->q, resource, span, x->scratch);
    if (why) {
        reject(x, why);
    }
    else {
        t->project = apr_pstrdup(x->pool, t->project);
        t->same = apr_pstrdup(x->pool, t->same);        /* NULL stays NULL */
        copy(x->pool, &t->input);
        copy(x->pool, &t->output);
        copy(x->pool, &t->config);
        t->at = x->q->now + number;
        x->bytes += t->input.len + t->output.len + t->config.len;
        x->grouped++;
    }
    apr_pool_clear(x->scratch);
    if (x->grouped == GROUP_TRACES || x->bytes >= GROUP_BYTES) {
        store(x);
    }
    return 0;
}

/* ---- the answer */

static const char *reasons(export *x)
{
    tuor_buf b;
    int i;

    tuor_buf_init(&b, x->q->pool);
    for (i = 0; i < x->n_reasons; i++) {
        tuor_buf_printf(&b, "%s%d span%s: ", i ? "; " : "", x->reasons[i].n, x->reasons[i].n == 1 ? "" : "s");
        tuor_buf_puts(&b, x->reasons[i].why);
    }
    if (x->more_reasons) {
        tuor_buf_printf(&b, "; and %d for other reasons", x->more_reasons);
    }
    return tuor_buf_text(&b);
}

static void put_varint(tuor_buf *b, apr_uint64_t v)
{
    char c;

    for (; v > 0x7f; v >>= 7) {
        c = (char)((v & 0x7f) | 0x80);
        tuor_buf_add(b, &c, 1);
    }
    c = (char)v;
    tuor_buf_add(b, &c, 1);
}

static tuor_error *answer(export *x)
{
    tuor_reply *rp = tuor_reply_begin(x->q, HTTP_OK, x->protobuf ? PROTOBUF : JSON);
    const char *why = x->rejected ? reasons(x) : "";
    tuor_buf partial, all;

    if (x->rejected) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, x->q->r, TUORNO(1101) "%s %d of %d spans were not stored: %s",
                      tuor_log_ids(x->q->r), x->rejected, x->spans, why);
    }
    if (!x->protobuf) {
        tuor_reply_puts(rp, "{");
        if (x->rejected) {
            tuor_reply_printf(rp, "\"partialSuccess\":{\"rejectedSpans\":\"%d\",\"errorMessage\":", x->rejected);
            tuor_reply_json(rp, why);
            tuor_reply_puts(rp, "}");
        }
        tuor_reply_puts(rp, "}");
    }
    else if (x->rejected) {
        tuor_buf_init(&partial, x->q->pool);
        tuor_buf_init(&all, x->q->pool);
        tuor_buf_add(&partial, "\x08", 1);
        put_varint(&partial, (apr_uint64_t)x->rejected);
        tuor_buf_add(&partial, "\x12", 1);
        put_varint(&partial, strlen(why));
        tuor_buf_puts(&partial, why);
        tuor_buf_add(&all, "\x0a", 1);
        put_varint(&all, partial.len);
        tuor_buf_add(&all, partial.p, partial.len);
        tuor_reply_slice(rp, (tuor_slice){ all.p, all.len });
    }
    return tuor_reply_end(rp);
}

tuor_error *otlp_export(tuor_request *q)
{
    export *x = apr_pcalloc(q->pool, sizeof(*x));
    tuor_error *err;

    x->q = q;
    x->protobuf = has_type(q->r, PROTOBUF);
    if (!store_traces) {
        return tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE, "This server stores no traces: mod_tuor_traces is not loaded");
    }
    if (!x->protobuf && !has_type(q->r, JSON)) {
        return tuor_error_make(q->pool, HTTP_UNSUPPORTED_MEDIA_TYPE, "Send the body as Content-Type: " PROTOBUF " or " JSON);
    }
    if ((err = tuor_auth_verify(q)) || (err = decoding(q)) || (err = tuor_body_read(q, x->protobuf ? PROTOBUF : JSON, BODY_MAX))
        || (err = tuor_query(q, NULL, 0)) || (err = check(x)) || (err = tuor_faults(q))) {
        return err;
    }
    x->granted = x->spans > SPANS_MAX ? SPANS_MAX - 1 : x->spans - 1;
    if (x->granted > 0) {
        tuor_run_admit_more(q, x->granted, &x->granted, &x->refused);
    }
    apr_pool_create(&x->pool, q->pool);
    apr_pool_create(&x->scratch, q->pool);
    apr_pool_create(&x->resource_pool, q->pool);
    (void)each_span(x, take);
    store(x);
    /* Nothing is stored, and nothing but the database is to blame: the whole request can be sent again. */
    return x->away && !x->stored ? x->away : answer(x);
}
