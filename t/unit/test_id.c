/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Ids, API keys and cursors. */
#include "test_lib.h"
#include "tuor_id.h"

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const apr_time_t noon = APR_TIME_C(1779278400123456);

/* ---- ids ---- */

static void ids_are_valid_and_differ(void **state)
{
    static const char *prefixes[] = { "org", "user", "key", "proj", "trace", "evt", "tag", "prm", "sug", "whd" };

    (void)state;
    for (size_t i = 0; i < COUNT(prefixes); ++i) {
        const char *a = tuor_id(prefixes[i], noon, pool), *b = tuor_id(prefixes[i], noon, pool);

        assert_true(tuor_id_valid(a, prefixes[i]));
        assert_true(tuor_id_valid(b, prefixes[i]));
        assert_string_not_equal(a, b);
        assert_int_equal(strlen(a), strlen(prefixes[i]) + 1 + TUOR_ID_DIGITS);
    }
}

static void byte_order_is_time_order(void **state)
{
    apr_time_t times[] = { 0, 1, 61, 62, 3843, 3844, 1000000, 1048575, 1048576, noon - 1, noon, noon + 1, noon + 1000000,
                           APR_TIME_C(4102444800000000), ((apr_time_t)1 << 52) - 1 };

    (void)state;
    for (size_t i = 1; i < COUNT(times); ++i) {
        for (int n = 0; n < 50; ++n) {
            const char *before = tuor_id("trace", times[i - 1], pool), *after = tuor_id("trace", times[i], pool);

            assert_true(strcmp(before, after) < 0);
            assert_true(strcmp(before, tuor_id_floor("trace", times[i], pool)) < 0);
            assert_true(strcmp(tuor_id_floor("trace", times[i], pool), after) <= 0);
        }
    }
}

static void the_floor_is_a_pure_function(void **state)
{
    (void)state;
    assert_string_equal(tuor_id_floor("trace", 0, pool), "trace_0000000000000000000000");
    assert_string_equal(tuor_id_floor("x", -5, pool), "x_0000000000000000000000");
    assert_string_equal(tuor_id_floor("evt", noon, pool), tuor_id_floor("evt", noon, pool));
    assert_true(tuor_id_valid(tuor_id_floor("evt", APR_INT64_MAX, pool), "evt"));
    /* 2^76 in base 62, computed elsewhere: the digits are a number, most significant first. */
    assert_string_equal(tuor_id_floor("trace", 1, pool), "trace_000000000NQ0vRTUdLLbF2");
}

/* The 76 random bits: each is set about half of the time. */
static void random_bits_are_balanced(void **state)
{
    enum { N = 4000 };
    int set[128] = { 0 };

    (void)state;
    for (int n = 0; n < N; ++n) {
        const char *p = strchr(tuor_id("trace", noon, pool), '_') + 1;
        unsigned __int128 value = 0;

        for (; *p; ++p)
            value = value * 62 + (unsigned)(strchr(digits, *p) - digits);
        assert_true((apr_time_t)(value >> 76) == noon);
        for (int bit = 0; bit < 76; ++bit)
            set[bit] += (int)(value >> bit & 1);
    }
    for (int bit = 0; bit < 76; ++bit)      /* 8 standard deviations */
        assert_true(abs(set[bit] - N / 2) < 8 * 32);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void many_ids_of_one_moment_differ(void **state)
{
    enum { N = 20000 };
    const char **ids = apr_palloc(pool, N * sizeof(*ids));

    (void)state;
    for (int i = 0; i < N; ++i)
        ids[i] = tuor_id("evt", noon, pool);
    qsort(ids, N, sizeof(*ids), compare_ids);
    for (int i = 1; i < N; ++i)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void ids_of_others_are_refused(void **state)
{
    static const char *bad[] = {
        "", "trace", "trace_", "trace_000000000000000000000", "trac_0000000000000000000000", "Trace_0000000000000000000000",
        "trace-0000000000000000000000", "trace_000000000000000000000_", "trace_00000000000000000000 0",
        "trace_000000000000000000000\xC3\xA9", "evt_0000000000000000000000", "trace_000000000000000000000'",
        "trace__0000000000000000000000", " trace_0000000000000000000000", "trace_0000000000000000000000 ",
        "trace_00000000000000000000000000000000000000000000000000000000000000000",
        "traces_0000000000000000000000",
    };

    (void)state;
    assert_false(tuor_id_valid(NULL, "trace"));
    for (size_t i = 0; i < COUNT(bad); ++i)
        if (tuor_id_valid(bad[i], "trace"))
            fail_msg("taken: %s", bad[i]);
    assert_true(tuor_id_valid("trace_0000000000000000000000", "trace"));
    assert_true(tuor_id_valid("trace_0000000000000000000000000000000000000000000000000000000000000000", "trace"));
}

/* ---- keys ---- */

static void keys_have_their_form(void **state)
{
    (void)state;
    for (int n = 0; n < 200; ++n) {
        const char *key = tuor_key_new(pool);

        assert_int_equal(strlen(key), TUOR_KEY_LEN);
        assert_memory_equal(key, "tuor_", 5);
        assert_true(tuor_key_valid(key));
        assert_string_not_equal(key, tuor_key_new(pool));
    }
}

static void the_checksum_is_zlibs_crc32(void **state)
{
    /* zlib.crc32(b"0" * 43) and zlib.crc32(b"A…Za…q") in base 62, computed elsewhere. */
    (void)state;
    assert_true(tuor_key_valid("tuor_0000000000000000000000000000000000000000000" "2CZclj"));
    assert_true(tuor_key_valid("tuor_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq" "0RsLou"));
}

static void every_single_change_is_refused(void **state)
{
    const char *key = tuor_key_new(pool);

    (void)state;
    for (size_t i = 0; i < TUOR_KEY_LEN; ++i) {
        char *changed = apr_pstrdup(pool, key);

        for (int c = 1; c < 256; ++c) {
            changed[i] = (char)c;
            assert_int_equal(tuor_key_valid(changed), (char)c == key[i]);
        }
        assert_false(tuor_key_valid(apr_pstrmemdup(pool, key, i)));
    }
    for (size_t i = 5; i + 1 < TUOR_KEY_LEN; ++i) {     /* neighbours swapped, as typists do */
        char *changed = apr_pstrdup(pool, key);

        changed[i] = key[i + 1];
        changed[i + 1] = key[i];
        assert_int_equal(tuor_key_valid(changed), key[i] == key[i + 1]);
    }
    assert_false(tuor_key_valid(NULL));
    assert_false(tuor_key_valid(apr_pstrcat(pool, key, "0", NULL)));
    assert_false(tuor_key_valid(apr_pstrcat(pool, " ", key, NULL)));
}

/* All 256 bits: as a number below 2^256, each bit is set about half of the time. */
static void key_bits_are_balanced(void **state)
{
    enum { N = 4000 };
    int set[256] = { 0 };

    (void)state;
    for (int n = 0; n < N; ++n) {
        const char *key = tuor_key_new(pool) + 5;
        unsigned char number[33] = { 0 };       /* least significant first */

        for (int i = 0; i < 43; ++i) {
            unsigned carry = (unsigned)(strchr(digits, key[i]) - digits);

            for (size_t k = 0; k < sizeof(number); ++k) {
                carry += number[k] * 62u;
                number[k] = (unsigned char)carry;
                carry >>= 8;
            }
        }
        assert_int_equal(number[32], 0);
        for (int bit = 0; bit < 256; ++bit)
            set[bit] += number[bit / 8] >> bit % 8 & 1;
    }
    for (int bit = 0; bit < 256; ++bit)
        assert_true(abs(set[bit] - N / 2) < 8 * 32);
}

static void the_hash_is_sha256_of_the_whole_key(void **state)
{
    static const unsigned char abc[TUOR_HASH_LEN] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad
    };
    unsigned char hash[TUOR_HASH_LEN], other[TUOR_HASH_LEN];
    const char *key = tuor_key_new(pool);

    (void)state;
    tuor_key_hash(hash, "abc");
    assert_memory_equal(hash, abc, sizeof(abc));
    tuor_key_hash(hash, key);
    tuor_key_hash(other, key);
    assert_memory_equal(hash, other, sizeof(hash));
    tuor_key_hash(other, key + 1);
    assert_memory_not_equal(hash, other, sizeof(hash));
}

/* ---- cursors ---- */

static void cursors_come_back(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 42; ++extra) {
        const char *id = apr_pstrcat(pool, tuor_id("trace", noon, pool), apr_pstrmemdup(pool, digits, extra), NULL);
        const char *cursor = tuor_cursor_make(id, pool);

        assert_string_equal(tuor_cursor_read(cursor, "trace", pool), id);
        assert_int_equal(strspn(cursor, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"), strlen(cursor));
        assert_null(tuor_cursor_read(cursor, "evt", pool));
        assert_null(tuor_cursor_read(cursor, "trac", pool));
    }
}

static void cursors_tampered_with_are_refused(void **state)
{
    const char *cursor = tuor_cursor_make(tuor_id("trace", noon, pool), pool);
    size_t len = strlen(cursor);

    (void)state;
    for (size_t i = 0; i < len; ++i) {
        char *changed = apr_pstrdup(pool, cursor);

        for (int c = 1; c < 256; ++c) {
            changed[i] = (char)c;
            if ((char)c != cursor[i])
                assert_null(tuor_cursor_read(changed, "trace", pool));
        }
        assert_null(tuor_cursor_read(apr_pstrmemdup(pool, cursor, i), "trace", pool));
    }
    for (const char *p = "A=+/_ \n."; *p; ++p) {
        assert_null(tuor_cursor_read(apr_pstrcat(pool, cursor, apr_pstrmemdup(pool, p, 1), NULL), "trace", pool));
        assert_null(tuor_cursor_read(apr_pstrcat(pool, apr_pstrmemdup(pool, p, 1), cursor, NULL), "trace", pool));
    }
}

static void what_is_no_cursor_is_refused(void **state)
{
    char longest[5000];

    (void)state;
    assert_null(tuor_cursor_read(NULL, "trace", pool));
    assert_null(tuor_cursor_read("", "trace", pool));
    assert_null(tuor_cursor_read("=", "trace", pool));
    assert_null(tuor_cursor_read("====", "trace", pool));
    assert_null(tuor_cursor_read("AAAA", "trace", pool));
    assert_null(tuor_cursor_read("trace_0000000000000000000000", "trace", pool));
    assert_null(tuor_cursor_read(tuor_cursor_make("trace_0' OR 1=1 --0000000000", pool), "trace", pool));
    assert_null(tuor_cursor_read(tuor_cursor_make("", pool), "trace", pool));
    for (size_t len = 250; len < 260; ++len) {
        memset(longest, 'A', len);
        longest[len] = '\0';
        assert_null(tuor_cursor_read(longest, "trace", pool));
    }
    memset(longest, 'A', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(tuor_cursor_read(longest, "trace", pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ids_are_valid_and_differ),
        TEST(byte_order_is_time_order),
        TEST(the_floor_is_a_pure_function),
        TEST(random_bits_are_balanced),
        TEST(many_ids_of_one_moment_differ),
        TEST(ids_of_others_are_refused),
        TEST(keys_have_their_form),
        TEST(the_checksum_is_zlibs_crc32),
        TEST(every_single_change_is_refused),
        TEST(key_bits_are_balanced),
        TEST(the_hash_is_sha256_of_the_whole_key),
        TEST(cursors_come_back),
        TEST(cursors_tampered_with_are_refused),
        TEST(what_is_no_cursor_is_refused),
    };

    return run_group(tests, COUNT(tests), "id");
}
