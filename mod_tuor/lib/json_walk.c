/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Walking, shortening and splicing text that the scanner has passed. Brackets are known to match,
 * so skipping a value only counts them.
 */
#include <apr_errno.h>

#include "json_lex.h"

/* Past the brackets that p opens. */
static const char *skip_container(const char *p, const char *end)
{
    apr_size_t depth = 0;

    while (p < end) {
        switch (*p++) {
        case '{': case '[':
            ++depth;
            break;
        case '}': case ']':
            if (--depth == 0)
                return p;
            break;
        case '"':
            p = json_skip_string(p, end);
            break;
        }
    }
    return end;
}

/* Past a number or a word. */
static const char *skip_word(const char *p, const char *end)
{
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !json_is_space(*p))
        ++p;
    return p;
}

const char *tuor_json_skip_value(const char *p, const char *end)
{
    if (p == end)
        return end;
    if (*p == '"')
        return json_skip_string(p + 1, end);
    if (*p == '{' || *p == '[')
        return skip_container(p, end);
    return skip_word(p, end);
}

tuor_json_type tuor_json_type_of(tuor_slice value)
{
    const char *p = value.p, *end;

    if (!p)
        return TUOR_JSON_NONE;
    end = p + value.len;
    p = json_skip_space(p, end);
    if (p == end)
        return TUOR_JSON_NONE;
    switch (*p) {
    case '{': return TUOR_JSON_OBJECT;
    case '[': return TUOR_JSON_ARRAY;
    case '"': return TUOR_JSON_STRING;
    case 't': case 'f': return TUOR_JSON_BOOL;
    case 'n': return TUOR_JSON_NULL;
    }
    return TUOR_JSON_NUMBER;
}

/* ---- walking ---- */

void tuor_json_walk_init(tuor_json_walk *walk, tuor_slice value)
{
    tuor_json_type type = tuor_json_type_of(value);

    walk->object = type == TUOR_JSON_OBJECT;
    walk->p = walk->end = NULL;
    if (!walk->object && type != TUOR_JSON_ARRAY)
        return;                                 /* a scalar has no members */
    walk->end = value.p + value.len;
    walk->p = json_skip_space(value.p, walk->end) + 1;
}

/* The key at p, and past its colon. */
static const char *read_key(const char *p, const char *end, tuor_slice *key)
{
    const char *after = json_skip_string(p + 1, end);

    key->p = p + 1;
    key->len = after - p >= 2 ? (apr_size_t)(after - p) - 2 : 0;
    p = json_skip_space(after, end);
    if (p < end)
        ++p;
    return json_skip_space(p, end);
}

int tuor_json_walk_next(tuor_json_walk *walk, tuor_json_member *member)
{
    const char *p = walk->p, *end = walk->end;

    while (p < end && (*p == ',' || json_is_space(*p)))
        ++p;
    if (p >= end || *p == '}' || *p == ']') {
        walk->p = end;
        return 0;
    }
    member->key = TUOR_SLICE_NONE;
    if (walk->object)
        p = read_key(p, end, &member->key);
    member->value.p = p;
    p = tuor_json_skip_value(p, end);
    member->value.len = (apr_size_t)(p - member->value.p);
    member->type = tuor_json_type_of(member->value);
    walk->p = p;
    return 1;
}

int tuor_json_get(tuor_slice object, const char *name, tuor_json_member *member)
{
    tuor_json_walk walk;
    tuor_json_member m;
    int found = 0;

    tuor_json_walk_init(&walk, object);
    if (!walk.object)
        return 0;
    while (tuor_json_walk_next(&walk, &m)) {
        if (tuor_json_key_is(m.key, name)) {
            *member = m;
            found = 1;
        }
    }
    return found;
}

/* ---- shortening ---- */

apr_size_t tuor_json_compact(char *text, apr_size_t len)
{
    const char *p = text, *end = text + len, *run = text;
    char *out = text;

    while (p < end) {
        if (*p == '"') {
            p = json_skip_string(p + 1, end);
        }
        else if (!json_is_space(*p)) {
            ++p;
        }
        else {
            if (out != run)
                memmove(out, run, (apr_size_t)(p - run));
            out += p - run;
            run = p = json_skip_space(p, end);
        }
    }
    if (out != run)
        memmove(out, run, (apr_size_t)(p - run));
    return (apr_size_t)(out - text) + (apr_size_t)(p - run);
}

/* ---- splicing ---- */

static int is_named(tuor_slice key, const apr_array_header_t *names)
{
    for (int i = 0; i < names->nelts; ++i)
        if (tuor_json_key_is(key, APR_ARRAY_IDX(names, i, const char *)))
            return 1;
    return 0;
}

/*
 * Members that stay and stand side by side go out as one piece, the first with the opening
 * bracket and the last with the closing one; after a gap the comma is written anew.
 */
apr_status_t tuor_json_without(tuor_slice object, const apr_array_header_t *names,
                               tuor_json_sink *sink, void *baton)
{
    const char *end, *run, *run_end;
    int gap = 0, any = 0;
    apr_status_t rv;
    tuor_json_walk walk;
    tuor_json_member m;

    tuor_json_walk_init(&walk, object);
    if (!walk.object || !names || names->nelts == 0)
        return object.len ? sink(baton, object.p, object.len) : APR_SUCCESS;
    end = object.p + object.len;
    run = object.p;
    run_end = walk.p;                           /* the bracket alone */
    while (tuor_json_walk_next(&walk, &m)) {
        if (is_named(m.key, names)) {
            gap = 1;
            continue;
        }
        if (gap) {
            if ((rv = sink(baton, run, (apr_size_t)(run_end - run))) != APR_SUCCESS)
                return rv;
            if (any && (rv = sink(baton, ",", 1)) != APR_SUCCESS)
                return rv;
            run = m.key.p - 1;
            gap = 0;
        }
        run_end = m.value.p + m.value.len;
        any = 1;
    }
    if (!gap)
        return sink(baton, run, (apr_size_t)(end - run));
    if ((rv = sink(baton, run, (apr_size_t)(run_end - run))) != APR_SUCCESS)
        return rv;
    return sink(baton, "}", 1);
}
