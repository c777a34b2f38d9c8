/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What is JSON and what is not: RFC 8259, strictly. */
#include "test_lib.h"

typedef struct sample {
    const char *text;
    size_t len;
} sample;

#define S(literal) { literal, sizeof(literal) - 1 }

static const sample valid[] = {
    S("{}"), S("[]"), S("null"), S("true"), S("false"), S("0"), S("-0"), S("\"\""), S(" 1 "), S("\t\r\n {} \t\r\n"),
    S("[1,2]"), S("[[]]"), S("[{}]"), S("{\"a\":{}}"), S("[null, 1, \"1\", {}]"), S("[ ]"), S("{ }"),
    S("{\"a\":1,\"a\":1}"), S("{\"a\":1,\"a\":2}"), S("{\"\":0}"), S("{\"a\" : 1 , \"b\" : [ 2 ] }"),
    S("0.1"), S("-0.0"), S("1250.45"), S("1.0"), S("1e400"), S("-1E-400"), S("1e+2"), S("0e0"), S("0E+1"), S("1.5e3"),
    S("12345678901234567890"), S("-9223372036854775809"), S("123456789012345678901234567890.0"),
    S("\"\\u0000\""), S("\"\\ud800\""), S("\"\\uDFFF\""), S("\"\\udc00\\ud800\""), S("\"\\ud83d\\ude00\""), S("\"\\ud83d\""),
    S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), S("\"\\uABCD\\uabcd\""), S("\"a/b\""), S("\"\x7F\""),
    S("\"\xC2\x80\""), S("\"\xDF\xBF\""), S("\"\xE0\xA0\x80\""), S("\"\xED\x9F\xBF\""), S("\"\xEE\x80\x80\""),
    S("\"\xEF\xBF\xBF\""), S("\"\xF0\x90\x80\x80\""), S("\"\xF4\x8F\xBF\xBF\""), S("\"\xEF\xBB\xBF\""), S("\"\xE2\x80\xA8\xE2\x80\xA9\""),
    S("{\"\\u0061\":1}"), S("{\"\xE2\x82\xAC\":1}"), S("[\"\xF0\x9F\x98\x80 and more text after it\"]"),
};

static const sample invalid[] = {
    /* nothing, or too much */
    S(""), S(" "), S("\n\t"), S("{} {}"), S("1 2"), S("[]]"), S("{}}"), S("[],"), S("nullnull"), S("[] x"), S("\"a\"b"), S("{}#"), S("1\0"), S("\0"),
    /* byte-order marks and other encodings */
    S("\xEF\xBB\xBF{}"), S("\xEF\xBB\xBF"), S("\xFE\xFF\0{\0}"), S("{\0}\0"), S("\xA0{}"), S("\xC2\xA0{}"), S("\x0C{}"), S("\v1"), S("\xE2\x80\x8B[]"),
    /* structure */
    S("{"), S("["), S("}"), S("]"), S("[1"), S("[1,"), S("[1,]"), S("[,1]"), S("[1,,2]"), S("[1 2]"), S("[}"), S("{]"), S("[1}"), S("{\"a\":1]"), S("[[1]"),
    S("{\"a\""), S("{\"a\":"), S("{\"a\":1"), S("{\"a\":1,"), S("{\"a\":1,}"), S("{,\"a\":1}"), S("{\"a\":1,,\"b\":2}"), S("{\"a\" 1}"),
    S("{\"a\"::1}"), S("{\"a\",1}"), S("{a:1}"), S("{'a':1}"), S("{1:1}"), S("{null:1}"), S("{\"a\"}"), S("{\"a\":1 \"b\":2}"), S("[\"a\":1]"), S("[:]"), S("{:1}"), S("{[]:1}"), S(":"), S(","),
    /* comments and words */
    S("[1 /* one */]"), S("// x\n1"), S("[1] # x"), S("NaN"), S("[NaN]"), S("Infinity"), S("-Infinity"), S("[-NaN]"), S("True"), S("TRUE"), S("nul"), S("nulll"), S("tru"), S("truee"), S("fals"), S("undefined"), S("n"), S("t"), S("f"), S("[nul]"),
    /* numbers */
    S("-"), S("+1"), S("01"), S("-01"), S("00"), S("0123"), S("1."), S(".1"), S("-.1"), S("1.e1"), S("1e"), S("1e+"), S("1E-"), S("1e1.5"), S("0x10"), S("1_000"), S("1,000"), S("--1"), S("-a"), S("1a"), S("1.2.3"), S("1 .5"), S("[1.]"), S("[-]"), S("0e"), S("1f"), S("\xEF\xBC\x91"), S("[0 1]"),
    /* strings */
    S("\""), S("\"a"), S("\"\\\""), S("'a'"), S("\"\\"), S("\"\\u"), S("\"\\u12"), S("\"\\u123\""), S("\"\\u12g4\""), S("\"\\U0041\""), S("\"\\x41\""), S("\"\\0\""), S("\"\\a\""), S("\"\\v\""), S("\"\\'\""), S("\"\\ \""), S("\"\\\n\""), S("\"\\u+123\""), S("\"\\u 123\""), S("\"\\\xC2\xA9\""),
    S("\"a\nb\""), S("\"a\tb\""), S("\"\0\""), S("\"\x1F\""), S("\"a\rb\""), S("\"0123456789abcdef0123456789\x01\""),
    /* UTF-8 */
    S("\"\x80\""), S("\"\xBF\""), S("\"\xC0\x80\""), S("\"\xC0\xAF\""), S("\"\xC1\xBF\""), S("\"\xC2\""), S("\"\xC2"), S("\"\xC2x\""), S("\"\xE0\x80\x80\""), S("\"\xE0\x9F\xBF\""), S("\"\xE2\x82\""), S("\"\xE2\x82"), S("\"\xE2\""), S("\"\xE2x\xAC\""), S("\"\xE2\x82x\""),
    S("\"\xED\xA0\x80\""), S("\"\xED\xBF\xBF\""), S("\"\xED\xA0\xBD\xED\xB8\x80\""), S("\"\xF0\x80\x80\x80\""), S("\"\xF0\x8F\xBF\xBF\""), S("\"\xF0\x9F\x98\""), S("\"\xF0\x9F\x98"), S("\"\xF0\x9F\x98x\""), S("\"\xF0\x9Fx\x80\""), S("\"\xF4\x90\x80\x80\""), S("\"\xF5\x80\x80\x80\""), S("\"\xF8\x88\x80\x80\x80\""), S("\"\xFE\""), S("\"\xFF\""), S("\"\xE9\""), S("\"a\xC3\xA9\xA9\""), S("\"\xC3\xA9\xC3\""),
    S("{\"\xFF\":1}"), S("{\"a\n\":1}"), S("{\"\\q\":1}"), S("\xC3\xA9"), S("[\xFF]"), S("[\"\",\xE5]"),
};

static apr_status_t check(const char *p, size_t len, tuor_json_fault *fault)
{
    tuor_slice text = tight(p, len);
    apr_status_t rv = tuor_json_check(text, NULL, NULL, fault, pool);

    loose(text);
    return rv;
}

static void valid_texts_pass(void **state)
{
    (void)state;
    assert_true(COUNT(valid) >= 40);
    for (size_t i = 0; i < COUNT(valid); ++i) {
        tuor_json_fault fault = { 0, "" };

        if (check(valid[i].text, valid[i].len, &fault) != APR_SUCCESS)
            fail_msg("refused: %s (%s at %lu)", valid[i].text, fault.message, (unsigned long)fault.offset);
    }
}

static void invalid_texts_fail(void **state)
{
    (void)state;
    assert_true(COUNT(invalid) >= 60);
    for (size_t i = 0; i < COUNT(invalid); ++i) {
        tuor_json_fault fault = { 999, NULL };

        if (check(invalid[i].text, invalid[i].len, &fault) != APR_EINVAL)
            fail_msg("taken: %s", invalid[i].text);
        assert_non_null(fault.message);
        assert_true(fault.offset <= invalid[i].len);
    }
}

/* An envelope is as strict as the check, wherever the text stands. */
static void same_rules_in_an_envelope(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(valid) + COUNT(invalid); ++i) {
        int good = i < COUNT(valid);
        const sample *s = good ? &valid[i] : &invalid[i - COUNT(valid)];
        tuor_json_field field = { .name = "x" };
        tuor_json_fault fault;
        apr_status_t want = good ? APR_SUCCESS : APR_EINVAL, asked, other;
        char *text = apr_palloc(pool, s->len + 8);
        tuor_slice t;

        memcpy(text, "{\"x\":", 5);
        memcpy(text + 5, s->text, s->len);
        memcpy(text + 5 + s->len, "}", 1);
        t = tight(text, s->len + 6);
        asked = tuor_json_envelope(t, &field, 1, &fault, pool);
        other = tuor_json_envelope(t, NULL, 0, &fault, pool);
        loose(t);
        /* "1,"x":2" and the like make another valid text of it; none in the list does. */
        if (asked != want || other != want)
            fail_msg("in an envelope: %s", text);
        if (good) {
            assert_non_null(field.value.p);
        }
        else {
            assert_null(field.value.p);
        }
    }
}

/* Every byte that may not stand in a string, at every place relative to a 16-byte step. */
static void controls_are_found_at_every_place(void **state)
{
    char text[80];

    (void)state;
    for (int c = 0; c < 256; ++c) {
        int fine = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

        for (size_t before = 0; before < 34; ++before) {
            tuor_json_fault fault;
            size_t len = before + 20;
            apr_status_t rv;

            memset(text, 'a', sizeof(text));
            text[0] = '"';
            text[1 + before] = (char)c;
            text[len - 1] = '"';
            rv = check(text, len, &fault);
            assert_int_equal(rv, fine ? APR_SUCCESS : APR_EINVAL);
            if (!fine)
                assert_true(fault.offset >= 1 + before && fault.offset <= 2 + before);
        }
    }
}

/* All two-byte and three-byte sequences, against arithmetic. */
static void utf8_by_arithmetic(void **state)
{
    (void)state;
    for (unsigned a = 0x80; a < 0x100; ++a) {
        for (unsigned b = 0x80; b < 0xC0; ++b) {
            char two[4] = { '"', (char)a, (char)b, '"' };
            tuor_json_fault fault;

            assert_int_equal(check(two, 4, &fault), a >= 0xC2 && a <= 0xDF ? APR_SUCCESS : APR_EINVAL);
            for (unsigned c = 0x80; c < 0xC0; c += 3) {
                char three[5] = { '"', (char)a, (char)b, (char)c, '"' };
                unsigned code = (a & 15) << 12 | (b & 63) << 6 | (c & 63);
                int good = a >= 0xE0 && a <= 0xEF && code >= 0x800 && (code < 0xD800 || code > 0xDFFF);

                assert_int_equal(check(three, 5, &fault), good ? APR_SUCCESS : APR_EINVAL);
            }
        }
    }
}

static void four_byte_sequences(void **state)
{
    (void)state;
    for (unsigned a = 0xF0; a < 0x100; ++a) {
        for (unsigned b = 0x80; b < 0xC0; ++b) {
            char four[6] = { '"', (char)a, (char)b, '\x80', '\xBF', '"' };
            unsigned code = (a & 7) << 18 | (b & 63) << 12;
            tuor_json_fault fault;

            assert_int_equal(check(four, 6, &fault),
                             a <= 0xF4 && code >= 0x10000 && code <= 0x10FFFF ? APR_SUCCESS : APR_EINVAL);
        }
    }
}

static unsigned depth_of(const char *text)
{
    tuor_json_fault fault;
    unsigned depth = 999;

    assert_int_equal(tuor_json_check(slice(text), NULL, &depth, &fault, pool), APR_SUCCESS);
    return depth;
}

static void depth_counts_the_value_itself(void **state)
{
    (void)state;
    assert_int_equal(depth_of("1"), 0);
    assert_int_equal(depth_of("\"[[[\""), 0);
    assert_int_equal(depth_of("{}"), 1);
    assert_int_equal(depth_of("[]"), 1);
    assert_int_equal(depth_of("[1,2]"), 1);
    assert_int_equal(depth_of("{\"a\":[]}"), 2);
    assert_int_equal(depth_of("[[],[[]],[]]"), 3);
    assert_int_equal(depth_of("{\"a\":{\"b\":{\"c\":1}},\"d\":{}}"), 3);
    assert_int_equal(depth_of("[[[[[[[[[[]]]]]]]]]]"), 10);
    assert_int_equal(depth_of("[[[[[[[[[[{}]]]]]]]]]]"), 11);
}

static void types(void **state)
{
    static const struct { const char *text; tuor_json_type type; } t[] = {
        { " null", TUOR_JSON_NULL }, { "true", TUOR_JSON_BOOL }, { "false ", TUOR_JSON_BOOL },
        { "-1", TUOR_JSON_NUMBER }, { "0", TUOR_JSON_NUMBER }, { "\n\"\"", TUOR_JSON_STRING },
        { " [] ", TUOR_JSON_ARRAY }, { "{}", TUOR_JSON_OBJECT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        tuor_json_type type;
        tuor_json_fault fault;

        assert_int_equal(tuor_json_check(slice(t[i].text), &type, NULL, &fault, pool), APR_SUCCESS);
        assert_int_equal(type, t[i].type);
        assert_int_equal(tuor_json_type_of(slice(t[i].text)), t[i].type);
    }
    assert_int_equal(tuor_json_type_of(TUOR_SLICE_NONE), TUOR_JSON_NONE);
    assert_int_equal(tuor_json_type_of(slice("")), TUOR_JSON_NONE);
    assert_int_equal(tuor_json_type_of(slice(" ")), TUOR_JSON_NONE);
}

static void faults_say_where_and_why(void **state)
{
    static const struct { const char *text; apr_size_t offset; const char *message; } t[] = {
        { "", 0, "the text is empty" },
        { "\xEF\xBB\xBF{}", 0, "the text starts with a byte-order mark" },
        { "{} x", 3, "something stands after the value" },
        { "[1,]", 3, "a character stands where a value should" },
        { "[1", 2, "a bracket is not closed" },
        { "[1 2]", 3, "a comma or a closing bracket is missing" },
        { "{\"a\":01}", 5, "a number has a leading zero" },
        { "{\"a\" 1}", 5, "a colon is missing after a member's name" },
        { "{a:1}", 1, "a member's name should stand here, in quotes" },
        { "[\"a\nb\"]", 3, "a string has a raw control character" },
        { "[\"ab\xFF\"]", 4, "a string has invalid UTF-8" },
        { "[\"\\x\"]", 2, "a string has an invalid escape" },
        { "\"abc", 4, "a string is not closed" },
        { "{\"a\":", 5, "the text ends where a value should stand" },
        { "1.", 2, "a number has no digits after its point" },
        { "1e", 2, "a number has no digits in its exponent" },
        { "-", 1, "a number has no digits" },
        { "nil", 0, "a word is not true, false or null" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(t); ++i) {
        tuor_json_fault fault;

        assert_int_equal(tuor_json_check(slice(t[i].text), NULL, NULL, &fault, pool), APR_EINVAL);
        assert_string_equal(fault.message, t[i].message);
        assert_int_equal(fault.offset, t[i].offset);
    }
    assert_int_equal(tuor_json_check(slice("["), NULL, NULL, NULL, pool), APR_EINVAL);
}

/* Brackets as an adversary sends them: a megabyte deep, alternating, right and wrong at the bottom. */
static void deep_texts_need_no_stack(void **state)
{
    enum { DEPTH = 500000 };
    char *text = malloc(DEPTH * 7 + 16), *p = text;
    tuor_json_fault fault;
    unsigned depth;
    tuor_slice all;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < DEPTH; ++i) {
        memcpy(p, i % 3 ? "{\"a\":" : "[", i % 3 ? 5 : 1);
        p += i % 3 ? 5 : 1;
    }
    *p++ = '0';
    for (int i = DEPTH; i-- > 0;)
        *p++ = i % 3 ? '}' : ']';
    all = (tuor_slice){ text, (apr_size_t)(p - text) };
    assert_int_equal(tuor_json_check(all, NULL, &depth, &fault, pool), APR_SUCCESS);
    assert_int_equal(depth, DEPTH);
    p[-2] ^= '}' ^ ']';
    assert_int_equal(tuor_json_check(all, NULL, &depth, &fault, pool), APR_EINVAL);
    assert_int_equal(fault.offset, all.len - 2);
    memset(text, '[', DEPTH);
    assert_int_equal(tuor_json_check((tuor_slice){ text, DEPTH }, NULL, &depth, &fault, pool), APR_EINVAL);
    assert_int_equal(fault.offset, DEPTH);
    free(text);
}

static void bracket_kinds_must_match_at_every_level(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 200; ++wrong) {
        char text[402];
        tuor_json_fault fault;

        for (int i = 0; i < 200; ++i) {
            text[i] = '[';
            text[399 - i] = ']';
        }
        assert_int_equal(check(text, 400, &fault), APR_SUCCESS);
        text[399 - wrong] = '}';
        assert_int_equal(check(text, 400, &fault), APR_EINVAL);
        assert_int_equal(fault.offset, 399 - wrong);
    }
}

/* Whatever is cut off, nothing is read past the end and nothing is taken for whole. */
static void every_prefix_fails(void **state)
{
    static const char text[] = "{\"a\": [1.5e+3, true, null, \"\\ud83d\\ude00 \xF0\x9F\x98\x80\"], \"b\": {}}";
    tuor_json_fault fault;

    (void)state;
    assert_int_equal(check(text, sizeof(text) - 1, &fault), APR_SUCCESS);
    for (size_t len = 0; len < sizeof(text) - 1; ++len)
        assert_int_equal(check(text, len, &fault), APR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(valid_texts_pass),
        TEST(invalid_texts_fail),
        TEST(same_rules_in_an_envelope),
        TEST(controls_are_found_at_every_place),
        TEST(utf8_by_arithmetic),
        TEST(four_byte_sequences),
        TEST(depth_counts_the_value_itself),
        TEST(types),
        TEST(faults_say_where_and_why),
        TEST(deep_texts_need_no_stack),
        TEST(bracket_kinds_must_match_at_every_level),
        TEST(every_prefix_fails),
    };

    return run_group(tests, COUNT(tests), "json");
}
