/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What reviewers said since the active version was saved, cut to what a refiner can use. What is
 * big stays in the database: at the worst about 10 MB come over.
 */
#include "prompts.h"

/* Verdicts of each kind; corrections teach most. */
#define CORRECTIONS 200
#define REJECTIONS 50
#define APPROVALS 20
#define NEWEST 1000

#define INPUT_CHARACTERS 2000
#define OUTPUT_BYTES 16384

static const tuor_stmt subject_stmt = {
    "prompts_subject",
    "SELECT j.archived, j.name, j.output_type, j.guidelines, p.id, p.content, p.created_at"
    " FROM tuor.projects j LEFT JOIN tuor.prompts p ON p.org_id = j.org_id AND p.project_id = j.id AND p.is_active"
    " WHERE j.org_id = tuor.org() AND j.id = $1"
};

/* The condition is that of the index traces_reviewed, which alone is read to count. */
#define REVIEWED_SINCE(status) " FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.project_id = $1 AND t.status = " status \
    " AND t.status <> 'pending' AND t.deleted_at IS NULL AND t.last_reviewed_at > $2"

static const tuor_stmt counts_stmt = {
    "prompts_review_counts",
    "SELECT (SELECT count(*)" REVIEWED_SINCE("'approved'") "), (SELECT count(*)" REVIEWED_SINCE("'rejected'") "),"
    " (SELECT count(*)" REVIEWED_SINCE("'corrected'") ")"
};

/*
 * The verdict that stands is the newest event of its type. A rejection without a word teaches nothing;
 * they are looked for among the newest, so that many silent ones cost no time.
 */
static const tuor_stmt reviews_stmt = {
    "prompts_reviews",
    "SELECT e.id, t.id, e.comment, left(t.model_input, " APR_STRINGIFY(INPUT_CHARACTERS) "),"
    " octet_length(t.model_input),"
    " CASE WHEN octet_length(t.model_output) <= " APR_STRINGIFY(OUTPUT_BYTES) " THEN t.model_output END,"
    " CASE WHEN octet_length(t.corrected_output) <= " APR_STRINGIFY(OUTPUT_BYTES) " THEN t.corrected_output END,"
    " CASE WHEN octet_length(t.correction_diff) <= " APR_STRINGIFY(OUTPUT_BYTES) " THEN t.correction_diff END"
    " FROM (SELECT t.*" REVIEWED_SINCE("$3") " ORDER BY t.last_reviewed_at DESC, t.id DESC LIMIT " APR_STRINGIFY(NEWEST) ") t"
    " CROSS JOIN LATERAL (SELECT e.id, e.comment FROM tuor.trace_events e"
    " WHERE e.org_id = t.org_id AND e.trace_id = t.id AND e.type = 'review.' || t.status ORDER BY e.id DESC LIMIT 1) e"
    " WHERE t.status <> 'rejected' OR e.comment <> '' ORDER BY t.last_reviewed_at DESC, t.id DESC LIMIT $4"
};

static void add(apr_array_header_t *evidence, const tuor_result *res, const char *status)
{
    for (int i = 0; i < tuor_result_rows(res); i++) {
        tuor_evidence *e = apr_array_push(evidence);

        memset(e, 0, sizeof(*e));
        e->event_id = tuor_result_text(res, i, 0);
        e->trace_id = tuor_result_text(res, i, 1);
        e->status = status;
        e->comment = tuor_result_text(res, i, 2);
        e->model_input = tuor_result_slice(res, i, 3);
        e->input_cut = (apr_int64_t)e->model_input.len < tuor_result_int(res, i, 4);
        e->model_output = tuor_result_slice(res, i, 5);
        e->corrected_output = tuor_result_slice(res, i, 6);
        e->correction_diff = tuor_result_slice(res, i, 7);
    }
}

static tuor_error *find_subject(prompt_evidence *e, apr_time_t *since, tuor_db *db, tuor_request *q)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &subject_stmt, TUOR_ARGS(tuor_text(q->param[0])));

    if (err || !tuor_result_rows(res)) {
        return err;
    }
    e->found = 1;
    e->archived = tuor_result_int(res, 0, 0) != 0;
    e->in.project_id = q->param[0];
    e->in.project_name = tuor_result_text(res, 0, 1);
    e->in.output_type = tuor_result_text(res, 0, 2);
    e->in.guidelines = tuor_result_text(res, 0, 3);
    e->in.prompt_id = tuor_result_text(res, 0, 4);
    e->in.content = tuor_result_text(res, 0, 5);
    *since = tuor_result_time(res, 0, 6);
    return NULL;
}

static tuor_error *count(prompt_evidence *e, apr_time_t since, tuor_db *db, tuor_request *q)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &counts_stmt, TUOR_ARGS(tuor_text(q->param[0]), tuor_time(since)));

    if (err) {
        return err;
    }
    e->in.approved = tuor_result_int(res, 0, 0);
    e->in.rejected = tuor_result_int(res, 0, 1);
    e->in.corrected = tuor_result_int(res, 0, 2);
    e->reviewed = e->in.approved + e->in.rejected + e->in.corrected;
    return NULL;
}

tuor_error *prompt_evidence_gather(prompt_evidence *e, tuor_request *q)
{
    static const struct {
        const char *status;
        int most;
    } kinds[] = { { "corrected", CORRECTIONS }, { "rejected", REJECTIONS }, { "approved", APPROVALS } };
    apr_array_header_t *evidence = apr_array_make(q->pool, 32, sizeof(tuor_evidence));
    apr_time_t since = 0;
    tuor_result *res;
    tuor_db *db;
    tuor_error *err;

    memset(e, 0, sizeof(*e));
    e->in.evidence = evidence;
    if ((err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = find_subject(e, &since, db, q);
    if (!err && e->in.prompt_id && !e->archived) {
        err = count(e, since, db, q);
    }
    for (apr_size_t i = 0; !err && e->reviewed >= PROMPTS_REVIEWS_REQUIRED && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        err = tuor_db_exec(&res, db, &reviews_stmt, TUOR_ARGS(
            tuor_text(q->param[0]), tuor_time(since), tuor_text(kinds[i].status), tuor_int(kinds[i].most)));
        if (!err) {
            add(evidence, res, kinds[i].status);
        }
    }
    tuor_db_end(db);
    return err;
}
