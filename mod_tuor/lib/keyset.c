/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include <stdlib.h>
#include <string.h>

#include "keyset.h"
#include "random.h"

/* ---- SipHash-1-3 ---- */

static apr_uint64_t rotate(apr_uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(apr_uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(apr_uint64_t v[4], apr_uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

static apr_uint64_t sip_hash(const apr_uint64_t secret[2], tuor_slice s)
{
    apr_uint64_t v[4] = { secret[0] ^ 0x736f6d6570736575ULL, secret[1] ^ 0x646f72616e646f6dULL,
                          secret[0] ^ 0x6c7967656e657261ULL, secret[1] ^ 0x7465646279746573ULL };
    apr_size_t left = s.len;
    const char *p = s.p;
    apr_uint64_t word;

    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&word, p, 8);
        sip_word(v, word);
    }
    word = (apr_uint64_t)s.len << 56;
    for (apr_size_t i = 0; i < left; ++i)
        word |= (apr_uint64_t)(unsigned char)p[i] << 8 * i;
    sip_word(v, word);
    v[2] ^= 0xFF;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the set ---- */

void tuor_keyset_init(tuor_keyset *set, apr_pool_t *pool)
{
    memset(set, 0, sizeof(*set));
    set->pool = pool;
}

void tuor_keyset_clear(tuor_keyset *set)
{
    set->count = set->used = 0;
}

static int same(tuor_slice a, tuor_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static apr_size_t append(tuor_keyset *set, tuor_slice text, apr_uint64_t hash)
{
    if (set->count == set->size) {
        apr_size_t size = set->size ? 2 * set->size : TUOR_KEYSET_SMALL;
        tuor_keyset_key *keys;

        if (size > APR_UINT32_MAX / 2 || size > APR_SIZE_MAX / sizeof(*keys))
            abort();                    /* gigabytes of keys */
        keys = apr_palloc(set->pool, size * sizeof(*keys));
        if (set->count)
            memcpy(keys, set->keys, set->count * sizeof(*keys));
        set->keys = keys;
        set->size = size;
    }
    set->keys[set->count].text = text;
    set->keys[set->count].hash = hash;
    return set->count++;
}

/* The slot of a key, or the free one where it belongs. */
static apr_size_t slot_of(const tuor_keyset *set, tuor_slice text, apr_uint64_t hash)
{
    apr_size_t mask = set->used - 1, i = (apr_size_t)hash & mask;

    for (; set->slots[i]; i = (i + 1) & mask) {
        const tuor_keyset_key *key = &set->keys[set->slots[i] - 1];

        if (key->hash == hash && same(key->text, text))
            break;
    }
    return i;
}

/* Lay out all keys anew over twice the slots, or over the first ones. */
static void spread(tuor_keyset *set)
{
    apr_size_t used = set->used ? 2 * set->used : 4 * TUOR_KEYSET_SMALL;

    while (used & (used - 1))           /* up to a power of two */
        used += used & (~used + 1);
    if (!set->used) {
        tuor_random_bytes(set->secret, sizeof(set->secret));
        for (apr_size_t i = 0; i < set->count; ++i)
            set->keys[i].hash = sip_hash(set->secret, set->keys[i].text);
    }
    if (used > set->slots_size) {
        set->slots = apr_palloc(set->pool, used * sizeof(*set->slots));
        set->slots_size = used;
    }
    memset(set->slots, 0, used * sizeof(*set->slots));
    set->used = used;
    for (apr_size_t i = 0; i < set->count; ++i)
        set->slots[slot_of(set, set->keys[i].text, set->keys[i].hash)] = (apr_uint32_t)i + 1;
}

apr_size_t tuor_keyset_put(tuor_keyset *set, tuor_slice key)
{
    apr_uint64_t hash;
    apr_size_t i;

    if (!set->used) {
        for (i = 0; i < set->count; ++i)
            if (same(set->keys[i].text, key))
                return i;
        if (set->count < TUOR_KEYSET_SMALL)
            return append(set, key, 0);
    }
    if (set->count >= set->used / 2)    /* never more than half full */
        spread(set);
    hash = sip_hash(set->secret, key);
    i = slot_of(set, key, hash);
    if (set->slots[i])
        return set->slots[i] - 1;
    set->slots[i] = (apr_uint32_t)set->count + 1;
    return append(set, key, hash);
}
