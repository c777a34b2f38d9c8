/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The filters that list and export share. A list sends values as parameters; an export, being a
 * COPY, has to write them as literals.
 *
 * Ids hold their creation time and created_at is that time, so a range of dates is a range of ids.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static int is_status(const char *s)
{
    return !strcmp(s, "pending") || !strcmp(s, "approved") || !strcmp(s, "rejected") || !strcmp(s, "corrected");
}

apr_array_header_t *filter_statuses(tuor_request *q, const tuor_param *p, int several)
{
    apr_array_header_t *found;
    char *word, *state;

    if (!p->value) {
        return NULL;
    }
    found = apr_array_make(q->pool, 4, sizeof(const char *));
    for (word = apr_strtok(apr_pstrdup(q->pool, p->value), ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        if (!is_status(word)) {
            break;
        }
        APR_ARRAY_PUSH(found, const char *) = word;
    }
    if (word || !found->nelts || (!several && (found->nelts > 1 || strchr(p->value, ',')))) {
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

static void add_statuses(filter *f)
{
    int i;

    if (!f->statuses) {
        return;
    }
    tuor_buf_puts(&f->sql, " AND t.status IN (");
    for (i = 0; i < f->statuses->nelts; i++) {
        tuor_buf_puts(&f->sql, i ? ", " : "");
        tuor_buf_puts(&f->sql, filter_value(f, APR_ARRAY_IDX(f->statuses, i, const char *)));
    }
    tuor_buf_puts(&f->sql, ")");
}

/*
 * The project and the range of ids. In a list they are one range of the index that leads with the
 * project: behind an equality the planner may go through all of an organization's traces in their
 * order and look for this project's among them, however few they are.
 */
static void add_range(filter *f)
{
    const char *low = f->from ? tuor_id_floor("trace", f->from, f->q->pool) : NULL;
    const char *high = f->to ? tuor_id_floor("trace", f->to, f->q->pool) : NULL;
    const char *project;

    if (f->before && (!high || strcmp(f->before, high) < 0)) {
        high = f->before;
    }
    if (!f->project_id || f->literals) {
        add(f, "t.project_id = ", f->project_id);
        add(f, "t.id >= ", low);
        add(f, "t.id < ", high);
        return;
    }
    project = filter_value(f, f->project_id);
    tuor_buf_printf(&f->sql, " AND (t.project_id, t.id) >= (%s, %s)", project, filter_value(f, low ? low : ""));
    tuor_buf_printf(&f->sql, " AND (t.project_id, t.id) < (%s, %s)", project, filter_value(f, high ? high : "~"));
}

void filter_where(filter *f)
{
    apr_pool_t *pool = f->q->pool;

    tuor_buf_init(&f->sql, pool);
    f->args = apr_array_make(pool, 12, sizeof(tuor_arg));
    tuor_buf_puts(&f->sql, " WHERE t.org_id = tuor.org() AND t.deleted_at IS NULL");
    add_range(f);
    add_statuses(f);
    add(f, "t.model = ", f->model);
    add(f, "t.prompt_version_id = ", f->prompt_version_id);
    add(f, "t.internal_run_id = ", f->internal_run_id);
    if (f->tag) {
        tuor_buf_puts(&f->sql, " AND t.tagged AND EXISTS (SELECT FROM tuor.trace_tags x WHERE x.org_id = tuor.org()"
                               " AND x.trace_id = t.id AND x.tag_id = ");
        tuor_buf_puts(&f->sql, filter_value(f, f->tag));
        tuor_buf_puts(&f->sql, ")");
    }
}
