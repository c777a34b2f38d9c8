/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Lessons in words: for the model that follows them, and for the person who accepts them.
 */
#include <string.h>
#include <apr_strings.h>

#include "lesson_shape.h"

/* Bytes of a value or an input that an example shows. */
#define EXAMPLE_MAX 120

/* Kinds with the same number other than 0 cannot both hold for a field. */
static const struct {
    const char *opening;
    int aspect;
    const char *before, *behind;        /* for the rationale: what was seen, around the field */
} kinds[TUOR_LESSON_KINDS] = {
    [TUOR_LESSON_DATE] = { "write dates as ", 1, "dates in ", " rewritten" },
    [TUOR_LESSON_DATE_SWAP] = { "do not swap day and month", 0, "day and month swapped in ", "" },
    [TUOR_LESSON_TO_NUMBER] = { "write a JSON number", 2, "numbers in ", " freed of their quotes" },
    [TUOR_LESSON_TO_STRING] = { "write a JSON string", 2, "numbers in ", " put in quotes" },
    [TUOR_LESSON_UNIT_REMOVED] = { "give the amount alone", 3, "units or currencies taken out of ", "" },
    [TUOR_LESSON_UNIT_ADDED] = { "add the unit", 3, "units or currencies added to ", "" },
    [TUOR_LESSON_NUMBER_FORMAT] = { "write numbers in the form ", 4, "separators of numbers in ", " changed" },
    [TUOR_LESSON_DECIMALS] = { "give numbers with ", 5, "decimals of ", " changed" },
    [TUOR_LESSON_SCALE] = { "mind the scale: ", 0, "", " off by a power of ten" },
    [TUOR_LESSON_SIGN] = { "mind the sign: ", 0, "the sign of ", " turned round" },
    [TUOR_LESSON_CASE] = { "write it in ", 6, "capitals of ", " changed" },
    [TUOR_LESSON_TRIM] = { "strip white space ", 0, "white space in ", " tidied" },
    [TUOR_LESSON_PHRASE] = { "wording: ", 0, "the same words in ", " changed" },
    [TUOR_LESSON_LABEL] = { "choose with care: ", 0, "", " changed in the same way" },
    [TUOR_LESSON_CONSTANT] = { "the right value was ", 7, "", " corrected to the same value" },
    [TUOR_LESSON_NULLED] = { "answer null ", 0, "", " emptied to null" },
    [TUOR_LESSON_FILLED] = { "look for it in the input", 0, "", " filled in where it was empty" },
    [TUOR_LESSON_NULL_ADDED] = { "include the key with null ", 8, "", " added as null" },
    [TUOR_LESSON_NULL_DROPPED] = { "omit the key ", 8, "", " dropped where it was null" },
    [TUOR_LESSON_KEY_ADDED] = { "always include this key", 9, "", " added where it was missing" },
    [TUOR_LESSON_KEY_REMOVED] = { "do not include this key", 9, "", " removed" },
    [TUOR_LESSON_KEY_RENAMED] = { "call this key ", 9, "", " renamed" },
    [TUOR_LESSON_TO_BOOL] = { "answer true or false", 2, "", " turned into true or false" },
    [TUOR_LESSON_TYPE] = { "must be a JSON ", 2, "", " given another type" },
    [TUOR_LESSON_OTHER] = { "check it against the input", 0, "", " corrected in different ways" },
};

const char *lesson_opening(tuor_lesson_kind kind)
{
    return kinds[kind].opening;
}

int lesson_aspect(tuor_lesson_kind kind)
{
    return kinds[kind].aspect;
}

/* The beginning of a text, cut in front of a character. */
static void put_cut(tuor_buf *b, const char *p, apr_size_t len)
{
    apr_size_t n = len;

    if (n > EXAMPLE_MAX) {
        for (n = EXAMPLE_MAX; n && ((unsigned char)p[n] & 0xC0) == 0x80; n--) {
        }
    }
    tuor_buf_add(b, p, n);
    if (n < len) {
        tuor_buf_puts(b, "…");
    }
}

static void put_raw(tuor_buf *b, const char *json)
{
    put_cut(b, json, strlen(json));
}

/* In quotes, cut inside them. */
static void put_quoted(tuor_buf *b, const char *text)
{
    tuor_buf json;

    tuor_buf_init(&json, b->pool);
    tuor_buf_json(&json, text);
    put_cut(b, json.p, json.len - 1);
    tuor_buf_puts(b, "\"");
}

/* ------------------------------------------------------------- instruction */

static void put_phrase(tuor_buf *b, const tuor_lesson *l)
{
    tuor_buf_puts(b, !*l->other ? "leave out " : *l->detail ? "write " : "add ");
    put_quoted(b, *l->other ? l->other : l->detail);
    if (*l->detail && *l->other) {
        tuor_buf_puts(b, " instead of ");
        put_quoted(b, l->detail);
    }
}

static void put_pair(tuor_buf *b, const char *from, const char *to)
{
    tuor_buf_puts(b, "reviewers changed ");
    put_raw(b, from);
    tuor_buf_puts(b, " to ");
    put_raw(b, to);
    tuor_buf_puts(b, " ");
}

static void put_label(tuor_buf *b, const tuor_lesson *l)
{
    put_pair(b, l->detail, l->other);
    tuor_buf_printf(b, "%d times", l->count);
    if (l->reverse) {
        tuor_buf_printf(b, " and back %d time%s; tell the two apart", l->reverse, l->reverse > 1 ? "s" : "");
        return;
    }
    tuor_buf_puts(b, "; consider ");
    put_raw(b, l->other);
    tuor_buf_puts(b, " before you answer ");
    put_raw(b, l->detail);
}

static void put_decimals(tuor_buf *b, const char *n)
{
    tuor_buf_puts(b, strcmp(n, "0") ? n : "no");
    tuor_buf_puts(b, strcmp(n, "1") ? " decimals" : " decimal");
}

/* What follows the opening, without the full stop. */
static void put_rest(tuor_buf *b, const tuor_lesson *l)
{
    switch (l->kind) {
    case TUOR_LESSON_DATE:
    case TUOR_LESSON_NUMBER_FORMAT:
    case TUOR_LESSON_TYPE:
        tuor_buf_puts(b, l->detail);
        break;
    case TUOR_LESSON_TO_NUMBER:
        tuor_buf_puts(b, ", without quotes and thousands separators");
        break;
    case TUOR_LESSON_TO_STRING:
        tuor_buf_puts(b, ", in quotes");
        break;
    case TUOR_LESSON_UNIT_REMOVED:
        tuor_buf_printf(b, ", as a JSON %s without unit or currency", l->detail);
        break;
    case TUOR_LESSON_UNIT_ADDED:
        tuor_buf_puts(b, l->detail ? " " : " or currency");
        tuor_buf_puts(b, l->detail ? l->detail : "");
        break;
    case TUOR_LESSON_DECIMALS:
        put_decimals(b, l->detail);
        break;
    case TUOR_LESSON_SCALE:
        tuor_buf_printf(b, "answers came out %s", l->detail);
        break;
    case TUOR_LESSON_SIGN:
        tuor_buf_puts(b, "plus and minus were mixed up");
        break;
    case TUOR_LESSON_CASE:
        tuor_buf_puts(b, l->detail ? l->detail : "capitals and small letters as the examples show");
        break;
    case TUOR_LESSON_TRIM:
        tuor_buf_puts(b, "at both ends, and put single spaces between words");
        break;
    case TUOR_LESSON_PHRASE:
        put_phrase(b, l);
        break;
    case TUOR_LESSON_LABEL:
        put_label(b, l);
        break;
    case TUOR_LESSON_CONSTANT:
        put_raw(b, l->other);
        tuor_buf_printf(b, " in each of %d corrections", l->count);
        break;
    case TUOR_LESSON_NULLED:
        tuor_buf_puts(b, "where the input gives no value, rather than ");
        tuor_buf_puts(b, l->detail ? l->detail : "a guess");
        break;
    case TUOR_LESSON_FILLED:
        tuor_buf_puts(b, ": it was left empty where there is a value");
        break;
    case TUOR_LESSON_NULL_ADDED:
        tuor_buf_puts(b, "where there is no value, rather than leaving it out");
        break;
    case TUOR_LESSON_NULL_DROPPED:
        tuor_buf_puts(b, "where there is no value, rather than answering null");
        break;
    case TUOR_LESSON_KEY_RENAMED:
        tuor_buf_printf(b, "`%s`", l->other);
        break;
    case TUOR_LESSON_TO_BOOL:
        tuor_buf_puts(b, ", without quotes");
        break;
    case TUOR_LESSON_OTHER:
        tuor_buf_printf(b, ": reviewers corrected it %d times", l->count);
        break;
    default:
        break;
    }
}

static void put_order(tuor_buf *b, const tuor_lesson *l)
{
    if (l->day_first && !l->month_first) {
        tuor_buf_puts(b, " In a date such as 03/04/2024 the day comes first.");
    }
    if (l->month_first && !l->day_first) {
        tuor_buf_puts(b, " In a date such as 03/04/2024 the month comes first.");
    }
}

static void put_examples(tuor_buf *b, const tuor_lesson *l)
{
    int n = 0;

    for (int i = 0; i < l->examples; i++) {
        tuor_slice from = l->example[i].from, to = l->example[i].to;

        if (!to.p) {
            continue;
        }
        tuor_buf_puts(b, n++ ? "; " : " For example ");
        put_cut(b, to.p, to.len);
        if (from.p) {
            tuor_buf_puts(b, ", not ");
            put_cut(b, from.p, from.len);
        }
    }
    tuor_buf_puts(b, n ? "." : "");
}

/* A label is told by its input, if that is known. */
static void put_input(tuor_buf *b, const tuor_lesson *l)
{
    if (l->examples && l->example[0].input && l->example[0].to.p) {
        tuor_buf_puts(b, " For example ");
        put_cut(b, l->example[0].to.p, l->example[0].to.len);
        tuor_buf_puts(b, " for the input ");
        put_quoted(b, l->example[0].input);
        tuor_buf_puts(b, ".");
    }
}

/* A correction that stands alone is no rule: it is told as it was. */
static void put_single(tuor_buf *b, tuor_slice from, tuor_slice to)
{
    put_cut(b, to.p ? to.p : from.p, to.p ? to.len : from.len);
    if (from.p && to.p) {
        tuor_buf_puts(b, " was right, not ");
        put_cut(b, from.p, from.len);
        tuor_buf_puts(b, ".");
        return;
    }
    tuor_buf_puts(b, to.p ? " was missing." : " did not belong there.");
}

void tuor_lesson_write(tuor_buf *b, const tuor_lesson *l)
{
    tuor_buf_printf(b, "`%s`: ", l->path);
    if (l->count < 2) {
        put_single(b, l->example[0].from, l->example[0].to);
        return;
    }
    tuor_buf_puts(b, kinds[l->kind].opening);
    put_rest(b, l);
    tuor_buf_puts(b, ".");
    put_order(b, l);
    if (l->kind == TUOR_LESSON_LABEL) {
        put_input(b, l);
    }
    else if (l->kind != TUOR_LESSON_CONSTANT && l->kind != TUOR_LESSON_KEY_RENAMED && l->kind != TUOR_LESSON_NULL_ADDED) {
        put_examples(b, l);
    }
}

const char *lesson_subject(const tuor_lesson *l, int reversed, apr_pool_t *pool)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    tuor_buf_printf(&b, "`%s`: %s", l->path, kinds[l->kind].opening);
    if (l->kind == TUOR_LESSON_LABEL) {
        put_pair(&b, reversed ? l->other : l->detail, reversed ? l->detail : l->other);
    }
    if (l->kind == TUOR_LESSON_PHRASE) {
        put_phrase(&b, l);
    }
    return tuor_buf_text(&b);
}

/* --------------------------------------------------------------- rationale */

void tuor_lesson_tell(tuor_buf *b, const tuor_lesson *l)
{
    tuor_buf_printf(b, "%s`%s`%s", kinds[l->kind].before, l->path, kinds[l->kind].behind);
    switch (l->kind) {
    case TUOR_LESSON_DATE:
        tuor_buf_printf(b, " as %s", l->detail);
        break;
    case TUOR_LESSON_LABEL:
        tuor_buf_puts(b, ", ");
        put_raw(b, l->detail);
        tuor_buf_puts(b, " to ");
        put_raw(b, l->other);
        break;
    case TUOR_LESSON_CONSTANT:
        tuor_buf_puts(b, ", ");
        put_raw(b, l->other);
        break;
    case TUOR_LESSON_KEY_RENAMED:
        tuor_buf_printf(b, " to `%s`", l->other);
        break;
    default:
        break;
    }
    tuor_buf_printf(b, " (%d)", l->count);
}
