/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/traces/: newest first, by keyset.
 *
 * A page of 500 rows of 5 MB must not have to fit in memory. So a page is asked for as a whole, but
 * without what is long. If there was anything long, its rows are fetched in batches of about BATCH_BYTES
 * (PostgreSQL adds up the lengths, which it knows without reading the values), each in a unit of work of
 * its own, and a batch has left before the next is fetched. A page of ordinary rows is one statement and
 * one write.
 *
 * The statement that looks for a page waits for its turn: more of them than there are processors only take each other's
 * caches, and who came first would not be served first. Those of one caller that wait go in one round trip (share.c).
 */
#include "traces.h"

#include <unistd.h>

APLOG_USE_MODULE(tuor_traces);

#define BATCH_BYTES 1048576
#define LIMIT_DEFAULT 50
#define LIMIT_MAX 500

enum {
    P_PROJECT, P_STATUS, P_TAG, P_SKIP, P_LIMIT, P_FROM, P_TO, P_MODEL, P_PROMPT, P_RUN, P_EXCLUDE, P_CURSOR,
    P_PARAMS
};

/* Where the page stands. */
typedef struct page {
    tuor_request *q;
    filter f;
    exclusions *ex;
    apr_pool_t *scratch;        /* of the batch at hand */
    const char *before;         /* only ids below this one, or NULL */
    apr_int64_t skip, left;     /* rows still to be passed over, and to be sent */
    tuor_part look;             /* the statement that looks for the page */
    const char *next;           /* the last id of the page when there are rows behind it */
} page;

/* The next rows that are left, most of them at most, after skip. */
static const char *rows(const char **order, page *p, const char *columns, apr_int64_t skip, apr_int64_t most)
{
    p->f.before = p->before;
    return walk_rows(order, &p->f, columns, skip, most);
}

static tuor_error *run(tuor_result **res, page *p, const char *sql)
{
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, p->q, TUOR_DB_EACH);

    if (!err) {
        err = tuor_db_exec(res, db, tuor_stmt_for(sql), (const tuor_arg *)p->f.args->elts, p->f.args->nelts);
    }
    tuor_db_end(db);
    return err;
}

/* The empty text, which no payload is, stands for what is long: five such columns a row fill five batches at most. */
#define UNLESS_LONG "CASE WHEN octet_length(%s) > " APR_STRINGIFY(BATCH_BYTES) " / $1 THEN '' ELSE %s END"

/* A column that is fetched only to be thrown away need not be fetched. */
static const char *payload_columns(const page *p, int unless_long)
{
    static const struct { const char *column; excludable field; } payload[] = {
        { "t.model_input", X_INPUT }, { "t.model_output", X_FIELDS }, { "t.trace_config", X_CONFIG },
        { "t.corrected_output", X_FIELDS }, { "t.correction_diff", X_FIELDS }
    };
    const char *columns = "";
    unsigned i;

    for (i = 0; i < sizeof(payload) / sizeof(*payload); i++) {
        const char *one = payload[i].column;

        if (payload[i].field != X_FIELDS && excluded(p->ex, payload[i].field)) {
            one = "NULL::text";
        }
        else if (unless_long) {
            one = apr_psprintf(p->q->pool, UNLESS_LONG, one, one);
        }
        columns = apr_pstrcat(p->q->pool, columns, ", ", one, NULL);
    }
    return columns;
}

/* What a row takes in memory. */
#define SIZE "octet_length(t.model_input) + octet_length(t.model_output) + coalesce(octet_length(t.trace_config), 0)" \
    " + 2 * coalesce(octet_length(t.corrected_output), 0)"

/* The next batch: one row more than is left tells whether there is a next page. */
static const char *batch(page *p)
{
    const char *order, *found = rows(&order, p, "t.*", p->skip, p->left + 1);

    return apr_pstrcat(p->q->pool,
        "SELECT " TRACE_HEAD_COLUMNS, payload_columns(p, 0), ", t.bytes FROM (SELECT t.*, " SIZE " AS size, sum(" SIZE
        ") OVER (", order, " ROWS UNBOUNDED PRECEDING) AS bytes FROM (", found,
        ") t) t WHERE t.bytes - t.size < " APR_STRINGIFY(BATCH_BYTES), order, NULL);
}

/* The page at once, without what is long. */
static const char *short_page(page *p)
{
    const char *order, *columns = apr_pstrcat(p->q->pool, TRACE_HEAD_COLUMNS, payload_columns(p, 1), ", 0 AS bytes", NULL);

    return rows(&order, p, columns, 0, p->left + 1);
}

static int has_long(const tuor_result *res)
{
    int row, col, n = tuor_result_rows(res);

    for (row = 0; row < n; row++) {
        for (col = T_INPUT; col <= T_DIFF; col++) {
            if (!tuor_result_null(res, row, col) && !tuor_result_slice(res, row, col).len) {
                return 1;
            }
        }
    }
    return 0;
}

/* ---------------------------------------------------------- the first look */

static tuor_error *look(server_rec *s, share_member *first, int n, apr_time_t deadline, apr_pool_t *pool)
{
    tuor_part *parts = apr_palloc(pool, (apr_size_t)n * sizeof(*parts));
    share_member *m;
    tuor_error *err;
    tuor_db *db;
    int i = 0;

    (void)s;
    for (m = first; m; m = m->next) {
        parts[i++] = ((page *)m->work)->look;
    }
    err = tuor_db_begin(&db, first->q, TUOR_DB_EACH);
    if (!err) {
        tuor_db_until(db, deadline);
        err = tuor_db_exec_all(db, parts, n);
    }
    tuor_db_end(db);
    for (m = first, i = 0; m && !err; m = m->next) {
        ((page *)m->work)->look.res = parts[i++].res;
    }
    if (!err) {
        share_caller(first);
    }
    return err;
}

static share_kind looks = { SHARE_LIST, 2, 4, 4, share_same_caller, look, NULL };

/* Rows that are passed over need no tags and no look at their columns: the inner query of batch() has neither. */
static tuor_error *fetch_first(tuor_result **res, page *p)
{
    const char *sql = p->skip ? batch(p) : short_page(p);
    share_member me = { .q = p->q, .work = p, .n = 1 };
    tuor_error *err;

    p->look = (tuor_part){ tuor_stmt_for(sql), (const tuor_arg *)p->f.args->elts, p->f.args->nelts, p->q->pool, NULL };
    err = share_run(&looks, &me) ? me.err : run(&p->look.res, p, sql);
    *res = p->look.res;
    if (!err && !p->skip && has_long(*res)) {
        tuor_result_clear(*res);
        err = run(res, p, batch(p));
    }
    return err;
}

/* The last id of the page, where the first batch did not reach it. */
static tuor_error *find_next(page *p)
{
    tuor_result *res;
    const char *order;
    tuor_error *err = run(&res, p, rows(&order, p, "t.id", p->skip + p->left - 1, 2));

    if (!err && tuor_result_rows(res) == 2) {
        p->next = tuor_result_text(res, 0, 0);
    }
    return err;
}

/* This request's URL with another cursor and without skip. */
static const char *next_link(const page *p)
{
    const char *args = p->q->r->args ? p->q->r->args : "", *kept = "";

    while (*args) {
        apr_size_t len = strcspn(args, "&");

        if (len && strncmp(args, "cursor=", 7) && strncmp(args, "skip=", 5)) {
            kept = apr_pstrcat(p->q->pool, kept, apr_pstrmemdup(p->q->pool, args, len), "&", NULL);
        }
        args += len + (args[len] == '&');
    }
    return apr_psprintf(p->q->pool, "<%s?%scursor=%s>; rel=\"next\"", p->q->r->uri, kept,
                        tuor_cursor_make(p->next, p->q->pool));
}

static tuor_error *parse(page *p, tuor_request *q)
{
    tuor_param prm[P_PARAMS] = {
        { "project_id", NULL }, { "status", NULL }, { "tag", NULL }, { "skip", NULL }, { "limit", NULL },
        { "from_date", NULL }, { "to_date", NULL }, { "model", NULL }, { "prompt_version_id", NULL },
        { "internal_run_id", NULL }, { "exclude_fields", NULL }, { "cursor", NULL }
    };
    tuor_error *err = tuor_query(q, prm, P_PARAMS);

    if (err) {
        return err;
    }
    memset(p, 0, sizeof(*p));
    p->q = p->f.q = q;
    p->f.project_id = prm[P_PROJECT].value;
    p->f.tag = prm[P_TAG].value;
    p->f.model = prm[P_MODEL].value;
    p->f.prompt_version_id = prm[P_PROMPT].value;
    p->f.internal_run_id = prm[P_RUN].value;
    p->f.statuses = filter_statuses(q, &prm[P_STATUS], 0);
    p->f.from = tuor_param_time(q, &prm[P_FROM]);
    p->f.to = tuor_param_time(q, &prm[P_TO]);
    p->skip = tuor_param_int(q, &prm[P_SKIP], 0, APR_INT32_MAX, 0);
    p->left = tuor_param_int(q, &prm[P_LIMIT], 1, LIMIT_MAX, LIMIT_DEFAULT);
    p->ex = exclusions_parse(q, &prm[P_EXCLUDE], 1, 0);
    if (prm[P_CURSOR].value) {
        p->before = tuor_cursor_read(prm[P_CURSOR].value, "trace", q->pool);
        if (!p->before) {
            tuor_fault(q, "cursor", "is not one that a Link header of this endpoint gave out");
        }
    }
    return tuor_faults(q);
}

/* The rows of a batch that belong to the page. */
static void write_batch(page *p, tuor_reply *rp, const tuor_result *res, int *first)
{
    int i, n = tuor_result_rows(res);
    trace t;

    for (i = 0; i < n && p->left > 0; i++, p->left--) {
        trace_from_result(&t, res, i);
        tuor_reply_puts(rp, *first ? "[" : ",");
        *first = 0;
        trace_write(rp, &t, p->ex, p->scratch);
    }
    if (i > 0) {
        p->before = apr_pstrdup(p->q->pool, t.col[T_ID].p);
    }
    p->skip = 0;
}

/* Whether a batch ended at its bytes, not at the end of the rows. */
static int cut_short(const tuor_result *res, apr_int64_t asked)
{
    int n = tuor_result_rows(res);

    return n > 0 && n < asked && tuor_result_int(res, n - 1, T_COLUMNS) >= BATCH_BYTES;
}

tuor_error *traces_list(tuor_request *q)
{
    page p;
    tuor_result *res;
    tuor_reply *rp;
    int first = 1, more;
    tuor_error *err = parse(&p, q);

    if (!err) {
        err = fetch_first(&res, &p);
    }
    if (err) {
        return err;
    }
    more = cut_short(res, p.left + 1);
    if (tuor_result_rows(res) > p.left) {
        p.next = tuor_result_text(res, (int)p.left - 1, T_ID);
    }
    else if (more) {
        err = find_next(&p);
        if (err) {
            return err;
        }
    }
    if (p.next) {
        apr_table_setn(q->r->headers_out, "Link", next_link(&p));
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    apr_pool_create(&p.scratch, q->pool);
    for (;;) {
        write_batch(&p, rp, res, &first);
        if (!more || p.left <= 0) {
            break;
        }
        if (tuor_reply_flush(rp)) {
            return NULL;        /* nobody listens any more */
        }
        tuor_result_clear(res);
        apr_pool_clear(p.scratch);
        if (run(&res, &p, batch(&p))) {
            return tuor_reply_abort(rp);
        }
        more = cut_short(res, p.left + 1);
    }
    tuor_reply_puts(rp, first ? "[]\n" : "]\n");
    return tuor_reply_end(rp);
}

void list_register(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (processors > looks.flights) {
        looks.flights = (int)processors;
    }
}
