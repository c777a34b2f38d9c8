/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Times as text. The days are counted as in H. Hinnant's "chrono-compatible low-level date
 * algorithms": years begin in March, so that a leap day is the last day of its year, and 400 years
 * have 146 097 days.
 */
#include <apr_errno.h>

#include "tuor_id.h"

#define DAY 86400
#define ERA 146097                              /* days in 400 years */
#define SHIFT 719468                            /* days from 0000-03-01 to 1970-01-01 */
#define FIRST (APR_INT64_C(-62167219200))       /* 0000-01-01T00:00:00Z */
#define LAST (APR_INT64_C(253402300799))        /* 9999-12-31T23:59:59Z */

static apr_int64_t floor_div(apr_int64_t a, apr_int64_t b)
{
    return a / b - (a % b < 0);
}

static apr_int64_t days_of(int year, int month, int day)
{
    apr_int64_t y = year - (month <= 2), era = floor_div(y, 400), of_era = y - era * 400;
    int from_march = (month + 9) % 12;

    return era * ERA + of_era * 365 + of_era / 4 - of_era / 100
        + (153 * from_march + 2) / 5 + day - 1 - SHIFT;
}

static void date_of(apr_int64_t days, int *year, int *month, int *day)
{
    apr_int64_t z = days + SHIFT, era = floor_div(z, ERA), d = z - era * ERA;
    apr_int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    apr_int64_t of_year = d - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

/* Two digits and what follows them. */
static char *put(char *p, int n, char behind)
{
    p[0] = (char)('0' + n / 10);
    p[1] = (char)('0' + n % 10);
    p[2] = behind;
    return p + 3;
}

void tuor_time_format(char out[TUOR_TIME_LEN], apr_time_t t)
{
    apr_int64_t seconds = floor_div(t, APR_USEC_PER_SEC);
    int micros = (int)(t % APR_USEC_PER_SEC), of_day, year, month, day;
    char *p = out;

    if (micros < 0)                             /* % goes with floor_div() */
        micros += (int)APR_USEC_PER_SEC;
    if (seconds < FIRST || seconds > LAST) {    /* four digits of year is all that there is */
        micros = seconds < FIRST ? 0 : 999999;
        seconds = seconds < FIRST ? FIRST : LAST;
    }
    date_of(floor_div(seconds, DAY), &year, &month, &day);
    of_day = (int)(seconds - floor_div(seconds, DAY) * DAY);
    p = put(p, year / 100, '\0') - 1;
    p = put(p, year % 100, '-');
    p = put(p, month, '-');
    p = put(p, day, 'T');
    p = put(p, of_day / 3600, ':');
    p = put(p, of_day / 60 % 60, ':');
    p = put(p, of_day % 60, '.');
    p = put(p, micros / 10000, '\0') - 1;
    p = put(p, micros / 100 % 100, '\0') - 1;
    p = put(p, micros % 100, 'Z');
    *p = '\0';
}

/* ---- reading ---- */

/* Exactly that many digits, at most max. */
static int number(const char **p, int digits, int max, int *out)
{
    int n = 0;

    for (int i = 0; i < digits; ++i, ++*p) {
        if (**p < '0' || **p > '9')
            return 0;
        n = n * 10 + (**p - '0');
    }
    *out = n;
    return n <= max;
}

static int taken(const char **p, char c)
{
    if (**p != c)
        return 0;
    ++*p;
    return 1;
}

static int date(const char **p, apr_int64_t *days)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day, last;

    if (!number(p, 4, 9999, &year) || year == 0 || !taken(p, '-')
        || !number(p, 2, 12, &month) || month == 0 || !taken(p, '-')
        || !number(p, 2, 31, &day) || day == 0)
        return 0;
    last = lengths[month - 1];
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        last = 29;
    *days = days_of(year, month, day);
    return day <= last;
}

/* .5 and .123456789: digits after the sixth are cut off. */
static int fraction(const char **p, int *micros)
{
    int scale = 100000;

    if (**p < '0' || **p > '9')
        return 0;
    for (; **p >= '0' && **p <= '9'; ++*p, scale /= 10)
        *micros += (**p - '0') * scale;
    return 1;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.fraction */
static int clock_time(const char **p, int *seconds, int *micros, int *leap)
{
    int hour, minute, second = 0;

    if (!number(p, 2, 23, &hour) || !taken(p, ':') || !number(p, 2, 59, &minute))
        return 0;
    if (taken(p, ':')) {
        if (!number(p, 2, 60, &second))
            return 0;
        if ((taken(p, '.') || taken(p, ',')) && !fraction(p, micros))
            return 0;
    }
    *leap = second == 60;
    *seconds = (hour * 60 + minute) * 60 + second;
    return 1;
}

/* Z, +02:00, +0200 or nothing; a + that came through a query's decoding is a space. */
static int offset(const char **p, int *seconds)
{
    int sign, hours, minutes;

    *seconds = 0;
    if (!**p || taken(p, 'Z') || taken(p, 'z'))
        return 1;
    sign = **p == '-' ? -1 : 1;
    if (!taken(p, '+') && !taken(p, '-') && !taken(p, ' '))
        return 0;
    if (!number(p, 2, 23, &hours))
        return 0;
    (void)taken(p, ':');
    if (!number(p, 2, 59, &minutes))
        return 0;
    *seconds = sign * (hours * 60 + minutes) * 60;
    return 1;
}

apr_status_t tuor_time_parse(apr_time_t *t, const char *s)
{
    apr_int64_t days, utc;
    int seconds = 0, micros = 0, leap = 0, off = 0;

    if (!s || !date(&s, &days))
        return APR_EINVAL;
    if (*s) {
        if (!taken(&s, 'T') && !taken(&s, 't') && !taken(&s, ' '))
            return APR_EINVAL;
        if (!clock_time(&s, &seconds, &micros, &leap) || !offset(&s, &off) || *s)
            return APR_EINVAL;
    }
    utc = days * DAY + seconds - off;
    if (leap && utc % DAY != 0)         /* leap seconds come at midnight UTC only */
        return APR_EINVAL;
    *t = utc * APR_USEC_PER_SEC + micros;
    return APR_SUCCESS;
}
