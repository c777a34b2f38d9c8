/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_json.h
 * JSON as bytes: a strict RFC 8259 scanner that yields slices of its input.
 *
 * Payloads must come back exactly as they were sent, so nothing here ever
 * builds a tree or converts a number. One pass validates a text (grammar,
 * UTF-8, nesting); everything afterwards walks text that is known to be valid.
 *
 * Threads: every function is reentrant and keeps no state of its own.
 * Memory: slices point into the caller's text and live as long as it does;
 * anything allocated comes from the pool that is passed in.
 */
#ifndef TUOR_JSON_H
#define TUOR_JSON_H

#include <apr_pools.h>
#include <apr_tables.h>

/** Bytes that somebody else owns; p == NULL means "none" (SQL NULL, absent). */
typedef struct tuor_slice {
    const char *p;
    apr_size_t len;
} tuor_slice;

#define TUOR_SLICE_NONE ((tuor_slice){ NULL, 0 })
#define TUOR_SLICE(literal) ((tuor_slice){ (literal), sizeof(literal) - 1 })

/** What a value is, told by its first byte. */
typedef enum {
    TUOR_JSON_NONE = 0,         /**< the member is absent */
    TUOR_JSON_NULL,
    TUOR_JSON_BOOL,
    TUOR_JSON_NUMBER,
    TUOR_JSON_STRING,
    TUOR_JSON_ARRAY,
    TUOR_JSON_OBJECT
} tuor_json_type;

/** One member of an object, or one element of an array (key is none there). */
typedef struct tuor_json_member {
    tuor_slice key;             /**< as written, without the quotes, escapes kept */
    tuor_slice value;           /**< as written, from its first to its last byte */
    tuor_json_type type;
} tuor_json_member;

/** A member that the caller of tuor_json_envelope() wants to have. */
typedef struct tuor_json_field {
    const char *name;           /**< in: the key, plain UTF-8 */
    tuor_slice value;           /**< out: as sent; p == NULL when absent */
    tuor_json_type type;        /**< out: TUOR_JSON_NONE when absent */
    unsigned depth;             /**< out: nesting of the value: 0 for a scalar, 1 for {} and [] */
    unsigned spaced:1;          /**< out: has white space between tokens */
} tuor_json_field;

/** Where and why a text is not JSON. */
typedef struct tuor_json_fault {
    apr_size_t offset;          /**< bytes from the start of the text */
    const char *message;        /**< static; e.g. "a string has a raw control character" */
} tuor_json_fault;

/**
 * Validate a whole text and pick out members of its top-level object, in one pass.
 * A key matches after decoding of its escapes. Members not asked for are validated and skipped.
 * @param fields what to look for; value, type, depth and spaced are set for each
 * @param n how many; at most 64
 * @param fault filled in for every return but APR_SUCCESS
 * @param scratch for the bit stack of deep nesting and for the check of keys given twice
 * @return APR_SUCCESS;
 *         APR_EINVAL: not JSON (RFC 8259, valid UTF-8, no byte-order mark, one value);
 *         APR_EMISMATCH: JSON, but not an object;
 *         APR_EEXIST: a member of the top-level object stands there twice
 *         (members not asked for included, as far as the first 1 000 of them)
 */
apr_status_t tuor_json_envelope(tuor_slice text, tuor_json_field *fields, int n,
                                tuor_json_fault *fault, apr_pool_t *scratch);

/**
 * Validate a whole text of any type.
 * @param type set to the value's type, may be NULL
 * @param depth set to its nesting (0 for a scalar), may be NULL
 * @return APR_SUCCESS or APR_EINVAL, as above
 */
apr_status_t tuor_json_check(tuor_slice text, tuor_json_type *type, unsigned *depth,
                             tuor_json_fault *fault, apr_pool_t *scratch);

/* ---- everything below needs text that was validated before ---- */

/** Remove white space between tokens, in place. @return the new length */
apr_size_t tuor_json_compact(char *text, apr_size_t len);

/** The type of a value, from its first byte after white space. */
tuor_json_type tuor_json_type_of(tuor_slice value);

/** Walks the members of an object or the elements of an array. */
typedef struct tuor_json_walk {
    const char *p, *end;
    int object;
} tuor_json_walk;

/** Start at a value that is an object or an array. */
void tuor_json_walk_init(tuor_json_walk *walk, tuor_slice value);

/** @return 1 and the next member, or 0 at the end */
int tuor_json_walk_next(tuor_json_walk *walk, tuor_json_member *member);

/**
 * The last member called name (of duplicate keys the last counts).
 * @return 1 when there is one
 */
int tuor_json_get(tuor_slice object, const char *name, tuor_json_member *member);

/**
 * Decode a string value (with its quotes) or a key (without: pass quoted = 0).
 * @param out NUL-terminated UTF-8 in the pool; may hold U+0000 inside: compare len
 * @param len its length in bytes, without the final NUL
 * @return APR_SUCCESS, or APR_EINVAL when an escape is a lone surrogate, which UTF-8 cannot express
 */
apr_status_t tuor_json_decode(const char **out, apr_size_t *len, tuor_slice text, int quoted,
                              apr_pool_t *pool);

/** Whether a key as written means name, without allocating. */
int tuor_json_key_is(tuor_slice key, const char *name);

/** Whether two strings as written (without quotes) have the same decoded text; lone surrogates compare by code unit. */
int tuor_json_same_text(tuor_slice a, tuor_slice b);

/**
 * Read an integer: no fraction, no exponent, within 64 bits.
 * @return APR_SUCCESS, or APR_EINVAL (1.0, 1e2, "1" and 20 digits are none)
 */
apr_status_t tuor_json_int(apr_int64_t *out, tuor_slice value);

/* ---- writing ---- */

/** A text that grows in a pool. Not for payloads: those are spliced as slices. */
typedef struct tuor_buf {
    apr_pool_t *pool;
    char *p;                    /**< not NUL-terminated; NULL while empty */
    apr_size_t len, size;
} tuor_buf;

void tuor_buf_init(tuor_buf *b, apr_pool_t *pool);
void tuor_buf_add(tuor_buf *b, const char *p, apr_size_t len);
void tuor_buf_puts(tuor_buf *b, const char *s);
void tuor_buf_printf(tuor_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A JSON string with its quotes, escaped as RFC 8259 requires and no further (UTF-8 stays). NULL writes null. */
void tuor_buf_json(tuor_buf *b, const char *s);
/** The same for a length; p == NULL writes null. */
void tuor_buf_json_slice(tuor_buf *b, tuor_slice s);
/** A raw JSON value as it is, or null for none. */
void tuor_buf_raw(tuor_buf *b, tuor_slice value);
/** The text, NUL-terminated, in the buffer's pool. */
const char *tuor_buf_text(tuor_buf *b);

/**
 * Called with the pieces of a value that remain; a non-zero return stops and is handed on.
 */
typedef apr_status_t tuor_json_sink(void *baton, const char *p, apr_size_t len);

/**
 * Write an object without some of its direct members.
 * @param names const char * each, decoded key texts; every duplicate of a named key goes
 */
apr_status_t tuor_json_without(tuor_slice object, const apr_array_header_t *names,
                               tuor_json_sink *sink, void *baton);

#endif
