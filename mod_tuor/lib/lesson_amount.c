/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Amounts: an optional unit, a sign, digits with separators, an optional unit. Numbers are never
 * converted: digits are compared as they stand.
 */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "lesson_shape.h"

/* White space, and the no-break ones of U+00A0 and U+202F. @return its bytes */
static apr_size_t blank(const char *s)
{
    return *s == ' ' || *s == '\t' ? 1 : !strncmp(s, "\xC2\xA0", 2) ? 2 : !strncmp(s, "\xE2\x80\xAF", 3) ? 3 : 0;
}

static const char *skip(const char *s)
{
    while (blank(s)) {
        s += blank(s);
    }
    return s;
}

/* A unit or a currency: letters, signs, anything beyond ASCII; short. @return where it ends, or NULL */
static const char *take_unit(char out[LESSON_UNIT], const char *s)
{
    apr_size_t n = 0;

    while (s[n] && !blank(s + n) && (apr_isalpha(s[n]) || strchr("$%/", s[n]) || (unsigned char)s[n] >= 0x80)) {
        if (++n >= LESSON_UNIT) {
            return NULL;
        }
    }
    memcpy(out, s, n);
    out[n] = '\0';
    return s + n;
}

/* A separator between digits: a mark, or a space of which three digits follow. */
static apr_size_t separator(const char *s)
{
    if ((*s == '.' || *s == ',' || *s == '\'') && apr_isdigit(s[1])) {
        return 1;
    }
    if (blank(s) && apr_isdigit(s[blank(s)]) && apr_isdigit(s[blank(s) + 1]) && apr_isdigit(s[blank(s) + 2])
        && !apr_isdigit(s[blank(s) + 3])) {
        return blank(s);
    }
    return 0;
}

typedef struct written {
    char digits[LESSON_DIGITS];
    int n;                      /* how many */
    int marks, last;            /* separators, and the digits before the last of them */
    char mark;                  /* the last of them; a space for any blank */
    int mixed;                  /* the last differs from those before it */
    int regular;                /* every separator but perhaps the last is three digits from the next */
} written;

static const char *take_digits(written *w, const char *s)
{
    memset(w, 0, sizeof(*w));
    w->regular = 1;
    for (;;) {
        if (apr_isdigit(*s)) {
            if (w->n >= LESSON_DIGITS - 1) {
                return NULL;
            }
            w->digits[w->n++] = *s++;
        }
        else if (w->n && separator(s)) {
            char mark = blank(s) ? ' ' : *s;

            if (w->marks) {
                w->regular &= w->n - w->last == 3;
                w->mixed |= mark != w->mark;
            }
            else {
                w->regular &= w->n <= 3;
            }
            w->marks++;
            w->mark = mark;
            w->last = w->n;
            s += separator(s);
        }
        else {
            return w->n ? s : NULL;
        }
    }
}

static void put(lesson_amount *out, const written *w, int negative, const char *unit, int decimal)
{
    apr_size_t first = 0, end = (apr_size_t)w->n;

    memset(out, 0, sizeof(*out));
    out->negative = negative;
    out->decimals = decimal ? w->n - w->last : 0;
    out->point = decimal ? w->mark : 0;
    out->grouped = w->marks > (decimal ? 1 : 0);
    apr_cpystrn(out->unit, unit, sizeof(out->unit));
    while (end > 0 && w->digits[end - 1] == '0') {
        end--;
    }
    while (first < end && w->digits[first] == '0') {
        first++;
    }
    memcpy(out->digits, w->digits + first, end - first);
    out->exponent = end > first ? w->n - (int)end - out->decimals : 0;
    if (end == first) {
        out->negative = 0;
    }
}

/* The last separator marks decimals, groups thousands, or may do either. */
static int interpret(lesson_amount out[2], const written *w, int negative, const char *unit)
{
    int behind = w->n - w->last, n = 0;
    int may_point = w->marks && (w->mark == '.' || w->mark == ',') && (w->marks == 1 || (w->mixed && w->regular));
    int may_group = w->marks && w->regular && behind == 3 && !w->mixed;

    if (!w->marks) {
        put(&out[n++], w, negative, unit, 0);
        return n;
    }
    if (may_point) {
        put(&out[n++], w, negative, unit, 1);
    }
    if (may_group) {
        put(&out[n++], w, negative, unit, 0);
    }
    return n;
}

int lesson_amount_read(lesson_amount out[2], const char *text)
{
    char before[LESSON_UNIT], behind[LESSON_UNIT];
    const char *s = skip(text);
    int paren = *s == '(', negative = paren;
    written w;

    s = skip(s + paren);
    if (*s == '-' || *s == '+') {
        negative |= *s++ == '-';
    }
    s = take_unit(before, skip(s));
    if (!s) {
        return 0;
    }
    /* $-5 is an amount, INV-5 is a name. */
    if (*s == '-' && *before && apr_isalpha(s[-1])) {
        return 0;
    }
    s = skip(s);
    if (*s == '-' || *s == '+') {
        negative |= *s++ == '-';
    }
    s = take_digits(&w, s);
    if (!s) {
        return 0;
    }
    s = take_unit(behind, skip(s));
    if (!s || (*before && *behind)) {
        return 0;
    }
    s = skip(s);
    if (paren && *s++ != ')') {
        return 0;
    }
    return *skip(s) ? 0 : interpret(out, &w, negative, *before ? before : behind);
}

int lesson_amount_same(const lesson_amount *a, const lesson_amount *b)
{
    return a->negative == b->negative && a->exponent == b->exponent && !strcmp(a->digits, b->digits);
}
