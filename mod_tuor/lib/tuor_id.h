/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_id.h
 * Ids, API keys and opaque cursors.
 *
 * An id is prefix_ + 22 base-62 characters (0-9A-Za-z, most significant first): 52 bits of
 * microseconds since 1970, then 76 random bits of the kernel's generator. Byte order is time
 * order, so B-trees grow at their right edge and an id page is a time page.
 *
 * Threads: all functions may be called from any thread.
 */
#ifndef TUOR_ID_H
#define TUOR_ID_H

#include <apr_pools.h>
#include <apr_time.h>
#include "tuor_json.h"

#define TUOR_ID_DIGITS 22
#define TUOR_KEY_PREFIX "tuor_"
#define TUOR_KEY_LEN (sizeof(TUOR_KEY_PREFIX) - 1 + 43 + 6)
#define TUOR_HASH_LEN 32

/** A new id at the time now, e.g. tuor_id("trace", apr_time_now(), pool). */
const char *tuor_id(const char *prefix, apr_time_t now, apr_pool_t *pool);

/** The smallest id that the time t could have: ids of t and later sort at or after it. */
const char *tuor_id_floor(const char *prefix, apr_time_t t, apr_pool_t *pool);

/** Whether s is prefix_ and 22 to 64 characters of base 62. NULL is not. */
int tuor_id_valid(const char *s, const char *prefix);

/** A new API key: tuor_ + 43 base-62 digits (256 random bits) + 6 of their CRC-32. */
const char *tuor_key_new(apr_pool_t *pool);

/** Whether s has the form of a key and its checksum holds; costs no database look-up. */
int tuor_key_valid(const char *s);

/** SHA-256 of a key: all that is ever stored. */
void tuor_key_hash(unsigned char hash[TUOR_HASH_LEN], const char *key);

/** A page mark for clients: base64url of a tag and the last id, not to be interpreted by them. */
const char *tuor_cursor_make(const char *last_id, apr_pool_t *pool);

/** @return the id, or NULL when the text is no cursor of ours with that id prefix */
const char *tuor_cursor_read(const char *cursor, const char *prefix, apr_pool_t *pool);

/** "sha256=" + lower-case hex HMAC-SHA256 of body. */
const char *tuor_sign(const char *secret, apr_size_t secret_len, tuor_slice body, apr_pool_t *pool);

/** RFC 3339 in UTC with Z and six digits of microseconds, 27 characters and NUL into out. */
#define TUOR_TIME_LEN 28
void tuor_time_format(char out[TUOR_TIME_LEN], apr_time_t t);

/**
 * Read ISO 8601 / RFC 3339: 2026-05-20, 2026-05-20T10:00Z, with seconds, any fraction, Z or an offset
 * (+02:00, +0200); no offset means UTC; a space for the T is taken (a + in a query becomes one).
 * @return APR_SUCCESS or APR_EINVAL (also for a day that does not exist)
 */
apr_status_t tuor_time_parse(apr_time_t *t, const char *s);

#endif
