/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What strings, keys and integers mean, and writing them. */
#include "test_lib.h"

/* ---- decoding ---- */

static void strings_decode(void **state)
{
    static const struct { const char *text, *out; apr_size_t len; } t[] = {
        { "\"\"", "", 0 },
        { "\"abc\"", "abc", 3 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC", 6 },
        { "\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4 },
        { "\"\\uDBFF\\uDFFF\"", "\xF4\x8F\xBF\xBF", 4 },
        { "\"a\\u0000b\"", "a\0b", 3 },
        { "\"\\u0000\"", "\0", 1 },
        { "\"\xC3\xA9\\n\xF0\x9F\x98\x80\"", "\xC3\xA9\n\xF0\x9F\x98\x80", 7 },
        { "\"\\uFFFF\\uE000\\uD7FF\"", "\xEF\xBF\xBF\xEE\x80\x80\xED\x9F\xBF", 9 },
        { "\"\\\\u0041\"", "\\u0041", 6 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        tuor_slice text = tight(t[i].text, strlen(t[i].text));
        tuor_slice inside = { text.p + 1, text.len - 2 };
        const char *out;
        apr_size_t len;

        assert_int_equal(tuor_json_decode(&out, &len, text, 1, pool), APR_SUCCESS);
        assert_int_equal(len, t[i].len);
        assert_memory_equal(out, t[i].out, len + 1);
        assert_int_equal(tuor_json_decode(&out, &len, inside, 0, pool), APR_SUCCESS);
        assert_int_equal(len, t[i].len);
        assert_memory_equal(out, t[i].out, len + 1);
        loose(text);
    }
}

static void lone_surrogates_do_not_decode(void **state)
{
    static const char *t[] = { "\"\\ud800\"", "\"\\udfff\"", "\"a\\udc00\\ud800b\"", "\"\\ud83d\\u0041\"",
                               "\"\\ud83d\\n\"", "\"\\ud83d\"", "\"\\ud83d\\ud83d\\ude00\"", "\"\\ud83dxxxxxx\"" };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        const char *out;
        apr_size_t len;

        assert_int_equal(tuor_json_decode(&out, &len, slice(t[i]), 1, pool), APR_EINVAL);
    }
}

static void odd_input_to_decode_is_refused(void **state)
{
    const char *out;
    apr_size_t len;

    (void)state;
    assert_int_equal(tuor_json_decode(&out, &len, TUOR_SLICE_NONE, 1, pool), APR_EINVAL);
    assert_int_equal(tuor_json_decode(&out, &len, slice("\""), 1, pool), APR_EINVAL);
}

/* ---- comparing ---- */

static void keys_match_decoded(void **state)
{
    (void)state;
    assert_true(tuor_json_key_is(slice("model"), "model"));
    assert_true(tuor_json_key_is(slice(""), ""));
    assert_true(tuor_json_key_is(slice("\\u006dodel"), "model"));
    assert_true(tuor_json_key_is(slice("mode\\u006C"), "model"));
    assert_true(tuor_json_key_is(slice("a\\/b\\\"\\\\"), "a/b\"\\"));
    assert_true(tuor_json_key_is(slice("\\ud83d\\ude00"), "\xF0\x9F\x98\x80"));
    assert_true(tuor_json_key_is(slice("\xF0\x9F\x98\x80\\n"), "\xF0\x9F\x98\x80\n"));
    assert_false(tuor_json_key_is(slice("model"), "mode"));
    assert_false(tuor_json_key_is(slice("mode"), "model"));
    assert_false(tuor_json_key_is(slice("Model"), "model"));
    assert_false(tuor_json_key_is(slice(""), "model"));
    assert_false(tuor_json_key_is(slice("\\u006dode"), "model"));
    assert_false(tuor_json_key_is(slice("\\u006dodels"), "model"));
    assert_false(tuor_json_key_is(slice("model\\u0000"), "model"));
    assert_false(tuor_json_key_is(slice("\\u0000"), ""));
    assert_false(tuor_json_key_is(slice("\\ud83d"), "\xF0\x9F\x98\x80"));
    assert_false(tuor_json_key_is(TUOR_SLICE_NONE, ""));
}

static void same_text_ignores_how_it_was_escaped(void **state)
{
    static const struct { const char *a, *b; int same; } t[] = {
        { "", "", 1 }, { "a", "a", 1 }, { "a", "b", 0 }, { "a", "", 0 }, { "", "\\u0000", 0 }, { "a", "aa", 0 },
        { "\\u0061", "a", 1 }, { "A\\u00e9", "A\xC3\xA9", 1 }, { "\\u00E9", "\\u00e9", 1 }, { "\\/", "/", 1 },
        { "\\n", "\\u000a", 1 }, { "\\n", "n", 0 }, { "\\\\n", "\\n", 0 },
        { "\\ud83d\\ude00", "\xF0\x9F\x98\x80", 1 }, { "\\ud83d\\ude00", "\\uD83D\\uDE00", 1 },
        { "\\ud800", "\\uD800", 1 }, { "\\ud800", "\\ud801", 0 }, { "\\ud83d", "\xF0\x9F\x98\x80", 0 },
        { "\\ud800\\ud83d\\ude00", "\\ud800\xF0\x9F\x98\x80", 1 }, { "\\ude00\\ud83d", "\xF0\x9F\x98\x80", 0 },
        { "\\u0000", "\\u0000", 1 }, { "a\\u0000b", "a\\u0000c", 0 }, { "abc\\u0064", "abcd", 1 }, { "abc\\u0064e", "abcd", 0 },
        { "\\ufffd", "\\ud800", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        assert_int_equal(tuor_json_same_text(slice(t[i].a), slice(t[i].b)), t[i].same);
        assert_int_equal(tuor_json_same_text(slice(t[i].b), slice(t[i].a)), t[i].same);
    }
}

/* ---- integers ---- */

static void integers_are_read(void **state)
{
    static const struct { const char *text; apr_int64_t n; } t[] = {
        { "0", 0 }, { "-0", 0 }, { "1", 1 }, { "-1", -1 }, { "9223372036854775807", APR_INT64_MAX },
        { "-9223372036854775808", APR_INT64_MIN }, { "1234567890123456789", APR_INT64_C(1234567890123456789) },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        apr_int64_t n = 77;

        assert_int_equal(tuor_json_int(&n, slice(t[i].text)), APR_SUCCESS);
        assert_true(n == t[i].n);
    }
}

static void what_is_no_integer_is_refused(void **state)
{
    static const char *t[] = { "1.0", "1e2", "1E2", "\"1\"", "true", "null", "{}", "[]", "[1]", "9223372036854775808",
                               "-9223372036854775809", "12345678901234567890", "99999999999999999999", "18446744073709551617",
                               "", "-", "1.5", "-0.0", "0e0" };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        apr_int64_t n = 77;

        if (tuor_json_int(&n, slice(t[i])) != APR_EINVAL)
            fail_msg("taken: %s", t[i]);
        assert_true(n == 77);
    }
    assert_int_equal(tuor_json_int(&(apr_int64_t){ 0 }, TUOR_SLICE_NONE), APR_EINVAL);
}

/* ---- writing ---- */

static const char *written(tuor_slice s)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    tuor_buf_json_slice(&b, s);
    return tuor_buf_text(&b);
}

static void strings_are_escaped_as_required_and_no_further(void **state)
{
    (void)state;
    assert_string_equal(written(slice("")), "\"\"");
    assert_string_equal(written(slice("plain / text <b>&'")), "\"plain / text <b>&'\"");
    assert_string_equal(written(slice("\"\\")), "\"\\\"\\\\\"");
    assert_string_equal(written(slice("\b\f\n\r\t\v\x01\x1F\x7F")), "\"\\b\\f\\n\\r\\t\\u000b\\u0001\\u001f\x7F\"");
    assert_string_equal(written(slice("\xC3\xA9\xF0\x9F\x98\x80")), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    assert_string_equal(written((tuor_slice){ "a\0b", 3 }), "\"a\\u0000b\"");
    assert_string_equal(written(TUOR_SLICE_NONE), "null");
    assert_string_equal(written(slice("\xED\x9F\xBF")), "\"\xED\x9F\xBF\"");
    assert_string_equal(written(slice("x\xED\xA0\x80y")), "\"x\\ud800y\"");
}

static void every_byte_round_trips(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; ++c) {
        for (size_t before = 0; before < 20; ++before) {
            char text[40];
            const char *json, *out;
            apr_size_t len;
            tuor_json_fault fault;

            memset(text, 'a', sizeof(text));
            text[before] = (char)c;
            json = written((tuor_slice){ text, sizeof(text) });
            assert_int_equal(tuor_json_check(slice(json), NULL, NULL, &fault, pool), APR_SUCCESS);
            assert_int_equal(tuor_json_decode(&out, &len, slice(json), 1, pool), APR_SUCCESS);
            assert_int_equal(len, sizeof(text));
            assert_memory_equal(out, text, sizeof(text));
        }
    }
}

static void a_buffer_grows(void **state)
{
    tuor_buf b;

    (void)state;
    tuor_buf_init(&b, pool);
    assert_null(b.p);
    assert_string_equal(tuor_buf_text(&b), "");
    tuor_buf_puts(&b, "{\"n\":");
    tuor_buf_printf(&b, "%d,\"s\":", 42);
    tuor_buf_json(&b, "x\"y");
    tuor_buf_puts(&b, ",\"none\":");
    tuor_buf_json(&b, NULL);
    tuor_buf_puts(&b, ",\"raw\":");
    tuor_buf_raw(&b, TUOR_SLICE("{\"a\":1e400}"));
    tuor_buf_puts(&b, ",\"absent\":");
    tuor_buf_raw(&b, TUOR_SLICE_NONE);
    tuor_buf_puts(&b, "}");
    assert_string_equal(tuor_buf_text(&b), "{\"n\":42,\"s\":\"x\\\"y\",\"none\":null,\"raw\":{\"a\":1e400},\"absent\":null}");
    assert_int_equal(strlen(tuor_buf_text(&b)), b.len);
    tuor_buf_puts(&b, " ");                     /* the NUL is no part of it */
    assert_int_equal(strlen(tuor_buf_text(&b)), b.len);
}

static void a_buffer_takes_pieces_of_any_size(void **state)
{
    tuor_buf b;
    char *big = malloc(200000);

    (void)state;
    assert_non_null(big);
    tuor_buf_init(&b, pool);
    memset(big, 'z', 200000);
    for (int i = 0; i < 3000; ++i)
        tuor_buf_add(&b, "0123456789", (apr_size_t)(i % 11));
    tuor_buf_add(&b, big, 200000);
    tuor_buf_add(&b, NULL, 0);
    big[199999] = '\0';
    tuor_buf_printf(&b, "%s.", big);
    assert_int_equal(b.len, 14988 + 200000 + 200000);
    assert_int_equal(b.p[b.len - 1], '.');
    for (int n = 0; n < 200; ++n) {             /* around what is tried at first */
        apr_size_t before = b.len;

        tuor_buf_printf(&b, "%*d", n, 7);
        assert_int_equal(b.len - before, n ? n : 1);
        assert_int_equal(b.p[b.len - 1], '7');
    }
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strings_decode),
        TEST(lone_surrogates_do_not_decode),
        TEST(odd_input_to_decode_is_refused),
        TEST(keys_match_decoded),
        TEST(same_text_ignores_how_it_was_escaped),
        TEST(integers_are_read),
        TEST(what_is_no_integer_is_refused),
        TEST(strings_are_escaped_as_required_and_no_further),
        TEST(every_byte_round_trips),
        TEST(a_buffer_grows),
        TEST(a_buffer_takes_pieces_of_any_size),
    };

    return run_group(tests, COUNT(tests), "json_text");
}
