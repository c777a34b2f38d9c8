/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "tuor_id.h"

#define SCHEME "sha256="
#define SCHEME_LEN (sizeof(SCHEME) - 1)

const char *tuor_sign(const char *secret, apr_size_t secret_len, tuor_slice body, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *data = (const unsigned char *)(body.p ? body.p : "");
    char *out = apr_palloc(pool, SCHEME_LEN + 2 * TUOR_HASH_LEN + 1), *p = out + SCHEME_LEN;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (secret_len > INT_MAX
        || !HMAC(EVP_sha256(), secret_len ? secret : "", (int)secret_len, data,
                 body.p ? body.len : 0, mac, &len)
        || len != TUOR_HASH_LEN)
        abort();                                /* nothing unsigned may ever leave as signed */
    memcpy(out, SCHEME, SCHEME_LEN);
    for (unsigned i = 0; i < len; ++i) {
        *p++ = hex[mac[i] >> 4];
        *p++ = hex[mac[i] & 15];
    }
    *p = '\0';
    return out;
}
