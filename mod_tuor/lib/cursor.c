/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A cursor is base64url, unpadded, of "c", six digits of checksum and the last id of a page. It is
 * no secret and grants nothing; the checksum only refuses what we have not made.
 */
#include <apr_strings.h>
#include <openssl/evp.h>
#include <string.h>

#include "random.h"
#include "tuor_id.h"

#define TAG 'c'
#define CHECK 6
#define HEAD (1 + CHECK)
#define MAX_CURSOR 256                          /* ids are 70 characters at most */

static void swap(char *s, char from, char to)
{
    while ((s = strchr(s, from)) != NULL)
        *s++ = to;
}

const char *tuor_cursor_make(const char *last_id, apr_pool_t *pool)
{
    apr_size_t len = strlen(last_id);
    char *text = apr_palloc(pool, HEAD + len + 1);
    char *out = apr_palloc(pool, (HEAD + len + 2) / 3 * 4 + 1), *pad;

    text[0] = TAG;
    tuor_crc62(text + 1, last_id, len);
    memcpy(text + HEAD, last_id, len);
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)(HEAD + len));
    swap(out, '+', '-');
    swap(out, '/', '_');
    if ((pad = strchr(out, '=')) != NULL)
        *pad = '\0';
    return out;
}

/* Base64 with its padding, NUL-terminated decoded text into out. */
static int decode(char *out, const char *cursor, apr_pool_t *pool)
{
    apr_size_t len = strlen(cursor);
    char *base64 = apr_pstrcat(pool, cursor, len % 4 == 2 ? "==" : len % 4 == 3 ? "=" : "", NULL);
    int n;

    swap(base64, '-', '+');
    swap(base64, '_', '/');
    n = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)base64, (int)strlen(base64));
    if (n < 0)
        return 0;
    out[n] = '\0';                              /* padding decodes to zeros before that */
    return 1;
}

const char *tuor_cursor_read(const char *cursor, const char *prefix, apr_pool_t *pool)
{
    char text[MAX_CURSOR];
    const char *id;

    if (!cursor || strnlen(cursor, MAX_CURSOR) >= MAX_CURSOR || !decode(text, cursor, pool)
        || strlen(text) <= HEAD)
        return NULL;
    id = text + HEAD;
    /* Making it anew checks tag, checksum, alphabet and stray bits at the end in one go. */
    if (!tuor_id_valid(id, prefix) || strcmp(tuor_cursor_make(id, pool), cursor) != 0)
        return NULL;
    return apr_pstrdup(pool, id);
}
