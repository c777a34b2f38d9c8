/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Answers: small pieces are gathered in a buffer, big ones travel as buckets of their own, so that
 * a payload column goes from libpq's memory to the socket without a copy of ours.
 *
 * An answer that is never flushed is kept whole and gets a Content-Length. After the first flush it
 * streams: each flush hands everything down the filters, blocks while the client is slow, and the
 * buffer is used again, so that an answer of any length takes constant memory.
 */
#include "core.h"

#include <util_filter.h>

APLOG_USE_MODULE(tuor);

/* From here on a bucket of its own is cheaper than a copy. */
#define BIG 8192

/* What is gathered before it becomes a bucket; a longer buffer would only be copied as it grows. */
#define CHUNK 16000

struct tuor_reply {
    tuor_buf buf;               /* first: tuor_reply_add() is inline and knows no more */
    tuor_request *q;
    apr_bucket_brigade *bb;
    apr_size_t queued;          /* bytes in bb */
    int streaming;
    int gone;                   /* the client has left */
};

tuor_reply *tuor_reply_begin(tuor_request *q, int status, const char *content_type)
{
    tuor_reply *rp = apr_pcalloc(q->pool, sizeof(*rp));

    rp->q = q;
    q->answered = 1;
    rp->bb = apr_brigade_create(q->pool, q->r->connection->bucket_alloc);
    tuor_buf_init(&rp->buf, q->pool);
    q->r->status = status;
    ap_set_content_type(q->r, content_type);
    if (!apr_table_get(q->r->headers_out, "Cache-Control")) {
        apr_table_setn(q->r->headers_out, "Cache-Control", "no-store");
    }
    return rp;
}

/* The gathered text as a bucket. Its memory stays with the pool; streaming passes it on at once and uses it again. */
static void queue_buf(tuor_reply *rp)
{
    apr_bucket_alloc_t *alloc = rp->bb->bucket_alloc;

    if (!rp->buf.len) {
        return;
    }
    APR_BRIGADE_INSERT_TAIL(rp->bb, rp->streaming
        ? apr_bucket_transient_create(rp->buf.p, rp->buf.len, alloc)
        : apr_bucket_pool_create(rp->buf.p, rp->buf.len, rp->q->pool, alloc));
    rp->queued += rp->buf.len;
    if (!rp->streaming) {
        tuor_buf_init(&rp->buf, rp->q->pool);
    }
}

static void pass(tuor_reply *rp)
{
    if (!rp->gone && ap_pass_brigade(rp->q->r->output_filters, rp->bb) != APR_SUCCESS) {
        rp->gone = 1;
    }
    rp->gone |= rp->q->r->connection->aborted;
    apr_brigade_cleanup(rp->bb);
    rp->queued = 0;
}

void tuor_reply_add_more(tuor_reply *rp, const char *text, apr_size_t len)
{
    if (rp->buf.len + len > CHUNK && !rp->streaming) {
        queue_buf(rp);
        rp->buf.p = apr_palloc(rp->q->pool, CHUNK);     /* a long answer: it will be full */
        rp->buf.size = CHUNK;
    }
    tuor_buf_add(&rp->buf, text, len);
}

void tuor_reply_printf(tuor_reply *rp, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = apr_vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tuor_buf_add(&rp->buf, text, (apr_size_t)n);
}

void tuor_reply_slice(tuor_reply *rp, tuor_slice s)
{
    if (s.len < BIG) {
        tuor_reply_add(rp, s.p, s.len);
    }
    else if (rp->streaming) {
        tuor_reply_flush(rp);
        APR_BRIGADE_INSERT_TAIL(rp->bb, apr_bucket_transient_create(s.p, s.len, rp->bb->bucket_alloc));
        pass(rp);
    }
    else {
        queue_buf(rp);
        APR_BRIGADE_INSERT_TAIL(rp->bb, apr_bucket_pool_create(s.p, s.len, rp->q->pool, rp->bb->bucket_alloc));
        rp->queued += s.len;
    }
}

void tuor_reply_raw(tuor_reply *rp, tuor_slice value)
{
    tuor_reply_slice(rp, value.p ? value : TUOR_SLICE("null"));
}

void tuor_reply_json(tuor_reply *rp, const char *s)
{
    tuor_buf_json(&rp->buf, s);
}

void tuor_reply_int(tuor_reply *rp, apr_int64_t n)
{
    apr_uint64_t left = n < 0 ? -(apr_uint64_t)n : (apr_uint64_t)n;
    char text[20], *p = text + sizeof(text);

    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (n < 0) {
        *--p = '-';
    }
    tuor_reply_add(rp, p, (apr_size_t)(text + sizeof(text) - p));
}

void tuor_reply_time(tuor_reply *rp, apr_time_t t)
{
    char text[TUOR_TIME_LEN + 2];

    if (!t) {
        tuor_reply_puts(rp, "null");
        return;
    }
    text[0] = '"';
    tuor_time_format(text + 1, t);
    text[TUOR_TIME_LEN] = '"';
    tuor_reply_add(rp, text, TUOR_TIME_LEN + 1);
}

/* Slices that were to live as long as the request: from now on a filter that keeps one has to copy it. */
static void shorten_lives(apr_bucket_brigade *bb)
{
    apr_bucket *e, *next, *transient;
    const char *data;
    apr_size_t len;

    for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb); e = next) {
        next = APR_BUCKET_NEXT(e);
        if (APR_BUCKET_IS_POOL(e) && apr_bucket_read(e, &data, &len, APR_BLOCK_READ) == APR_SUCCESS) {
            transient = apr_bucket_transient_create(data, len, bb->bucket_alloc);
            APR_BUCKET_INSERT_BEFORE(e, transient);
            apr_bucket_delete(e);
        }
    }
}

int tuor_reply_flush(tuor_reply *rp)
{
    queue_buf(rp);
    if (!rp->streaming) {
        shorten_lives(rp->bb);
        rp->streaming = 1;      /* headers and first bytes leave at once */
        APR_BRIGADE_INSERT_TAIL(rp->bb, apr_bucket_flush_create(rp->bb->bucket_alloc));
    }
    if (!APR_BRIGADE_EMPTY(rp->bb)) {
        pass(rp);
    }
    rp->buf.len = 0;
    return rp->gone;
}

apr_size_t tuor_reply_pending(const tuor_reply *rp)
{
    return rp->queued + rp->buf.len;
}

tuor_error *tuor_reply_end(tuor_reply *rp)
{
    queue_buf(rp);
    if (!rp->streaming) {
        ap_set_content_length(rp->q->r, (apr_off_t)rp->queued);
    }
    APR_BRIGADE_INSERT_TAIL(rp->bb, apr_bucket_eos_create(rp->bb->bucket_alloc));
    pass(rp);
    rp->buf.len = 0;
    return NULL;
}

/*
 * httpd's own sign for an answer that cannot be completed, as mod_proxy gives it: the chunk filter
 * leaves the last chunk out, HTTP/2 resets the stream.
 */
tuor_error *tuor_reply_abort(tuor_reply *rp)
{
    request_rec *r = rp->q->r;

    r->connection->keepalive = AP_CONN_CLOSE;
    APR_BRIGADE_INSERT_TAIL(rp->bb, ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, rp->q->pool, rp->bb->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(rp->bb, apr_bucket_eos_create(rp->bb->bucket_alloc));
    pass(rp);
    return NULL;
}
