/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Members of a JSON body: each reader takes one, and notes as a fault what is wrong with it.
 */
#include "core.h"

APLOG_USE_MODULE(tuor);

static int absent(tuor_request *q, const tuor_json_field *f, int required)
{
    if (f->type != TUOR_JSON_NONE && f->type != TUOR_JSON_NULL) {
        return 0;
    }
    if (required) {
        tuor_fault(q, f->name, "is required");
    }
    return 1;
}

static apr_size_t characters(const char *s)
{
    apr_size_t n = 0;

    for (; *s; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
    }
    return n;
}

const char *tuor_field_string(tuor_request *q, const tuor_json_field *f, int required,
                              apr_size_t min, apr_size_t max)
{
    const char *s;
    apr_size_t len, n;

    if (absent(q, f, required)) {
        return NULL;
    }
    if (f->type != TUOR_JSON_STRING) {
        tuor_fault(q, f->name, "must be a string");
        return NULL;
    }
    if (tuor_json_decode(&s, &len, f->value, 1, q->pool) != APR_SUCCESS) {
        tuor_fault(q, f->name, "has an unpaired surrogate escape, which stands for no character");
        return NULL;
    }
    if (memchr(s, '\0', len)) {
        tuor_fault(q, f->name, "must not hold U+0000");
        return NULL;
    }
    n = characters(s);
    if (n < min || n > max) {
        tuor_fault(q, f->name, "must have %" APR_SIZE_T_FMT " to %" APR_SIZE_T_FMT " characters, not %" APR_SIZE_T_FMT,
                   min, max, n);
        return NULL;
    }
    return s;
}

const char *tuor_field_word(tuor_request *q, const tuor_json_field *f, int required,
                            const char *const *words)
{
    const char *s = NULL, *list = "";
    apr_size_t len;
    int i;

    if (absent(q, f, required)) {
        return NULL;
    }
    if (f->type == TUOR_JSON_STRING && tuor_json_decode(&s, &len, f->value, 1, q->pool) == APR_SUCCESS) {
        for (i = 0; words[i]; i++) {
            if (!strcmp(words[i], s) && strlen(words[i]) == len) {
                return words[i];
            }
        }
    }
    for (i = 0; words[i]; i++) {
        list = apr_pstrcat(q->pool, list, i ? ", " : "", words[i], NULL);
    }
    tuor_fault(q, f->name, "must be one of %s", list);
    return NULL;
}

apr_int64_t tuor_field_int(tuor_request *q, const tuor_json_field *f, int required, apr_int64_t min)
{
    apr_int64_t n = 0;

    if (absent(q, f, required)) {
        return 0;
    }
    if (f->type != TUOR_JSON_NUMBER || tuor_json_int(&n, f->value) != APR_SUCCESS || n < min) {
        tuor_fault(q, f->name, "must be an integer from %" APR_INT64_T_FMT " up, without fraction or quotes", min);
        return 0;
    }
    return n;
}

int tuor_field_bool(tuor_request *q, const tuor_json_field *f)
{
    if (f->type == TUOR_JSON_NONE) {
        return -1;
    }
    if (f->type != TUOR_JSON_BOOL) {
        tuor_fault(q, f->name, "must be true or false");
        return -1;
    }
    return f->value.p[0] == 't';
}

tuor_slice tuor_field_payload(tuor_request *q, const tuor_json_field *f, int required)
{
    apr_size_t max = tuor_max_payload(q->r->server);
    unsigned depth = tuor_max_depth(q->r->server);
    tuor_slice value = f->value;

    if (absent(q, f, required)) {
        return TUOR_SLICE_NONE;
    }
    if (f->type != TUOR_JSON_OBJECT) {
        tuor_fault(q, f->name, "must be a JSON object");
        return TUOR_SLICE_NONE;
    }
    if (value.len > max) {
        tuor_fault(q, f->name, "has %" APR_SIZE_T_FMT " bytes; the limit is %" APR_SIZE_T_FMT " bytes (%" APR_SIZE_T_FMT
                   " MB)", value.len, max, max >> 20);
    }
    if (f->depth > depth) {
        tuor_fault(q, f->name, "is nested %u levels deep; the limit is %u levels", f->depth, depth);
    }
    if (value.len > max || f->depth > depth) {
        return TUOR_SLICE_NONE;
    }
    if (f->spaced) {
        value.len = tuor_json_compact(q->body + (value.p - q->body), value.len);
    }
    return value;
}
