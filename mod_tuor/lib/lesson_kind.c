/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What kind of change turned one value into the other. The first that explains it wholly is it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "lesson_shape.h"

/* A part of a text that is longer says too little about others. */
#define PHRASE_MAX 60

static const char *text_of(tuor_slice s, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, s.p, s.len);
}

/* ------------------------------------------------------------------ amounts */

static int same_amount(const lesson_amount **from, const lesson_amount **to,
                       const lesson_amount a[2], int n, const lesson_amount b[2], int m)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < m; k++) {
            if (lesson_amount_same(&a[i], &b[k])) {
                *from = &a[i];
                *to = &b[k];
                return 1;
            }
        }
    }
    return 0;
}

static int set(lesson_change *c, tuor_lesson_kind kind, const char *detail)
{
    c->kind = kind;
    c->detail = detail;
    return 1;
}

/* The same digits with another exponent or sign. */
static int is_scaled(lesson_change *c, const lesson_amount *a, const lesson_amount *b, apr_pool_t *pool)
{
    int by = abs(a->exponent - b->exponent);

    if (!*a->digits || strcmp(a->digits, b->digits) || strcasecmp(a->unit, b->unit)) {
        return 0;
    }
    if (by == 0) {
        return set(c, TUOR_LESSON_SIGN, NULL);
    }
    if (a->negative != b->negative || (by != 2 && by % 3)) {
        return 0;
    }
    return set(c, TUOR_LESSON_SCALE, apr_psprintf(pool, "1%.*s times too %s", by > 9 ? 9 : by, "000000000",
                                                  a->exponent < b->exponent ? "small" : "large"));
}

static const char *number_form(const lesson_amount *a)
{
    if (a->point == ',') {
        return a->grouped ? "1.234,56" : "1234,56";
    }
    return a->grouped ? "1,234.56" : "1234.56";
}

/* The same amount in another dress. quoted: both are strings. */
static int is_dressed(lesson_change *c, const lesson_amount *a, const lesson_amount *b, int quoted, apr_pool_t *pool)
{
    if (*a->unit && !*b->unit) {
        return set(c, TUOR_LESSON_UNIT_REMOVED, quoted ? "string" : "number");
    }
    if (!*a->unit && *b->unit) {
        return set(c, TUOR_LESSON_UNIT_ADDED, apr_pstrdup(pool, b->unit));
    }
    if (strcasecmp(a->unit, b->unit)) {
        return 0;
    }
    if (a->grouped != b->grouped || (a->point && b->point && a->point != b->point)) {
        return set(c, TUOR_LESSON_NUMBER_FORMAT, number_form(b));
    }
    if (a->decimals != b->decimals) {
        return set(c, TUOR_LESSON_DECIMALS, apr_itoa(pool, b->decimals));
    }
    return 0;
}

/* from and to as text; they may be numbers or strings in JSON. */
static int is_amount(lesson_change *c, const char *from, const char *to, int numbers, int quoted, apr_pool_t *pool)
{
    lesson_amount a[2], b[2];
    const lesson_amount *x, *y;
    int n = lesson_amount_read(a, from), m = lesson_amount_read(b, to);

    if (!n || !m) {
        return 0;
    }
    if (same_amount(&x, &y, a, n, b, m)) {
        if (numbers || quoted || *x->unit || *y->unit) {
            return is_dressed(c, x, y, quoted, pool);
        }
        return set(c, c->to_text ? TUOR_LESSON_TO_STRING : TUOR_LESSON_TO_NUMBER, NULL);
    }
    return (numbers || quoted) && is_scaled(c, &a[0], &b[0], pool);
}

/* -------------------------------------------------------------------- dates */

static int is_date(lesson_change *c, const char *from, const char *to)
{
    lesson_date a[2], b[2];
    int n = lesson_date_read(a, from), m = lesson_date_read(b, to);
    int matches = 0, order = 0;
    const char *form = NULL;

    for (int i = 0; i < n; i++) {
        for (int k = 0; k < m; k++) {
            if (a[i].y == b[k].y && a[i].m == b[k].m && a[i].d == b[k].d && strcmp(a[i].form, b[k].form)) {
                form = b[k].form;
                order = a[i].by_order;
                matches++;
            }
        }
    }
    if (form) {
        c->by_order = n == 2 && matches == 1 ? order : 0;
        return set(c, TUOR_LESSON_DATE, form);
    }
    if (n == 1 && m == 1 && a->y == b->y && a->m == b->d && a->d == b->m && a->m != a->d) {
        return set(c, TUOR_LESSON_DATE_SWAP, NULL);
    }
    return 0;
}

/* -------------------------------------------------------------------- texts */

static int same_but_white(const char *a, const char *b)
{
    const char *p = a + strspn(a, " \t\r\n"), *q = b + strspn(b, " \t\r\n");

    for (;;) {
        apr_size_t n = strspn(p, " \t\r\n"), m = strspn(q, " \t\r\n");

        p += n;
        q += m;
        if (!*p || !*q) {
            return !*p && !*q;
        }
        if (!n != !m || *p++ != *q++) {
            return 0;
        }
    }
}

static const char *case_of(const char *s)
{
    int upper = 0, lower = 0, initial = 1;

    for (const char *p = s; *p; p++) {
        int starts = p == s || p[-1] == ' ' || p[-1] == '-';

        upper += apr_isupper(*p) != 0;
        lower += apr_islower(*p) != 0;
        initial &= !starts || !apr_islower(*p);
        initial &= starts || !apr_isupper(*p);
    }
    return upper && !lower ? "upper case" : lower && !upper ? "lower case"
         : initial ? "small letters with a capital at the start of each word" : NULL;
}

/* What a model writes when it has nothing to say. */
static int is_placeholder(const char *s)
{
    static const char *const words[] = { "", "-", "--", "?", "n/a", "na", "none", "null", "nil", "unknown", "tbd", "missing",
        "not found", "not available", "not given", "not provided", "not specified", "not stated", "not applicable" };

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcasecmp(s, words[i])) {
            return 1;
        }
    }
    return 0;
}

static int is_word(unsigned char ch)
{
    return apr_isalnum(ch) || ch == '_' || ch >= 0x80;
}

static int is_figures(const char *s)
{
    return !s[strspn(s, "0123456789 .,:-/")];
}

/* The words in the middle that differ, where what stands around them is the same. */
static int is_phrase(lesson_change *c, apr_pool_t *pool)
{
    const char *from = c->from_text, *to = c->to_text;
    apr_size_t n = strlen(from), m = strlen(to), head = 0, tail = 0, least = n < m ? n : m;

    while (head < least && from[head] == to[head]) {
        head++;
    }
    while (tail < least - head && from[n - tail - 1] == to[m - tail - 1]) {
        tail++;
    }
    while (head && is_word(from[head - 1]) && (is_word(from[head]) || is_word(to[head]))) {
        head--;
    }
    while (tail && is_word(from[n - tail])
           && ((n > tail && is_word(from[n - tail - 1])) || (m > tail && is_word(to[m - tail - 1])))) {
        tail--;
    }
    if (head + tail == 0 || n - head - tail > PHRASE_MAX || m - head - tail > PHRASE_MAX) {
        return 0;
    }
    c->detail = apr_pstrmemdup(pool, from + head, n - head - tail);
    c->other = apr_pstrmemdup(pool, to + head, m - head - tail);
    if (is_figures(c->detail) && is_figures(c->other)) {
        c->detail = c->other = NULL;
        return 0;
    }
    c->kind = TUOR_LESSON_PHRASE;
    return 1;
}

static int is_text(lesson_change *c, apr_pool_t *pool)
{
    const char *from = c->from_text, *to = c->to_text;

    if (same_but_white(from, to)) {
        return set(c, TUOR_LESSON_TRIM, NULL);
    }
    if (!strcasecmp(from, to)) {
        return set(c, TUOR_LESSON_CASE, case_of(to));
    }
    if (is_placeholder(from) && *to) {
        return set(c, TUOR_LESSON_FILLED, NULL);
    }
    return is_date(c, from, to) || is_amount(c, from, to, 0, 1, pool) || is_phrase(c, pool);
}

/* ------------------------------------------------------------------- values */

static int is_presence(lesson_change *c, tuor_json_type from, tuor_json_type to)
{
    if (from == TUOR_JSON_NONE) {
        return set(c, to == TUOR_JSON_NULL ? TUOR_LESSON_NULL_ADDED : TUOR_LESSON_KEY_ADDED, NULL);
    }
    if (to == TUOR_JSON_NONE) {
        return set(c, from == TUOR_JSON_NULL ? TUOR_LESSON_NULL_DROPPED : TUOR_LESSON_KEY_REMOVED, NULL);
    }
    if (from == TUOR_JSON_NULL) {
        return set(c, TUOR_LESSON_FILLED, NULL);
    }
    return 0;
}

static int is_truth(const char *s)
{
    return !strcasecmp(s, "true") || !strcasecmp(s, "false") || !strcasecmp(s, "yes") || !strcasecmp(s, "no")
        || !strcmp(s, "0") || !strcmp(s, "1");
}

static const char *type_name(tuor_json_type type)
{
    static const char *const names[] = { "", "null", "boolean", "number", "string", "array", "object" };

    return names[type];
}

static int is_type(lesson_change *c, tuor_json_type from, tuor_json_type to, apr_pool_t *pool)
{
    const char *a = c->from_text ? c->from_text : text_of(c->from, pool);
    const char *b = c->to_text ? c->to_text : text_of(c->to, pool);

    if (from == to) {
        return 0;
    }
    if (((from == TUOR_JSON_STRING && to == TUOR_JSON_NUMBER) || (from == TUOR_JSON_NUMBER && to == TUOR_JSON_STRING))
        && is_amount(c, a, b, 0, 0, pool)) {
        return 1;
    }
    if (to == TUOR_JSON_BOOL && is_truth(a)) {
        return set(c, TUOR_LESSON_TO_BOOL, NULL);
    }
    if (from == TUOR_JSON_STRING && is_placeholder(a)) {
        return set(c, TUOR_LESSON_FILLED, NULL);
    }
    return set(c, TUOR_LESSON_TYPE, type_name(to));
}

void lesson_change_classify(lesson_change *c, apr_pool_t *pool)
{
    tuor_json_type from = c->from.p ? tuor_json_type_of(c->from) : TUOR_JSON_NONE;
    tuor_json_type to = c->to.p ? tuor_json_type_of(c->to) : TUOR_JSON_NONE;

    c->kind = TUOR_LESSON_OTHER;
    if (is_presence(c, from, to)) {
        return;
    }
    if (to == TUOR_JSON_NULL) {
        c->kind = TUOR_LESSON_NULLED;
        c->detail = c->from_text && is_placeholder(c->from_text) ? text_of(c->from, pool) : NULL;
        return;
    }
    if (c->from_text && c->to_text) {
        is_text(c, pool);
        return;
    }
    if (from == TUOR_JSON_NUMBER && to == TUOR_JSON_NUMBER) {
        is_amount(c, text_of(c->from, pool), text_of(c->to, pool), 1, 0, pool);
        return;
    }
    is_type(c, from, to, pool);
}
