/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * csv: a table for people, RFC 4180. Fixed columns, then one for each direct member that
 * model_output, final_output or trace_config has anywhere in this export, in the order in which they
 * first appear. They are found in a pass of its own, so memory holds their names and one row.
 *
 * A name is what a client sent: beyond COLUMNS_MAX of them, and for long ones, members share a last
 * column "other" as one JSON object, so that no payload makes the table unreadable and nothing is lost.
 *
 * Spreadsheets run a cell that begins like a formula: strings that do get an apostrophe in front.
 */
#include "exporters.h"

#include <apr_hash.h>

#define COLUMNS_MAX 1000
#define NAME_MAX_BYTES 200

enum { MODEL_OUTPUT, FINAL_OUTPUT, TRACE_CONFIG, SOURCES };
static const char *const source_names[SOURCES] = { "model_output", "final_output", "trace_config" };

typedef struct column {
    int source, index;
} column;

typedef struct table {
    apr_pool_t *pool;
    apr_hash_t *columns;                    /* by the source's number and the member's name */
    apr_array_header_t *names[SOURCES];     /* const char * each */
    int n, other;
} table;

static table *table_of(void **state, tuor_request *q)
{
    table *t = *state;
    int i;

    if (!t) {
        *state = t = apr_pcalloc(q->pool, sizeof(*t));
        t->pool = q->pool;
        t->columns = apr_hash_make(q->pool);
        for (i = 0; i < SOURCES; i++) {
            t->names[i] = apr_array_make(q->pool, 16, sizeof(const char *));
        }
    }
    return t;
}

static tuor_slice source_of(const tuor_export_row *r, int source)
{
    return source == MODEL_OUTPUT ? r->model_output : source == FINAL_OUTPUT ? r->final_output : r->trace_config;
}

/* Decoded text, or, where UTF-8 or a text file could not hold it, the characters as sent. */
static tuor_slice plain(tuor_slice text, int quoted, apr_pool_t *scratch)
{
    const char *out;
    apr_size_t len;

    if (!memchr(text.p, '\\', text.len)) {
        return quoted ? (tuor_slice){ text.p + 1, text.len - 2 } : text;
    }
    if (tuor_json_decode(&out, &len, text, quoted, scratch) == APR_SUCCESS && !memchr(out, '\0', len)) {
        return (tuor_slice){ out, len };
    }
    return quoted ? (tuor_slice){ text.p + 1, text.len - 2 } : text;
}

/* The key of a member in the hash: 0 when its name is too long for a column. */
static apr_size_t hash_key(char key[NAME_MAX_BYTES + 1], int source, tuor_slice name)
{
    if (name.len > NAME_MAX_BYTES) {
        return 0;
    }
    key[0] = (char)('0' + source);
    memcpy(key + 1, name.p, name.len);
    return name.len + 1;
}

static column *find(table *t, int source, tuor_slice name)
{
    char key[NAME_MAX_BYTES + 1];
    apr_size_t len = hash_key(key, source, name);

    return len ? apr_hash_get(t->columns, key, (apr_ssize_t)len) : NULL;
}

static void note(table *t, int source, tuor_slice name)
{
    char key[NAME_MAX_BYTES + 1];
    apr_size_t len = hash_key(key, source, name);
    column *c;

    if (len && apr_hash_get(t->columns, key, (apr_ssize_t)len)) {
        return;
    }
    if (!len || t->n == COLUMNS_MAX) {
        t->other = 1;
        return;
    }
    c = apr_palloc(t->pool, sizeof(*c));
    c->source = source;
    c->index = t->names[source]->nelts;
    t->n++;
    APR_ARRAY_PUSH(t->names[source], const char *) = apr_pstrmemdup(t->pool, name.p, name.len);
    apr_hash_set(t->columns, apr_pmemdup(t->pool, key, len), (apr_ssize_t)len, c);
}

static void survey(void **state, tuor_request *q, const tuor_export_row *r, apr_pool_t *scratch)
{
    table *t = table_of(state, q);
    tuor_json_walk walk;
    tuor_json_member m;
    int i;

    for (i = 0; i < SOURCES; i++) {
        tuor_slice object = source_of(r, i);

        if (!object.p) {
            continue;
        }
        tuor_json_walk_init(&walk, object);
        while (tuor_json_walk_next(&walk, &m)) {
            note(t, i, plain(m.key, 0, scratch));
        }
    }
}

/* ------------------------------------------------------------------ cells */

static int is_formula(tuor_slice text)
{
    return text.len && strchr("=+-@\t\r", *text.p) && *text.p;
}

/* A cell, in quotes when it needs them; long pieces are not copied. */
static void put(tuor_reply *rp, tuor_slice text, int apostrophe)
{
    const char *p = text.p, *end = p + text.len, *quote;
    apr_size_t i;

    for (i = 0; i < text.len && !strchr(",\"\r\n", p[i]); i++) {
    }
    if (i == text.len && text.len) {
        tuor_reply_puts(rp, apostrophe ? "'" : "");
        tuor_reply_slice(rp, text);
        return;
    }
    tuor_reply_puts(rp, apostrophe ? "\"'" : "\"");
    while (p < end && (quote = memchr(p, '"', (apr_size_t)(end - p))) != NULL) {
        tuor_reply_slice(rp, (tuor_slice){ p, (apr_size_t)(quote - p) + 1 });
        tuor_reply_puts(rp, "\"");
        p = quote + 1;
    }
    tuor_reply_slice(rp, (tuor_slice){ p, (apr_size_t)(end - p) });
    tuor_reply_puts(rp, "\"");
}

static void put_string(tuor_reply *rp, tuor_slice text)
{
    put(rp, text, is_formula(text));
}

/* Numbers, true, false and nested values as they are; null is an empty cell. */
static void put_value(tuor_reply *rp, const tuor_json_member *m, apr_pool_t *scratch)
{
    if (m->type == TUOR_JSON_STRING) {
        put_string(rp, plain(m->value, 1, scratch));
    }
    else if (m->type > TUOR_JSON_NULL) {
        put(rp, m->value, 0);
    }
}

static void put_time(tuor_reply *rp, apr_time_t at)
{
    char text[TUOR_TIME_LEN];

    tuor_reply_puts(rp, ",");
    if (at) {
        tuor_time_format(text, at);
        tuor_reply_puts(rp, text);
    }
}

static void put_tags(tuor_reply *rp, const apr_array_header_t *tags, apr_pool_t *scratch)
{
    tuor_buf b;
    int i;

    tuor_buf_init(&b, scratch);
    for (i = 0; i < tags->nelts; i++) {
        tuor_buf_puts(&b, i ? "," : "[");
        tuor_buf_json(&b, APR_ARRAY_IDX(tags, i, const char *));
    }
    tuor_reply_puts(rp, ",");
    if (tags->nelts) {
        tuor_buf_puts(&b, "]");
        put(rp, (tuor_slice){ b.p, b.len }, 0);
    }
}

/* ------------------------------------------------------------------- rows */

static tuor_error *begin(void **state, tuor_request *q, tuor_reply *rp)
{
    table *t = table_of(state, q);
    int i, k;

    tuor_reply_puts(rp, "trace_id,project_id,status,version,created_at,last_reviewed_at,last_reviewed_by,tags");
    for (i = 0; i < SOURCES; i++) {
        for (k = 0; k < t->names[i]->nelts; k++) {
            const char *name = apr_pstrcat(q->pool, source_names[i], ".", APR_ARRAY_IDX(t->names[i], k, const char *), NULL);

            tuor_reply_puts(rp, ",");
            put(rp, (tuor_slice){ name, strlen(name) }, 0);
        }
    }
    tuor_reply_puts(rp, t->other ? ",other\r\n" : "\r\n");
    return NULL;
}

static void put_members(table *t, tuor_reply *rp, int source, tuor_slice object, tuor_buf *other, apr_pool_t *scratch)
{
    int i, n = t->names[source]->nelts;
    tuor_json_member *cells = apr_pcalloc(scratch, (apr_size_t)(n + 1) * sizeof(*cells)), m;
    tuor_json_walk walk;

    if (object.p) {
        tuor_json_walk_init(&walk, object);
        while (tuor_json_walk_next(&walk, &m)) {
            const column *c = find(t, source, plain(m.key, 0, scratch));

            if (c) {
                cells[c->index] = m;    /* of duplicate keys the last counts */
                continue;
            }
            tuor_buf_puts(other, other->len ? ",\"" : "{\"");
            tuor_buf_puts(other, source_names[source]);
            tuor_buf_puts(other, ".");
            tuor_buf_add(other, m.key.p, m.key.len);
            tuor_buf_puts(other, "\":");
            tuor_buf_add(other, m.value.p, m.value.len);
        }
    }
    for (i = 0; i < n; i++) {
        tuor_reply_puts(rp, ",");
        put_value(rp, &cells[i], scratch);
    }
}

static void row(void *state, tuor_reply *rp, const tuor_export_row *r, apr_pool_t *scratch)
{
    table *t = state;
    tuor_buf other;
    int i;

    tuor_buf_init(&other, scratch);
    tuor_reply_slice(rp, r->id);
    tuor_reply_puts(rp, ",");
    tuor_reply_puts(rp, r->project_id);
    tuor_reply_puts(rp, ",");
    tuor_reply_slice(rp, r->status);
    tuor_reply_printf(rp, ",%" APR_INT64_T_FMT, r->version);
    put_time(rp, r->created_at);
    put_time(rp, r->last_reviewed_at);
    tuor_reply_puts(rp, ",");
    tuor_reply_slice(rp, r->last_reviewed_by);
    put_tags(rp, r->tags, scratch);
    for (i = 0; i < SOURCES; i++) {
        put_members(t, rp, i, source_of(r, i), &other, scratch);
    }
    if (t->other) {
        tuor_reply_puts(rp, ",");
        if (other.len) {
            tuor_buf_puts(&other, "}");
            put(rp, (tuor_slice){ other.p, other.len }, 0);
        }
    }
    tuor_reply_puts(rp, "\r\n");
}

const tuor_exporter exporter_csv = {
    .content_type = "text/csv; charset=utf-8",
    .survey = survey,
    .begin = begin,
    .row = row
};
