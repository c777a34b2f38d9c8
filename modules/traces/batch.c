/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/batch: NDJSON, a create body a line; NDJSON back, what became of each.
 *
 * Lines are cut, read and compacted in the body's own buffer and stored group by group. A line
 * that is wrong, or whose group meets a database that is gone, says so by itself: the others are not
 * concerned.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

#define TYPE "application/x-ndjson"
#define BODY_MAX (64 * 1024 * 1024)
#define LINES_MAX 1000

typedef struct line {
    tuor_slice text;
    draft d;
} line;

typedef struct batch {
    tuor_request *q;
    line *lines;
    int n;
    group g;
} batch;

static int is_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
    }
    return p == end;
}

/* The next line that is not blank. A carriage return before its end is white space to JSON. @return 0 behind the last */
static int next_line(tuor_slice *out, const char **p, const char *end)
{
    while (*p < end) {
        const char *start = *p, *stop = memchr(start, '\n', (apr_size_t)(end - start));

        if (!stop) {
            stop = end;
        }
        *p = stop < end ? stop + 1 : end;
        if (!is_blank(start, stop)) {
            *out = (tuor_slice){ start, (apr_size_t)(stop - start) };
            return 1;
        }
    }
    return 0;
}

static tuor_error *cut(batch *b)
{
    const char *p = b->q->body, *end = p + b->q->body_len;
    tuor_slice text;
    int i;

    while (next_line(&text, &p, end)) {
        b->n++;
    }
    if (b->n > LINES_MAX) {
        tuor_fault(b->q, "body", "has %d lines; the limit is %d lines, and nothing was stored", b->n, LINES_MAX);
        return tuor_faults(b->q);
    }
    b->lines = apr_pcalloc(b->q->pool, (apr_size_t)(b->n + 1) * sizeof(*b->lines));
    p = b->q->body;
    for (i = 0; i < b->n; i++) {
        next_line(&b->lines[i].text, &p, end);
    }
    return NULL;
}

/* Count each trace; the first has been. Those beyond the quota are not looked at. */
static void admit(batch *b)
{
    int more = b->n - 1, granted = more, i;
    tuor_error *err = NULL;

    if (more > 0) {
        tuor_run_admit_more(b->q, more, &granted, &err);
    }
    for (i = granted + 1; i < b->n; i++) {
        b->lines[i].d.err = err;
    }
}

static void read_line(batch *b, line *l, int number, apr_pool_t *scratch)
{
    draft *d = &l->d;

    b->q->faults = NULL;
    d->err = draft_read(d, b->q, l->text, "line", scratch);
    if (d->err) {
        return;
    }
    /* A microsecond apart: a list that goes by time keeps the order of the lines. */
    d->at = b->q->now + number;
    d->id = tuor_id("trace", d->at, b->q->pool);
    group_add(&b->g, d);
}

static void store_all(batch *b)
{
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, b->q->pool);
    for (i = 0; i < b->n; i++) {
        if (!b->lines[i].d.err) {
            read_line(b, &b->lines[i], i, scratch);
            apr_pool_clear(scratch);
        }
    }
    apr_pool_destroy(scratch);
    group_store(&b->g);
    b->q->faults = NULL;
}

static tuor_error *answer(batch *b)
{
    tuor_reply *rp = tuor_reply_begin(b->q, HTTP_OK, TYPE);
    tuor_buf members;
    int i;

    tuor_buf_init(&members, b->q->pool);
    for (i = 0; i < b->n; i++) {
        const draft *d = &b->lines[i].d;

        tuor_reply_printf(rp, "{\"status\":%d,", d->err ? d->err->status : HTTP_CREATED);
        if (d->err) {
            members.len = 0;
            tuor_error_members(&members, d->err);
            tuor_reply_puts(rp, tuor_buf_text(&members));
        }
        else {
            tuor_reply_printf(rp, "\"trace_id\":\"%s\"", d->id);
        }
        tuor_reply_puts(rp, "}\n");
    }
    return tuor_reply_end(rp);
}

tuor_error *traces_batch(tuor_request *q)
{
    batch *b = apr_pcalloc(q->pool, sizeof(*b));
    tuor_error *err;

    b->q = b->g.q = q;
    /* A key that is no good any more shall not send 64 MB first. */
    if ((err = tuor_auth_verify(q)) || (err = tuor_body_read(q, TYPE, BODY_MAX)) || (err = tuor_query(q, NULL, 0))
        || (err = tuor_faults(q)) || (err = cut(b))) {
        return err;
    }
    admit(b);
    store_all(b);
    /* Nothing is stored, and nothing but the database is to blame: the whole request can be sent again. */
    return b->g.away && !b->g.stored ? b->g.away : answer(b);
}
