/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Writing small JSON texts into a buffer that doubles within a pool: what it leaves behind in the
 * pool is never more than its last size.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_lex.h"

#define FIRST_SIZE 256
#define SHORT 64                /* what a format usually makes, with its NUL */

void tuor_buf_init(tuor_buf *b, apr_pool_t *pool)
{
    b->pool = pool;
    b->p = NULL;
    b->len = b->size = 0;
}

/* Room for more bytes and a final NUL. */
static void reserve(tuor_buf *b, apr_size_t more)
{
    apr_size_t need, size = b->size ? b->size : FIRST_SIZE;
    char *p;

    if (more >= APR_SIZE_MAX / 2 - b->len)
        abort();                        /* no such text fits in memory */
    need = b->len + more + 1;
    if (need <= b->size)
        return;
    while (size < need)
        size *= 2;                      /* need is below half of the range */
    p = apr_palloc(b->pool, size);
    if (b->len)
        memcpy(p, b->p, b->len);
    b->p = p;
    b->size = size;
}

void tuor_buf_add(tuor_buf *b, const char *p, apr_size_t len)
{
    if (len == 0)
        return;
    reserve(b, len);
    memcpy(b->p + b->len, p, len);
    b->len += len;
}

void tuor_buf_puts(tuor_buf *b, const char *s)
{
    tuor_buf_add(b, s, strlen(s));
}

void tuor_buf_printf(tuor_buf *b, const char *fmt, ...)
{
    va_list args, again;
    int n;

    if (!fmt)
        abort();                        /* a faulty format is a faulty program */
    va_start(args, fmt);
    va_copy(again, args);
    reserve(b, SHORT);
    n = vsnprintf(b->p + b->len, SHORT, fmt, args);
    if (n < 0)
        abort();
    if (n >= SHORT) {
        reserve(b, (apr_size_t)n);
        vsnprintf(b->p + b->len, (apr_size_t)n + 1, fmt, again);
    }
    b->len += (apr_size_t)n;
    va_end(again);
    va_end(args);
}

/* A byte that must not stand in a string as it is. */
static void escape(tuor_buf *b, unsigned char c)
{
    static const char short_for[] = "btn?fr";       /* 8 to 13; 11 has none */

    if (c == '"' || c == '\\') {
        char pair[2] = { '\\', (char)c };
        tuor_buf_add(b, pair, 2);
    }
    else if (c >= '\b' && c <= '\r' && c != '\v') {
        char pair[2] = { '\\', short_for[c - '\b'] };
        tuor_buf_add(b, pair, 2);
    }
    else {
        tuor_buf_printf(b, "\\u%04x", c);
    }
}

/* Three bytes that decoding made of a lone surrogate: the escape is the only way to write it. */
static int is_surrogate(const char *p, const char *end)
{
    return end - p >= 3 && p[0] == '\xED' && (unsigned char)p[1] >= 0xA0;
}

void tuor_buf_json_slice(tuor_buf *b, tuor_slice s)
{
    const char *p = s.p, *end, *run;

    if (!p) {
        tuor_buf_puts(b, "null");
        return;
    }
    end = p + s.len;
    tuor_buf_add(b, "\"", 1);
    for (run = p; (p = json_skip_plain(p, end)) < end;) {
        if ((unsigned char)*p >= 0x80 && !is_surrogate(p, end)) {
            ++p;
            continue;
        }
        tuor_buf_add(b, run, (apr_size_t)(p - run));
        if ((unsigned char)*p < 0x80) {
            escape(b, (unsigned char)*p++);
        }
        else {
            const char *at = p;

            tuor_buf_printf(b, "\\u%04x", tuor_json_code_point(&at, end));
            p = at;
        }
        run = p;
    }
    tuor_buf_add(b, run, (apr_size_t)(end - run));
    tuor_buf_add(b, "\"", 1);
}

void tuor_buf_json(tuor_buf *b, const char *s)
{
    tuor_buf_json_slice(b, (tuor_slice){ s, s ? strlen(s) : 0 });
}

void tuor_buf_raw(tuor_buf *b, tuor_slice value)
{
    if (value.p)
        tuor_buf_add(b, value.p, value.len);
    else
        tuor_buf_puts(b, "null");
}

const char *tuor_buf_text(tuor_buf *b)
{
    reserve(b, 0);
    b->p[b->len] = '\0';
    return b->p;
}
