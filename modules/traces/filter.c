/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The filters that list and export share, and the rows of an export. A list (walk.c) sends values as
 * parameters; an export, being a COPY, has to write them as literals, and is planned for them.
 *
 * Ids hold their creation time and created_at is that time, so a range of dates is a range of ids.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

#define N_STATUSES 4

/* The status of that name, or NULL. */
static const char *known_status(const char *name)
{
    static const char *const known[N_STATUSES] = { "pending", "approved", "rejected", "corrected" };
    int i;

    for (i = 0; i < N_STATUSES && strcmp(known[i], name); i++) {
    }
    return i < N_STATUSES ? known[i] : NULL;
}

static int has(const apr_array_header_t *found, const char *status)
{
    int i;

    for (i = 0; i < found->nelts && APR_ARRAY_IDX(found, i, const char *) != status; i++) {
    }
    return i < found->nelts;
}

apr_array_header_t *filter_statuses(tuor_request *q, const tuor_param *p, int several)
{
    apr_array_header_t *found;
    const char *status;
    char *word, *state;

    if (!p->value) {
        return NULL;
    }
    found = apr_array_make(q->pool, N_STATUSES, sizeof(const char *));
    for (word = apr_strtok(apr_pstrdup(q->pool, p->value), ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        status = known_status(word);
        if (!status) {
            break;
        }
        if (!has(found, status)) {
            APR_ARRAY_PUSH(found, const char *) = status;
        }
    }
    if (word || !found->nelts || (!several && strchr(p->value, ','))) {
        tuor_fault(q, p->name, several ? "must be one or several of pending, approved, rejected, corrected, separated by commas"
                                       : "must be one of pending, approved, rejected, corrected");
        return NULL;
    }
    return found;
}

const char *filter_value(filter *f, const char *text)
{
    if (f->literals) {
        return tuor_db_literal(f->literals, text);
    }
    APR_ARRAY_PUSH(f->args, tuor_arg) = tuor_text(text);
    return apr_psprintf(f->q->pool, "$%d", f->args->nelts);
}

static void add(filter *f, const char *column_and_operator, const char *text)
{
    if (text) {
        tuor_buf_puts(&f->sql, " AND ");
        tuor_buf_puts(&f->sql, column_and_operator);
        tuor_buf_puts(&f->sql, filter_value(f, text));
    }
}

/* One trace has a tag once: a join. OFFSET 0: a tag leads to its traces, not the other way, and in their order. */
static void select_rows(filter *f, const char *status)
{
    apr_pool_t *pool = f->q->pool;
    const char *low = f->from ? tuor_id_floor("trace", f->from, pool) : NULL;
    const char *high = f->to ? tuor_id_floor("trace", f->to, pool) : NULL;

    if (f->tag) {
        tuor_buf_puts(&f->sql, "(SELECT t.* FROM (SELECT x.trace_id FROM tuor.trace_tags x WHERE x.org_id = tuor.org()");
        add(f, "x.tag_id = ", f->tag);
        add(f, "x.trace_id >= ", low);
        add(f, "x.trace_id < ", high);
        tuor_buf_puts(&f->sql, " ORDER BY x.trace_id) x CROSS JOIN LATERAL (SELECT * FROM tuor.traces t"
                               " WHERE t.org_id = tuor.org() AND t.id = x.trace_id OFFSET 0) t WHERE t.id = x.trace_id"
                               " AND t.deleted_at IS NULL");
    }
    else {
        tuor_buf_puts(&f->sql, "(SELECT t.* FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.deleted_at IS NULL");
        add(f, "t.id >= ", low);
        add(f, "t.id < ", high);
    }
    add(f, "t.project_id = ", f->project_id);
    add(f, "t.status = ", status);
    tuor_buf_puts(&f->sql, f->project_id ? "" : " AND " FILTER_NO_PROJECT);
    tuor_buf_puts(&f->sql, " ORDER BY t.id)");
}

const char *filter_source(filter *f)
{
    int i, n = f->statuses ? f->statuses->nelts : 0;

    tuor_buf_init(&f->sql, f->q->pool);
    f->args = apr_array_make(f->q->pool, 12, sizeof(tuor_arg));
    /* Several statuses are as many ranges of an index, merged; all of them are no filter. */
    if (n == N_STATUSES) {
        n = 0;
    }
    tuor_buf_puts(&f->sql, n > 1 ? "(" : "");
    for (i = 0; i < (n ? n : 1); i++) {
        tuor_buf_puts(&f->sql, i ? " UNION ALL " : "");
        select_rows(f, n ? APR_ARRAY_IDX(f->statuses, i, const char *) : NULL);
    }
    tuor_buf_puts(&f->sql, n > 1 ? ") t" : " t");
    return tuor_buf_text(&f->sql);
}
