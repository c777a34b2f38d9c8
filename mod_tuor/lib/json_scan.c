/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include <limits.h>

#include "json_scan.h"

int tuor_scan_fail(tuor_scan *s, const char *p, const char *message)
{
    s->p = p;
    s->message = message;
    return 0;
}

void tuor_scan_begin(tuor_scan *s, tuor_slice text, apr_pool_t *pool)
{
    memset(s, 0, sizeof(*s));
    s->p = s->start = text.p ? text.p : "";
    s->end = s->start + (text.p ? text.len : 0);
    s->pool = pool;
    s->open = s->first;
    s->words = 1;
}

/* ---- strings ---- */

static int is_tail(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The length of the UTF-8 sequence at p, or 0: no overlong forms, no surrogates, at most U+10FFFF. */
static int utf8_length(const char *p, const char *end)
{
    unsigned char c = (unsigned char)p[0], d;

    if (end - p < 2 || !is_tail(p[1]))
        return 0;
    d = (unsigned char)p[1];
    if (c < 0xE0)
        return c < 0xC2 ? 0 : 2;
    if (end - p < 3 || !is_tail(p[2]))
        return 0;
    if (c < 0xF0)
        return (c == 0xE0 && d < 0xA0) || (c == 0xED && d >= 0xA0) ? 0 : 3;
    if (end - p < 4 || !is_tail(p[3]))
        return 0;
    return c > 0xF4 || (c == 0xF0 && d < 0x90) || (c == 0xF4 && d >= 0x90) ? 0 : 4;
}

/* Past a run of UTF-8 that is not ASCII, as text in other scripts has, or to its first fault. */
static const char *skip_utf8(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p >= 0x80) {
        int n = utf8_length(p, end);

        if (n == 0)
            break;
        p += n;
    }
    return p;
}

static int is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The length of the escape whose backslash is at p, or 0. */
static int escape_length(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return 2;
    case 'u':
        return end - p >= 6 && is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) && is_hex(p[5]) ? 6 : 0;
    }
    return 0;
}

/* From the opening quote to past the closing one. */
static int string(tuor_scan *s)
{
    const char *p = s->p + 1, *end = s->end;
    int n;

    for (;;) {
        p = json_skip_plain(p, end);
        if (p == end)
            return tuor_scan_fail(s, p, "a string is not closed");
        if (*p == '"') {
            s->p = p + 1;
            return 1;
        }
        if (*p == '\\') {
            if ((n = escape_length(p, end)) == 0)
                return tuor_scan_fail(s, p, "a string has an invalid escape");
            p += n;
            continue;
        }
        if ((unsigned char)*p < 0x20)
            return tuor_scan_fail(s, p, "a string has a raw control character");
        p = skip_utf8(p, end);
        if (p < end && (unsigned char)*p >= 0x80)
            return tuor_scan_fail(s, p, "a string has invalid UTF-8");
    }
}

/* ---- other scalars ---- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        ++p;
    return p;
}

static int number(tuor_scan *s)
{
    const char *p = s->p, *end = s->end, *q;

    if (*p == '-')
        ++p;
    q = digits(p, end);
    if (q == p)
        return tuor_scan_fail(s, q, "a number has no digits");
    if (*p == '0' && q - p > 1)
        return tuor_scan_fail(s, p, "a number has a leading zero");
    p = q;
    if (p < end && *p == '.') {
        q = digits(++p, end);
        if (q == p)
            return tuor_scan_fail(s, q, "a number has no digits after its point");
        p = q;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        ++p;
        if (p < end && (*p == '+' || *p == '-'))
            ++p;
        q = digits(p, end);
        if (q == p)
            return tuor_scan_fail(s, q, "a number has no digits in its exponent");
        p = q;
    }
    s->p = p;
    return 1;
}

static int word(tuor_scan *s, const char *text, apr_size_t len)
{
    if ((apr_size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
        return tuor_scan_fail(s, s->p, "a word is not true, false or null");
    s->p += len;
    return 1;
}

static int scalar(tuor_scan *s)
{
    if (s->p == s->end)
        return tuor_scan_fail(s, s->p, "the text ends where a value should stand");
    switch (*s->p) {
    case '"':
        return string(s);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return number(s);
    case 't':
        return word(s, "true", 4);
    case 'f':
        return word(s, "false", 5);
    case 'n':
        return word(s, "null", 4);
    }
    return tuor_scan_fail(s, s->p, "a character stands where a value should");
}

/* ---- structure ---- */

static void more_words(tuor_scan *s)
{
    apr_uint64_t *open = apr_palloc(s->pool, 2 * s->words * sizeof(*open));

    memcpy(open, s->open, s->words * sizeof(*open));
    s->open = open;
    s->words *= 2;          /* bounded by unsigned depth / 64: no overflow */
}

static int push(tuor_scan *s, int object)
{
    apr_size_t word = s->depth / 64;
    apr_uint64_t bit = (apr_uint64_t)1 << s->depth % 64;

    if (s->depth == UINT_MAX - 1)
        return tuor_scan_fail(s, s->p, "brackets are nested too deep");
    if (word == s->words)
        more_words(s);
    if (s->object)
        s->open[word] |= bit;
    else
        s->open[word] &= ~bit;
    s->object = object;
    if (++s->depth > s->deepest)
        s->deepest = s->depth;
    ++s->p;
    return 1;
}

static void pop(tuor_scan *s)
{
    --s->depth;
    s->object = s->open[s->depth / 64] >> s->depth % 64 & 1;
    ++s->p;
}

int tuor_scan_name(tuor_scan *s)
{
    const char *start = s->p;

    if (!scan_at(s, '"'))
        return tuor_scan_fail(s, s->p, "a member's name should stand here, in quotes");
    if (!string(s))
        return 0;
    s->name.p = start + 1;
    s->name.len = (apr_size_t)(s->p - start) - 2;
    scan_space(s);
    if (!scan_at(s, ':'))
        return tuor_scan_fail(s, s->p, "a colon is missing after a member's name");
    ++s->p;
    scan_space(s);
    return 1;
}

/* Through opening brackets to the end of the first scalar or empty container. */
static int descend(tuor_scan *s)
{
    for (;;) {
        int object = scan_at(s, '{');

        if (!object && !scan_at(s, '['))
            return scalar(s);
        if (!push(s, object))
            return 0;
        scan_space(s);
        if (scan_at(s, object ? '}' : ']')) {
            pop(s);
            return 1;
        }
        if (object && !tuor_scan_name(s))
            return 0;
    }
}

int tuor_scan_fail_unclosed(tuor_scan *s)
{
    return tuor_scan_fail(s, s->p, s->p == s->end ? "a bracket is not closed"
                                                  : "a comma or a closing bracket is missing");
}

/* From the end of a value through closing brackets to the next value, or to the end of all. */
static int ascend(tuor_scan *s)
{
    while (s->depth > 0) {
        scan_space(s);
        if (scan_at(s, ',')) {
            ++s->p;
            scan_space(s);
            return s->object ? tuor_scan_name(s) : 1;
        }
        if (!scan_at(s, s->object ? '}' : ']'))
            return tuor_scan_fail_unclosed(s);
        pop(s);
    }
    return 1;
}

int tuor_scan_value(tuor_scan *s)
{
    s->depth = s->deepest = 0;
    s->object = s->spaced = 0;
    do {
        if (!descend(s) || !ascend(s))
            return 0;
    } while (s->depth > 0);
    return 1;
}
