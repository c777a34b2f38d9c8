/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "random.h"

void tuor_random_bytes(void *p, apr_size_t len)
{
    char *at = p;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        at += n;
        len -= (apr_size_t)n;
    }
}

void tuor_base62(char *out, int n, apr_uint32_t *words, int n_words)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    while (n-- > 0) {                   /* long division: the remainders are the digits */
        apr_uint64_t rest = 0;

        for (int i = 0; i < n_words; ++i) {
            rest = rest << 32 | words[i];
            words[i] = (apr_uint32_t)(rest / 62);
            rest %= 62;
        }
        out[n] = alphabet[rest];
    }
}

int tuor_is_base62(const char *s, apr_size_t n)
{
    for (apr_size_t i = 0; i < n; ++i) {
        char c = s[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return 0;
    }
    return 1;
}

void tuor_crc62(char out[6], const char *p, apr_size_t len)
{
    static const apr_uint32_t step[16] = {      /* of four bits */
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
    };
    apr_uint32_t crc = 0xFFFFFFFFu;

    for (apr_size_t i = 0; i < len; ++i) {
        crc ^= (unsigned char)p[i];
        crc = crc >> 4 ^ step[crc & 15];
        crc = crc >> 4 ^ step[crc & 15];
    }
    crc = ~crc;
    tuor_base62(out, 6, &crc, 1);
}
