/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* correction_diff: every rule of the contract, with examples. */
#include "test_lib.h"
#include "tuor_diff.h"

static const char *diff_of(tuor_slice from, tuor_slice to)
{
    tuor_json_fault fault;
    apr_pool_t *scratch;
    tuor_buf out;

    tuor_buf_init(&out, pool);
    apr_pool_create(&scratch, pool);
    tuor_diff(&out, from, to, scratch);
    apr_pool_destroy(scratch);
    assert_int_equal(tuor_json_check((tuor_slice){ out.p, out.len }, NULL, NULL, &fault, pool), APR_SUCCESS);
    return tuor_buf_text(&out);
}

typedef struct example {
    const char *from, *to;
    const char *list;           /* path from to, path from to … with ' for " */
} example;

static const char *quoted(const char *s)
{
    char *copy = apr_pstrdup(pool, s);

    for (char *p = copy; *p; ++p)
        if (*p == '\'')
            *p = '"';
    return copy;
}

static void check_examples(const example *examples, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        tuor_slice from = slice(quoted(examples[i].from)), to = slice(quoted(examples[i].to));
        tuor_slice a = tight(from.p, from.len), b = tight(to.p, to.len);
        const char *list = diff_of(a, b), *want = quoted(examples[i].list);

        loose(a);
        loose(b);
        if (strcmp(list, want) != 0)
            fail_msg("%s\n -> %s\n is %s\n not %s", examples[i].from, examples[i].to, list, want);
    }
}

#define E(path, from, to) "{'path':'" path "','from':" from ",'to':" to "}"
#define CHECK(...) do { \
    static const example examples[] = { __VA_ARGS__ }; \
    (void)state; \
    check_examples(examples, COUNT(examples)); \
} while (0)

static void the_documented_example(void **state)
{
    CHECK({ "{'company':'Gogle Inc.'}", "{'company':'Google Inc.'}",
            "[" E("company", "'Gogle Inc.'", "'Google Inc.'") "]" });
}

static void equal_values_have_no_differences(void **state)
{
    CHECK({ "{}", "{}", "[]" },
          { "{}", "{ }", "[]" },
          { "{'a':[1,{'b':null}]}", "{'a':[1,{'b':null}]}", "[]" },
          { "{'a':1,'b':2}", "{'b':2,'a':1}", "[]" },
          { "{'a':[1,2]}", " { 'a' : [ 1 , 2 ] } ", "[]" },
          { "{'\\u0061':1}", "{'a':1}", "[]" },
          { "[1,'x']", "[1,'x']", "[]" },
          { "1", "1", "[]" });
}

static void leaves_in_the_order_of_from_then_members_of_to(void **state)
{
    CHECK({ "{'b':1,'a':2,'c':3}", "{'c':4,'a':5,'b':6}",
            "[" E("b", "1", "6") "," E("a", "2", "5") "," E("c", "3", "4") "]" },
          { "{'b':1,'a':2}", "{'y':9,'a':3,'x':8,'b':4}",
            "[" E("b", "1", "4") "," E("a", "2", "3") "," E("y", "null", "9") "," E("x", "null", "8") "]" },
          { "{'o':{'a':1},'z':1}", "{'n':0,'o':{'b':2,'a':3},'z':2}",
            "[" E("o.a", "1", "3") "," E("o.b", "null", "2") "," E("z", "1", "2") "," E("n", "null", "0") "]" });
}

static void arrays_go_by_index(void **state)
{
    CHECK({ "{'items':[{'price':1},{'price':2},{'price':3}]}", "{'items':[{'price':1},{'price':2},{'price':4}]}",
            "[" E("items[2].price", "3", "4") "]" },
          { "{'a':[1,2,3]}", "{'a':[2,3]}",
            "[" E("a[0]", "1", "2") "," E("a[1]", "2", "3") "," E("a[2]", "3", "null") "]" },
          { "{'a':[1]}", "{'a':[1,[2,3]]}",
            "[" E("a[1][0]", "null", "2") "," E("a[1][1]", "null", "3") "]" },
          { "{'a':[[1],[2]]}", "{'a':[[1],[3]]}", "[" E("a[1][0]", "2", "3") "]" },
          { "[1,{'a':2}]", "[1,{'a':3}]", "[" E("[1].a", "2", "3") "]" },
          { "{'a':[0,1,2,3,4,5,6,7,8,9,10]}", "{'a':[0,1,2,3,4,5,6,7,8,9,11]}", "[" E("a[10]", "10", "11") "]" });
}

static void numbers_differ_when_their_characters_do(void **state)
{
    CHECK({ "{'a':1.0}", "{'a':1}", "[" E("a", "1.0", "1") "]" },
          { "{'a':1e2}", "{'a':100}", "[" E("a", "1e2", "100") "]" },
          { "{'a':-0}", "{'a':0}", "[" E("a", "-0", "0") "]" },
          { "{'a':1e400}", "{'a':1E400}", "[" E("a", "1e400", "1E400") "]" },
          { "{'a':12345678901234567890}", "{'a':12345678901234567891}",
            "[" E("a", "12345678901234567890", "12345678901234567891") "]" },
          { "{'a':0.1}", "{'a':0.1}", "[]" });
}

static void strings_differ_when_their_text_does(void **state)
{
    CHECK({ "{'a':'\\u0041'}", "{'a':'A'}", "[]" },
          { "{'a':'\\/'}", "{'a':'/'}", "[]" },
          { "{'a':'\\ud83d\\ude00'}", "{'a':'\xF0\x9F\x98\x80'}", "[]" },
          { "{'a':'\\ud83d\\ude00'}", "{'a':'\\uD83D\\uDE00'}", "[]" },
          { "{'a':'\\ud800'}", "{'a':'\\uD800'}", "[]" },
          { "{'a':'\\ud800'}", "{'a':'\\ud801'}", "[" E("a", "'\\ud800'", "'\\ud801'") "]" },
          { "{'a':'\\u0000'}", "{'a':''}", "[" E("a", "'\\u0000'", "''") "]" },
          { "{'a':'1'}", "{'a':1}", "[" E("a", "'1'", "1") "]" },
          { "{'a':'null'}", "{'a':null}", "[" E("a", "'null'", "null") "]" },
          { "{'a':true}", "{'a':false}", "[" E("a", "true", "false") "]" });
}

static void a_scalar_against_a_container_is_one_entry(void **state)
{
    CHECK({ "{'a':1}", "{'a':{'b':2,'c':[3]}}", "[" E("a", "1", "{'b':2,'c':[3]}") "]" },
          { "{'a':[1,2]}", "{'a':'x'}", "[" E("a", "[1,2]", "'x'") "]" },
          { "{'a':null}", "{'a':{'b':1}}", "[" E("a", "null", "{'b':1}") "]" },
          { "{'a':[]}", "{'a':0}", "[" E("a", "[]", "0") "]" },
          { "{'a':{'b':1}}", "{'a':[1]}", "[" E("a", "{'b':1}", "[1]") "]" });
}

static void empty_containers_are_leaves(void **state)
{
    CHECK({ "{'a':{}}", "{'a':[]}", "[" E("a", "{}", "[]") "]" },
          { "{'a':{}}", "{}", "[" E("a", "{}", "null") "]" },
          { "{}", "{'a':[]}", "[" E("a", "null", "[]") "]" },
          { "{'a':{'b':{},'c':[[]]}}", "{}", "[" E("a.b", "{}", "null") "," E("a.c[0]", "[]", "null") "]" },
          { "{'a':[]}", "{'a':[]}", "[]" },
          { "{'a':{}}", "{'a':{'b':1}}", "[" E("a.b", "null", "1") "]" },
          { "{'a':[1]}", "{'a':[]}", "[" E("a[0]", "1", "null") "]" },
          { "{}", "{'a':1}", "[" E("a", "null", "1") "]" });
}

static void an_absent_side_yields_the_leaves_of_the_other(void **state)
{
    CHECK({ "{'a':{'b':1,'c':[2,{'d':3}]}}", "{}",
            "[" E("a.b", "1", "null") "," E("a.c[0]", "2", "null") "," E("a.c[1].d", "3", "null") "]" },
          { "{}", "{'a':{'b':1,'c':[2]}}", "[" E("a.b", "null", "1") "," E("a.c[0]", "null", "2") "]" });
}

static void absent_against_null_is_a_difference(void **state)
{
    CHECK({ "{'a':null}", "{}", "[" E("a", "null", "null") "]" },
          { "{}", "{'a':null}", "[" E("a", "null", "null") "]" },
          { "{'a':[null]}", "{'a':[]}", "[" E("a[0]", "null", "null") "]" },
          { "{'a':null}", "{'a':null}", "[]" });
}

static void of_duplicate_keys_the_last_counts(void **state)
{
    CHECK({ "{'a':1,'a':2}", "{'a':2}", "[]" },
          { "{'a':1,'a':2}", "{'a':1}", "[" E("a", "2", "1") "]" },
          { "{'a':2}", "{'a':1,'a':2}", "[]" },
          { "{'a':1,'b':5,'\\u0061':3}", "{'b':6,'a':4}", "[" E("a", "3", "4") "," E("b", "5", "6") "]" },
          { "{}", "{'x':1,'y':2,'x':3}", "[" E("x", "null", "3") "," E("y", "null", "2") "]" },
          { "{'a':{'x':1,'x':2}}", "{}", "[" E("a.x", "2", "null") "]" },
          { "{'a':{'x':1},'a':5}", "{'a':5}", "[]" });
}

static void paths_quote_what_dots_cannot_say(void **state)
{
    CHECK({ "{'address':{'city':1}}", "{'address':{'city':2}}", "[" E("address.city", "1", "2") "]" },
          { "{'a.b':1}", "{'a.b':2}", "[" E("[\\'a.b\\']", "1", "2") "]" },
          { "{'x':{'a.b':{'c':1}}}", "{'x':{'a.b':{'c':2}}}", "[" E("x[\\'a.b\\'].c", "1", "2") "]" },
          { "{'':1}", "{'':2}", "[" E("[\\'\\']", "1", "2") "]" },
          { "{'':{'':1}}", "{'':{'':2}}", "[" E("[\\'\\'][\\'\\']", "1", "2") "]" },
          { "{'a[0]':1,'b]':1,'c\\'d':1}", "{'a[0]':2,'b]':2,'c\\'d':2}",
            "[" E("[\\'a[0]\\']", "1", "2") "," E("[\\'b]\\']", "1", "2") "," E("[\\'c\\\\\\'d\\']", "1", "2") "]" },
          { "{'a b':1,'\\\\':1,'\\n':1,'\xC3\xA9':1}", "{'a b':2,'\\\\':2,'\\n':2,'\\u00e9':2}",
            "[" E("a b", "1", "2") "," E("\\\\", "1", "2") "," E("\\n", "1", "2") "," E("\xC3\xA9", "1", "2") "]" },
          { "{'\\n.':1}", "{'\\n.':2}", "[" E("[\\'\\\\n.\\']", "1", "2") "]" },
          { "{'\\u002e':1}", "{'.':2}", "[" E("[\\'.\\']", "1", "2") "]" },
          { "{'\\u0000':1}", "{'\\u0000':2}", "[" E("\\u0000", "1", "2") "]" },
          { "{'\\ud800':1}", "{'\\ud800':2}", "[" E("[\\'\\\\ud800\\']", "1", "2") "]" });
}

static void values_come_as_sent(void **state)
{
    CHECK({ "{'a':'\\u0041\\/'}", "{'a':'\\u0042'}", "[" E("a", "'\\u0041\\/'", "'\\u0042'") "]" },
          { "{'a':1250.450}", "{'a':{'b' : 1,'b':2}}", "[" E("a", "1250.450", "{'b' : 1,'b':2}") "]" });
}

static void roots_that_are_no_objects(void **state)
{
    CHECK({ "1", "2", "[" E("", "1", "2") "]" },
          { " 1 ", "[2] ", "[" E("", "1", "[2]") "]" },
          { "{}", "[]", "[" E("", "{}", "[]") "]" });
}

static void absent_roots(void **state)
{
    (void)state;
    assert_string_equal(diff_of(TUOR_SLICE_NONE, slice("{\"a\":1}")), "[{\"path\":\"a\",\"from\":null,\"to\":1}]");
    assert_string_equal(diff_of(slice("{\"a\":1}"), TUOR_SLICE_NONE), "[{\"path\":\"a\",\"from\":1,\"to\":null}]");
}

static void appends_to_what_is_there(void **state)
{
    tuor_buf out;

    (void)state;
    tuor_buf_init(&out, pool);
    tuor_buf_puts(&out, "{\"correction_diff\":");
    tuor_diff(&out, slice("{\"a\":1,\"b\":2}"), slice("{\"a\":2,\"b\":3}"), pool);
    tuor_buf_puts(&out, "}");
    assert_string_equal(tuor_buf_text(&out), "{\"correction_diff\":[{\"path\":\"a\",\"from\":1,\"to\":2},{\"path\":\"b\",\"from\":2,\"to\":3}]}");
}

static void path_key_alone(void **state)
{
    tuor_buf path;

    (void)state;
    tuor_buf_init(&path, pool);
    tuor_diff_path_key(&path, slice("a"));
    tuor_diff_path_key(&path, slice("b"));
    tuor_diff_path_key(&path, slice("c.d"));
    tuor_diff_path_key(&path, slice(""));
    tuor_diff_path_key(&path, TUOR_SLICE_NONE);
    tuor_diff_path_key(&path, slice("e\"f\\"));
    tuor_diff_path_key(&path, slice("g\\h"));
    assert_string_equal(tuor_buf_text(&path), "a.b[\"c.d\"][\"\"][\"\"][\"e\\\"f\\\\\"].g\\h");
}

/* ---- size ---- */

/* {"k<i*step % n>":<add>, …}, every key once when step and n have no common factor. */
static tuor_slice wide(int n, int step, int add)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    tuor_buf_puts(&b, "{");
    for (int i = 0; i < n; ++i)
        tuor_buf_printf(&b, "%s\"k%d\":%d", i ? "," : "", (int)((apr_int64_t)i * step % n), add);
    tuor_buf_puts(&b, "}");
    return (tuor_slice){ b.p, b.len };
}

static void wide_objects_in_any_order(void **state)
{
    static const int sizes[] = { 1, 11, 12, 13, 14, 31, 33, 100, 5003, 100003 };

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); ++i) {
        int n = sizes[i];
        const char *all;

        assert_string_equal(diff_of(wide(n, 1, 7), wide(n, 7919, 7)), "[]");
        if (n > 5003)
            continue;
        all = diff_of(wide(n, 1, 7), wide(n, 7919, 8));
        for (int k = 0; k < n; ++k) {
            const char *entry = apr_psprintf(pool, "%s{\"path\":\"k%d\",\"from\":7,\"to\":8}", k ? "," : "[", k);

            assert_memory_equal(all, entry, strlen(entry));
            all += strlen(entry);
        }
        assert_string_equal(all, "]");
    }
}

/* Wide and narrow objects at one level in turn: what one leaves behind must not show in the next. */
static void levels_are_filled_anew(void **state)
{
    static const char start[] = "[{\"path\":\"[39].k0\",\"from\":1,\"to\":2},{\"path\":\"[39].k1\",";
    tuor_buf from, to;

    (void)state;
    tuor_buf_init(&from, pool);
    tuor_buf_init(&to, pool);
    for (int i = 0; i < 40; ++i) {
        tuor_slice a = wide(i % 2 ? 1 + i : 40 - i, 1, 1), b = wide(i % 2 ? 1 + i : 40 - i, 1, i == 39 ? 2 : 1);

        tuor_buf_puts(&from, i ? "," : "[");
        tuor_buf_puts(&to, i ? ", " : "[");
        tuor_buf_add(&from, a.p, a.len);
        tuor_buf_puts(&to, " ");
        tuor_buf_add(&to, b.p, b.len - 1);
        tuor_buf_puts(&to, " }");
    }
    tuor_buf_puts(&from, "]");
    tuor_buf_puts(&to, "]");
    assert_int_equal(strncmp(diff_of((tuor_slice){ from.p, from.len }, (tuor_slice){ to.p, to.len }),
                             start, sizeof(start) - 1), 0);
}

static tuor_slice deep(int n, const char *leaf)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    for (int i = 0; i < n; ++i)
        tuor_buf_puts(&b, "[");
    tuor_buf_puts(&b, leaf);
    for (int i = 0; i < n; ++i)
        tuor_buf_puts(&b, "]");
    return (tuor_slice){ b.p, b.len };
}

static void deep_values_need_no_stack(void **state)
{
    const char *list;

    (void)state;
    list = diff_of(deep(199, "1"), deep(199, "2"));
    assert_non_null(strstr(list, "[0]\",\"from\":1,\"to\":2}]"));
    list = diff_of(deep(100000, "1"), deep(100000, "2"));
    assert_non_null(strstr(list, "[0]\",\"from\":[[["));
    assert_string_equal(diff_of(deep(100000, "1"), deep(100000, "1")), "[]");
}

/* A long key above many leaves would repeat itself without end: whole members stand in. */
static void results_stay_in_proportion(void **state)
{
    enum { KEY = 100000, LEAVES = 100000 };
    tuor_buf a, b;
    const char *list;

    (void)state;
    tuor_buf_init(&a, pool);
    tuor_buf_init(&b, pool);
    for (int i = 0; i < KEY; ++i)
        tuor_buf_puts(&a, i ? "k" : "{\"x\":1,\"");
    tuor_buf_puts(&a, "\":[0");
    tuor_buf_add(&b, a.p, a.len);
    for (int i = 0; i < LEAVES; ++i) {
        tuor_buf_puts(&a, ",1");
        tuor_buf_puts(&b, ",2");
    }
    tuor_buf_puts(&a, "],\"z\":1}");
    tuor_buf_puts(&b, "],\"z\":3}");
    list = diff_of((tuor_slice){ a.p, a.len }, (tuor_slice){ b.p, b.len });
    assert_true(strlen(list) < 2 * (a.len + b.len));
    assert_int_equal(strncmp(list, "[{\"path\":\"kkkk", 14), 0);
    assert_non_null(strstr(list, "\"from\":[0,1,1"));
    assert_non_null(strstr(list, "{\"path\":\"z\",\"from\":1,\"to\":3}]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_documented_example),
        TEST(equal_values_have_no_differences),
        TEST(leaves_in_the_order_of_from_then_members_of_to),
        TEST(arrays_go_by_index),
        TEST(numbers_differ_when_their_characters_do),
        TEST(strings_differ_when_their_text_does),
        TEST(a_scalar_against_a_container_is_one_entry),
        TEST(empty_containers_are_leaves),
        TEST(an_absent_side_yields_the_leaves_of_the_other),
        TEST(absent_against_null_is_a_difference),
        TEST(of_duplicate_keys_the_last_counts),
        TEST(paths_quote_what_dots_cannot_say),
        TEST(values_come_as_sent),
        TEST(roots_that_are_no_objects),
        TEST(absent_roots),
        TEST(appends_to_what_is_there),
        TEST(path_key_alone),
        TEST(wide_objects_in_any_order),
        TEST(levels_are_filled_anew),
        TEST(deep_values_need_no_stack),
        TEST(results_stay_in_proportion),
    };

    return run_group(tests, COUNT(tests), "diff");
}
