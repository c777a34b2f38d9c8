/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/projects/{id}/prompts/{prompt_id}/stats: what came of the traces that one version made.
 * To be looked at before a refinement is accepted, and after.
 */
#include "prompts.h"
#include "tuor_lesson.h"

#include <apr_hash.h>

/* Fields are counted over the newest corrections; a diff bigger than this rewrote everything. */
#define CORRECTIONS 1000
#define DIFF_BYTES 16384
#define TOP_FIELDS 20

enum { VERSION, PENDING, APPROVED, REJECTED, CORRECTED, P50, P90 };

/* Without the condition on the project a trace stamped with a foreign project's prompt would count. */
#define STAMPED " t.org_id = p.org_id AND t.prompt_version_id = p.id AND t.prompt_version_id IS NOT NULL" \
    " AND t.project_id = p.project_id AND t.deleted_at IS NULL"

#define REVIEW_MILLISECONDS " FILTER (WHERE t.status <> 'pending'))"
#define WITHIN " WITHIN GROUP (ORDER BY extract(epoch FROM t.last_reviewed_at - t.created_at)::float8 * 1000)"

static const tuor_stmt totals_stmt = {
    "prompts_stats",
    "SELECT p.version, count(*) FILTER (WHERE t.status = 'pending'), count(*) FILTER (WHERE t.status = 'approved'),"
    " count(*) FILTER (WHERE t.status = 'rejected'), count(*) FILTER (WHERE t.status = 'corrected'),"
    " (percentile_cont(0.5)" WITHIN REVIEW_MILLISECONDS "::bigint, (percentile_cont(0.9)" WITHIN REVIEW_MILLISECONDS "::bigint"
    " FROM tuor.prompts p LEFT JOIN tuor.traces t ON" STAMPED
    " WHERE p.org_id = tuor.org() AND p.project_id = $1 AND p.id = $2 GROUP BY p.org_id, p.id"
};

static const tuor_stmt diffs_stmt = {
    "prompts_stats_diffs",
    "SELECT t.correction_diff FROM tuor.prompts p JOIN tuor.traces t ON" STAMPED
    " WHERE p.org_id = tuor.org() AND p.project_id = $1 AND p.id = $2 AND t.status = 'corrected'"
    " AND octet_length(t.correction_diff) <= " APR_STRINGIFY(DIFF_BYTES)
    " ORDER BY t.id DESC LIMIT " APR_STRINGIFY(CORRECTIONS)
};

typedef struct field {
    const char *path;
    int count;
    int last;                           /* the correction that counted it last: each counts once */
} field;

static void count_field(apr_array_header_t *fields, apr_hash_t *by_path, const char *path, int correction)
{
    field *f = apr_hash_get(by_path, path, APR_HASH_KEY_STRING);

    if (!f) {
        f = apr_pcalloc(fields->pool, sizeof(*f));
        f->path = path;
        f->last = -1;
        apr_hash_set(by_path, path, APR_HASH_KEY_STRING, f);
        APR_ARRAY_PUSH(fields, field *) = f;
    }
    f->count += f->last != correction;
    f->last = correction;
}

static int by_count(const void *av, const void *bv)
{
    const field *a = *(field *const *)av, *b = *(field *const *)bv;

    return a->count != b->count ? b->count - a->count : strcmp(a->path, b->path);
}

static apr_array_header_t *top_fields(const tuor_result *diffs, apr_pool_t *pool)
{
    apr_array_header_t *fields = apr_array_make(pool, 16, sizeof(field *));
    apr_hash_t *by_path = apr_hash_make(pool);
    tuor_json_member entry, path;
    tuor_json_walk walk;
    const char *text;
    apr_size_t len;

    for (int i = 0; i < tuor_result_rows(diffs); i++) {
        tuor_json_walk_init(&walk, tuor_result_slice(diffs, i, 0));
        while (tuor_json_walk_next(&walk, &entry)) {
            if (tuor_json_get(entry.value, "path", &path)
                && tuor_json_decode(&text, &len, path.value, 1, pool) == APR_SUCCESS) {
                count_field(fields, by_path, tuor_lesson_path(text, pool), i);
            }
        }
    }
    qsort(fields->elts, fields->nelts, fields->elt_size, by_count);
    return fields;
}

/* A share of what was reviewed; of nothing there is none. */
static void write_rate(tuor_reply *rp, const char *member, apr_int64_t n, apr_int64_t of)
{
    tuor_reply_puts(rp, member);
    if (of) {
        tuor_reply_printf(rp, "%.4f", (double)n / (double)of);
    }
    else {
        tuor_reply_puts(rp, "null");
    }
}

static void write_seconds(tuor_reply *rp, const char *member, const tuor_result *res, int col)
{
    tuor_reply_puts(rp, member);
    if (tuor_result_null(res, 0, col)) {
        tuor_reply_puts(rp, "null");
        return;
    }
    tuor_reply_printf(rp, "%.3f", (double)tuor_result_int(res, 0, col) / 1000.0);
}

static tuor_error *answer(tuor_request *q, const tuor_result *res, const tuor_result *diffs)
{
    apr_int64_t approved = tuor_result_int(res, 0, APPROVED), rejected = tuor_result_int(res, 0, REJECTED);
    apr_int64_t corrected = tuor_result_int(res, 0, CORRECTED), reviewed = approved + rejected + corrected;
    apr_array_header_t *fields = top_fields(diffs, q->pool);
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");

    tuor_reply_puts(rp, "{\"prompt_id\":");
    tuor_reply_json(rp, q->param[1]);
    tuor_reply_puts(rp, ",\"project_id\":");
    tuor_reply_json(rp, q->param[0]);
    tuor_reply_printf(rp, ",\"version\":%" APR_INT64_T_FMT, tuor_result_int(res, 0, VERSION));
    tuor_reply_printf(rp, ",\"totals\":{\"pending\":%" APR_INT64_T_FMT ",\"approved\":%" APR_INT64_T_FMT,
                      tuor_result_int(res, 0, PENDING), approved);
    tuor_reply_printf(rp, ",\"rejected\":%" APR_INT64_T_FMT ",\"corrected\":%" APR_INT64_T_FMT "}", rejected, corrected);
    tuor_reply_printf(rp, ",\"reviewed\":%" APR_INT64_T_FMT, reviewed);
    write_rate(rp, ",\"rates\":{\"approved\":", approved, reviewed);
    write_rate(rp, ",\"rejected\":", rejected, reviewed);
    write_rate(rp, ",\"corrected\":", corrected, reviewed);
    tuor_reply_puts(rp, "},\"by_field\":[");
    for (int i = 0; i < fields->nelts && i < TOP_FIELDS; i++) {
        const field *f = APR_ARRAY_IDX(fields, i, field *);

        tuor_reply_puts(rp, i ? ",{\"path\":" : "{\"path\":");
        tuor_reply_json(rp, f->path);
        tuor_reply_printf(rp, ",\"count\":%d}", f->count);
    }
    write_seconds(rp, "],\"time_to_review\":{\"p50\":", res, P50);
    write_seconds(rp, ",\"p90\":", res, P90);
    tuor_reply_puts(rp, "}}\n");
    return tuor_reply_end(rp);
}

tuor_error *prompts_stats(tuor_request *q)
{
    tuor_result *res = NULL, *diffs = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &totals_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_text(q->param[1])));
    if (!err && !tuor_result_rows(res)) {
        err = tuor_error_not_found(q->pool, "prompt");
    }
    if (!err) {
        err = tuor_db_exec(&diffs, db, &diffs_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_text(q->param[1])));
    }
    tuor_db_end(db);
    return err ? err : answer(q, res, diffs);
}
