/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/projects/{id}/analytics: what is asked for, and the way to the figures.
 *
 * Counts are by day. Where the range begins or ends within a day, that part of it is counted from
 * the traces themselves, found by their ids, which hold the time.
 */
#include "analytics.h"

APLOG_USE_MODULE(tuor_analytics);

/* Events that a report adds up on the way; what is more is counted first. */
#define LEFT_OVER 500

/* How long a request counts what nobody has counted yet. */
#define PATIENCE apr_time_from_sec(3)

#define DAY apr_time_from_sec(86400)

enum { P_FROM, P_TO, P_BUCKET, P_PARAMS };

typedef struct range {
    apr_time_t from, to;                /* 0: open */
    const char *bucket;
    apr_time_t first_day, past_day;     /* whole days: 0 is open */
    const char *low[2], *high[2];       /* ids of parts of days; NULL: none */
} range;

static const tuor_stmt exists = { "analytics_project", "SELECT FROM tuor.projects p WHERE p.org_id = tuor.org() AND p.id = $1" };
static const tuor_stmt fold = { "analytics_fold", "SELECT tuor.analytics_fold(tuor.org(), $1, $2)" };
static const tuor_stmt report = {
    "analytics_report",
    "SELECT kind, start, key, name, pending, approved, rejected, corrected, took_us"
    " FROM tuor.analytics_report($1, $2, $3, $4, $5, $6, $7, $8)"
};

static apr_time_t midnight(apr_time_t t)
{
    apr_time_t into = t % DAY;

    return t - (into < 0 ? into + DAY : into);
}

static void part(range *rg, int i, apr_time_t from, apr_time_t to, apr_pool_t *pool)
{
    if (from < to) {
        rg->low[i] = tuor_id_floor("trace", from, pool);
        rg->high[i] = tuor_id_floor("trace", to, pool);
    }
}

/* Whole days, and what is left at either end. */
static void divide(range *rg, apr_pool_t *pool)
{
    apr_time_t from = rg->from, to = rg->to, next = midnight(from) + DAY, last = midnight(to);

    rg->first_day = from;
    rg->past_day = to;
    if (from && from != midnight(from)) {
        rg->first_day = next;
        part(rg, 0, from, to && to < next ? to : next, pool);
    }
    if (to && to != last) {
        rg->past_day = last;
        if (!from || last >= from) {
            part(rg, 1, last, to, pool);
        }
    }
}

static const char *parse_bucket(tuor_request *q, const tuor_param *p)
{
    static const char *const words[] = { "day", "week", "month" };
    int i;

    for (i = 0; p->value && i < 3; i++) {
        if (!strcmp(p->value, words[i])) {
            return words[i];
        }
    }
    if (p->value) {
        tuor_fault(q, p->name, "must be day, week or month");
    }
    return words[0];
}

static tuor_error *parse(range *rg, tuor_request *q)
{
    tuor_param prm[P_PARAMS] = { { "from_date", NULL }, { "to_date", NULL }, { "bucket", NULL } };
    tuor_error *err = tuor_query(q, prm, P_PARAMS);

    memset(rg, 0, sizeof(*rg));
    if (err) {
        return err;
    }
    rg->from = tuor_param_time(q, &prm[P_FROM]);
    rg->to = tuor_param_time(q, &prm[P_TO]);
    rg->bucket = parse_bucket(q, &prm[P_BUCKET]);
    divide(rg, q->pool);
    return tuor_faults(q);
}

/* Nobody may have counted for long, as after an import. */
static tuor_error *catch_up(tuor_db *db, tuor_request *q)
{
    apr_time_t until = apr_time_now() + PATIENCE;
    tuor_error *err;
    tuor_result *res;

    for (;;) {
        err = tuor_db_exec(&res, db, &fold, TUOR_ARGS(tuor_int(FOLD_EVENTS), tuor_int(LEFT_OVER)));
        if (err || tuor_result_int(res, 0, 0) < FOLD_EVENTS) {
            return err;
        }
        tuor_result_clear(res);
        if (apr_time_now() > until) {
            err = tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE, "Many traces are new and are being counted: try again shortly");
            err->retry_after = 5;
            return err;
        }
    }
}

tuor_error *analytics_report(tuor_request *q)
{
    const char *id = q->param[0];
    tuor_result *res = NULL;
    tuor_db *db = NULL;
    range rg;
    tuor_error *err = parse(&rg, q);

    if (!err) {
        err = tuor_db_begin(&db, q, TUOR_DB_EACH);
    }
    if (!err) {
        err = tuor_db_exec(&res, db, &exists, TUOR_ARGS(tuor_text(id)));
    }
    if (!err && !tuor_result_rows(res)) {
        err = tuor_error_not_found(q->pool, "project");
    }
    if (!err) {
        err = catch_up(db, q);
    }
    if (!err) {
        err = tuor_db_exec(&res, db, &report, TUOR_ARGS(
            tuor_text(id), tuor_text(rg.bucket), tuor_time(rg.first_day), tuor_time(rg.past_day),
            tuor_text(rg.low[0]), tuor_text(rg.high[0]), tuor_text(rg.low[1]), tuor_text(rg.high[1])));
    }
    tuor_db_end(db);
    return err ? err : analytics_write(q, res);
}
