/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include <string.h>

#include "random.h"
#include "tuor_id.h"

#define TIME_MAX (((apr_int64_t)1 << 52) - 1)   /* in the year 2112 */
#define MAX_DIGITS 64

/* 52 bits of time and the low 76 bits of three random words, as 22 digits. */
static const char *make(const char *prefix, apr_time_t t, const apr_uint32_t random[3], apr_pool_t *pool)
{
    apr_size_t len = strlen(prefix);
    char *id = apr_palloc(pool, len + 1 + TUOR_ID_DIGITS + 1);
    apr_uint64_t time = (apr_uint64_t)(t < 0 ? 0 : t > TIME_MAX ? TIME_MAX : t);
    apr_uint32_t words[4] = { (apr_uint32_t)(time >> 20),
                              (apr_uint32_t)(time & 0xFFFFF) << 12 | (random[0] & 0xFFF),
                              random[1], random[2] };

    memcpy(id, prefix, len);
    id[len] = '_';
    tuor_base62(id + len + 1, TUOR_ID_DIGITS, words, 4);
    id[len + 1 + TUOR_ID_DIGITS] = '\0';
    return id;
}

const char *tuor_id(const char *prefix, apr_time_t now, apr_pool_t *pool)
{
    apr_uint32_t random[3];

    tuor_random_bytes(random, sizeof(random));
    return make(prefix, now, random, pool);
}

const char *tuor_id_floor(const char *prefix, apr_time_t t, apr_pool_t *pool)
{
    static const apr_uint32_t zeros[3];

    return make(prefix, t, zeros, pool);
}

int tuor_id_valid(const char *s, const char *prefix)
{
    apr_size_t len = strlen(prefix), digits;

    if (!s || strncmp(s, prefix, len) != 0 || s[len] != '_')
        return 0;
    s += len + 1;
    digits = strnlen(s, MAX_DIGITS + 1);
    return digits >= TUOR_ID_DIGITS && digits <= MAX_DIGITS && tuor_is_base62(s, digits);
}
