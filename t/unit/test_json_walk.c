/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Walking, shortening and splicing valid text. */
#include "test_lib.h"
#include "tuor_diff.h"

/* ---- walking ---- */

/* "key=value;…" of all members. */
static const char *walked(const char *text)
{
    tuor_slice copy = tight(text, strlen(text));
    tuor_json_walk walk;
    tuor_json_member m;
    tuor_buf out;

    tuor_buf_init(&out, pool);
    tuor_json_walk_init(&walk, copy);
    while (tuor_json_walk_next(&walk, &m)) {
        assert_int_equal(m.type, tuor_json_type_of(m.value));
        assert_int_equal(walk.object, m.key.p != NULL);
        if (m.key.p) {
            tuor_buf_add(&out, m.key.p, m.key.len);
            tuor_buf_puts(&out, "=");
        }
        tuor_buf_add(&out, m.value.p, m.value.len);
        tuor_buf_puts(&out, ";");
    }
    assert_false(tuor_json_walk_next(&walk, &m));
    loose(copy);
    return tuor_buf_text(&out);
}

static void walks_objects_and_arrays(void **state)
{
    (void)state;
    assert_string_equal(walked("{}"), "");
    assert_string_equal(walked("[]"), "");
    assert_string_equal(walked(" { } "), "");
    assert_string_equal(walked("[\n]"), "");
    assert_string_equal(walked("{\"a\":1,\"b\":[2,3],\"c\":{\"d\":\"}\"}}"), "a=1;b=[2,3];c={\"d\":\"}\"};");
    assert_string_equal(walked("[1,\"]\",[],{},null,true,-1.5e3]"), "1;\"]\";[];{};null;true;-1.5e3;");
    assert_string_equal(walked(" { \"a\" : 1 , \"b\"\n:\t\"x,y\" } "), "a=1;b=\"x,y\";");
    assert_string_equal(walked("[ 1 , [ 2 , 3 ] , \"\\\"]\" ]"), "1;[ 2 , 3 ];\"\\\"]\";");
    assert_string_equal(walked("{\"\":0,\"a\\\"b\":1,\"\\\\\":2,\"a\":1,\"a\":2}"), "=0;a\\\"b=1;\\\\=2;a=1;a=2;");
}

static void scalars_have_no_members(void **state)
{
    (void)state;
    assert_string_equal(walked("1"), "");
    assert_string_equal(walked("\"[1]\""), "");
    assert_string_equal(walked("null"), "");
    assert_string_equal(walked(""), "");
}

static void strings_of_all_lengths_are_skipped(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; ++n) {
        char text[256], *p = text;

        p += sprintf(p, "[\"");
        memset(p, 'x', n);
        p += n;
        sprintf(p, "\\\\\",\"\\\"%.*s\\\\\\\"\",7]", (int)n, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
        assert_string_equal(strrchr(walked(text), '"'), "\";7;");
    }
}

static void get_takes_the_last(void **state)
{
    tuor_json_member m;

    (void)state;
    assert_true(tuor_json_get(slice("{\"a\":1,\"b\":2,\"a\":3}"), "a", &m));
    assert_slice(m.value, "3");
    assert_int_equal(m.type, TUOR_JSON_NUMBER);
    assert_true(tuor_json_get(slice("{\"a\":1,\"\\u0061\":{}}"), "a", &m));
    assert_slice(m.value, "{}");
    assert_slice(m.key, "\\u0061");
    assert_true(tuor_json_get(slice(" {\"\": null}"), "", &m));
    assert_int_equal(m.type, TUOR_JSON_NULL);
    assert_false(tuor_json_get(slice("{\"b\":{\"a\":1}}"), "a", &m));
    assert_false(tuor_json_get(slice("[\"a\"]"), "a", &m));
    assert_false(tuor_json_get(slice("\"a\""), "a", &m));
    assert_false(tuor_json_get(TUOR_SLICE_NONE, "a", &m));
}

/* ---- shortening ---- */

static const char *compacted(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    const char *out;

    assert_non_null(copy);
    memcpy(copy, text, len);
    out = apr_pstrmemdup(pool, copy, tuor_json_compact(copy, len));
    free(copy);
    return out;
}

static void compaction_removes_space_between_tokens(void **state)
{
    (void)state;
    assert_string_equal(compacted("{}"), "{}");
    assert_string_equal(compacted(" { } "), "{}");
    assert_string_equal(compacted("\t[\r\n1 , 2 ]\n"), "[1,2]");
    assert_string_equal(compacted("{ \"a\" : 1.0 , \"b\" : [ null , true ] }"), "{\"a\":1.0,\"b\":[null,true]}");
    assert_string_equal(compacted("  1e400"), "1e400");
    assert_string_equal(compacted("1e400  "), "1e400");
    assert_string_equal(compacted(""), "");
    assert_string_equal(compacted(" \n"), "");
}

static void compaction_leaves_strings_alone(void **state)
{
    (void)state;
    assert_string_equal(compacted("\" a  b \""), "\" a  b \"");
    assert_string_equal(compacted("[ \"a \\\" b\" , \" \\\\\" , \" c \" ]"), "[\"a \\\" b\",\" \\\\\",\" c \"]");
    assert_string_equal(compacted("{ \" k \\\" \" : \" \\\\\\\" { \" }"), "{\" k \\\" \":\" \\\\\\\" { \"}");
    assert_string_equal(compacted("[ \"a long string with spaces that a step of sixteen bytes passes\" , 1 ]"),
                        "[\"a long string with spaces that a step of sixteen bytes passes\",1]");
    assert_string_equal(compacted("[ \"\\u0020 \\ud800\" , 1 , 0.1 , 12345678901234567890 ]"),
                        "[\"\\u0020 \\ud800\",1,0.1,12345678901234567890]");
}

/* ---- splicing ---- */

typedef struct pieces {
    tuor_buf text;
    int n, stop_at;
} pieces;

static apr_status_t take(void *baton, const char *p, apr_size_t len)
{
    pieces *out = baton;

    assert_true(len > 0);
    if (++out->n == out->stop_at)
        return APR_EOF;
    tuor_buf_add(&out->text, p, len);
    return APR_SUCCESS;
}

static apr_array_header_t *names_of(const char *names)
{
    apr_array_header_t *array = apr_array_make(pool, 4, sizeof(const char *));
    char *rest = apr_pstrdup(pool, names), *name;

    while ((name = strsep(&rest, "|")) != NULL)
        APR_ARRAY_PUSH(array, const char *) = name;
    return array;
}

static const char *without(const char *text, const char *names)
{
    tuor_slice copy = tight(text, strlen(text));
    pieces out = { .stop_at = 0 };
    tuor_json_fault fault;

    tuor_buf_init(&out.text, pool);
    assert_int_equal(tuor_json_without(copy, names ? names_of(names) : NULL, take, &out), APR_SUCCESS);
    loose(copy);
    assert_int_equal(tuor_json_check((tuor_slice){ out.text.p, out.text.len }, NULL, NULL, &fault, pool), APR_SUCCESS);
    return tuor_buf_text(&out.text);
}

static void without_drops_direct_members(void **state)
{
    static const char abc[] = "{\"a\":1,\"b\":[2],\"c\":{\"a\":3}}";

    (void)state;
    assert_string_equal(without(abc, "a"), "{\"b\":[2],\"c\":{\"a\":3}}");
    assert_string_equal(without(abc, "b"), "{\"a\":1,\"c\":{\"a\":3}}");
    assert_string_equal(without(abc, "c"), "{\"a\":1,\"b\":[2]}");
    assert_string_equal(without(abc, "a|b"), "{\"c\":{\"a\":3}}");
    assert_string_equal(without(abc, "b|c"), "{\"a\":1}");
    assert_string_equal(without(abc, "c|a"), "{\"b\":[2]}");
    assert_string_equal(without(abc, "a|b|c"), "{}");
    assert_string_equal(without(abc, "d|"), abc);
    assert_string_equal(without(abc, NULL), abc);
    assert_string_equal(without("{\"a\":1}", "a"), "{}");
    assert_string_equal(without("{}", "a"), "{}");
    assert_string_equal(without("{\"\":1,\"a\":2}", ""), "{\"a\":2}");
}

static void without_drops_every_duplicate(void **state)
{
    (void)state;
    assert_string_equal(without("{\"a\":1,\"a\":2,\"b\":3,\"a\":4,\"b\":5}", "a"), "{\"b\":3,\"b\":5}");
    assert_string_equal(without("{\"a\":1,\"a\":2}", "a"), "{}");
    assert_string_equal(without("{\"b\":0,\"\\u0061\":1,\"c\":2}", "a"), "{\"b\":0,\"c\":2}");
    assert_string_equal(without("{\"\\\"a\":1,\"a\\\\\":2,\"a\":3}", "a"), "{\"\\\"a\":1,\"a\\\\\":2}");
    assert_string_equal(without("{\"\\\"a\":1,\"a\\\\\":2,\"a\":3}", "\"a|a\\"), "{\"a\":3}");
    assert_string_equal(without("{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2,\"\\ud83d\":3}", "\xF0\x9F\x98\x80"), "{\"\\ud83d\":3}");
}

static void without_takes_space(void **state)
{
    (void)state;
    assert_string_equal(compacted(without(" { \"a\" : 1 , \"b\" : 2 , \"c\" : 3 } ", "a")), "{\"b\":2,\"c\":3}");
    assert_string_equal(compacted(without(" { \"a\" : 1 , \"b\" : 2 , \"c\" : 3 } ", "b")), "{\"a\":1,\"c\":3}");
    assert_string_equal(compacted(without(" { \"a\" : 1 , \"b\" : 2 , \"c\" : 3 } ", "c")), "{\"a\":1,\"b\":2}");
    assert_string_equal(compacted(without(" { \"a\" : 1 } ", "a")), "{}");
}

static void without_hands_on_what_the_sink_says(void **state)
{
    (void)state;
    for (int stop = 1; stop <= 4; ++stop) {
        pieces out = { .stop_at = stop };

        tuor_buf_init(&out.text, pool);
        assert_int_equal(tuor_json_without(slice("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"), names_of("b|d"), take, &out), APR_EOF);
        assert_int_equal(out.n, stop);
    }
}

static void without_keeps_runs_in_one_piece(void **state)
{
    pieces out = { .stop_at = 0 };

    (void)state;
    tuor_buf_init(&out.text, pool);
    assert_int_equal(tuor_json_without(slice("{\"a\":1,\"b\":2,\"c\":3}"), names_of("x"), take, &out), APR_SUCCESS);
    assert_int_equal(out.n, 1);
}

/* ---- text that was not validated ---- */

static apr_status_t swallow(void *baton, const char *p, apr_size_t len)
{
    *(apr_size_t *)baton += len + (p == NULL);
    return APR_SUCCESS;
}

static void visit(tuor_slice value)
{
    tuor_json_walk walk;
    tuor_json_member m;

    for (tuor_json_walk_init(&walk, value); tuor_json_walk_next(&walk, &m);) {
        assert_true(m.value.p >= value.p && m.value.p + m.value.len <= value.p + value.len);
        (void)tuor_json_key_is(m.key, "a");
        (void)tuor_json_same_text(m.key, m.key);
        visit(m.value);
    }
}

/* A mistake elsewhere may give wrong answers here, but no wrong access: the sanitizers watch. */
static void cut_texts_stay_in_bounds(void **state)
{
    static const char text[] = "{\"a\\\"\" : [1,{\"\\ud83d\\ude00\":\"\xF0\x9F\x98\x80\\\\\"}, null ] , \"b\":{\"c\":[[],\"\\u0041\"]}}";

    (void)state;
    for (size_t from = 0; from < sizeof(text); ++from) {
        for (size_t to = from; to < sizeof(text); ++to) {
            tuor_slice cut = tight(text + from, to - from);
            apr_size_t sum = 0, len;
            tuor_json_member m;
            const char *out;
            tuor_buf diff;

            visit(cut);
            (void)tuor_json_get(cut, "b", &m);
            (void)tuor_json_decode(&out, &len, cut, 1, pool);
            (void)tuor_json_decode(&out, &len, cut, 0, pool);
            (void)tuor_json_without(cut, names_of("b|c"), swallow, &sum);
            tuor_buf_init(&diff, pool);
            tuor_diff(&diff, cut, slice("{\"b\":{\"c\":[1,\"A\"]}}"), pool);
            assert_true(tuor_json_compact((char *)(uintptr_t)cut.p, cut.len) <= to - from);
            loose(cut);
        }
        apr_pool_clear(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(walks_objects_and_arrays),
        TEST(scalars_have_no_members),
        TEST(strings_of_all_lengths_are_skipped),
        TEST(get_takes_the_last),
        TEST(compaction_removes_space_between_tokens),
        TEST(compaction_leaves_strings_alone),
        TEST(without_drops_direct_members),
        TEST(without_drops_every_duplicate),
        TEST(without_takes_space),
        TEST(without_hands_on_what_the_sink_says),
        TEST(without_keeps_runs_in_one_piece),
        TEST(cut_texts_stay_in_bounds),
    };

    return run_group(tests, COUNT(tests), "json_walk");
}
