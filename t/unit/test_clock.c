/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Times as text: RFC 3339 out, ISO 8601 in. */
#include <time.h>

#include "test_lib.h"
#include "tuor_id.h"

static const char *formatted(apr_time_t t)
{
    char out[TUOR_TIME_LEN];

    memset(out, 'x', sizeof(out));
    tuor_time_format(out, t);
    assert_int_equal(strlen(out), 27);
    return apr_pstrdup(pool, out);
}

static void times_are_written_in_utc(void **state)
{
    (void)state;
    assert_string_equal(formatted(0), "1970-01-01T00:00:00.000000Z");
    assert_string_equal(formatted(1), "1970-01-01T00:00:00.000001Z");
    assert_string_equal(formatted(-1), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(formatted(APR_TIME_C(1779286795000000)), "2026-05-20T14:19:55.000000Z");
    assert_string_equal(formatted(APR_TIME_C(951782400000000)), "2000-02-29T00:00:00.000000Z");
    assert_string_equal(formatted(APR_TIME_C(4107542400000000)), "2100-03-01T00:00:00.000000Z");
    assert_string_equal(formatted(APR_TIME_C(4107542399999999)), "2100-02-28T23:59:59.999999Z");
    assert_string_equal(formatted(APR_TIME_C(253402300799999999)), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(formatted(APR_TIME_C(-62135596800000000)), "0001-01-01T00:00:00.000000Z");
    assert_string_equal(formatted(APR_TIME_C(-62167219200000000)), "0000-01-01T00:00:00.000000Z");
}

static void times_beyond_four_digits_are_held(void **state)
{
    (void)state;
    assert_string_equal(formatted(APR_TIME_C(253402300800000000)), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(formatted(APR_INT64_MAX), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(formatted(APR_TIME_C(-62167219200000001)), "0000-01-01T00:00:00.000000Z");
    assert_string_equal(formatted(APR_INT64_MIN), "0000-01-01T00:00:00.000000Z");
}

/* Every day of 800 years against the C library's calendar (APR's own is off by one second before 1970). */
static void every_day_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int day = -135000; day < 160000; ++day) {
        time_t seconds = (time_t)day * 86400 + 86399;
        apr_time_t t = apr_time_from_sec((apr_int64_t)seconds) + 7, back;
        char text[TUOR_TIME_LEN], want[TUOR_TIME_LEN];
        struct tm tm;

        tuor_time_format(text, t);
        assert_non_null(gmtime_r(&seconds, &tm));
        assert_int_equal(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000007Z", &tm), 27);
        if (strcmp(text, want) != 0)
            fail_msg("%s is not %s", text, want);
        assert_int_equal(tuor_time_parse(&back, text), APR_SUCCESS);
        assert_true(back == t);
    }
}

static void times_are_read(void **state)
{
    static const struct { const char *text, *out; } t[] = {
        { "2026-05-20", "2026-05-20T00:00:00.000000Z" },
        { "2026-05-20T10:00Z", "2026-05-20T10:00:00.000000Z" },
        { "2026-05-20T10:00", "2026-05-20T10:00:00.000000Z" },
        { "2026-05-20T10:00:01", "2026-05-20T10:00:01.000000Z" },
        { "2026-05-20t10:00:01z", "2026-05-20T10:00:01.000000Z" },
        { "2026-05-20 10:00:01", "2026-05-20T10:00:01.000000Z" },
        { "2026-05-20T10:00:01.5Z", "2026-05-20T10:00:01.500000Z" },
        { "2026-05-20T10:00:01,25Z", "2026-05-20T10:00:01.250000Z" },
        { "2026-05-20T10:00:01.123456Z", "2026-05-20T10:00:01.123456Z" },
        { "2026-05-20T10:00:01.000001", "2026-05-20T10:00:01.000001Z" },
        { "2026-05-20T10:00:01.1234569Z", "2026-05-20T10:00:01.123456Z" },
        { "2026-05-20T10:00:01.9999999999999999999999999999Z", "2026-05-20T10:00:01.999999Z" },
        { "2026-05-20T10:00:00+02:00", "2026-05-20T08:00:00.000000Z" },
        { "2026-05-20T10:00:00+0200", "2026-05-20T08:00:00.000000Z" },
        { "2026-05-20T10:00:00 02:00", "2026-05-20T08:00:00.000000Z" },
        { "2026-05-20 10:00:00 0200", "2026-05-20T08:00:00.000000Z" },
        { "2026-05-20T10:00+05:30", "2026-05-20T04:30:00.000000Z" },
        { "2026-05-20T10:00:00-09:30", "2026-05-20T19:30:00.000000Z" },
        { "2026-05-20T10:00:00.25-00:00", "2026-05-20T10:00:00.250000Z" },
        { "2026-05-20T00:30:00+01:00", "2026-05-19T23:30:00.000000Z" },
        { "2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00.000000Z" },
        { "2024-02-29", "2024-02-29T00:00:00.000000Z" },
        { "2000-02-29", "2000-02-29T00:00:00.000000Z" },
        { "2024-03-01T00:00:00+00:01", "2024-02-29T23:59:00.000000Z" },
        { "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z" },
        { "0001-01-01", "0001-01-01T00:00:00.000000Z" },
        { "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z" },
        { "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z" },
        { "2016-12-31T15:59:60.5-08:00", "2017-01-01T00:00:00.500000Z" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        apr_time_t out;

        if (tuor_time_parse(&out, t[i].text) != APR_SUCCESS)
            fail_msg("refused: %s", t[i].text);
        assert_string_equal(formatted(out), t[i].out);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *t[] = {
        "", " ", "now", "2026", "2026-05", "2026-5-20", "26-05-20", "20260520", "2026-05-20T", "2026-05-20Z", "2026-05-20+02:00", "2026-05-2",
        "2026-00-20", "2026-13-20", "2026-05-00", "2026-05-32", "2026-04-31", "2026-06-31", "2026-09-31", "2026-11-31",
        "2026-02-29", "2025-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "0000-01-01", "-001-01-01", "+2026-05-20", " 2026-05-20", "2026-05-20 ",
        "2026-05-20T24:00", "2026-05-20T25:00", "2026-05-20T10", "2026-05-20T10:60", "2026-05-20T10:00:61", "2026-05-20T1:00", "2026-05-20T10:0", "2026-05-20T10:00:0", "2026-05-20T1000",
        "2026-05-20T10:00:00.", "2026-05-20T10:00:00.Z", "2026-05-20T10:00:00.-5", "2026-05-20T10:00.5", "2026-05-20T10:00:00.5.5",
        "2026-05-20T10:00:00ZZ", "2026-05-20T10:00:00Zx", "2026-05-20T10:00:00 ", "2026-05-20T10:00:00 Z", "2026-05-20T10:00:00+", "2026-05-20T10:00:00+2", "2026-05-20T10:00:00+02", "2026-05-20T10:00:00+02:", "2026-05-20T10:00:00+02:0",
        "2026-05-20T10:00:00+24:00", "2026-05-20T10:00:00+02:60", "2026-05-20T10:00:00+02:00Z", "2026-05-20T10:00:00+-2:00", "2026-05-20T10:00:00UTC", "2026-05-20  10:00", "2026-05-20TT10:00", "2026/05/20", "2026-05-20T10.00",
        "2026-05-20T10:00:60Z", "2026-05-20T23:59:60+01:00", "2026-W21-3", "2026-140", "1779286795", "Wed, 20 May 2026 10:00:00 GMT", "2026-05-20T\xD9\xA1\xD9\xA0:00",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        apr_time_t out = 77;

        if (tuor_time_parse(&out, t[i]) != APR_EINVAL)
            fail_msg("taken: %s", t[i]);
        assert_true(out == 77);
    }
    assert_int_equal(tuor_time_parse(&(apr_time_t){ 0 }, NULL), APR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(times_are_written_in_utc),
        TEST(times_beyond_four_digits_are_held),
        TEST(every_day_agrees_with_the_c_library),
        TEST(times_are_read),
        TEST(what_is_no_time_is_refused),
    };

    return run_group(tests, COUNT(tests), "clock");
}
