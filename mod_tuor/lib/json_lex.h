/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file json_lex.h
 * Private to lib/: the byte loops that the JSON files share.
 *
 * All of them take an end and never read past it, so that a text that was not validated after
 * all gives a wrong answer, not a wrong access.
 */
#ifndef TUOR_JSON_LEX_H
#define TUOR_JSON_LEX_H

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include "tuor_json.h"

static inline int json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_skip_space(const char *p, const char *end)
{
    while (p < end && json_is_space(*p))
        ++p;
    return p;
}

/** Whether a byte in a string wants a closer look: a quote, a backslash, a control, not ASCII. */
static inline int json_is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20 || (unsigned char)c >= 0x80;
}

/** The first special byte at or after p, or end. Sixteen bytes at a time where the CPU can. */
static inline const char *json_skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* The comparison is signed: bytes from 0x80 are negative, so less than a space too. */
        __m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);

        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && !json_is_special(*p))
        ++p;
    return p;
}

/** The first quote or backslash at or after p, or end. */
static inline const char *json_skip_to_quote(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));

        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\')
        ++p;
    return p;
}

/** Past the closing quote of a valid string; p stands behind the opening one. */
static inline const char *json_skip_string(const char *p, const char *end)
{
    for (;;) {
        p = json_skip_to_quote(p, end);
        if (p == end)
            return end;
        if (*p == '"')
            return p + 1;
        p = end - p >= 2 ? p + 2 : end;     /* \u needs no more: its digits are plain */
    }
}

/** Past a valid value that starts at p. */
const char *tuor_json_skip_value(const char *p, const char *end);

/**
 * The next code point of a valid string's inside, escapes decoded and surrogate pairs joined; a
 * lone surrogate comes back as itself, which no UTF-8 gives, so that equal sequences of code
 * points are equal sequences of code units.
 * @param p moved past it; must be before end
 */
apr_uint32_t tuor_json_code_point(const char **p, const char *end);

/** Write a code point as UTF-8 (a surrogate as three bytes). @return past it; 4 bytes at most */
char *tuor_json_put_utf8(char *out, apr_uint32_t c);

/**
 * The decoded text of a key or string's inside, in a form where equal texts have equal bytes: UTF-8, with
 * lone surrogates as three bytes. The slice itself when it has no escapes; else in the pool.
 */
tuor_slice tuor_json_plain(tuor_slice text, apr_pool_t *pool);

#endif
