/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The scanner against a second, slow one that follows RFC 8259's grammar letter by letter; and what
 * walking, decoding and compaction promise for every text that the scanner takes.
 */
#include "fuzz_lib.h"

#define MAX_DEPTH 500           /* of the recursion here, not of the scanner */

/* ---- the slow scanner ---- */

typedef struct grammar {
    const unsigned char *p, *end;
    unsigned depth, deepest;
    int too_deep;
} grammar;

static int next_is(grammar *g, int c)
{
    return g->p < g->end && *g->p == c;
}

static int eat(grammar *g, int c)
{
    return next_is(g, c) ? (++g->p, 1) : 0;
}

static void ws(grammar *g)
{
    while (eat(g, ' ') || eat(g, '\t') || eat(g, '\n') || eat(g, '\r'))
        ;
}

static int range(grammar *g, unsigned low, unsigned high)
{
    return g->p < g->end && *g->p >= low && *g->p <= high ? (++g->p, 1) : 0;
}

static int tails(grammar *g, int n)
{
    while (n-- > 0)
        if (!range(g, 0x80, 0xBF))
            return 0;
    return 1;
}

/* The table of RFC 3629, section 4. */
static int utf8_char(grammar *g)
{
    if (range(g, 0xC2, 0xDF))
        return tails(g, 1);
    if (eat(g, 0xE0))
        return range(g, 0xA0, 0xBF) && tails(g, 1);
    if (eat(g, 0xED))
        return range(g, 0x80, 0x9F) && tails(g, 1);
    if (range(g, 0xE1, 0xEF))
        return tails(g, 2);
    if (eat(g, 0xF0))
        return range(g, 0x90, 0xBF) && tails(g, 2);
    if (range(g, 0xF1, 0xF3))
        return tails(g, 3);
    if (eat(g, 0xF4))
        return range(g, 0x80, 0x8F) && tails(g, 2);
    return 0;
}

static int hex(grammar *g)
{
    return range(g, '0', '9') || range(g, 'a', 'f') || range(g, 'A', 'F');
}

static int string_rule(grammar *g)
{
    if (!eat(g, '"'))
        return 0;
    while (!eat(g, '"')) {
        if (eat(g, '\\')) {
            if (eat(g, 'u')) {
                if (!(hex(g) && hex(g) && hex(g) && hex(g)))
                    return 0;
            }
            else if (g->p == g->end || !*g->p || !strchr("\"\\/bfnrt", *g->p++)) {
                return 0;
            }
        }
        else if (!range(g, 0x20, 0x7F) && !utf8_char(g)) {
            return 0;
        }
    }
    return 1;
}

static int digits_rule(grammar *g)
{
    if (!range(g, '0', '9'))
        return 0;
    while (range(g, '0', '9'))
        ;
    return 1;
}

static int number_rule(grammar *g)
{
    eat(g, '-');
    if (!eat(g, '0') && (!range(g, '1', '9') || (digits_rule(g), 0)))
        return 0;
    if (eat(g, '.') && !digits_rule(g))
        return 0;
    if (eat(g, 'e') || eat(g, 'E')) {
        if (!eat(g, '+'))
            eat(g, '-');
        return digits_rule(g);
    }
    return 1;
}

static int word_rule(grammar *g, const char *word)
{
    for (; *word; ++word)
        if (!eat(g, *word))
            return 0;
    return 1;
}

static int value_rule(grammar *g);

static int list_rule(grammar *g, int close, int named)
{
    ++g->p;
    if (++g->depth > g->deepest)
        g->deepest = g->depth;
    if (g->depth > MAX_DEPTH) {
        g->too_deep = 1;
        return 0;
    }
    ws(g);
    if (!eat(g, close)) {
        do {
            ws(g);
            if (named) {
                if (!string_rule(g))
                    return 0;
                ws(g);
                if (!eat(g, ':'))
                    return 0;
                ws(g);
            }
            if (!value_rule(g))
                return 0;
            ws(g);
        } while (eat(g, ','));
        if (!eat(g, close))
            return 0;
    }
    --g->depth;
    return 1;
}

static int value_rule(grammar *g)
{
    if (next_is(g, '{'))
        return list_rule(g, '}', 1);
    if (next_is(g, '['))
        return list_rule(g, ']', 0);
    if (next_is(g, '"'))
        return string_rule(g);
    if (next_is(g, 't'))
        return word_rule(g, "true");
    if (next_is(g, 'f'))
        return word_rule(g, "false");
    if (next_is(g, 'n'))
        return word_rule(g, "null");
    return number_rule(g);
}

/* ---- what holds for valid text ---- */

static void check_text(tuor_slice inside, apr_pool_t *pool)
{
    const char *out;
    apr_size_t len;
    tuor_buf b;

    HOLDS(tuor_json_same_text(inside, inside));
    if (tuor_json_decode(&out, &len, inside, 0, pool) != APR_SUCCESS)
        return;
    HOLDS(len <= inside.len && out[len] == '\0');
    HOLDS(tuor_json_key_is(inside, out) == (strlen(out) == len));
    tuor_buf_init(&b, pool);
    tuor_buf_json_slice(&b, (tuor_slice){ out, len });
    HOLDS(is_json((tuor_slice){ b.p, b.len }, NULL, pool));
    HOLDS(tuor_json_same_text(inside, (tuor_slice){ b.p + 1, b.len - 2 }));
}

static unsigned check_value(tuor_slice value, unsigned level, apr_pool_t *pool)
{
    tuor_json_type type = tuor_json_type_of(value);
    unsigned deepest = 0;
    tuor_json_walk walk;
    tuor_json_member m, last;
    apr_int64_t n;

    if (type == TUOR_JSON_STRING)
        check_text((tuor_slice){ value.p + 1, value.len - 2 }, pool);
    if (type == TUOR_JSON_NUMBER && tuor_json_int(&n, value) == APR_SUCCESS && value.p[0] != '-') {
        const char *again = apr_psprintf(pool, "%" APR_INT64_T_FMT, n);

        HOLDS(same_bytes(value, (tuor_slice){ again, strlen(again) }));
    }
    if (type != TUOR_JSON_ARRAY && type != TUOR_JSON_OBJECT)
        return 0;
    for (tuor_json_walk_init(&walk, value); tuor_json_walk_next(&walk, &m);) {
        unsigned depth;

        HOLDS(m.value.p > value.p && m.value.p + m.value.len < value.p + value.len);
        HOLDS(m.type == tuor_json_type_of(m.value) && m.type != TUOR_JSON_NONE);
        HOLDS((m.key.p != NULL) == (type == TUOR_JSON_OBJECT));
        if (m.key.p)
            check_text(m.key, pool);
        if (level > 20)
            continue;
        HOLDS(is_json(m.value, NULL, pool));
        depth = check_value(m.value, level + 1, pool);
        if (depth > deepest)
            deepest = depth;
    }
    (void)tuor_json_get(value, "a", &last);
    return deepest + 1;
}

static void check_compaction(tuor_slice text, unsigned depth, apr_pool_t *pool)
{
    char *copy = malloc(text.len);
    apr_size_t len, again;
    unsigned depth_after;

    HOLDS(copy != NULL);
    memcpy(copy, text.p, text.len);
    len = tuor_json_compact(copy, text.len);
    HOLDS(len > 0 && len <= text.len);
    HOLDS(is_json((tuor_slice){ copy, len }, &depth_after, pool) && depth_after == depth);
    again = tuor_json_compact(copy, len);
    HOLDS(again == len);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    grammar g = { .p = data, .end = data + size };
    tuor_slice text = input(data, size);
    tuor_json_fault fault = { 0, NULL };
    tuor_json_type type;
    unsigned depth;
    int mine = tuor_json_check(text, &type, &depth, &fault, pool) == APR_SUCCESS, other;

    ws(&g);
    other = value_rule(&g);
    ws(&g);
    other = other && g.p == g.end;
    if (!g.too_deep)
        HOLDS(mine == other);
    if (!mine) {
        HOLDS(fault.message && fault.offset <= size);
        return 0;
    }
    HOLDS(type == tuor_json_type_of(text));
    HOLDS(g.too_deep || depth == g.deepest);
    while (text.p[0] == ' ' || text.p[0] == '\t' || text.p[0] == '\n' || text.p[0] == '\r')
        ++text.p, --text.len;
    while (strchr(" \t\n\r", text.p[text.len - 1]))
        --text.len;
    if (depth <= 20)
        HOLDS(check_value(text, 0, pool) == depth);
    else
        check_value(text, 0, pool);
    check_compaction(text, depth, pool);
    return 0;
}
