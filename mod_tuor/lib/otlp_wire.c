/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A reader of protobuf for the messages of OTLP traces. Fields that are not known, and known ones of
 * another wire type, are passed over, as protobuf wants it. Checking and writing is one code: without
 * a buffer nothing is written.
 */
#include "otlp_wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values within values; protobuf's own readers stop at 100 messages. */
#define NESTED_MAX 30

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct field {
    apr_uint64_t number;
    int type;
    apr_uint64_t value;                 /* of VARINT and FIXED64 */
    tuor_slice bytes;                   /* of BYTES */
} field;

static int varint(apr_uint64_t *v, tuor_slice *in)
{
    int shift;

    *v = 0;
    for (shift = 0; shift < 64 && in->len; shift += 7) {
        unsigned char c = (unsigned char)*in->p++;

        in->len--;
        if (shift == 63 && c > 1) {
            return 0;
        }
        *v |= (apr_uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            return 1;
        }
    }
    return 0;
}

static int fixed(apr_uint64_t *v, tuor_slice *in, unsigned n)
{
    unsigned i;

    if (in->len < n) {
        return 0;
    }
    *v = 0;
    for (i = 0; i < n; i++) {
        *v |= (apr_uint64_t)(unsigned char)in->p[i] << (8 * i);
    }
    in->p += n;
    in->len -= n;
    return 1;
}

/* @return 1 and a field, 0 at the end, -1 when the message is broken */
static int next(field *f, tuor_slice *in)
{
    apr_uint64_t tag, len;

    if (!in->len) {
        return 0;
    }
    if (!varint(&tag, in) || !(tag >> 3) || tag >> 32) {
        return -1;
    }
    f->number = tag >> 3;
    f->type = (int)(tag & 7);
    f->value = 0;
    f->bytes = TUOR_SLICE_NONE;
    switch (f->type) {
    case VARINT:
        return varint(&f->value, in) ? 1 : -1;
    case FIXED64:
        return fixed(&f->value, in, 8) ? 1 : -1;
    case FIXED32:
        return fixed(&f->value, in, 4) ? 1 : -1;
    case BYTES:
        if (!varint(&len, in) || len > in->len) {
            return -1;
        }
        f->bytes = (tuor_slice){ in->p, (apr_size_t)len };
        in->p += len;
        in->len -= (apr_size_t)len;
        return 1;
    default:
        return -1;
    }
}

static int is(const field *f, unsigned number, int type)
{
    return f->number == number && f->type == type;
}

/* The table of RFC 3629, section 4. */
static int is_utf8(tuor_slice s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;

    while (p < end) {
        unsigned char c = *p++, low = 0x80, high = 0xBF;
        int tails = c < 0x80 ? 0 : c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;

        low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        if (tails < 0 || end - p < tails) {
            return 0;
        }
        for (; tails > 0; tails--, p++, low = 0x80, high = 0xBF) {
            if (*p < low || *p > high) {
                return 0;
            }
        }
    }
    return 1;
}

/* ---- writing, if there is a buffer */

static void put(tuor_buf *out, const char *s)
{
    if (out) {
        tuor_buf_puts(out, s);
    }
}

static int put_text(tuor_buf *out, tuor_slice s)
{
    if (!is_utf8(s)) {
        return 0;
    }
    if (out) {
        tuor_buf_json_slice(out, s.len ? s : TUOR_SLICE(""));
    }
    return 1;
}

static void put_hex(tuor_buf *out, tuor_slice s)
{
    apr_size_t i;

    put(out, "\"");
    for (i = 0; out && i < s.len && i < 16; i++) {
        tuor_buf_printf(out, "%02x", (unsigned char)s.p[i]);
    }
    put(out, "\"");
}

static void put_base64(tuor_buf *out, tuor_slice s)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)s.p;
    apr_size_t i;

    put(out, "\"");
    for (i = 0; out && i < s.len; i += 3) {
        unsigned n = (unsigned)p[i] << 16 | (i + 1 < s.len ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < s.len ? p[i + 2] : 0);
        char four[4] = { set[n >> 18], set[n >> 12 & 63], i + 1 < s.len ? set[n >> 6 & 63] : '=',
                         i + 2 < s.len ? set[n & 63] : '=' };

        tuor_buf_add(out, four, 4);
    }
    put(out, "\"");
}

/* The shortest of the forms that read back as the same number. */
static void put_double(tuor_buf *out, apr_uint64_t bits)
{
    char text[40];
    double d;
    int digits;

    memcpy(&d, &bits, sizeof(d));
    if (!isfinite(d)) {
        put(out, isnan(d) ? "\"NaN\"" : d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    for (digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d) {
            break;
        }
    }
    put(out, text);
}

/* ---- the messages. Each: 0 when it is broken */

typedef int reader(tuor_buf *out, tuor_slice message, int level);

/* All of a repeated field, as a JSON array. */
static int list(tuor_buf *out, tuor_slice message, unsigned number, reader *read, int level)
{
    const char *comma = "";
    field f;
    int rv;

    put(out, "[");
    while ((rv = next(&f, &message)) > 0) {
        if (is(&f, number, BYTES)) {
            put(out, comma);
            comma = ",";
            if (!read(out, f.bytes, level)) {
                return 0;
            }
        }
    }
    put(out, "]");
    return rv == 0;
}

static int any_value(tuor_buf *out, tuor_slice message, int level);

static int key_value(tuor_buf *out, tuor_slice message, int level)
{
    tuor_slice key = TUOR_SLICE(""), value = TUOR_SLICE("");
    field f;
    int rv;

    while ((rv = next(&f, &message)) > 0) {
        if (is(&f, 1, BYTES)) {
            key = f.bytes;
        }
        else if (is(&f, 2, BYTES)) {
            value = f.bytes;
        }
    }
    put(out, "{\"key\":");
    if (rv < 0 || !put_text(out, key)) {
        return 0;
    }
    put(out, ",\"value\":");
    rv = any_value(out, value, level);
    put(out, "}");
    return rv;
}

static int any_value(tuor_buf *out, tuor_slice message, int level)
{
    field f, last = { 0, 0, 0, { NULL, 0 } };
    int rv, sound = 1;

    while ((rv = next(&f, &message)) > 0) {
        if (is(&f, 1, BYTES) || is(&f, 2, VARINT) || is(&f, 3, VARINT) || is(&f, 4, FIXED64)
            || (f.number >= 5 && f.number <= 7 && f.type == BYTES)) {
            last = f;
        }
    }
    if (rv < 0 || level >= NESTED_MAX) {
        return 0;
    }
    switch (last.number) {
    case 1:
        put(out, "{\"stringValue\":");
        sound = put_text(out, last.bytes);
        break;
    case 2:
        put(out, last.value ? "{\"boolValue\":true" : "{\"boolValue\":false");
        break;
    case 3:
        if (out) {
            tuor_buf_printf(out, "{\"intValue\":%" APR_INT64_T_FMT, (apr_int64_t)last.value);
        }
        break;
    case 4:
        put(out, "{\"doubleValue\":");
        put_double(out, last.value);
        break;
    case 5:
        put(out, "{\"arrayValue\":{\"values\":");
        sound = list(out, last.bytes, 1, any_value, level + 1);
        put(out, "}");
        break;
    case 6:
        put(out, "{\"kvlistValue\":{\"values\":");
        sound = list(out, last.bytes, 1, key_value, level + 1);
        put(out, "}");
        break;
    case 7:
        put(out, "{\"bytesValue\":");
        put_base64(out, last.bytes);
        break;
    default:
        put(out, "{");
    }
    put(out, "}");
    return sound;
}

static int event(tuor_buf *out, tuor_slice message, int level)
{
    tuor_slice rest = message, name = TUOR_SLICE("");
    field f;
    int rv;

    while ((rv = next(&f, &rest)) > 0) {
        if (is(&f, 2, BYTES)) {
            name = f.bytes;
        }
    }
    put(out, "{\"name\":");
    if (rv < 0 || !put_text(out, name)) {
        return 0;
    }
    put(out, ",\"attributes\":");
    rv = list(out, message, 3, key_value, level);
    put(out, "}");
    return rv;
}

static int span(tuor_buf *out, tuor_slice message)
{
    tuor_slice rest = message;
    field f;
    int rv;

    put(out, "{");
    while ((rv = next(&f, &rest)) > 0) {
        if (is(&f, 1, BYTES) || is(&f, 2, BYTES) || is(&f, 4, BYTES)) {
            put(out, f.number == 1 ? "\"traceId\":" : f.number == 2 ? "\"spanId\":" : "\"parentSpanId\":");
            put_hex(out, f.bytes);
            put(out, ",");
        }
        else if (is(&f, 5, BYTES)) {
            put(out, "\"name\":");
            if (!put_text(out, f.bytes)) {
                return 0;
            }
            put(out, ",");
        }
        else if ((is(&f, 7, FIXED64) || is(&f, 8, FIXED64)) && out) {
            tuor_buf_printf(out, "\"%sTimeUnixNano\":\"%" APR_UINT64_T_FMT "\",", f.number == 7 ? "start" : "end", f.value);
        }
    }
    put(out, "\"attributes\":");
    if (rv < 0 || !list(out, message, 9, key_value, 0)) {
        return 0;
    }
    put(out, ",\"events\":");
    rv = list(out, message, 11, event, 0);
    put(out, "}");
    return rv;
}

static int resource(tuor_buf *out, tuor_slice message)
{
    int rv;

    put(out, "{\"attributes\":");
    rv = list(out, message, 1, key_value, 0);
    put(out, "}");
    return rv;
}

/* ---- the way down to the spans. Each: -1 when it is broken, or what the sink returned */

static int scope_spans(tuor_slice message, tuor_slice of, otlp_wire_sink *sink, void *baton)
{
    field f;
    int rv, stop = 0;

    while ((rv = next(&f, &message)) > 0) {
        if (is(&f, 2, BYTES) && (stop = sink(baton, of, f.bytes))) {
            return stop;
        }
    }
    return rv;
}

static int resource_spans(tuor_slice message, otlp_wire_sink *sink, void *baton)
{
    tuor_slice rest = message, of = TUOR_SLICE_NONE;
    field f;
    int rv, stop;

    while ((rv = next(&f, &rest)) > 0) {
        if (is(&f, 1, BYTES)) {
            of = f.bytes;
        }
    }
    if (rv < 0) {
        return -1;
    }
    while ((rv = next(&f, &message)) > 0) {
        if (is(&f, 2, BYTES) && (stop = scope_spans(f.bytes, of, sink, baton))) {
            return stop;
        }
    }
    return rv;
}

int otlp_wire_each(tuor_slice request, otlp_wire_sink *sink, void *baton)
{
    field f;
    int rv, stop;

    while ((rv = next(&f, &request)) > 0) {
        if (is(&f, 1, BYTES) && (stop = resource_spans(f.bytes, sink, baton))) {
            return stop;
        }
    }
    return rv;
}

/* The resource of many spans is checked once. */
static int check_one(void *baton, tuor_slice of, tuor_slice one)
{
    const char **known = baton;

    if (of.p && of.p != *known) {
        if (!resource(NULL, of)) {
            return -1;
        }
        *known = of.p;
    }
    return span(NULL, one) ? 0 : -1;
}

apr_status_t otlp_wire_check(tuor_slice request)
{
    const char *known = NULL;

    return otlp_wire_each(request, check_one, &known) ? APR_EINVAL : APR_SUCCESS;
}

void otlp_wire_resource(tuor_buf *out, tuor_slice message)
{
    (void)resource(out, message);
}

void otlp_wire_span(tuor_buf *out, tuor_slice message)
{
    (void)span(out, message);
}
