/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Two objects are compared by one merged list of their members: those of "from", each key once and
 * at its first place, then those that only "to" has. Each level of nesting keeps one such list for
 * as long as the comparison lasts and fills it anew for each object at that level.
 *
 * A side that is absent (p == NULL) is walked like an empty one, which yields its leaves.
 */
#include "json_lex.h"
#include "keyset.h"
#include "tuor_diff.h"

#define MAX_LEVELS 200          /* deeper values are compared byte by byte, as a whole */

/*
 * Every leaf repeats the path to it, so that a long key above many leaves would make far more text
 * than was sent. A result beyond this size is given up for a list of whole top-level members.
 */
#define MAX_RESULT (32 * 1024 * 1024)

typedef struct pair {
    tuor_slice from, to;
} pair;

typedef struct level {
    tuor_keyset keys;
    pair *pairs;                /* by the numbers of the keys */
    apr_size_t size;
} level;

typedef struct differ {
    tuor_buf *out;
    apr_size_t start;           /* length of out before the first entry */
    tuor_buf path;
    apr_pool_t *scratch;
    level *levels[MAX_LEVELS];
    unsigned max_levels;
    int too_long;
} differ;

static void compare(differ *d, tuor_slice from, tuor_slice to, unsigned depth);

static int same_bytes(tuor_slice a, tuor_slice b)
{
    return a.p && b.p && a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* ---- entries ---- */

static void emit(differ *d, tuor_slice from, tuor_slice to)
{
    tuor_buf *out = d->out;

    tuor_buf_puts(out, out->len > d->start ? ",{\"path\":" : "{\"path\":");
    tuor_buf_json_slice(out, (tuor_slice){ d->path.p ? d->path.p : "", d->path.len });
    tuor_buf_puts(out, ",\"from\":");
    tuor_buf_raw(out, from);
    tuor_buf_puts(out, ",\"to\":");
    tuor_buf_raw(out, to);
    tuor_buf_puts(out, "}");
    if (d->max_levels > 1 && out->len - d->start > MAX_RESULT)
        d->too_long = 1;
}

static int needs_quotes(tuor_slice key)
{
    if (key.len == 0)
        return 1;
    for (apr_size_t i = 0; i < key.len; ++i) {
        switch (key.p[i]) {
        case '.': case '[': case ']': case '"':
            return 1;
        case '\xED':            /* a lone surrogate can only be written as an escape */
            if (i + 1 < key.len && (unsigned char)key.p[i + 1] >= 0xA0)
                return 1;
        }
    }
    return 0;
}

void tuor_diff_path_key(tuor_buf *path, tuor_slice key)
{
    if (needs_quotes(key)) {
        tuor_buf_puts(path, "[");
        tuor_buf_json_slice(path, (tuor_slice){ key.p ? key.p : "", key.len });
        tuor_buf_puts(path, "]");
        return;
    }
    if (path->len > 0)
        tuor_buf_puts(path, ".");
    tuor_buf_add(path, key.p, key.len);
}

/* ---- leaves ---- */

static int is_string(tuor_slice value)
{
    return value.len >= 2 && *value.p == '"';
}

static tuor_slice inside(tuor_slice string)
{
    return (tuor_slice){ string.p + 1, string.len - 2 };
}

/* Two values as wholes, whose bytes differ. */
static void compare_leaves(differ *d, tuor_slice from, tuor_slice to)
{
    if (is_string(from) && is_string(to) && tuor_json_same_text(inside(from), inside(to)))
        return;
    emit(d, from, to);
}

/* ---- objects ---- */

static level *level_at(differ *d, unsigned depth)
{
    level *l = d->levels[depth];

    if (!l) {
        l = d->levels[depth] = apr_pcalloc(d->scratch, sizeof(*l));
        tuor_keyset_init(&l->keys, d->scratch);
    }
    tuor_keyset_clear(&l->keys);
    return l;
}

/* The pair of a key; a new one is empty. */
static pair *pair_for(level *l, tuor_slice key, apr_pool_t *pool)
{
    apr_size_t before = l->keys.count, i = tuor_keyset_put(&l->keys, tuor_json_plain(key, pool));

    if (l->keys.count == before)
        return &l->pairs[i];
    if (i == l->size) {
        pair *pairs = apr_palloc(pool, l->keys.size * sizeof(*pairs));

        if (i)
            memcpy(pairs, l->pairs, i * sizeof(*pairs));
        l->pairs = pairs;
        l->size = l->keys.size;
    }
    l->pairs[i].from = l->pairs[i].to = TUOR_SLICE_NONE;
    return &l->pairs[i];
}

static void merge(level *l, tuor_slice from, tuor_slice to, apr_pool_t *pool)
{
    tuor_json_walk walk;
    tuor_json_member m;

    for (tuor_json_walk_init(&walk, from); tuor_json_walk_next(&walk, &m);)
        pair_for(l, m.key, pool)->from = m.value;
    for (tuor_json_walk_init(&walk, to); tuor_json_walk_next(&walk, &m);)
        pair_for(l, m.key, pool)->to = m.value;
}

static void compare_objects(differ *d, tuor_slice from, tuor_slice to, unsigned depth)
{
    level *l = level_at(d, depth);
    apr_size_t here = d->path.len;

    merge(l, from, to, d->scratch);
    for (apr_size_t i = 0; i < l->keys.count && !d->too_long; ++i) {
        if (same_bytes(l->pairs[i].from, l->pairs[i].to))
            continue;                           /* most are: no path is needed */
        tuor_diff_path_key(&d->path, l->keys.keys[i].text);
        compare(d, l->pairs[i].from, l->pairs[i].to, depth + 1);
        d->path.len = here;
    }
}

/* ---- arrays ---- */

static void compare_arrays(differ *d, tuor_slice from, tuor_slice to, unsigned depth)
{
    apr_size_t here = d->path.len;
    tuor_json_walk a, b;
    tuor_json_member m, n;

    tuor_json_walk_init(&a, from);
    tuor_json_walk_init(&b, to);
    for (apr_size_t i = 0; !d->too_long; ++i) {
        tuor_slice x = tuor_json_walk_next(&a, &m) ? m.value : TUOR_SLICE_NONE;
        tuor_slice y = tuor_json_walk_next(&b, &n) ? n.value : TUOR_SLICE_NONE;

        if (!x.p && !y.p)
            return;
        if (same_bytes(x, y))
            continue;
        tuor_buf_printf(&d->path, "[%" APR_SIZE_T_FMT "]", i);
        compare(d, x, y, depth + 1);
        d->path.len = here;
    }
}

/* ---- values ---- */

static int is_empty(tuor_slice container)
{
    tuor_json_walk walk;
    tuor_json_member m;

    tuor_json_walk_init(&walk, container);
    return !tuor_json_walk_next(&walk, &m);
}

/* What both sides are, if they can be compared part by part; TUOR_JSON_NONE if only as a whole. */
static tuor_json_type common_container(tuor_slice from, tuor_slice to)
{
    tuor_json_type a = tuor_json_type_of(from), b = tuor_json_type_of(to);
    tuor_json_type type = a == TUOR_JSON_NONE ? b : a;

    if (type != TUOR_JSON_OBJECT && type != TUOR_JSON_ARRAY)
        return TUOR_JSON_NONE;
    if (a == b)
        return type;
    if (a != TUOR_JSON_NONE && b != TUOR_JSON_NONE)
        return TUOR_JSON_NONE;
    return is_empty(a == TUOR_JSON_NONE ? to : from) ? TUOR_JSON_NONE : type;
}

static void compare(differ *d, tuor_slice from, tuor_slice to, unsigned depth)
{
    tuor_json_type type = TUOR_JSON_NONE;

    if (same_bytes(from, to))
        return;
    if (depth < d->max_levels)
        type = common_container(from, to);
    if (type == TUOR_JSON_OBJECT)
        compare_objects(d, from, to, depth);
    else if (type == TUOR_JSON_ARRAY)
        compare_arrays(d, from, to, depth);
    else
        compare_leaves(d, from, to);
}

static tuor_slice trimmed(tuor_slice value)
{
    const char *end, *p;

    if (!value.p)
        return value;
    end = value.p + value.len;
    p = json_skip_space(value.p, end);
    return (tuor_slice){ p, (apr_size_t)(tuor_json_skip_value(p, end) - p) };
}

void tuor_diff(tuor_buf *out, tuor_slice from, tuor_slice to, apr_pool_t *scratch)
{
    differ *d = apr_pcalloc(scratch, sizeof(*d));

    tuor_buf_puts(out, "[");
    d->out = out;
    d->start = out->len;
    d->scratch = scratch;
    d->max_levels = MAX_LEVELS;
    tuor_buf_init(&d->path, scratch);
    from = trimmed(from);
    to = trimmed(to);
    compare(d, from, to, 0);
    if (d->too_long) {
        out->len = d->start;
        d->too_long = 0;
        d->max_levels = 1;
        compare(d, from, to, 0);
    }
    tuor_buf_puts(out, "]");
}
