/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The rows of a report as the answer's JSON. Rows of a kind stand together and in order.
 */
#include "analytics.h"

APLOG_USE_MODULE(tuor_analytics);

typedef struct verdicts {
    apr_int64_t pending, approved, rejected, corrected;
} verdicts;

static verdicts read_row(const tuor_result *res, int row)
{
    return (verdicts){ tuor_result_int(res, row, A_PENDING), tuor_result_int(res, row, A_APPROVED),
                       tuor_result_int(res, row, A_REJECTED), tuor_result_int(res, row, A_CORRECTED) };
}

static apr_int64_t reviewed(const verdicts *v)
{
    return v->approved + v->rejected + v->corrected;
}

static int is_kind(const tuor_result *res, int row, const char *kind)
{
    return !strcmp(tuor_result_text(res, row, A_KIND), kind);
}

static void number(tuor_reply *rp, const char *member, apr_int64_t n)
{
    tuor_reply_printf(rp, "%s%" APR_INT64_T_FMT, member, n);
}

static void write_reviewed(tuor_reply *rp, const verdicts *v)
{
    number(rp, ",\"approved\":", v->approved);
    number(rp, ",\"rejected\":", v->rejected);
    number(rp, ",\"corrected\":", v->corrected);
}

/* Of what was reviewed, in millionths. */
static void rate(tuor_reply *rp, const char *member, apr_int64_t n, const verdicts *v)
{
    apr_int64_t millionths = reviewed(v) ? (n * 1000000 + reviewed(v) / 2) / reviewed(v) : 0;

    tuor_reply_printf(rp, "%s%d.%06d", member, (int)(millionths / 1000000), (int)(millionths % 1000000));
}

static void write_totals(tuor_reply *rp, const tuor_result *res)
{
    verdicts sum = { 0, 0, 0, 0 };
    int i;

    for (i = 0; i < tuor_result_rows(res); i++) {
        if (is_kind(res, i, "series")) {
            verdicts v = read_row(res, i);

            sum.pending += v.pending;
            sum.approved += v.approved;
            sum.rejected += v.rejected;
            sum.corrected += v.corrected;
        }
    }
    number(rp, "{\"totals\":{\"pending\":", sum.pending);
    write_reviewed(rp, &sum);
    rate(rp, "},\"rates\":{\"approved\":", sum.approved, &sum);
    rate(rp, ",\"rejected\":", sum.rejected, &sum);
    rate(rp, ",\"corrected\":", sum.corrected, &sum);
    tuor_reply_puts(rp, "}");
}

static void write_bucket(tuor_reply *rp, const tuor_result *res, int row)
{
    verdicts v = read_row(res, row);

    tuor_reply_puts(rp, "{\"start\":");
    tuor_reply_time(rp, tuor_result_time(res, row, A_START));
    number(rp, ",\"created\":", v.pending + reviewed(&v));
    write_reviewed(rp, &v);
}

/* No model, no prompt version: the key is empty, the answer says null. */
static void write_key(tuor_reply *rp, const char *member, const char *key)
{
    tuor_reply_puts(rp, member);
    tuor_reply_json(rp, *key ? key : NULL);
}

static void write_keyed(tuor_reply *rp, const tuor_result *res, int row, const char *member)
{
    verdicts v = read_row(res, row);

    write_key(rp, member, tuor_result_text(res, row, A_KEY));
    number(rp, ",\"total\":", v.pending + reviewed(&v));
    number(rp, ",\"pending\":", v.pending);
    write_reviewed(rp, &v);
}

static void write_model(tuor_reply *rp, const tuor_result *res, int row)
{
    write_keyed(rp, res, row, "{\"model\":");
}

static void write_prompt(tuor_reply *rp, const tuor_result *res, int row)
{
    write_keyed(rp, res, row, "{\"prompt_version_id\":");
}

static void write_reviewer(tuor_reply *rp, const tuor_result *res, int row)
{
    verdicts v = read_row(res, row);

    write_key(rp, "{\"actor_id\":", tuor_result_text(res, row, A_KEY));
    tuor_reply_puts(rp, ",\"name\":");
    tuor_reply_json(rp, tuor_result_text(res, row, A_NAME));
    number(rp, ",\"total\":", reviewed(&v));
    write_reviewed(rp, &v);
}

/* A path is kept as its diff writes it: escaped. */
static void write_field(tuor_reply *rp, const tuor_result *res, int row)
{
    tuor_reply_puts(rp, "{\"path\":\"");
    tuor_reply_slice(rp, tuor_result_slice(res, row, A_KEY));
    number(rp, "\",\"count\":", tuor_result_int(res, row, A_CORRECTED));
}

static void write_list(tuor_reply *rp, const tuor_result *res, const char *kind, const char *member,
                       void (*write)(tuor_reply *rp, const tuor_result *res, int row))
{
    int i, first = 1;

    tuor_reply_puts(rp, member);
    for (i = 0; i < tuor_result_rows(res); i++) {
        if (is_kind(res, i, kind)) {
            tuor_reply_puts(rp, first ? "" : ",");
            write(rp, res, i);
            tuor_reply_puts(rp, "}");
            first = 0;
        }
    }
    tuor_reply_puts(rp, "]");
}

/* The time within which that many in a hundred were reviewed, in seconds. */
static void percentile(tuor_reply *rp, const char *member, const tuor_result *res, int percent)
{
    apr_int64_t n = 0, seen = 0, us = 0;
    int i;

    for (i = 0; i < tuor_result_rows(res); i++) {
        if (is_kind(res, i, "time")) {
            verdicts v = read_row(res, i);

            n += reviewed(&v);
        }
    }
    for (i = 0; i < tuor_result_rows(res) && seen * 100 < n * percent; i++) {
        if (is_kind(res, i, "time")) {
            verdicts v = read_row(res, i);

            seen += reviewed(&v);
            us = tuor_result_int(res, i, A_TOOK);
        }
    }
    tuor_reply_puts(rp, member);
    if (n) {
        us += 500;              /* rounded to milliseconds */
        tuor_reply_printf(rp, "%" APR_INT64_T_FMT ".%03d", us / APR_USEC_PER_SEC, (int)(us % APR_USEC_PER_SEC / 1000));
    }
    else {
        tuor_reply_puts(rp, "null");
    }
}

tuor_error *analytics_write(tuor_request *q, const tuor_result *res)
{
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");

    write_totals(rp, res);
    write_list(rp, res, "series", ",\"series\":[", write_bucket);
    write_list(rp, res, "model", ",\"by_model\":[", write_model);
    write_list(rp, res, "prompt", ",\"by_prompt_version\":[", write_prompt);
    write_list(rp, res, "reviewer", ",\"by_reviewer\":[", write_reviewer);
    write_list(rp, res, "field", ",\"by_field\":[", write_field);
    percentile(rp, ",\"time_to_review\":{\"p50\":", res, 50);
    percentile(rp, ",\"p90\":", res, 90);
    tuor_reply_puts(rp, "}}\n");
    return tuor_reply_end(rp);
}
