/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The rows of a list: each filter is one range of an index that ends in the id, read from its end.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

/*
 * The index to go along: a project, or not, a column with one value in all rows of the list, and the id.
 *
 * That column and the id are one range, and the order begins with the column. Behind an equality the planner
 * may go through all of an organization's traces in their order and look for the few that match, however few
 * they are; a range leaves it no index but this one.
 */
typedef struct way {
    int by_project;                     /* the index has the project in front of the column */
    const char *column, *value;         /* NULL: there is none between */
    const char *partial;                /* what the index leaves out */
    int by_tag;                         /* the index of trace_tags, as x */
} way;

/*
 * Where several would do, the one whose filter usually leaves fewest rows; the others are looked at row by row. A
 * model stands behind its project: without one, each project's page is read and the pages are merged.
 */
static way choose_way(const filter *f)
{
    const char *status = f->statuses ? APR_ARRAY_IDX(f->statuses, 0, const char *) : NULL;

    if (f->internal_run_id) {
        return (way){ 0, "t.internal_run_id", f->internal_run_id, " AND t.internal_run_id IS NOT NULL", 0 };
    }
    if (f->prompt_version_id) {
        return (way){ 0, "t.prompt_version_id", f->prompt_version_id, " AND t.prompt_version_id IS NOT NULL", 0 };
    }
    if (f->tag) {
        return (way){ 0, "x.tag_id", f->tag, "", 1 };
    }
    if (f->model && (!status || strcmp(status, "pending"))) {
        return (way){ 1, "t.model", f->model, " AND t.model IS NOT NULL", 0 };
    }
    if (status) {
        return (way){ 0, "t.status", status, f->project_id ? "" : " AND " FILTER_NO_PROJECT, 0 };
    }
    return f->project_id ? (way){ 0, "t.project_id", f->project_id, "", 0 } : (way){ 0, NULL, NULL, "", 0 };
}

static void add_unless(const char *taken, filter *f, const char *column, const char *value)
{
    if (value && (!taken || strcmp(taken, column))) {
        tuor_buf_puts(&f->sql, apr_pstrcat(f->q->pool, " AND ", column, " = ", filter_value(f, value), NULL));
    }
}

static void add_range(filter *f, const way *w)
{
    apr_pool_t *pool = f->q->pool;
    const char *low = f->from ? tuor_id_floor("trace", f->from, pool) : "";
    const char *high = f->to ? tuor_id_floor("trace", f->to, pool) : "~";
    const char *columns, *value = w->column ? apr_pstrcat(pool, filter_value(f, w->value), ", ", NULL) : "";

    if (f->before && strcmp(f->before, high) < 0) {
        high = f->before;
    }
    columns = apr_pstrcat(pool, " AND (", w->column ? w->column : "", w->column ? ", " : "", w->by_tag ? "x.trace_id" : "t.id", ")", NULL);
    tuor_buf_puts(&f->sql, apr_pstrcat(pool, w->partial, columns, " >= (", value, filter_value(f, low), ")",
                                       columns, " < (", value, filter_value(f, high), ")", NULL));
}

/* FROM and WHERE. Without OFFSET 0 the planner might look through traces for tags, not from tags for traces. */
static void add_conditions(filter *f, const way *w, int every_project)
{
    tuor_buf_puts(&f->sql, w->by_tag ? " FROM tuor.trace_tags x CROSS JOIN LATERAL (SELECT * FROM tuor.traces t"
                                       " WHERE t.org_id = tuor.org() AND t.id = x.trace_id OFFSET 0) t WHERE x.org_id = tuor.org()"
                                     : " FROM tuor.traces t WHERE t.org_id = tuor.org()");
    tuor_buf_puts(&f->sql, " AND t.deleted_at IS NULL");
    tuor_buf_puts(&f->sql, every_project ? " AND t.project_id = p.id" : "");
    add_range(f, w);
    add_unless(w->column, f, "t.project_id", f->project_id);
    add_unless(w->column, f, "t.status", f->statuses ? APR_ARRAY_IDX(f->statuses, 0, const char *) : NULL);
    add_unless(w->column, f, "t.model", f->model);
    add_unless(w->column, f, "t.prompt_version_id", f->prompt_version_id);
    if (f->tag && !w->by_tag) {
        tuor_buf_puts(&f->sql, apr_pstrcat(f->q->pool, " AND t.tagged AND EXISTS (SELECT FROM tuor.trace_tags x WHERE x.org_id = tuor.org()"
                                           " AND x.trace_id = t.id AND x.tag_id = ", filter_value(f, f->tag), ")", NULL));
    }
}

const char *walk_rows(const char **order, filter *f, const char *columns, apr_int64_t skip, apr_int64_t most)
{
    apr_pool_t *pool = f->q->pool;
    way w = choose_way(f);
    int every_project = w.by_project && !f->project_id;

    tuor_buf_init(&f->sql, pool);
    f->args = apr_array_make(pool, 12, sizeof(tuor_arg));
    APR_ARRAY_PUSH(f->args, tuor_arg) = tuor_int(most);
    APR_ARRAY_PUSH(f->args, tuor_arg) = tuor_int(skip);
    add_conditions(f, &w, every_project);
    *order = w.by_tag ? " ORDER BY t.tag_id DESC, t.id DESC"
             : w.column && !every_project ? apr_pstrcat(pool, " ORDER BY ", w.column, " DESC, t.id DESC", NULL) : " ORDER BY t.id DESC";
    if (!every_project) {
        return apr_pstrcat(pool, "SELECT ", columns, w.by_tag ? ", x.tag_id" : "", tuor_buf_text(&f->sql),
                           w.by_tag ? " ORDER BY x.tag_id DESC, x.trace_id DESC" : *order, " LIMIT $1 OFFSET $2", NULL);
    }
    /* The first of each project's, and of those the first. */
    return apr_pstrcat(pool, "SELECT ", columns, " FROM (SELECT i.id FROM tuor.projects p CROSS JOIN LATERAL (SELECT t.id",
                       tuor_buf_text(&f->sql), " ORDER BY ", w.column, " DESC, t.id DESC LIMIT $1 + $2) i"
                       " WHERE p.org_id = tuor.org() ORDER BY i.id DESC LIMIT $1 OFFSET $2) i"
                       " JOIN tuor.traces t ON t.org_id = tuor.org() AND t.id = i.id ORDER BY i.id DESC", NULL);
}
