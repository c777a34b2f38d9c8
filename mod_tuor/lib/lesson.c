/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * From corrections to lessons: read each entry of each diff, classify it, put those of a kind
 * together, leave out what contradicts itself, sort.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "lesson_shape.h"

/* ----------------------------------------------------------------- reading */

static const char *string_of(tuor_slice value, apr_pool_t *pool)
{
    const char *s;
    apr_size_t len;

    if (!value.p || tuor_json_type_of(value) != TUOR_JSON_STRING
        || tuor_json_decode(&s, &len, value, 1, pool) != APR_SUCCESS || strlen(s) != len) {
        return NULL;
    }
    return s;
}

/* The diff writes null for an absent side, too: the values themselves know. */
static tuor_slice side(tuor_slice value, tuor_slice whole, const char *path, apr_pool_t *pool)
{
    int absent = value.p && tuor_json_type_of(value) == TUOR_JSON_NULL && whole.p && !lesson_has_path(whole, path, pool);

    return absent ? TUOR_SLICE_NONE : value;
}

static void read_entry(apr_array_header_t *changes, tuor_slice entry, const tuor_lesson_case *of, int number)
{
    apr_pool_t *pool = changes->pool;
    tuor_json_member m;
    lesson_change c = { .of = of, .number = number };
    const char *path;

    if (!tuor_json_get(entry, "path", &m) || !(path = string_of(m.value, pool))) {
        return;
    }
    c.path = tuor_lesson_path(path, pool);
    if (tuor_json_get(entry, "from", &m)) {
        c.from = side(m.value, of->output, path, pool);
    }
    if (tuor_json_get(entry, "to", &m)) {
        c.to = side(m.value, of->corrected, path, pool);
    }
    c.from_text = string_of(c.from, pool);
    c.to_text = string_of(c.to, pool);
    lesson_change_classify(&c, pool);
    APR_ARRAY_PUSH(changes, lesson_change) = c;
}

static apr_size_t parent_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? (apr_size_t)(dot - path) : 0;
}

/* Among the changes of one correction: a key that went and one that came with the same value are one key. */
static void find_renames(apr_array_header_t *changes, int first)
{
    for (int i = first; i < changes->nelts; i++) {
        lesson_change *gone = &APR_ARRAY_IDX(changes, i, lesson_change);

        for (int k = first; gone->kind == TUOR_LESSON_KEY_REMOVED && k < changes->nelts; k++) {
            lesson_change *came = &APR_ARRAY_IDX(changes, k, lesson_change);

            if (came->kind == TUOR_LESSON_KEY_ADDED && came->to.len == gone->from.len
                && !memcmp(came->to.p, gone->from.p, came->to.len) && parent_of(came->path) == parent_of(gone->path)
                && !strncmp(came->path, gone->path, parent_of(came->path))) {
                gone->kind = TUOR_LESSON_KEY_RENAMED;
                gone->other = came->path;
                came->kind = TUOR_LESSON_KINDS;
            }
        }
    }
}

static apr_array_header_t *read_changes(const apr_array_header_t *cases, apr_pool_t *pool)
{
    apr_array_header_t *changes = apr_array_make(pool, 64, sizeof(lesson_change));
    tuor_json_member entry;
    tuor_json_walk walk;

    for (int i = 0; i < cases->nelts; i++) {
        const tuor_lesson_case *of = &APR_ARRAY_IDX(cases, i, tuor_lesson_case);
        int first = changes->nelts;

        if (!of->diff.p || tuor_json_type_of(of->diff) != TUOR_JSON_ARRAY) {
            continue;
        }
        tuor_json_walk_init(&walk, of->diff);
        while (tuor_json_walk_next(&walk, &entry)) {
            read_entry(changes, entry.value, of, i);
        }
        find_renames(changes, first);
    }
    return changes;
}

/* ----------------------------------------------- labels, phrases, constants */

typedef struct tally {
    int count, last;
} tally;

/* Count a key once a correction. */
static int count(apr_hash_t *tallies, const char *key, int number, apr_pool_t *pool)
{
    tally *t = apr_hash_get(tallies, key, APR_HASH_KEY_STRING);

    if (!t) {
        t = apr_palloc(pool, sizeof(*t));
        *t = (tally){ 0, -1 };
        apr_hash_set(tallies, key, APR_HASH_KEY_STRING, t);
    }
    t->count += t->last != number;
    t->last = number;
    return t->count;
}

static int counted(apr_hash_t *tallies, const char *key)
{
    const tally *t = apr_hash_get(tallies, key, APR_HASH_KEY_STRING);

    return t ? t->count : 0;
}

static const char *raw(tuor_slice s, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, s.p, s.len);
}

static const char *pair_key(const char *path, tuor_slice from, tuor_slice to, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "L", path, "\n", raw(from, pool), "\n", raw(to, pool), NULL);
}

static const char *phrase_key(const lesson_change *c, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "P", c->path, "\n", c->detail, "\n", c->other, NULL);
}

static const char *constant_key(const lesson_change *c, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "C", c->path, "\n", raw(c->to, pool), NULL);
}

static int is_open(const lesson_change *c)
{
    return c->kind == TUOR_LESSON_PHRASE || c->kind == TUOR_LESSON_OTHER;
}

/* What a change by itself does not tell, those beside it may: the most special that recurs. */
static void decide(lesson_change *c, apr_hash_t *tallies, apr_pool_t *pool)
{
    int pairs = counted(tallies, pair_key(c->path, c->from, c->to, pool));
    int phrases = c->kind == TUOR_LESSON_PHRASE ? counted(tallies, phrase_key(c, pool)) : 0;

    if (phrases >= 2 && phrases > pairs) {
        return;
    }
    /* A single step back belongs to those that went forth. */
    if (pairs >= 2 || counted(tallies, pair_key(c->path, c->to, c->from, pool)) >= 2) {
        c->kind = TUOR_LESSON_LABEL;
        c->detail = raw(c->from, pool);
        c->other = raw(c->to, pool);
    }
    else if (counted(tallies, constant_key(c, pool)) >= 2) {
        c->kind = TUOR_LESSON_CONSTANT;
        c->detail = NULL;
        c->other = raw(c->to, pool);
    }
    else {
        c->kind = TUOR_LESSON_OTHER;
        c->detail = c->other = NULL;
    }
}

static void decide_open(apr_array_header_t *changes)
{
    apr_pool_t *pool = changes->pool;
    apr_hash_t *tallies = apr_hash_make(pool);
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const lesson_change *c = &APR_ARRAY_IDX(changes, i, lesson_change);

        if (is_open(c)) {
            count(tallies, pair_key(c->path, c->from, c->to, pool), c->number, pool);
            count(tallies, constant_key(c, pool), c->number, pool);
            if (c->kind == TUOR_LESSON_PHRASE) {
                count(tallies, phrase_key(c, pool), c->number, pool);
            }
        }
    }
    for (i = 0; i < changes->nelts; i++) {
        lesson_change *c = &APR_ARRAY_IDX(changes, i, lesson_change);

        if (is_open(c)) {
            decide(c, tallies, pool);
        }
    }
}

/* ---------------------------------------------------------------- grouping */

/* Of these kinds the detail is told only if it is always the same. */
static int detail_is_loose(tuor_lesson_kind kind)
{
    return kind == TUOR_LESSON_UNIT_ADDED || kind == TUOR_LESSON_NULLED;
}

static const char *lesson_key(const lesson_change *c, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%d\n%s\n%s\n%s", (int)c->kind, c->path,
                        c->detail && !detail_is_loose(c->kind) ? c->detail : "", c->other ? c->other : "");
}

static void add_example(tuor_lesson *l, const lesson_change *c)
{
    int i;

    for (i = 0; i < l->examples; i++) {
        if (l->example[i].from.len == c->from.len && l->example[i].to.len == c->to.len
            && (!c->from.len || !memcmp(l->example[i].from.p, c->from.p, c->from.len))
            && (!c->to.len || !memcmp(l->example[i].to.p, c->to.p, c->to.len))) {
            return;
        }
    }
    if (i < TUOR_LESSON_EXAMPLES) {
        l->example[i].from = c->from;
        l->example[i].to = c->to;
        l->example[i].input = c->of->input;
        l->examples++;
    }
}

static void add_change(apr_array_header_t *lessons, apr_hash_t *by_key, const lesson_change *c)
{
    apr_pool_t *pool = lessons->pool;
    const char *key = lesson_key(c, pool);
    tuor_lesson *l = apr_hash_get(by_key, key, APR_HASH_KEY_STRING);

    if (!l) {
        l = apr_pcalloc(pool, sizeof(*l));
        l->kind = c->kind;
        l->path = c->path;
        l->detail = c->detail;
        l->other = c->other;
        l->events = apr_array_make(pool, 4, sizeof(const char *));
        apr_hash_set(by_key, key, APR_HASH_KEY_STRING, l);
        APR_ARRAY_PUSH(lessons, tuor_lesson *) = l;
    }
    else if (l->detail && detail_is_loose(l->kind) && (!c->detail || strcmp(l->detail, c->detail))) {
        l->detail = NULL;
    }
    l->day_first += c->by_order == 1;
    l->month_first += c->by_order == 2;
    if (!l->count || APR_ARRAY_IDX(l->events, l->events->nelts - 1, const char *) != c->of->event_id) {
        APR_ARRAY_PUSH(l->events, const char *) = c->of->event_id;
        l->count++;
    }
    add_example(l, c);
}

static int text_order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int by_frequency(const void *av, const void *bv)
{
    const tuor_lesson *a = *(tuor_lesson *const *)av, *b = *(tuor_lesson *const *)bv;
    int d = b->count - a->count;

    d = d ? d : strcmp(a->path, b->path);
    d = d ? d : (int)a->kind - (int)b->kind;
    d = d ? d : text_order(a->detail, b->detail);
    return d ? d : text_order(a->other, b->other);
}

/* --------------------------------------------------------- contradictions */

static int is_reverse(const tuor_lesson *a, const tuor_lesson *b)
{
    return a->kind == TUOR_LESSON_LABEL && b->kind == TUOR_LESSON_LABEL && !strcmp(a->path, b->path)
        && !strcmp(a->detail, b->other) && !strcmp(a->other, b->detail);
}

static int excludes(const tuor_lesson *a, const tuor_lesson *b)
{
    return lesson_aspect(a->kind) && lesson_aspect(a->kind) == lesson_aspect(b->kind) && !strcmp(a->path, b->path);
}

/* Sorted: what comes first is at least as frequent. A draw teaches nothing. */
static apr_array_header_t *settle(const apr_array_header_t *lessons)
{
    apr_array_header_t *kept = apr_array_make(lessons->pool, lessons->nelts + 1, sizeof(tuor_lesson *));
    char *out = apr_pcalloc(lessons->pool, lessons->nelts + 1);

    for (int i = 0; i < lessons->nelts; i++) {
        tuor_lesson *a = APR_ARRAY_IDX(lessons, i, tuor_lesson *);
        int draw = 0;

        for (int k = i + 1; !out[i] && k < lessons->nelts; k++) {
            const tuor_lesson *b = APR_ARRAY_IDX(lessons, k, tuor_lesson *);

            if (is_reverse(a, b)) {
                a->reverse = b->count;
                out[k] = 1;
            }
            else if (a->count > 1 && excludes(a, b)) {
                draw |= a->count == b->count;
                out[k] = 1;
            }
        }
        if (!out[i] && !draw) {
            APR_ARRAY_PUSH(kept, tuor_lesson *) = a;
        }
    }
    return kept;
}

apr_array_header_t *tuor_lessons_find(const apr_array_header_t *cases, apr_pool_t *pool)
{
    apr_array_header_t *changes = read_changes(cases, pool);
    apr_array_header_t *lessons = apr_array_make(pool, 16, sizeof(tuor_lesson *));
    apr_hash_t *by_key = apr_hash_make(pool);

    decide_open(changes);
    for (int i = 0; i < changes->nelts; i++) {
        const lesson_change *c = &APR_ARRAY_IDX(changes, i, lesson_change);

        if (c->kind != TUOR_LESSON_KINDS) {
            add_change(lessons, by_key, c);
        }
    }
    qsort(lessons->elts, lessons->nelts, lessons->elt_size, by_frequency);
    return settle(lessons);
}
