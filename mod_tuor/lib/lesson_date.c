/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Dates: a text is cut into up to three numbers and words; what they are tells what it is.
 */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "lesson_shape.h"

typedef struct token {
    int number;                 /* -1: a month's name */
    int digits;
    int month;
} token;

/* The number of a month's name, whole or its first three letters; 0 for any other word. */
static int month_of(const char *word, apr_size_t len)
{
    static const char *const names[] = { "january", "february", "march", "april", "may", "june", "july", "august",
                                         "september", "october", "november", "december" };

    for (int i = 0; i < 12; i++) {
        if ((len == 3 || len == strlen(names[i]) || (len == 4 && i == 8)) && !strncasecmp(word, names[i], len)) {
            return i + 1;
        }
    }
    return 0;
}

/* 5th, 2nd, 3rd, 1st */
static apr_size_t ordinal(const char *s)
{
    static const char *const ends[] = { "st", "nd", "rd", "th" };

    for (int i = 0; i < 4; i++) {
        if (!strncasecmp(s, ends[i], 2) && !apr_isalpha(s[2])) {
            return 2;
        }
    }
    return 0;
}

/* What may follow a date: nothing, or a time of day. */
static int is_end(const char *s)
{
    if (*s == 'T' || *s == ' ') {
        s++;
        if (!apr_isdigit(*s)) {
            return !*s;
        }
    }
    return !*s || (apr_isdigit(*s) && strchr(s, ':') && !s[strspn(s, "0123456789:.+-Z")]);
}

static int read_number(token *t, const char **s)
{
    t->number = t->digits = t->month = 0;
    while (apr_isdigit(**s)) {
        if (++t->digits > 8) {
            return 0;
        }
        t->number = t->number * 10 + (*(*s)++ - '0');
    }
    *s += ordinal(*s);
    return 1;
}

/* @return how many tokens, 0 when it is none of ours. sep is the character between the first two. */
static int split(token t[3], char *sep, const char *s)
{
    int n = 0;

    *sep = 0;
    while (n < 3) {
        if (apr_isdigit(*s)) {
            if (!read_number(&t[n], &s)) {
                return 0;
            }
        }
        else {
            apr_size_t len = 0;

            while (apr_isalpha(s[len])) {
                len++;
            }
            t[n] = (token){ -1, 0, month_of(s, len) };
            if (!t[n].month) {
                return 0;
            }
            s += len;
        }
        n++;
        if (n == 3 || !*s) {
            break;
        }
        if (n == 1) {
            *sep = *s;
        }
        if (!strspn(s, "-/., ")) {
            return 0;
        }
        s += strspn(s, "., ") ? strspn(s, "., ") : 1;
    }
    return is_end(s) ? n : 0;
}

static int put(lesson_date *out, int y, int m, int d, const char *form, int by_order)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (m < 1 || m > 12 || d < 1 || d > days[m - 1] || y < 1000 || y > 2999) {
        return 0;
    }
    *out = (lesson_date){ y, m, d, form, by_order };
    return 1;
}

static int full_year(const token *t)
{
    return t->digits == 4 ? t->number : t->digits == 2 ? (t->number < 70 ? 2000 : 1900) + t->number : 0;
}

static int by_number(lesson_date out[2], const token t[3], char sep)
{
    const char *day_first = sep == '/' ? "DD/MM/YYYY" : sep == '.' ? "DD.MM.YYYY" : "DD-MM-YYYY";
    const char *month_first = sep == '/' ? "MM/DD/YYYY" : sep == '.' ? "MM.DD.YYYY" : "MM-DD-YYYY";
    int y = full_year(&t[2]), n = 0;

    if (sep == ' ' || sep == ',' || t[0].digits > 2 || t[1].digits > 2) {
        return 0;
    }
    n += put(&out[n], y, t[1].number, t[0].number, day_first, 1);
    n += put(&out[n], y, t[0].number, t[1].number, month_first, 2);
    if (n == 2 && t[0].number == t[1].number) {
        n = 1;
    }
    if (n == 1) {
        out[0].by_order = 0;
    }
    return n;
}

int lesson_date_read(lesson_date out[2], const char *text)
{
    token t[3];
    char sep;
    int n;

    text += strspn(text, " ");
    n = split(t, &sep, text);
    if (n == 1 && t[0].digits == 8) {
        return put(&out[0], t[0].number / 10000, t[0].number / 100 % 100, t[0].number % 100, "YYYYMMDD", 0);
    }
    if (n != 3) {
        return 0;
    }
    if (t[0].digits == 4 && t[1].digits && t[2].digits) {
        return put(&out[0], t[0].number, t[1].number, t[2].number,
                   sep == '-' ? "YYYY-MM-DD" : sep == '/' ? "YYYY/MM/DD" : "YYYY.MM.DD", 0);
    }
    if (t[0].digits && t[1].month && t[2].digits) {
        return put(&out[0], full_year(&t[2]), t[1].month, t[0].number, "D Month YYYY", 0);
    }
    if (t[0].month && t[1].digits && t[2].digits == 4) {
        return put(&out[0], t[2].number, t[0].month, t[1].number, "Month D, YYYY", 0);
    }
    return t[0].digits && t[1].digits && t[2].digits ? by_number(out, t, sep) : 0;
}
