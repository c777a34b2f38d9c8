/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Picking members out of a request's body. */
#include "test_lib.h"

static tuor_json_field fields[3];
static tuor_json_fault fault;

static apr_status_t open_text(tuor_slice text)
{
    memset(fields, 0xAA, sizeof(fields));       /* what comes out must not depend on what was there */
    fields[0].name = "project_id";
    fields[1].name = "model_input";
    fields[2].name = "n\xC3\xA4me";
    return tuor_json_envelope(text, fields, 3, &fault, pool);
}

static apr_status_t open_envelope(const char *text)
{
    return open_text(slice(text));
}

static void members_come_back_as_sent(void **state)
{
    (void)state;
    assert_int_equal(open_envelope(" { \"model_input\" : { \"b\":0.1, \"a\":1e400 } ,\"x\":[[[1]]],\"project_id\":\"proj_\\u0041\"} "), APR_SUCCESS);
    assert_slice(fields[0].value, "\"proj_\\u0041\"");
    assert_int_equal(fields[0].type, TUOR_JSON_STRING);
    assert_int_equal(fields[0].depth, 0);
    assert_slice(fields[1].value, "{ \"b\":0.1, \"a\":1e400 }");
    assert_int_equal(fields[1].type, TUOR_JSON_OBJECT);
    assert_int_equal(fields[1].depth, 1);
    assert_null(fields[2].value.p);
    assert_int_equal(fields[2].type, TUOR_JSON_NONE);
    assert_int_equal(fields[2].depth, 0);
    assert_int_equal(fields[2].spaced, 0);
}

static void payload_characters_survive(void **state)
{
    static const char *values[] = {
        "{\"v\":0.1}", "{\"v\":1250.45}", "{\"v\":1e400}", "{\"v\":12345678901234567890}", "{\"v\":1.0}",
        "{\"v\":\"\\u0000\"}", "{\"v\":\"\\ud83d\\ude00\"}", "{\"v\":\"\\ud800\"}", "{\"z\":1,\"a\":2}",
        "{\"a\":1,\"a\":2,\"\\u0061\":3}", "{\"v\":\"\\/\\u002F\"}", "{\"v\":\"\xF0\x9F\x98\x80\"}", "{\"v\":-0.0}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); ++i) {
        assert_int_equal(open_envelope(apr_psprintf(pool, "{\"model_input\":%s}", values[i])), APR_SUCCESS);
        assert_slice(fields[1].value, values[i]);
        assert_int_equal(fields[1].spaced, 0);
    }
}

static void depth_is_the_fields_own(void **state)
{
    (void)state;
    assert_int_equal(open_envelope("{\"x\":[[[[[]]]]],\"model_input\":{\"a\":[]},\"project_id\":{},\"n\xC3\xA4me\":\"[[\"}"), APR_SUCCESS);
    assert_int_equal(fields[0].depth, 1);
    assert_int_equal(fields[1].depth, 2);
    assert_int_equal(fields[2].depth, 0);
    assert_int_equal(open_envelope("{\"model_input\":{\"a\":[[[[[[[[1]]]]]]]],\"b\":1},\"project_id\":1}"), APR_SUCCESS);
    assert_int_equal(fields[1].depth, 9);
    assert_int_equal(fields[0].depth, 0);
}

static void spaced_means_space_inside(void **state)
{
    (void)state;
    assert_int_equal(open_envelope(" { \"model_input\" : {\"a b\":\" \"} , \"project_id\" : [ ] , \"n\xC3\xA4me\" : 1 } "), APR_SUCCESS);
    assert_int_equal(fields[1].spaced, 0);
    assert_int_equal(fields[0].spaced, 1);
    assert_int_equal(fields[2].spaced, 0);
    assert_int_equal(open_envelope("{\"model_input\":{\"a\":\t1},\"project_id\":[1,\n2],\"n\xC3\xA4me\":[1\r]}"), APR_SUCCESS);
    for (int i = 0; i < 3; ++i)
        assert_int_equal(fields[i].spaced, 1);
}

static void escaped_keys_match(void **state)
{
    (void)state;
    assert_int_equal(open_envelope("{\"\\u0070roject_id\":1,\"model\\u005finput\":2,\"n\\u00e4me\":3}"), APR_SUCCESS);
    assert_slice(fields[0].value, "1");
    assert_slice(fields[1].value, "2");
    assert_slice(fields[2].value, "3");
    assert_int_equal(open_envelope("{\"project_id\\u0000\":1,\"Project_id\":2,\"project_i\":3,\"project_id2\":4,\"\":5}"), APR_SUCCESS);
    assert_null(fields[0].value.p);
}

static void a_member_given_twice_is_refused(void **state)
{
    static const char *twice[] = {
        "{\"project_id\":1,\"project_id\":1}",
        "{\"project_id\":1,\"model_input\":{},\"project\\u005fid\":2}",
        "{\"x\":1,\"x\":2}",
        "{\"x\":1,\"\\u0078\":2}",
        "{\"\":1,\"\":2}",
        "{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}",
        "{\"\\ud800\":1,\"\\uD800\":2}",
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":1,\"k\":2,\"l\":3,\"m\":4,\"n\":5,\"a\":6}",
        "{\"project_id\":null,\"project_id\":null}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(twice); ++i) {
        assert_int_equal(open_envelope(twice[i]), APR_EEXIST);
        assert_string_equal(fault.message, "a member is given twice");
        assert_int_equal(twice[i][fault.offset], '"');
        assert_null(fields[0].value.p);
    }
    assert_int_equal(open_envelope("{\"x\":1, \"y\":2, \"x\":3}"), APR_EEXIST);
    assert_int_equal(fault.offset, 15);
}

static void duplicates_inside_payloads_pass(void **state)
{
    (void)state;
    assert_int_equal(open_envelope("{\"model_input\":{\"a\":1,\"a\":2},\"x\":{\"a\":1,\"a\":2}}"), APR_SUCCESS);
    assert_slice(fields[1].value, "{\"a\":1,\"a\":2}");
    assert_int_equal(open_envelope("{\"\\ud800\":1,\"\\ud801\":2,\"\\udc00\":3,\"x\":{\"project_id\":1},\"project_id\":2}"), APR_SUCCESS);
}

static void what_is_no_object_is_a_mismatch(void **state)
{
    static const char *others[] = { "[]", "1", " \"{}\"", "null", "[{\"project_id\":1}]", "true" };

    (void)state;
    for (size_t i = 0; i < COUNT(others); ++i) {
        assert_int_equal(open_envelope(others[i]), APR_EMISMATCH);
        assert_string_equal(fault.message, "the text is not an object");
    }
    assert_int_equal(open_envelope(" 1"), APR_EMISMATCH);
    assert_int_equal(fault.offset, 1);
}

/* Unparsable (400) wins over everything that only makes sense for JSON. */
static void broken_text_is_broken_first(void **state)
{
    (void)state;
    assert_int_equal(open_envelope("[1,]"), APR_EINVAL);
    assert_int_equal(open_envelope("{\"x\":1,\"x\":2"), APR_EINVAL);
    assert_int_equal(open_envelope("{\"project_id\":1}}"), APR_EINVAL);
    assert_null(fields[0].value.p);
    assert_int_equal(open_envelope(""), APR_EINVAL);
    assert_int_equal(open_text(TUOR_SLICE_NONE), APR_EINVAL);
}

static char *many_members(int n, const char *last)
{
    char *text = malloc((size_t)n * 16 + 64), *p = text;

    assert_non_null(text);
    *p++ = '{';
    for (int i = 0; i < n; ++i)
        p += sprintf(p, "\"k%d\":%d,", i, i);
    sprintf(p, "\"%s\":0}", last);
    return text;
}

static void the_first_thousand_are_checked(void **state)
{
    char *text = many_members(999, "k0");

    (void)state;
    assert_int_equal(open_envelope(text), APR_EEXIST);
    free(text);
    text = many_members(998, "k997");
    assert_int_equal(open_envelope(text), APR_EEXIST);
    free(text);
    text = many_members(200000, "project_id");
    assert_int_equal(open_envelope(text), APR_SUCCESS);
    assert_slice(fields[0].value, "0");
    free(text);
    text = many_members(100, "k100");
    assert_int_equal(open_envelope(text), APR_SUCCESS);
    free(text);
}

static void no_fields_is_fine(void **state)
{
    (void)state;
    assert_int_equal(tuor_json_envelope(slice("{\"a\":1}"), NULL, 0, &fault, pool), APR_SUCCESS);
    assert_int_equal(tuor_json_envelope(slice("{}"), NULL, 0, NULL, pool), APR_SUCCESS);
    assert_int_equal(tuor_json_envelope(slice("{"), NULL, 0, NULL, pool), APR_EINVAL);
}

static void sixty_four_fields(void **state)
{
    tuor_json_field many[64];
    char *text = apr_pstrdup(pool, "{");

    (void)state;
    for (int i = 0; i < 64; ++i) {
        many[i].name = apr_psprintf(pool, "f%d", i);
        text = apr_pstrcat(pool, text, apr_psprintf(pool, "%s\"f%d\":%d", i ? "," : "", 63 - i, 63 - i), NULL);
    }
    text = apr_pstrcat(pool, text, "}", NULL);
    assert_int_equal(tuor_json_envelope(slice(text), many, 64, &fault, pool), APR_SUCCESS);
    for (int i = 0; i < 64; ++i)
        assert_slice(many[i].value, apr_psprintf(pool, "%d", i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_come_back_as_sent),
        TEST(payload_characters_survive),
        TEST(depth_is_the_fields_own),
        TEST(spaced_means_space_inside),
        TEST(escaped_keys_match),
        TEST(a_member_given_twice_is_refused),
        TEST(duplicates_inside_payloads_pass),
        TEST(what_is_no_object_is_a_mismatch),
        TEST(broken_text_is_broken_first),
        TEST(the_first_thousand_are_checked),
        TEST(no_fields_is_fine),
        TEST(sixty_four_fields),
    };

    return run_group(tests, COUNT(tests), "envelope");
}
