/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Is a URL fit to be a webhook? The grammar is RFC 3986's, made narrower wherever clients are known
 * to disagree: no user part, no escapes in the host, no second spelling of an address, no fragment.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "tuor_guard.h"
#include "guard_puny.h"

static const char form[] = "must be an absolute URL such as https://hooks.example.com/tuor";
static const char not_public[] = "must not name an address that is private, local or reserved: "
                                 "use a public one, or ask the administrator for TuorWebhookAllow";
static const char not_public_name[] = "must not name a local host: use one that is public";
static const char no_name[] = "must name a host by its full DNS name, such as hooks.example.com: "
                              "labels of letters, digits and hyphens, at most 63 characters each and 253 in all";

/* Names that never mean a public host; with or without labels before them. */
static const char *const local_names[] = {
    "localhost", "localdomain", "local", "internal", "home.arpa", "onion", "invalid", NULL
};

/* The same by habit. Where an administrator allowed networks of his own, they may live there. */
static const char *const site_names[] = {
    "lan", "home", "corp", "intranet", "private", NULL
};

static int ends_with_name(const char *host, const char *const *names)
{
    apr_size_t len = strlen(host);

    for (; *names; names++) {
        apr_size_t n = strlen(*names);

        if (len >= n && strcmp(host + len - n, *names) == 0 && (len == n || host[len - n - 1] == '.')) {
            return 1;
        }
    }
    return 0;
}

/* Whether some resolver would take the host for an IPv4 address: WHATWG's "ends in a number". */
static int ends_in_number(const char *host)
{
    const char *last = strrchr(host, '.');

    last = last ? last + 1 : host;
    if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X')) {
        return last[2 + strspn(last + 2, "0123456789abcdefABCDEF")] == '\0';
    }
    return last[strspn(last, "0123456789")] == '\0';
}

static const char *check_label(const char *label, apr_size_t len)
{
    if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-') {
        return no_name;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (!apr_isalnum(label[i]) && label[i] != '-') {
            return no_name;
        }
    }
    if (len >= 4 && strncmp(label, "xn--", 4) == 0 && !guard_puny_valid(label + 4, len - 4)) {
        return "has a host with an invalid internationalised label (xn--): check its punycode";
    }
    return NULL;
}

static const char *check_name(const char *host, const apr_array_header_t *allow)
{
    const char *label = host, *why;

    if (strlen(host) > 253) {
        return no_name;
    }
    if (ends_with_name(host, local_names) || strcmp(host, "ip6-localhost") == 0 || strcmp(host, "ip6-loopback") == 0
        || strcmp(host, "broadcasthost") == 0) {
        return not_public_name;
    }
    for (;;) {
        const char *dot = strchr(label, '.');

        why = check_label(label, dot ? (apr_size_t)(dot - label) : strlen(label));
        if (why) {
            return why;
        }
        if (!dot) {
            break;
        }
        label = dot + 1;
    }
    if (label == host) {
        return no_name;
    }
    if (ends_with_name(host, site_names) && (!allow || allow->nelts == 0)) {
        return not_public_name;
    }
    return NULL;
}

/* One host, as it stands between the slashes and the port. */
static const char *check_host(tuor_guard_target *t, const char *text, apr_size_t len,
                              const apr_array_header_t *allow, apr_pool_t *pool)
{
    char *host = apr_pstrmemdup(pool, text, len);
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in in = { .sin_family = AF_INET };

    if (host[0] == '[') {
        char plain[INET6_ADDRSTRLEN];

        host[len - 1] = '\0';
        if (strchr(host, '%')) {
            return "must not name an address with a scope (%): use a public one";
        }
        if (inet_pton(AF_INET6, host + 1, &in6.sin6_addr) != 1) {
            return "has brackets around something that is no IPv6 address";
        }
        if (!tuor_guard_address((struct sockaddr *)&in6, allow)) {
            return not_public;
        }
        inet_ntop(AF_INET6, &in6.sin6_addr, plain, sizeof(plain));
        t->host = apr_pstrdup(pool, plain);
        t->literal = 1;
        return NULL;
    }
    for (char *p = host; *p; p++) {
        if (*p == '%') {
            return "must not have percent-escapes in its host: write the name itself";
        }
        *p = apr_tolower(*p);
    }
    t->host = host;
    if (!ends_in_number(host)) {
        t->literal = 0;
        return check_name(host, allow);
    }
    /* inet_pton takes four decimal numbers without leading zeros, which mean the same to everybody. */
    t->literal = 1;
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1) {
        return "has a host that ends in a number but is no IPv4 address in its usual form: "
               "write four decimal numbers, or a name";
    }
    return tuor_guard_address((struct sockaddr *)&in, allow) ? NULL : not_public;
}

static const char *check_port(tuor_guard_target *t, const char *p, const char *end)
{
    unsigned port = 0;

    if (p == end || *p == '0' || end - p > 5) {
        return "must have a port from 1 to 65535 after the colon, or none";
    }
    for (; p < end; p++) {
        if (!apr_isdigit(*p)) {
            return "must have a port from 1 to 65535 after the colon, or none";
        }
        port = port * 10 + (unsigned)(*p - '0');
    }
    if (port > 65535) {
        return "must have a port from 1 to 65535 after the colon, or none";
    }
    t->port = port;
    return NULL;
}

/* Path and query: RFC 3986's characters, brackets too as queries commonly have them. */
static const char *check_rest(const char *p)
{
    for (; *p; p++) {
        if (*p == '%') {
            if (!apr_isxdigit(p[1]) || !apr_isxdigit(p[2])) {
                return "must have two hexadecimal digits after each % sign: write %25 for the sign itself";
            }
        }
        else if (*p == '#') {
            return "must not have a fragment (#): it is never sent to a server; write %23 for the sign itself";
        }
        else if (!apr_isalnum(*p) && !strchr("-._~!$&'()*+,;=:@/?[]", *p)) {
            return "must have characters such as < > \" ^ ` { | } percent-encoded";
        }
    }
    return NULL;
}

/* Bytes that no part of a URL may have: they are what header injection and parser splits are made of. */
static const char *check_bytes(const char *url)
{
    for (const unsigned char *p = (const unsigned char *)url; *p; p++) {
        if (*p <= 0x20 || *p == 0x7f) {
            return "must not have spaces or control characters: percent-encode them";
        }
        if (*p == '\\') {
            return "must not have a backslash: write a slash, or %5C";
        }
        if (*p >= 0x80) {
            return "must be plain ASCII: write the host in punycode (xn--…) and percent-encode the rest";
        }
    }
    return NULL;
}

const char *tuor_guard_url(tuor_guard_target *target, const char *url,
                           const apr_array_header_t *allow, apr_pool_t *pool)
{
    tuor_guard_target t = { .port = 443 };
    const char *p, *end, *host_end, *why;

    if (*url == '\0') {
        return "must not be empty: send null to remove the URL";
    }
    if (strlen(url) > TUOR_GUARD_URL_MAX) {
        return "must have at most 2048 characters";
    }
    if ((why = check_bytes(url))) {
        return why;
    }
    if (strncasecmp(url, "https://", 8) != 0) {
        return strncasecmp(url, "http://", 7) == 0 ? "must begin with https://: plain http is not delivered to" : form;
    }
    p = url + 8;
    end = p + strcspn(p, "/?#");
    if (memchr(p, '@', end - p)) {
        return "must not have credentials (user:password@): the signature is what proves the sender";
    }
    if (*p == '[') {
        const char *bracket = memchr(p, ']', end - p);

        if (!bracket || (bracket + 1 < end && bracket[1] != ':')) {
            return "has brackets around something that is no IPv6 address";
        }
        host_end = bracket + 1;
    }
    else {
        const char *colon = memchr(p, ':', end - p);

        host_end = colon ? colon : end;
    }
    if (host_end == p) {
        return form;
    }
    if ((why = check_host(&t, p, host_end - p, allow, pool))
        || (host_end < end && (why = check_port(&t, host_end + 1, end)))
        || (why = check_rest(end))) {
        return why;
    }
    if (target) {
        const char *path = *end == '/' ? end : apr_pstrcat(pool, "/", end, NULL);
        const char *host = strchr(t.host, ':') ? apr_pstrcat(pool, "[", t.host, "]", NULL) : t.host;

        t.url = t.port == 443 ? apr_pstrcat(pool, "https://", host, path, NULL)
                              : apr_psprintf(pool, "https://%s:%u%s", host, t.port, path);
        *target = t;
    }
    return NULL;
}
