/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Signatures as Standard Webhooks have them: HMAC-SHA256 of id, time and body, in base64.
 */
#include "webhooks.h"

#include <stdlib.h>

#include <apr_base64.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define PREFIX "whsec_"

/* Whether s is base64 with its padding, and something at that. */
static int is_base64(const char *s)
{
    apr_size_t len = strlen(s);
    apr_size_t digits = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    return len && len % 4 == 0 && len - digits <= 2 && strspn(s + digits, "=") == len - digits;
}

/* "whsec_" and base64 is a key in writing; any other secret is the key itself. */
static tuor_slice key_of(const char *secret, apr_pool_t *pool)
{
    const char *written = secret + sizeof(PREFIX) - 1;
    unsigned char *key;

    if (strncmp(secret, PREFIX, sizeof(PREFIX) - 1) != 0 || !is_base64(written)) {
        return (tuor_slice){ (char *)secret, strlen(secret) };
    }
    key = apr_palloc(pool, apr_base64_decode_len(written));
    return (tuor_slice){ (char *)key, (apr_size_t)apr_base64_decode_binary(key, written) };
}

static const char *sign(const char *secret, const char *head, tuor_slice body, apr_pool_t *pool)
{
    char digest[] = "SHA256", text[(TUOR_HASH_LEN + 2) / 3 * 4 + 1];
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end() };
    EVP_MAC *kind = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = kind ? EVP_MAC_CTX_new(kind) : NULL;
    tuor_slice key = key_of(secret, pool);
    unsigned char mac[TUOR_HASH_LEN];
    size_t len = 0;

    if (!ctx || !EVP_MAC_init(ctx, (const unsigned char *)key.p, key.len, params)
        || !EVP_MAC_update(ctx, (const unsigned char *)head, strlen(head))
        || !EVP_MAC_update(ctx, (const unsigned char *)body.p, body.len)
        || !EVP_MAC_final(ctx, mac, &len, sizeof(mac)) || len != sizeof(mac)) {
        abort();                        /* nothing unsigned may ever leave as signed */
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(kind);
    apr_base64_encode_binary(text, mac, sizeof(mac));
    return apr_pstrcat(pool, "v1,", text, NULL);
}

const char *webhook_standard_signature(const webhook_delivery *d, apr_int64_t at, apr_pool_t *pool)
{
    const char *head = apr_psprintf(pool, "%s.%" APR_INT64_T_FMT ".", d->event_id, at);
    const char *first = sign(d->secret, head, d->body, pool);

    return d->next_secret ? apr_pstrcat(pool, first, " ", sign(d->next_secret, head, d->body, pool), NULL) : first;
}
