/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What strangers sent, as text that a database and a JSON answer can hold.
 */
#include "transfer.h"

/* The length of the UTF-8 sequence at p; 0 when there is none, -1 when it is one as far as it goes. */
static int sequence(const unsigned char *p, apr_size_t len)
{
    unsigned char low = 0x80, high = 0xbf;
    int need;

    if (p[0] < 0x80) {
        return p[0] ? 1 : 0;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }
    need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    /* the second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF */
    if (p[0] == 0xe0) {
        low = 0xa0;
    }
    else if (p[0] == 0xed) {
        high = 0x9f;
    }
    else if (p[0] == 0xf0) {
        low = 0x90;
    }
    else if (p[0] == 0xf4) {
        high = 0x8f;
    }
    for (int i = 1; i < need; i++) {
        if ((apr_size_t)i >= len) {
            return -1;
        }
        if (p[i] < low || p[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return need;
}

const char *webhook_text(const char *bytes, apr_size_t len, int cut, apr_pool_t *pool)
{
    /* U+FFFD has three bytes for each that is wrong */
    char *text = apr_palloc(pool, len * 3 + 1), *out = text;

    for (apr_size_t i = 0; i < len;) {
        int n = sequence((const unsigned char *)bytes + i, len - i);

        if (n < 0 && cut) {
            break;
        }
        if (n <= 0) {
            memcpy(out, "\xef\xbf\xbd", 3);
            out += 3;
            i++;
            continue;
        }
        memcpy(out, bytes + i, n);
        out += n;
        i += n;
    }
    *out = '\0';
    return text;
}
