/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/traces/export: every matching trace of one snapshot, oldest first, a row at a time.
 *
 * Two COPY streams in the same order, traces and their events, each on a connection of its own that
 * sees the same snapshot, are merged here: PostgreSQL never builds JSON, and no more than one row is
 * in memory. What a row looks like is up to an exporter, a provider of its own.
 */
#include "traces.h"

#include <ap_provider.h>

APLOG_USE_MODULE(tuor_traces);

/* Hand on what has been gathered when there is this much. */
#define FLUSH_BYTES (64 * 1024)

enum { P_PROJECT, P_STATUS, P_TAG, P_FROM, P_TO, P_EXCLUDE, P_FORMAT, P_PARAMS };

/* Columns of the stream of traces behind those of TRACE_COLUMNS; T_TAGS holds the names. */
enum { X_OUTPUT_TYPE = T_COLUMNS };

/* Columns of the stream of events in front of EVENT_COLUMNS. */
enum { E_TRACE, E_FIRST };

typedef struct export_job {
    tuor_request *q;
    filter f;
    exclusions *ex;
    const char *format;
    const tuor_exporter *exporter;
    void *state;
    tuor_db *traces, *events;           /* events: NULL when not wanted */
    tuor_copy_row trace_row, event_row;
    int more_events;
} export_job;

/* Sorts would hold the first row back until the last is found: read along the indexes, which have the order. */
static const tuor_stmt no_sort = {
    NULL, "SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),"
          " set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
          " set_config('jit', 'off', true)"
};

/* What COPY would wait for without a limit. */
static const tuor_stmt lock = {
    NULL, "LOCK TABLE tuor.traces, tuor.projects, tuor.tags, tuor.trace_tags, tuor.trace_events IN ACCESS SHARE MODE"
};

/* @param survey without model_input, which is large and tells nothing of columns */
static const char *trace_sql(export_job *job, int survey)
{
    job->f.literals = job->traces;
    return apr_pstrcat(job->q->pool,
        "COPY (SELECT t.id, t.org_id, t.project_id, t.status, t.version, t.created_at, t.created_by, t.updated_at,"
        " t.updated_by, t.last_reviewed_at, t.last_reviewed_by, t.deleted_at, t.deleted_by, t.restored_at, t.restored_by,"
        " CASE WHEN t.tagged THEN ARRAY(SELECT g.name FROM tuor.trace_tags x JOIN tuor.tags g"
        " ON g.org_id = x.org_id AND g.id = x.tag_id WHERE x.org_id = t.org_id AND x.trace_id = t.id"
        " ORDER BY g.name COLLATE \"C\") END,"
        " ", survey ? "NULL::text" : "t.model_input", ","
        " t.model_output, t.trace_config, t.corrected_output, t.correction_diff,"
        " (SELECT p.output_type FROM tuor.projects p WHERE p.org_id = t.org_id AND p.id = t.project_id)"
        " FROM ", filter_source(&job->f), " ORDER BY t.id) TO STDOUT (FORMAT binary)", NULL);
}

static const char *event_sql(export_job *job)
{
    job->f.literals = job->events;
    return apr_pstrcat(job->q->pool,
        "COPY (SELECT e.trace_id, " EVENT_COLUMNS " FROM ", filter_source(&job->f),
        /* How many have a tag, nobody can estimate; all other filters are columns of the trace. */
        job->f.tag ? " CROSS JOIN LATERAL (SELECT * FROM tuor.trace_events e WHERE e.org_id = tuor.org() AND e.trace_id = t.id OFFSET 0) e"
                   : " JOIN tuor.trace_events e ON e.org_id = t.org_id AND e.trace_id = t.id",
        " ORDER BY t.id, e.id) TO STDOUT (FORMAT binary)", NULL);
}

static tuor_error *next_event(export_job *job)
{
    return tuor_db_copy_row(&job->more_events, &job->event_row, job->events);
}

static tuor_error *prepare(tuor_db *db)
{
    tuor_error *err = tuor_db_exec(NULL, db, &no_sort, TUOR_NO_ARGS);

    return err ? err : tuor_db_exec(NULL, db, &lock, TUOR_NO_ARGS);
}

/* All that can be refused with a status of its own: connections, the caller, tables that somebody holds. */
static tuor_error *open_streams(export_job *job)
{
    tuor_error *err = tuor_db_snapshot(&job->traces, job->q);

    if (!err) {
        err = prepare(job->traces);
    }
    if (!err && job->exporter->wants_events && !excluded_events(job->ex)) {
        err = tuor_db_snapshot_join(&job->events, job->q, job->traces);
        if (!err) {
            err = prepare(job->events);
        }
    }
    return err;
}

/* The stream of events under way, the first of them at hand. PostgreSQL says nothing before it has found a row. */
static tuor_error *start_events(export_job *job)
{
    tuor_error *err = NULL;

    if (job->events) {
        err = tuor_db_copy(job->events, event_sql(job));
        if (!err) {
            err = next_event(job);
        }
    }
    return err;
}

static int compare(tuor_slice a, tuor_slice b)
{
    apr_size_t n = a.len < b.len ? a.len : b.len;
    int d = memcmp(a.p, b.p, n);

    return d ? d : (a.len > b.len) - (a.len < b.len);
}

/* The events of a trace as a JSON array: those at hand while they are its own. */
static tuor_error *gather_events(tuor_slice *out, export_job *job, tuor_slice trace_id, apr_pool_t *scratch)
{
    tuor_error *err = NULL;
    tuor_buf b;
    int d, first = 1;

    tuor_buf_init(&b, scratch);
    tuor_buf_puts(&b, "[");
    while (job->more_events && !err && (d = compare(job->event_row.col[E_TRACE], trace_id)) <= 0) {
        if (!d) {
            tuor_buf_puts(&b, first ? "" : ",");
            event_write(&b, &job->event_row.col[E_FIRST]);
            first = 0;
        }
        err = next_event(job);
    }
    tuor_buf_puts(&b, "]");
    *out = (tuor_slice){ b.p, b.len };
    return err;
}

static void put_time(tuor_buf *b, const char *member, tuor_slice col)
{
    char text[TUOR_TIME_LEN];

    tuor_buf_puts(b, member);
    if (!col.p) {
        tuor_buf_puts(b, "null");
        return;
    }
    tuor_time_format(text, tuor_copy_time(col));
    tuor_buf_json(b, text);
}

static void put_text(tuor_buf *b, const char *member, tuor_slice col)
{
    tuor_buf_puts(b, member);
    tuor_buf_json_slice(b, col);
}

static tuor_slice metadata(const tuor_slice *c, apr_pool_t *scratch)
{
    tuor_buf b;

    tuor_buf_init(&b, scratch);
    put_text(&b, "{\"trace_id\":", c[T_ID]);
    put_text(&b, ",\"status\":", c[T_STATUS]);
    put_text(&b, ",\"project_id\":", c[T_PROJECT]);
    put_time(&b, ",\"created_at\":", c[T_CREATED_AT]);
    put_time(&b, ",\"updated_at\":", c[T_UPDATED_AT]);
    put_time(&b, ",\"last_reviewed_at\":", c[T_REVIEWED_AT]);
    tuor_buf_puts(&b, ",\"version\":");
    tuor_buf_puts(&b, apr_psprintf(scratch, "%" APR_INT64_T_FMT, tuor_copy_int(c[T_VERSION])));
    put_text(&b, ",\"last_reviewed_by\":", c[T_REVIEWED_BY]);
    put_text(&b, ",\"created_by\":", c[T_CREATED_BY]);
    put_text(&b, ",\"org_id\":", c[T_ORG]);
    put_text(&b, ",\"updated_by\":", c[T_UPDATED_BY]);
    put_time(&b, ",\"deleted_at\":", c[T_DELETED_AT]);
    put_text(&b, ",\"deleted_by\":", c[T_DELETED_BY]);
    put_time(&b, ",\"restored_at\":", c[T_RESTORED_AT]);
    put_text(&b, ",\"restored_by\":", c[T_RESTORED_BY]);
    tuor_buf_puts(&b, "}");
    return (tuor_slice){ b.p, b.len };
}

/* The row at hand, as exporters see it; its events and metadata aside. */
static tuor_export_row make_row(export_job *job, apr_pool_t *scratch)
{
    const tuor_slice *c = job->trace_row.col;
    tuor_export_row row;
    trace t;

    memcpy(t.col, c, sizeof(t.col));
    memset(&row, 0, sizeof(row));
    row.id = c[T_ID];
    row.status = c[T_STATUS];
    row.project_id = apr_pstrmemdup(scratch, c[T_PROJECT].p, c[T_PROJECT].len);
    row.output_type = apr_pstrmemdup(scratch, c[X_OUTPUT_TYPE].p, c[X_OUTPUT_TYPE].len);
    row.model_input = exclude(job->ex, X_INPUT, c[T_INPUT], scratch);
    row.model_output = exclude(job->ex, X_OUTPUT, c[T_OUTPUT], scratch);
    row.corrected_output = exclude(job->ex, X_CORRECTED, c[T_CORRECTED], scratch);
    row.final_output = exclude(job->ex, X_FINAL, trace_final_output(&t), scratch);
    row.trace_config = exclude(job->ex, X_CONFIG, c[T_CONFIG], scratch);
    row.tags = tuor_copy_texts(c[T_TAGS], scratch);
    row.created_at = tuor_copy_time(c[T_CREATED_AT]);
    row.last_reviewed_at = tuor_copy_time(c[T_REVIEWED_AT]);
    row.last_reviewed_by = c[T_REVIEWED_BY];
    row.version = tuor_copy_int(c[T_VERSION]);
    return row;
}

static tuor_error *write_row(export_job *job, tuor_reply *rp, apr_pool_t *scratch)
{
    tuor_export_row row = make_row(job, scratch);
    tuor_error *err = job->events ? gather_events(&row.events, job, row.id, scratch) : NULL;

    if (err) {
        return err;
    }
    if (job->exporter->wants_events) {
        row.metadata = metadata(job->trace_row.col, scratch);
    }
    job->exporter->row(job->state, rp, &row, scratch);
    return NULL;
}

/* Rows until the end, to be written, or without rp to be surveyed. @return why not to the end */
static tuor_error *stream(export_job *job, tuor_reply *rp, int *gone)
{
    apr_pool_t *scratch;
    int more = 1;
    tuor_error *err = tuor_db_copy(job->traces, trace_sql(job, !rp));

    apr_pool_create(&scratch, job->q->pool);
    while (!err) {
        err = tuor_db_copy_row(&more, &job->trace_row, job->traces);
        if (err || !more) {
            break;
        }
        if (rp) {
            err = write_row(job, rp, scratch);
        }
        else {
            tuor_export_row row = make_row(job, scratch);

            job->exporter->survey(&job->state, job->q, &row, scratch);
        }
        apr_pool_clear(scratch);
        *gone = rp ? !err && tuor_reply_pending(rp) >= FLUSH_BYTES && tuor_reply_flush(rp)
                   : job->q->r->connection->aborted;
        if (*gone) {
            break;
        }
    }
    apr_pool_destroy(scratch);
    return err;
}

/* The whole answer behind the headers. */
static tuor_error *run(export_job *job, tuor_reply *rp, int *gone)
{
    int any = job->f.statuses->nelts && !job->q->r->header_only;
    tuor_error *err = any ? start_events(job) : NULL;

    if (!err && any && job->exporter->survey) {
        err = stream(job, NULL, gone);
    }
    if (!err && !*gone && job->exporter->begin) {
        err = job->exporter->begin(&job->state, job->q, rp);
    }
    return !err && !*gone && any ? stream(job, rp, gone) : err;
}

static tuor_error *find_exporter(export_job *job)
{
    apr_array_header_t *names;
    const char *list = "";
    int i;

    job->exporter = ap_lookup_provider(TUOR_EXPORTER_GROUP, job->format, "1");
    if (!job->exporter) {
        names = ap_list_provider_names(job->q->pool, TUOR_EXPORTER_GROUP, "1");
        for (i = 0; i < names->nelts; i++) {
            list = apr_pstrcat(job->q->pool, list, i ? ", " : "",
                               APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name, NULL);
        }
        tuor_fault(job->q, "format", "must be one of %s", list);
    }
    return tuor_faults(job->q);
}

/* What may be exported at all: reviewed traces unless asked for others; what trains a model must have been approved. */
static void settle_statuses(export_job *job)
{
    static const char *const reviewed[] = { "approved", "rejected", "corrected" };
    apr_array_header_t *asked = job->f.statuses, *kept = apr_array_make(job->q->pool, 4, sizeof(const char *));
    int i;

    for (i = 0; i < (asked ? asked->nelts : 3); i++) {
        const char *s = asked ? APR_ARRAY_IDX(asked, i, const char *) : reviewed[i];

        if (!job->exporter->training || !strcmp(s, "approved") || !strcmp(s, "corrected")) {
            APR_ARRAY_PUSH(kept, const char *) = s;
        }
    }
    job->f.statuses = kept;
}

static tuor_error *parse(export_job *job, tuor_request *q)
{
    tuor_param prm[P_PARAMS] = {
        { "project_id", NULL }, { "status", NULL }, { "tag", NULL }, { "from_date", NULL }, { "to_date", NULL },
        { "exclude_fields", NULL }, { "format", NULL }
    };
    tuor_error *err = tuor_query(q, prm, P_PARAMS);

    memset(job, 0, sizeof(*job));
    if (err) {
        return err;
    }
    job->q = job->f.q = q;
    job->f.project_id = prm[P_PROJECT].value;
    job->f.tag = prm[P_TAG].value;
    job->f.statuses = filter_statuses(q, &prm[P_STATUS], 1);
    job->f.from = tuor_param_time(q, &prm[P_FROM]);
    job->f.to = tuor_param_time(q, &prm[P_TO]);
    job->ex = exclusions_parse(q, &prm[P_EXCLUDE], 0, 1);
    job->format = prm[P_FORMAT].value ? prm[P_FORMAT].value : "jsonl";
    err = find_exporter(job);
    if (!err) {
        settle_statuses(job);
    }
    return err;
}

static void close_streams(export_job *job)
{
    tuor_copy_row_free(&job->trace_row);
    tuor_copy_row_free(&job->event_row);
    tuor_db_end(job->events);
    tuor_db_end(job->traces);
}

tuor_error *traces_export(tuor_request *q)
{
    export_job job;
    tuor_reply *rp;
    int gone = 0;
    tuor_error *err = parse(&job, q);

    if (err) {
        return err;
    }
    err = job.f.statuses->nelts ? open_streams(&job) : tuor_auth_verify(q);
    if (err) {
        close_streams(&job);
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, job.exporter->content_type);
    tuor_reply_flush(rp);       /* headers leave at once, however long the first row takes */
    err = run(&job, rp, &gone);
    close_streams(&job);
    if (err) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, q->r, TUORNO(0101) "%s export broken off: %s%s%s", tuor_log_ids(q->r),
                      err->detail, err->cause ? ": " : "", err->cause ? err->cause : "");
        return tuor_reply_abort(rp);
    }
    return gone ? NULL : tuor_reply_end(rp);
}
