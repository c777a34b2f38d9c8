/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Random JSON: what the scanner, compaction, walking and the difference promise for every text.
 * The seed is fixed; TUOR_TEST_SEED and TUOR_TEST_ROUNDS choose others.
 */
#include "test_lib.h"
#include "tuor_diff.h"

static apr_uint64_t seed = 88172645463325252ULL;
static int rounds = 3000;

static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* ---- making texts ---- */

static void space(tuor_buf *b, int spaced)
{
    static const char *const some[] = { "", "", " ", "\n", "\t ", "\r\n  " };

    if (spaced)
        tuor_buf_puts(b, some[pick(COUNT(some))]);
}

static void string(tuor_buf *b)
{
    static const char *const parts[] = {
        "a", "b", "key", "\\u0061", "\\n", "\\\"", "\\\\", "\\/", " ", "  ", "{", "]", ",", ":", ".", "[", "\\ud83d\\ude00",
        "\xF0\x9F\x98\x80", "\\ud800", "\\udc00", "\xC3\xA9", "\\u00e9", "\\u0000", "sixteen bytes it", "\xE2\x82\xAC", "0",
    };

    tuor_buf_puts(b, "\"");
    for (unsigned n = pick(4); n > 0; --n)
        tuor_buf_puts(b, parts[pick(COUNT(parts))]);
    tuor_buf_puts(b, "\"");
}

static void scalar(tuor_buf *b)
{
    static const char *const some[] = { "null", "true", "false", "0", "-0", "0.1", "1.0", "1", "1e400", "12345678901234567890" };

    if (pick(3))
        string(b);
    else
        tuor_buf_puts(b, some[pick(COUNT(some))]);
}

static void value(tuor_buf *b, unsigned depth, int spaced)
{
    int object = pick(2) == 0;
    unsigned n = pick(16) ? pick(5) : pick(40);

    if (depth == 0 || pick(3) == 0) {
        scalar(b);
        return;
    }
    tuor_buf_puts(b, object ? "{" : "[");
    space(b, spaced);
    for (unsigned i = 0; i < n; ++i) {
        if (i) {
            tuor_buf_puts(b, ",");
            space(b, spaced);
        }
        if (object) {
            string(b);
            space(b, spaced);
            tuor_buf_puts(b, ":");
            space(b, spaced);
        }
        value(b, depth - 1, spaced);
        space(b, spaced);
    }
    tuor_buf_puts(b, object ? "}" : "]");
}

static tuor_slice random_text(int spaced)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    space(&b, spaced);
    value(&b, 1 + pick(4), spaced);
    space(&b, spaced);
    return (tuor_slice){ b.p, b.len };
}

/* ---- checking them ---- */

static apr_status_t check(tuor_slice text, unsigned *depth)
{
    tuor_slice copy = tight(text.p, text.len);
    tuor_json_fault fault;
    apr_status_t rv = tuor_json_check(copy, NULL, depth, &fault, pool);

    loose(copy);
    return rv;
}

static tuor_slice compacted(tuor_slice text)
{
    char *copy = apr_pstrmemdup(pool, text.p, text.len);

    return (tuor_slice){ copy, tuor_json_compact(copy, text.len) };
}

static tuor_slice diff_of(tuor_slice from, tuor_slice to)
{
    apr_pool_t *scratch;
    tuor_buf out;

    tuor_buf_init(&out, pool);
    apr_pool_create(&scratch, pool);
    tuor_diff(&out, from, to, scratch);
    apr_pool_destroy(scratch);
    assert_int_equal(check((tuor_slice){ out.p, out.len }, NULL), APR_SUCCESS);
    return (tuor_slice){ out.p, out.len };
}

static int equal(tuor_slice a, tuor_slice b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* Depth again, by walking. */
static unsigned walked_depth(tuor_slice v)
{
    tuor_json_type type = tuor_json_type_of(v);
    unsigned deepest = 0;
    tuor_json_walk walk;
    tuor_json_member m;

    if (type != TUOR_JSON_OBJECT && type != TUOR_JSON_ARRAY)
        return 0;
    for (tuor_json_walk_init(&walk, v); tuor_json_walk_next(&walk, &m);) {
        unsigned depth = walked_depth(m.value);

        assert_int_equal(check(m.value, NULL), APR_SUCCESS);
        if (depth > deepest)
            deepest = depth;
    }
    return deepest + 1;
}

static void each_round(void (*property)(void))
{
    for (int i = 0; i < rounds; ++i) {
        property();
        apr_pool_clear(pool);
    }
}

static void accepted(void)
{
    tuor_slice text = random_text(1);
    unsigned depth;

    assert_int_equal(check(text, &depth), APR_SUCCESS);
    assert_int_equal(walked_depth(text), depth);
}

static void valid_texts_are_accepted_and_walk_to_their_depth(void **state)
{
    (void)state;
    each_round(accepted);
}

static void compact_again(void)
{
    tuor_slice text = random_text(1), once = compacted(text), twice = compacted(once);
    tuor_json_field field = { .name = "v" };
    tuor_json_fault fault;
    const char *envelope = apr_pstrcat(pool, "{\"v\":", text_of(once), "}", NULL);

    assert_int_equal(check(once, NULL), APR_SUCCESS);
    assert_true(equal(once, twice));
    assert_int_equal(tuor_json_envelope(slice(envelope), &field, 1, &fault, pool), APR_SUCCESS);
    assert_int_equal(field.spaced, 0);
    assert_true(equal(field.value, once));
    assert_string_equal(text_of(diff_of(text, once)), "[]");
}

static void compaction_is_idempotent_and_changes_no_value(void **state)
{
    (void)state;
    each_round(compact_again);
}

static void never_spaced(void)
{
    tuor_slice text = random_text(0);

    assert_true(equal(text, compacted(text)));
}

static void text_without_space_stays(void **state)
{
    (void)state;
    each_round(never_spaced);
}

static void mutate(void)
{
    tuor_slice text = random_text(1);
    char *copy = apr_pstrmemdup(pool, text.p, text.len);
    tuor_slice changed = { copy, text.len };

    copy[pick((unsigned)text.len)] = (char)pick(256);
    if (check(changed, NULL) == APR_SUCCESS)
        walked_depth(changed);
    changed.len = pick((unsigned)text.len + 1);
    if (check(changed, NULL) == APR_SUCCESS)
        walked_depth(changed);
}

static void mutations_never_mislead(void **state)
{
    (void)state;
    each_round(mutate);
}

/* A difference swaps its sides when its values do; it has as many entries, and is empty only both ways. */
static tuor_slice member_of(tuor_slice entry, const char *name)
{
    tuor_json_member m;

    assert_true(tuor_json_get(entry, name, &m));
    return m.value;
}

static int count_mirrored(tuor_slice list, tuor_slice mirror)
{
    tuor_json_walk a, b;
    tuor_json_member x, y;
    int n = 0;

    for (tuor_json_walk_init(&a, list); tuor_json_walk_next(&a, &x); ++n) {
        int found = 0;

        for (tuor_json_walk_init(&b, mirror); !found && tuor_json_walk_next(&b, &y);)
            found = equal(member_of(x.value, "path"), member_of(y.value, "path"))
                && equal(member_of(x.value, "from"), member_of(y.value, "to"))
                && equal(member_of(x.value, "to"), member_of(y.value, "from"));
        if (!found)
            fail_msg("%s has no mirror in %s", text_of(x.value), text_of(mirror));
    }
    return n;
}

static void mirrored(void)
{
    tuor_slice a = random_text(0), b = random_text(0);
    tuor_slice ab = diff_of(a, b), ba = diff_of(b, a);

    assert_string_equal(text_of(diff_of(a, a)), "[]");
    if (ab.len > 20000)
        return;                                 /* the comparison is quadratic */
    assert_int_equal(count_mirrored(ab, ba), count_mirrored(ba, ab));
}

static void differences_mirror(void **state)
{
    (void)state;
    each_round(mirrored);
}

/* One leaf of a text replaced: the difference is that leaf, or nothing if a later duplicate hides it. */
static void replace_one(void)
{
    tuor_slice text = random_text(0), list;
    const char *p = text.p, *end = p + text.len, *marks[400];
    tuor_json_walk walk;
    tuor_json_member m;
    size_t n = 0, at;
    char *changed;

    for (; p + 4 <= end && n < COUNT(marks); ++p)       /* "null" never stands inside the strings we make */
        if (memcmp(p, "null", 4) == 0)
            marks[n++] = p;
    if (n == 0)
        return;
    at = (size_t)(marks[pick((unsigned)n)] - text.p);
    changed = apr_pstrmemdup(pool, text.p, text.len);
    memcpy(changed + at, "1234", 4);
    list = diff_of(text, (tuor_slice){ changed, text.len });
    tuor_json_walk_init(&walk, list);
    if (!tuor_json_walk_next(&walk, &m))
        return;
    assert_slice(member_of(m.value, "from"), "null");
    assert_slice(member_of(m.value, "to"), "1234");
    assert_false(tuor_json_walk_next(&walk, &m));
}

static void one_change_is_one_entry(void **state)
{
    (void)state;
    each_round(replace_one);
}

/* Dropping a member leaves valid JSON in which it is gone and all others stand as before. */
static apr_status_t append(void *baton, const char *p, apr_size_t len)
{
    tuor_buf_add(baton, p, len);
    return APR_SUCCESS;
}

static void drop_one(void)
{
    static const char *const candidates[] = { "a", "b", "key", "", "\"", "\\", "\xF0\x9F\x98\x80", "\xC3\xA9", "aa" };
    const char *name = candidates[pick(COUNT(candidates))];
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(const char *));
    tuor_slice text = random_text(1), rest;
    tuor_json_walk a, b;
    tuor_json_member x, y;
    tuor_buf out;

    APR_ARRAY_PUSH(names, const char *) = name;
    tuor_buf_init(&out, pool);
    assert_int_equal(tuor_json_without(text, names, append, &out), APR_SUCCESS);
    rest = (tuor_slice){ out.p, out.len };
    assert_int_equal(check(rest, NULL), APR_SUCCESS);
    assert_int_equal(tuor_json_type_of(rest), tuor_json_type_of(text));
    tuor_json_walk_init(&a, text);
    tuor_json_walk_init(&b, rest);
    while (tuor_json_walk_next(&a, &x)) {
        if (a.object && tuor_json_key_is(x.key, name))
            continue;
        assert_true(tuor_json_walk_next(&b, &y));
        assert_true(equal(x.value, y.value));
        if (a.object)
            assert_true(equal(x.key, y.key));
    }
    assert_false(tuor_json_walk_next(&b, &y));
}

static void without_keeps_all_others(void **state)
{
    (void)state;
    each_round(drop_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(valid_texts_are_accepted_and_walk_to_their_depth),
        TEST(compaction_is_idempotent_and_changes_no_value),
        TEST(text_without_space_stays),
        TEST(mutations_never_mislead),
        TEST(differences_mirror),
        TEST(one_change_is_one_entry),
        TEST(without_keeps_all_others),
    };

    if (getenv("TUOR_TEST_SEED"))
        seed ^= (apr_uint64_t)apr_atoi64(getenv("TUOR_TEST_SEED")) * 0x9E3779B97F4A7C15ULL;
    if (getenv("TUOR_TEST_ROUNDS"))
        rounds = atoi(getenv("TUOR_TEST_ROUNDS"));
    return run_group(tests, COUNT(tests), "property");
}
