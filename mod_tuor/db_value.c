/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Parameters and results in PostgreSQL's binary form: no quoting, no parsing of numbers, and a
 * payload goes in from the request's buffer and out from libpq's.
 */
#include "db.h"

APLOG_USE_MODULE(tuor);

/* From pg_type.dat; these numbers never change. */
#define OID_BOOL 16
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_TEXT 25
#define OID_BYTEAS 1001
#define OID_TEXTS 1009
#define OID_TIMESTAMPTZ 1184
#define OID_TIMESTAMPTZS 1185

/* PostgreSQL counts from 2000-01-01. */
#define EPOCH_DIFF APR_INT64_C(946684800000000)

/* The protocol's lengths are 32 bits with a sign. */
#define VALUE_MAX 0x3fffffff

static void put32(unsigned char *p, apr_uint32_t v)
{
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16);
    p[2] = (unsigned char)(v >> 8);
    p[3] = (unsigned char)v;
}

static void put64(unsigned char *p, apr_uint64_t v)
{
    put32(p, (apr_uint32_t)(v >> 32));
    put32(p + 4, (apr_uint32_t)v);
}

static apr_uint32_t get32(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;

    return (apr_uint32_t)p[0] << 24 | (apr_uint32_t)p[1] << 16 | (apr_uint32_t)p[2] << 8 | p[3];
}

static apr_uint64_t get64(const char *s)
{
    return (apr_uint64_t)get32(s) << 32 | get32(s + 4);
}

/* ------------------------------------------------------------ parameters */

/* An array's binary form: dimensions, a flag for NULLs, element type, length, lower bound, then the elements. */
#define ARRAY_HEAD 20
#define NULL_LENGTH 0xffffffffu

static const char *array_head(unsigned char *p, int n, Oid element)
{
    put32(p, n ? 1 : 0);
    put32(p + 4, 1);
    put32(p + 8, element);
    if (n) {
        put32(p + 12, (apr_uint32_t)n);
        put32(p + 16, 1);
    }
    return (const char *)p;
}

static tuor_slice slice_at(const tuor_arg *arg, int i)
{
    const apr_array_header_t *a = arg->p;
    const char *s;

    if (arg->type != TUOR_ARG_TEXTS) {
        return APR_ARRAY_IDX(a, i, tuor_slice);
    }
    s = APR_ARRAY_IDX(a, i, const char *);
    return (tuor_slice){ s, s ? strlen(s) : 0 };
}

/* text[] and bytea[]. A length beyond VALUE_MAX comes back without an array: the caller refuses it. */
static apr_size_t encode_slices(const char **out, const tuor_arg *arg, Oid element, apr_pool_t *pool)
{
    int n = ((const apr_array_header_t *)arg->p)->nelts, i;
    apr_size_t len = ARRAY_HEAD;
    unsigned char *p;

    for (i = 0; i < n; i++) {
        len += 4 + slice_at(arg, i).len;
    }
    if (len > VALUE_MAX) {
        return len;
    }
    p = apr_palloc(pool, len);
    *out = array_head(p, n, element);
    p += ARRAY_HEAD;
    for (i = 0; i < n; i++) {
        tuor_slice s = slice_at(arg, i);

        put32(p, s.p ? (apr_uint32_t)s.len : NULL_LENGTH);
        if (s.p && s.len) {
            memcpy(p + 4, s.p, s.len);
        }
        p += 4 + (s.p ? s.len : 0);
    }
    return n ? (apr_size_t)((const char *)p - *out) : 12;
}

static apr_size_t encode_times(const char **out, const apr_array_header_t *times, apr_pool_t *pool)
{
    unsigned char *p = apr_palloc(pool, ARRAY_HEAD + 12 * (apr_size_t)times->nelts);
    int i;

    *out = array_head(p, times->nelts, OID_TIMESTAMPTZ);
    p += ARRAY_HEAD;
    for (i = 0; i < times->nelts; i++) {
        apr_time_t t = APR_ARRAY_IDX(times, i, apr_time_t);

        put32(p, t ? 8 : NULL_LENGTH);
        p += 4;
        if (t) {
            put64(p, (apr_uint64_t)(t - EPOCH_DIFF));
            p += 8;
        }
    }
    return times->nelts ? (apr_size_t)((const char *)p - *out) : 12;
}

static apr_size_t encode(Oid *type, const char **value, const tuor_arg *arg, apr_pool_t *pool)
{
    unsigned char *p;

    *value = arg->p;
    switch (arg->type) {
    case TUOR_ARG_TEXT:
        *type = OID_TEXT;
        return arg->len;
    case TUOR_ARG_BYTES:
        *type = OID_BYTEA;
        return arg->len;
    case TUOR_ARG_TEXTS:
    case TUOR_ARG_SLICES:
        *type = OID_TEXTS;
        return arg->p ? encode_slices(value, arg, OID_TEXT, pool) : 0;
    case TUOR_ARG_BLOBS:
        *type = OID_BYTEAS;
        return arg->p ? encode_slices(value, arg, OID_BYTEA, pool) : 0;
    case TUOR_ARG_TIMES:
        *type = OID_TIMESTAMPTZS;
        return arg->p ? encode_times(value, arg->p, pool) : 0;
    case TUOR_ARG_BOOL:
        *type = OID_BOOL;
        *value = arg->p ? (arg->i ? "\1" : "\0") : NULL;
        return 1;
    case TUOR_ARG_TIME:
    case TUOR_ARG_INT:
        *type = arg->type == TUOR_ARG_INT ? OID_INT8 : OID_TIMESTAMPTZ;
        if (arg->p) {
            p = apr_palloc(pool, 8);
            put64(p, (apr_uint64_t)(arg->type == TUOR_ARG_INT ? arg->i : arg->i - EPOCH_DIFF));
            *value = (const char *)p;
        }
        return 8;
    }
    return 0;
}

tuor_error *tuor_wire_encode(tuor_wire_args *out, const tuor_arg *args, int n, apr_pool_t *pool)
{
    int i;

    out->types = apr_palloc(pool, (apr_size_t)(n + 1) * sizeof(Oid));
    out->values = apr_palloc(pool, (apr_size_t)(n + 1) * sizeof(char *));
    out->lengths = apr_palloc(pool, (apr_size_t)(n + 1) * sizeof(int));
    out->formats = apr_palloc(pool, (apr_size_t)(n + 1) * sizeof(int));
    for (i = 0; i < n; i++) {
        apr_size_t len = encode(&out->types[i], &out->values[i], &args[i], pool);

        if (len > VALUE_MAX) {
            return tuor_error_make(pool, HTTP_REQUEST_ENTITY_TOO_LARGE, "A value is too long for the database");
        }
        out->lengths[i] = (int)len;
        out->formats[i] = 1;
    }
    return NULL;
}

/* --------------------------------------------------------------- results */

static apr_status_t free_result(void *data)
{
    tuor_result *res = data;

    PQclear(res->pg);
    res->pg = NULL;
    return APR_SUCCESS;
}

tuor_result *tuor_result_wrap(PGresult *pg, apr_pool_t *pool)
{
    tuor_result *res = apr_palloc(pool, sizeof(*res));

    res->pg = pg;
    res->pool = pool;
    apr_pool_cleanup_register(pool, res, free_result, apr_pool_cleanup_null);
    return res;
}

void tuor_result_clear(tuor_result *res)
{
    apr_pool_cleanup_run(res->pool, res, free_result);
}

int tuor_result_rows(const tuor_result *res)
{
    return PQntuples(res->pg);
}

int tuor_result_null(const tuor_result *res, int row, int col)
{
    return PQgetisnull(res->pg, row, col);
}

tuor_slice tuor_result_slice(const tuor_result *res, int row, int col)
{
    if (PQgetisnull(res->pg, row, col)) {
        return TUOR_SLICE_NONE;
    }
    return (tuor_slice){ PQgetvalue(res->pg, row, col), (apr_size_t)PQgetlength(res->pg, row, col) };
}

const char *tuor_result_text(const tuor_result *res, int row, int col)
{
    return tuor_result_slice(res, row, col).p;
}

apr_int64_t tuor_result_int(const tuor_result *res, int row, int col)
{
    return tuor_copy_int(tuor_result_slice(res, row, col));
}

apr_time_t tuor_result_time(const tuor_result *res, int row, int col)
{
    return tuor_copy_time(tuor_result_slice(res, row, col));
}

apr_int64_t tuor_copy_int(tuor_slice col)
{
    switch (col.p ? col.len : 0) {
    case 1:
        return col.p[0];
    case 2:
        return (apr_int16_t)((unsigned char)col.p[0] << 8 | (unsigned char)col.p[1]);
    case 4:
        return (apr_int32_t)get32(col.p);
    case 8:
        return (apr_int64_t)get64(col.p);
    default:
        return 0;
    }
}

apr_time_t tuor_copy_time(tuor_slice col)
{
    return col.p && col.len == 8 ? (apr_time_t)get64(col.p) + EPOCH_DIFF : 0;
}

tuor_slice tuor_copy_from_time(apr_time_t t, apr_pool_t *pool)
{
    unsigned char *p = apr_palloc(pool, 8);

    put64(p, (apr_uint64_t)(t - EPOCH_DIFF));
    return (tuor_slice){ (const char *)p, 8 };
}

apr_array_header_t *tuor_copy_texts(tuor_slice col, apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, 4, sizeof(const char *));
    const char *p = col.p, *end = p + col.len;
    apr_uint32_t n, len;

    if (!p || col.len < 20) {
        return texts;           /* NULL, or no dimension: empty */
    }
    n = get32(p + 12);
    for (p += 20; n && end - p >= 4; n--) {
        len = get32(p);
        p += 4;
        if (len == 0xffffffffu) {
            APR_ARRAY_PUSH(texts, const char *) = NULL;
            continue;
        }
        if (len > (apr_size_t)(end - p)) {
            break;
        }
        APR_ARRAY_PUSH(texts, const char *) = apr_pstrmemdup(pool, p, len);
        p += len;
    }
    return texts;
}

apr_array_header_t *tuor_result_texts(const tuor_result *res, int row, int col, apr_pool_t *pool)
{
    return tuor_copy_texts(tuor_result_slice(res, row, col), pool);
}
