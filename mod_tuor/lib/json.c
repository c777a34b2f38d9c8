/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Whole texts: an envelope, whose members are picked out as the scanner passes them, and any other.
 */
#include <apr_errno.h>

#include "json_scan.h"
#include "keyset.h"

#define MAX_UNKNOWN 1000            /* members not asked for that are checked for duplicates */

/* White space, and the two mistakes that deserve a message of their own. */
static int begin_text(tuor_scan *s)
{
    if (s->end - s->p >= 3 && memcmp(s->p, "\xEF\xBB\xBF", 3) == 0)
        return tuor_scan_fail(s, s->p, "the text starts with a byte-order mark");
    scan_space(s);
    return s->p < s->end || tuor_scan_fail(s, s->p, "the text is empty");
}

static int end_text(tuor_scan *s)
{
    scan_space(s);
    return s->p == s->end || tuor_scan_fail(s, s->p, "something stands after the value");
}

/* ---- the envelope ---- */

typedef struct envelope {
    tuor_json_field *fields;
    int n;
    tuor_keyset unknown;
    const char *twice;              /* the first name that was given twice */
} envelope;

static tuor_json_field *field_named(envelope *e, tuor_slice key)
{
    for (int i = 0; i < e->n; ++i)
        if (tuor_json_key_is(key, e->fields[i].name))
            return &e->fields[i];
    return NULL;
}

static void note_unknown(envelope *e, tuor_slice key, apr_pool_t *pool)
{
    apr_size_t before = e->unknown.count;

    if (before == MAX_UNKNOWN || e->twice)
        return;
    if (before == 0)
        tuor_keyset_init(&e->unknown, pool);
    tuor_keyset_put(&e->unknown, tuor_json_plain(key, pool));
    if (e->unknown.count == before)
        e->twice = key.p;
}

/* A member of the top-level object, from its name on. */
static int member(tuor_scan *s, envelope *e)
{
    tuor_json_field *field;
    const char *start;

    if (!tuor_scan_name(s))
        return 0;
    field = field_named(e, s->name);
    if (!field)
        note_unknown(e, s->name, s->pool);
    else if (field->value.p && !e->twice)
        e->twice = s->name.p;
    start = s->p;
    if (!tuor_scan_value(s))
        return 0;
    if (field) {
        field->value.p = start;
        field->value.len = (apr_size_t)(s->p - start);
        field->type = tuor_json_type_of(field->value);
        field->depth = s->deepest;
        field->spaced = s->spaced ? 1 : 0;
    }
    return 1;
}

static int members(tuor_scan *s, envelope *e)
{
    ++s->p;
    scan_space(s);
    if (scan_at(s, '}')) {
        ++s->p;
        return 1;
    }
    for (;;) {
        if (!member(s, e))
            return 0;
        scan_space(s);
        if (scan_at(s, '}')) {
            ++s->p;
            return 1;
        }
        if (!scan_at(s, ','))
            return tuor_scan_fail_unclosed(s);
        ++s->p;
        scan_space(s);
    }
}

static apr_status_t report(const tuor_scan *s, tuor_json_fault *fault, apr_status_t status)
{
    if (fault) {
        fault->offset = (apr_size_t)(s->p - s->start);
        fault->message = s->message;
    }
    return status;
}

static void clear_fields(tuor_json_field *fields, int n)
{
    for (int i = 0; i < n; ++i) {
        fields[i].value = TUOR_SLICE_NONE;
        fields[i].type = TUOR_JSON_NONE;
        fields[i].depth = 0;
        fields[i].spaced = 0;
    }
}

/* ---- public ---- */

static apr_status_t scan_envelope(tuor_scan *s, envelope *e)
{
    const char *first;
    int object;

    if (!begin_text(s))
        return APR_EINVAL;
    first = s->p;
    object = scan_at(s, '{');
    if (!(object ? members(s, e) : tuor_scan_value(s)) || !end_text(s))
        return APR_EINVAL;
    if (!object) {
        tuor_scan_fail(s, first, "the text is not an object");
        return APR_EMISMATCH;
    }
    if (e->twice) {
        tuor_scan_fail(s, e->twice - 1, "a member is given twice");
        return APR_EEXIST;
    }
    return APR_SUCCESS;
}

apr_status_t tuor_json_envelope(tuor_slice text, tuor_json_field *fields, int n,
                                tuor_json_fault *fault, apr_pool_t *scratch)
{
    envelope e = { .fields = fields, .n = n };
    apr_status_t rv;
    tuor_scan s;

    clear_fields(fields, n);
    tuor_scan_begin(&s, text, scratch);
    rv = scan_envelope(&s, &e);
    if (rv == APR_SUCCESS)
        return rv;
    clear_fields(fields, n);
    return report(&s, fault, rv);
}

apr_status_t tuor_json_check(tuor_slice text, tuor_json_type *type, unsigned *depth,
                             tuor_json_fault *fault, apr_pool_t *scratch)
{
    const char *first;
    tuor_scan s;

    tuor_scan_begin(&s, text, scratch);
    if (!begin_text(&s))
        return report(&s, fault, APR_EINVAL);
    first = s.p;
    if (!tuor_scan_value(&s) || !end_text(&s))
        return report(&s, fault, APR_EINVAL);
    if (type)
        *type = tuor_json_type_of((tuor_slice){ first, 1 });
    if (depth)
        *depth = s.deepest;
    return APR_SUCCESS;
}
