/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which addresses a webhook may reach. The tables are IANA's special-purpose registries of
 * 2025-10-09, multicast, what was deprecated, and addresses that cloud vendors keep for themselves.
 * Entries that the registries mark as globally reachable are refused too: no webhook lives there.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "tuor_guard.h"

typedef struct range4 {
    unsigned char addr[4];
    unsigned bits;
} range4;

typedef struct range6 {
    unsigned char addr[16];
    unsigned bits;
} range6;

static const range4 special4[] = {
    { { 0, 0, 0, 0 }, 8 },              /* this network; 0.0.0.0 reaches loopback on Linux */
    { { 10, 0, 0, 0 }, 8 },             /* private */
    { { 100, 64, 0, 0 }, 10 },          /* shared; Alibaba's metadata */
    { { 127, 0, 0, 0 }, 8 },            /* loopback */
    { { 168, 63, 129, 16 }, 32 },       /* Azure's WireServer */
    { { 169, 254, 0, 0 }, 16 },         /* link-local; the clouds' metadata */
    { { 172, 16, 0, 0 }, 12 },          /* private */
    { { 192, 0, 0, 0 }, 24 },           /* protocol assignments; Oracle's metadata */
    { { 192, 0, 2, 0 }, 24 },           /* TEST-NET-1 */
    { { 192, 31, 196, 0 }, 24 },        /* AS112 */
    { { 192, 52, 193, 0 }, 24 },        /* AMT */
    { { 192, 88, 99, 0 }, 24 },         /* 6to4 relays, 6a44 */
    { { 192, 168, 0, 0 }, 16 },         /* private */
    { { 192, 175, 48, 0 }, 24 },        /* AS112 direct delegation */
    { { 198, 18, 0, 0 }, 15 },          /* benchmarking */
    { { 198, 51, 100, 0 }, 24 },        /* TEST-NET-2 */
    { { 203, 0, 113, 0 }, 24 },         /* TEST-NET-3 */
    { { 224, 0, 0, 0 }, 4 },            /* multicast */
    { { 240, 0, 0, 0 }, 4 },            /* class E */
    { { 255, 255, 255, 255 }, 32 },     /* broadcast */
};

/* Inside 2000::/3 the last six alone decide; the others stand here so that the list is whole. */
static const range6 special6[] = {
    { { 0 }, 128 },                                                 /* :: */
    { { [15] = 1 }, 128 },                                          /* ::1 */
    { { [10] = 0xff, 0xff }, 96 },                                  /* ::ffff:0:0 IPv4-mapped */
    { { 0 }, 96 },                                                  /* IPv4-compatible */
    { { [8] = 0xff, 0xff }, 96 },                                   /* ::ffff:0:0:0 IPv4-translated */
    { { 0x00, 0x64, 0xff, 0x9b }, 96 },                             /* NAT64 */
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 },                 /* NAT64, local use */
    { { 0x01, 0x00 }, 64 },                                         /* discard */
    { { 0x01, 0x00, [7] = 1 }, 64 },                                /* dummy prefix */
    { { 0x5f, 0x00 }, 16 },                                         /* SRv6 */
    { { 0xfc }, 7 },                                                /* unique local */
    { { 0xfe, 0x80 }, 10 },                                         /* link-local */
    { { 0xfe, 0xc0 }, 10 },                                         /* site-local */
    { { 0xff }, 8 },                                                /* multicast */
    { { 0x20, 0x01, 0x00, 0x00 }, 23 },                             /* protocol assignments, and in them: */
    { { 0x20, 0x01, 0x00, 0x00 }, 32 },                             /*  Teredo */
    { { 0x20, 0x01, 0x00, 0x01, [15] = 1 }, 128 },                  /*  PCP */
    { { 0x20, 0x01, 0x00, 0x01, [15] = 2 }, 128 },                  /*  TURN */
    { { 0x20, 0x01, 0x00, 0x01, [15] = 3 }, 128 },                  /*  DNS-SD */
    { { 0x20, 0x01, 0x00, 0x02 }, 48 },                             /*  benchmarking */
    { { 0x20, 0x01, 0x00, 0x03 }, 32 },                             /*  AMT */
    { { 0x20, 0x01, 0x00, 0x04, 0x01, 0x12 }, 48 },                 /*  AS112 */
    { { 0x20, 0x01, 0x00, 0x10 }, 28 },                             /*  ORCHID */
    { { 0x20, 0x01, 0x00, 0x20 }, 28 },                             /*  ORCHIDv2 */
    { { 0x20, 0x01, 0x00, 0x30 }, 28 },                             /*  drones */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },                             /* documentation */
    { { 0x20, 0x02 }, 16 },                                         /* 6to4 */
    { { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 }, 48 },                 /* AS112 direct delegation */
    { { 0x3f, 0xff }, 20 },                                         /* documentation */
};

static int within(const unsigned char *addr, const unsigned char *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(addr, net, whole) != 0) {
        return 0;
    }
    return rest == 0 || ((addr[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

static int public4(const unsigned char *addr)
{
    for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++) {
        if (within(addr, special4[i].addr, special4[i].bits)) {
            return 0;
        }
    }
    return 1;
}

/* ISATAP hides an IPv4 address in the interface id: 0000:5efe or 0200:5efe before it. */
static int is_isatap(const unsigned char *addr)
{
    return (addr[8] & ~2) == 0 && addr[9] == 0 && addr[10] == 0x5e && addr[11] == 0xfe;
}

static int public6(const unsigned char *addr)
{
    if ((addr[0] & 0xe0) != 0x20 || is_isatap(addr)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(special6) / sizeof(special6[0]); i++) {
        if (within(addr, special6[i].addr, special6[i].bits)) {
            return 0;
        }
    }
    return 1;
}

int tuor_guard_allowed(const struct sockaddr *sa, const apr_array_header_t *allow)
{
    const unsigned char *addr;

    if (!allow) {
        return 0;
    }
    if (sa->sa_family == AF_INET) {
        addr = (const unsigned char *)&((const struct sockaddr_in *)sa)->sin_addr;
    }
    else if (sa->sa_family == AF_INET6) {
        addr = (const unsigned char *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
    }
    else {
        return 0;
    }
    for (int i = 0; i < allow->nelts; i++) {
        const tuor_guard_net *net = &APR_ARRAY_IDX(allow, i, tuor_guard_net);

        if (net->family == sa->sa_family && within(addr, net->addr, net->bits)) {
            return 1;
        }
    }
    return 0;
}

int tuor_guard_address(const struct sockaddr *sa, const apr_array_header_t *allow)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

        return public4((const unsigned char *)&in->sin_addr) || tuor_guard_allowed(sa, allow);
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

        /* A scope names an interface of this machine: not even an allowed network means that. */
        if (in6->sin6_scope_id != 0) {
            return 0;
        }
        return public6((const unsigned char *)&in6->sin6_addr) || tuor_guard_allowed(sa, allow);
    }
    return 0;
}

const char *tuor_guard_net_parse(tuor_guard_net *net, const char *text, apr_pool_t *pool)
{
    const char *slash = strchr(text, '/');
    char *addr = slash ? apr_pstrmemdup(pool, text, slash - text) : apr_pstrdup(pool, text);
    unsigned most;

    memset(net, 0, sizeof(*net));
    if (inet_pton(AF_INET, addr, net->addr) == 1) {
        net->family = AF_INET;
        most = 32;
    }
    else if (inet_pton(AF_INET6, addr, net->addr) == 1) {
        net->family = AF_INET6;
        most = 128;
    }
    else {
        return apr_psprintf(pool, "\"%s\" is no network: write it as 10.20.0.0/16 or fd00:20::/32", text);
    }
    net->bits = most;
    if (slash) {
        const char *p = slash + 1;
        unsigned bits = 0;

        if (!apr_isdigit(*p) || strlen(p) > 3) {
            return apr_psprintf(pool, "\"%s\" has no prefix length: write 0 to %u after the slash", text, most);
        }
        for (; apr_isdigit(*p); p++) {
            bits = bits * 10 + (unsigned)(*p - '0');
        }
        if (*p || bits > most) {
            return apr_psprintf(pool, "\"%s\" has no prefix length: write 0 to %u after the slash", text, most);
        }
        net->bits = bits;
    }
    /* Bits beyond the prefix are most likely a slip of the pen: say so rather than guess. */
    for (unsigned bit = net->bits; bit < most; bit++) {
        if (net->addr[bit / 8] & (0x80 >> (bit % 8))) {
            return apr_psprintf(pool, "\"%s\" is no network: it has bits beyond its prefix of %u; clear them, "
                                "or write /%u for the one address", text, net->bits, most);
        }
    }
    return NULL;
}
