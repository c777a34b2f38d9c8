/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file lesson_shape.h
 * Dates and amounts as people write them, to see that two of them are the same. Private to lesson*.c.
 */
#ifndef TUOR_LESSON_SHAPE_H
#define TUOR_LESSON_SHAPE_H

#include "tuor_lesson.h"

/** A day, and how it was written. */
typedef struct lesson_date {
    int y, m, d;
    const char *form;           /**< static: "YYYY-MM-DD", "DD/MM/YYYY", "D Month YYYY", … */
    int by_order;               /**< 1: read with the day first, 2: with the month first; 0: no question */
} lesson_date;

/** @return how many readings a text has as a date: 0, 1, or 2 where day and month may be either */
int lesson_date_read(lesson_date out[2], const char *text);

#define LESSON_DIGITS 40
#define LESSON_UNIT 16

/** An amount: its digits without leading and final zeros, times ten to the exponent. */
typedef struct lesson_amount {
    int negative;
    char digits[LESSON_DIGITS];
    int exponent;
    int decimals;               /**< digits behind the decimal separator as written */
    int grouped;                /**< has thousands separators */
    char point;                 /**< the decimal separator, or 0 */
    char unit[LESSON_UNIT];     /**< what stands before or behind it, or "" */
} lesson_amount;

/** @return how many readings a text has as an amount: 0, 1, or 2 (1.250 may be a thousand or one and a quarter) */
int lesson_amount_read(lesson_amount out[2], const char *text);

/** Whether two are equal but for their unit and the way they are written. */
int lesson_amount_same(const lesson_amount *a, const lesson_amount *b);

/* lesson_path.c */

/** Whether a value has something at a path, as tuor_diff() writes it; null counts. */
int lesson_has_path(tuor_slice value, const char *path, apr_pool_t *pool);

/* lesson_kind.c */

/** One entry of a correction_diff, read. */
typedef struct lesson_change {
    const char *path;           /**< without indices */
    tuor_slice from, to;        /**< raw JSON; none where the key was absent */
    const char *from_text, *to_text;    /**< decoded, where they are strings that can be */
    tuor_lesson_kind kind;
    const char *detail, *other;
    int by_order;               /**< as in lesson_date, when kind is DATE and the order mattered */
    const tuor_lesson_case *of;
    int number;                 /**< of the case */
} lesson_change;

/** Say what kind of change it is; fills in kind, detail, other and by_order. */
void lesson_change_classify(lesson_change *c, apr_pool_t *pool);

/* lesson_text.c */

/** What a kind's instructions begin with, to know them again; and kinds of one aspect exclude each other. */
const char *lesson_opening(tuor_lesson_kind kind);
int lesson_aspect(tuor_lesson_kind kind);

/** What an instruction begins with that is about the same: of a label and a phrase its words belong to it. */
const char *lesson_subject(const tuor_lesson *lesson, int reversed, apr_pool_t *pool);

#endif
