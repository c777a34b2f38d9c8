/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * An API key is one number of 256 random bits: 62^43 is just above 2^256, so 43 digits hold every
 * such number and none is likelier than another. Six digits of checksum tell a mistyped or cut key
 * without asking the database, and let secret scanners find keys in source code.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "tuor_id.h"

#define PREFIX_LEN (sizeof(TUOR_KEY_PREFIX) - 1)
#define DIGITS 43
#define CHECK 6

const char *tuor_key_new(apr_pool_t *pool)
{
    char *key = apr_palloc(pool, TUOR_KEY_LEN + 1), *digits = key + PREFIX_LEN;
    apr_uint32_t words[8];

    tuor_random_bytes(words, sizeof(words));
    memcpy(key, TUOR_KEY_PREFIX, PREFIX_LEN);
    tuor_base62(digits, DIGITS, words, 8);      /* leaves zeros in words */
    tuor_crc62(digits + DIGITS, digits, DIGITS);
    key[TUOR_KEY_LEN] = '\0';
    return key;
}

int tuor_key_valid(const char *s)
{
    char check[CHECK];

    if (!s || strnlen(s, TUOR_KEY_LEN + 1) != TUOR_KEY_LEN
        || memcmp(s, TUOR_KEY_PREFIX, PREFIX_LEN) != 0
        || !tuor_is_base62(s + PREFIX_LEN, DIGITS))
        return 0;
    tuor_crc62(check, s + PREFIX_LEN, DIGITS);
    return memcmp(check, s + PREFIX_LEN + DIGITS, CHECK) == 0;
}

/* EVP_sha256() would be looked up among all algorithms each time, which costs more than the hash. For the process's life. */
static EVP_MD *sha256;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void tuor_key_hash(unsigned char hash[TUOR_HASH_LEN], const char *key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    unsigned len = 0;

    pthread_once(&once, fetch_sha256);
    if (!sha256 || !EVP_Digest(key, strlen(key), hash, &len, sha256, NULL) || len != TUOR_HASH_LEN)
        abort();                                /* never store or look up a hash that is none */
}
