/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The guard against t/data: every URL, and first, second, middle and last address of every range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tuor_guard.h"
#include "tuor_json.h"

static apr_pool_t *pool;

static FILE *open_data(const char *name)
{
    /* make check runs from the top; the program may be run by hand from t too */
    FILE *f = fopen(apr_pstrcat(pool, "t/data/", name, NULL), "r");

    if (!f) {
        f = fopen(apr_pstrcat(pool, "data/", name, NULL), "r");
    }
    assert_non_null(f);
    return f;
}

static const char *check(const char *url)
{
    return tuor_guard_url(NULL, url, NULL, pool);
}

static void refuses(const char *url)
{
    if (!check(url)) {
        fail_msg("accepted: %s", url);
    }
}

static void accepts(const char *url)
{
    const char *why = check(url);

    if (why) {
        fail_msg("%s: %s", url, why);
    }
}

/* The URL of a line: a JSON string up to the tab or the end. NULL where UTF-8 cannot express it. */
static const char *url_of(char *line)
{
    const char *url = NULL;
    apr_size_t len;
    tuor_slice text;

    text.p = line;
    text.len = strcspn(line, "\t\n");
    if (tuor_json_decode(&url, &len, text, 1, pool) != APR_SUCCESS || strlen(url) != len) {
        return NULL;
    }
    return url;
}

static void test_bad_urls(void **state)
{
    FILE *f = open_data("ssrf_bad_urls.txt");
    char *line = NULL;
    size_t size = 0;
    int n = 0;

    (void)state;
    while (getline(&line, &size, f) > 0) {
        const char *where = strchr(line, '\t'), *url;

        if (line[0] != '"' || !where || !(url = url_of(line))) {
            continue;
        }
        if (strncmp(where, "\tcreate\t", 8) == 0 || strncmp(where, "\teither\t", 8) == 0) {
            refuses(url);
            n++;
        }
    }
    free(line);
    fclose(f);
    assert_true(n > 80);
}

static void test_ok_urls(void **state)
{
    FILE *f = open_data("ssrf_ok_urls.txt");
    char *line = NULL;
    size_t size = 0;
    int n = 0;

    (void)state;
    while (getline(&line, &size, f) > 0) {
        if (line[0] == '"') {
            const char *url = url_of(line);

            assert_non_null(url);
            accepts(url);
            n++;
        }
    }
    free(line);
    fclose(f);
    assert_true(n >= 20);
}

static void probe4(const unsigned char *addr)
{
    char text[INET_ADDRSTRLEN], other[64];
    struct sockaddr_in in = { .sin_family = AF_INET };
    apr_uint32_t n = ((apr_uint32_t)addr[0] << 24) | (addr[1] << 16) | (addr[2] << 8) | addr[3];

    memcpy(&in.sin_addr, addr, 4);
    inet_ntop(AF_INET, addr, text, sizeof(text));
    if (tuor_guard_address((struct sockaddr *)&in, NULL)) {
        fail_msg("reached: %s", text);
    }
    refuses(apr_psprintf(pool, "https://%s/", text));
    refuses(apr_psprintf(pool, "https://[::ffff:%s]/", text));
    /* every spelling that inet_aton takes */
    apr_snprintf(other, sizeof(other), "https://%u/", n);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://0x%x:443/", n);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://0%o/", n);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://0%o.0%o.0%o.0%o/", addr[0], addr[1], addr[2], addr[3]);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://0x%x.0x%x.0x%x.0x%x/", addr[0], addr[1], addr[2], addr[3]);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://%u.%u/", addr[0], n & 0xffffff);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://%u.%u.%u/", addr[0], addr[1], n & 0xffff);
    refuses(other);
    apr_snprintf(other, sizeof(other), "https://%s./", text);
    refuses(other);
}

static void probe6(const unsigned char *addr)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

    memcpy(&in6.sin6_addr, addr, 16);
    inet_ntop(AF_INET6, addr, text, sizeof(text));
    if (tuor_guard_address((struct sockaddr *)&in6, NULL)) {
        fail_msg("reached: %s", text);
    }
    refuses(apr_psprintf(pool, "https://[%s]/", text));
    refuses(apr_psprintf(pool, "https://[%s]:8443/x", text));
}

/* First, second, one in the middle, last but one and last. */
static void probe_range(const tuor_guard_net *net)
{
    unsigned size = net->family == AF_INET ? 4 : 16, most = size * 8;

    for (int which = 0; which < 5; which++) {
        unsigned char addr[16];

        memcpy(addr, net->addr, 16);
        for (unsigned bit = net->bits; bit < most; bit++) {
            int last = bit == most - 1, set = which == 1 ? last : which == 2 ? (int)(bit % 2) : which == 3 ? !last : which == 4;

            if (set) {
                addr[bit / 8] |= 0x80 >> (bit % 8);
            }
        }
        if (net->family == AF_INET) {
            probe4(addr);
        }
        else {
            probe6(addr);
        }
    }
}

static void test_ranges(void **state)
{
    FILE *f = open_data("ssrf_ranges.txt");
    char *line = NULL;
    size_t size = 0;
    int n = 0;

    (void)state;
    while (getline(&line, &size, f) > 0) {
        tuor_guard_net net;

        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        line[strcspn(line, "\t\n")] = '\0';
        if (tuor_guard_net_parse(&net, line, pool)) {
            fail_msg("%s", line);
        }
        probe_range(&net);
        n++;
    }
    free(line);
    fclose(f);
    assert_true(n >= 49);
}

static int reaches(const char *text, unsigned scope, const apr_array_header_t *allow)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_scope_id = scope };

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        return tuor_guard_address((struct sockaddr *)&in, allow);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return tuor_guard_address((struct sockaddr *)&in6, allow);
}

/* The neighbours of the ranges stay reachable: a filter that refuses everything is none. */
static void test_neighbours(void **state)
{
    static const char *const open[] = {
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
        "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
        "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111",
        "2620:4f:7fff::1", "2620:4f:8001::1", "3ffe::1", "3fff:1000::1", "2606:4700::5eff:7f00:1", NULL
    };
    static const char *const shut[] = {
        "4000::1", "1fff::1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:808:808", "::ffff:8.8.8.8", NULL
    };

    (void)state;
    for (int i = 0; open[i]; i++) {
        if (!reaches(open[i], 0, NULL)) {
            fail_msg("refused: %s", open[i]);
        }
    }
    for (int i = 0; shut[i]; i++) {
        assert_false(reaches(shut[i], 0, NULL));
    }
    assert_false(reaches("2606:4700:4700::1111", 2, NULL));
    assert_false(tuor_guard_address(&(struct sockaddr){ .sa_family = AF_UNIX }, NULL));
}

static void test_urls(void **state)
{
    static const char *const bad[] = {
        "https://hooks.example.com./", "https://localhost./", "https://hooks.example.com:/", "https://hooks.example.com:0/",
        "https://hooks.example.com:065/", "https://hooks.example.com:65536/", "https://hooks.example.com#x",
        "https://hooks.example.com/#@127.0.0.1/", "https://hooks.example.com/%", "https://hooks.example.com/%2",
        "https://hooks.example.com/%zz", "https://hooks.example.com/<", "https://hooks.example.com/{x}",
        "https://hooks_.example.com/", "https://a..example.com/", "https://-a.example.com/", "https://a-.example.com/",
        "https://@hooks.example.com/", "https://hooks.example.com:443@/", "https:/hooks.example.com/",
        "https:hooks.example.com", "https:\\\\hooks.example.com\\", "hooks.example.com", "ftp://hooks.example.com/",
        "https://[::1%25lo]/", "https://[::1", "https://[]/", "https://[::1]x/", "https://[2606:4700::1]]/",
        "https://[v1.x]/", "https://[8.8.8.8]/", "https://8.8.8.8.8/", "https://8.8.8/", "https://08.8.8.8/",
        "https://0x8.8.8.8/", "https://1.2.3.256/", "https://example.1/", "https://example.0x1/", "https://1.0x/",
        "https://foo.local/", "https://foo.internal/", "https://foo.home.arpa/", "https://foo.localdomain/",
        "https://xn--a.example.com/", "https://xn--a-.example.com/", "https://xn--localhost-/", "https://xn---.example.com/",
        "https://xn--99999999999.example.com/", "https://router.lan/",
        "https://hooks.example.com\t", "https://hooks.example.com/\x7f", "https://h\xc3\xb6oks.example.com/", NULL
    };
    static const char *const good[] = {
        "HTTPS://hooks.example.com/", "https://hooks.example.com/?a[]=1&b=%7Bx%7D", "https://hooks.example.com:1/",
        "https://hooks.example.com:65535/", "https://xn--mnchen-3ya.example.com/", "https://xn--p1ai.xn--e1afmkfd.xn--80akhbyknj4f/",
        "https://a--b.example.com/", "https://1-1.example.com/", "https://hooks.example.com//a/../b;c=1,2", NULL
    };

    (void)state;
    for (int i = 0; bad[i]; i++) {
        refuses(bad[i]);
    }
    for (int i = 0; good[i]; i++) {
        accepts(good[i]);
    }
}

static void test_rewritten(void **state)
{
    static const char *const pairs[][3] = {
        { "HTTPS://HOOKS.Example.COM", "https://hooks.example.com/", "hooks.example.com" },
        { "https://hooks.example.com?x=1", "https://hooks.example.com/?x=1", "hooks.example.com" },
        { "https://hooks.example.com:443/X", "https://hooks.example.com/X", "hooks.example.com" },
        { "https://hooks.example.com:8443/a@b", "https://hooks.example.com:8443/a@b", "hooks.example.com" },
        { "https://[2606:4700:4700:0:0:0:0:1111]:444", "https://[2606:4700:4700::1111]:444/", "2606:4700:4700::1111" },
        { "https://8.8.8.8", "https://8.8.8.8/", "8.8.8.8" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        tuor_guard_target t;

        assert_null(tuor_guard_url(&t, pairs[i][0], NULL, pool));
        assert_string_equal(t.url, pairs[i][1]);
        assert_string_equal(t.host, pairs[i][2]);
        assert_int_equal(t.literal, i >= 4);
    }
}

static void test_limits(void **state)
{
    char url[TUOR_GUARD_URL_MAX + 2];

    (void)state;
    memset(url, 'a', sizeof(url));
    memcpy(url, "https://hooks.example.com/", 26);
    url[TUOR_GUARD_URL_MAX] = '\0';
    accepts(url);
    url[TUOR_GUARD_URL_MAX] = 'a';
    url[TUOR_GUARD_URL_MAX + 1] = '\0';
    refuses(url);
}

static void test_allow(void **state)
{
    static const char *const nets[] = { "10.20.0.0/16", "127.0.0.1", "fd00:20::/32", "::1" };
    static const char *const wrong[] = {
        "", "10.20.0.0/", "10.20.0.0/33", "10.20.0.0/1x", "10.20.0.1/16", "10.20", "hooks.example.com", "fd00::/129",
        "fd00::1/64", "0x7f.0.0.1", "10.20.0.0/+8", "10.20.0.0/ 8", "fe80::1%lo", NULL
    };
    apr_array_header_t *allow = apr_array_make(pool, 4, sizeof(tuor_guard_net));
    tuor_guard_net any;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_null(tuor_guard_net_parse(apr_array_push(allow), nets[i], pool));
    }
    for (int i = 0; wrong[i]; i++) {
        assert_non_null(tuor_guard_net_parse(&any, wrong[i], pool));
    }
    assert_null(tuor_guard_net_parse(&any, "0.0.0.0/0", pool));
    assert_true(reaches("10.20.255.255", 0, allow));
    assert_false(reaches("10.21.0.0", 0, allow));
    assert_true(reaches("127.0.0.1", 0, allow));
    assert_false(reaches("127.0.0.2", 0, allow));
    assert_true(reaches("fd00:20:1::1", 0, allow));
    assert_false(reaches("fd00:21::1", 0, allow));
    assert_true(reaches("::1", 0, allow));
    assert_false(reaches("::1", 1, allow));
    assert_false(reaches("::ffff:127.0.0.1", 0, allow));
    assert_true(reaches("8.8.8.8", 0, allow));

    assert_null(tuor_guard_url(NULL, "https://127.0.0.1:8443/", allow, pool));
    assert_null(tuor_guard_url(NULL, "https://[::1]/", allow, pool));
    assert_null(tuor_guard_url(NULL, "https://router.lan/", allow, pool));
    /* addresses, never names of this host, never another spelling, never plain http */
    assert_non_null(tuor_guard_url(NULL, "https://localhost/", allow, pool));
    assert_non_null(tuor_guard_url(NULL, "https://127.1/", allow, pool));
    assert_non_null(tuor_guard_url(NULL, "http://127.0.0.1/", allow, pool));
    assert_non_null(tuor_guard_url(NULL, "https://metadata.google.internal/", allow, pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_ok_urls),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_allow),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests_name("guard", tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
