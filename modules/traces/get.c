/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/traces/{id}
 */
#include "traces.h"
#include "tuor_traces.h"

APLOG_USE_MODULE(tuor_traces);

static const tuor_stmt get = {
    "traces_get",
    "SELECT " TRACE_COLUMNS " FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1 AND t.deleted_at IS NULL"
};

tuor_error *tuor_traces_read(const trace **t, tuor_request *q, tuor_db *db, const char *id)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &get, TUOR_ARGS(tuor_text(id)));
    trace *found;

    *t = NULL;
    if (!err && tuor_result_rows(res)) {
        found = apr_palloc(q->pool, sizeof(*found));
        trace_from_result(found, res, 0);
        *t = found;
    }
    return err;
}

void tuor_traces_write(tuor_reply *rp, const trace *t, apr_pool_t *pool)
{
    trace_write(rp, t, NULL, pool);
}

/* The payloads only where the version is none of those that the client has. */
#define UNLESS_KNOWN(column) "CASE WHEN t.version::text <> ALL ($2) THEN " column " END"
static const tuor_stmt get_changed = {
    "traces_get_changed",
    "SELECT " TRACE_HEAD_COLUMNS ", " UNLESS_KNOWN("t.model_input") ", " UNLESS_KNOWN("t.model_output") ", "
    UNLESS_KNOWN("t.trace_config") ", " UNLESS_KNOWN("t.corrected_output") ", " UNLESS_KNOWN("t.correction_diff")
    " FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1 AND t.deleted_at IS NULL"
};

/* The versions in an If-None-Match, as our tags have them: "3", "3-0123456789abcdef", W/"3-gzip". */
static apr_array_header_t *known_versions(const char *header, apr_pool_t *pool)
{
    apr_array_header_t *versions = apr_array_make(pool, 2, sizeof(const char *));
    const char *p = header;
    apr_size_t n;

    while ((p = strchr(p, '"')) != NULL) {
        n = strspn(++p, "0123456789");
        if (n && versions->nelts < 100) {
            APR_ARRAY_PUSH(versions, const char *) = apr_pstrmemdup(pool, p, n);
        }
        p += strcspn(p, "\"");
        p += *p == '"';
    }
    return versions;
}

/* @param known NULL: with the payloads in any case */
static tuor_error *fetch(trace *t, tuor_request *q, const char *id, const apr_array_header_t *known)
{
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    if (!err) {
        err = known ? tuor_db_exec(&res, db, &get_changed, TUOR_ARGS(tuor_text(id), tuor_texts(known)))
                    : tuor_db_exec(&res, db, &get, TUOR_ARGS(tuor_text(id)));
    }
    tuor_db_end(db);
    if (!err && !tuor_result_rows(res)) {
        err = tuor_error_not_found(q->pool, "trace");
    }
    if (!err) {
        trace_from_result(t, res, 0);
    }
    return err;
}

/* The trace for a client that has one already. same: the client's is still good */
static tuor_error *revalidate(trace *t, int *same, tuor_request *q, const char *id, const char *header)
{
    tuor_error *err = fetch(t, q, id, known_versions(header, q->pool));
    const char *etag;

    if (err) {
        return err;
    }
    etag = trace_etag(t, q->pool);
    *same = tuor_not_modified(q, etag);
    if (*same) {
        apr_table_setn(q->r->headers_out, "ETag", etag);
        return NULL;
    }
    /* Where the version is known, its tags were others: now the payloads are needed after all. */
    return t->col[T_INPUT].p ? NULL : fetch(t, q, id, NULL);
}

tuor_error *traces_get(tuor_request *q)
{
    const char *id = q->param[0], *header = apr_table_get(q->r->headers_in, "If-None-Match");
    tuor_error *err = tuor_query(q, NULL, 0);
    int found = 0, same = 0;
    trace t;

    if (err || (err = tuor_faults(q))) {
        return err;
    }
    if (header) {
        err = revalidate(&t, &same, q, id, header);
    }
    else {
        err = reader_get(&t, &found, q, id);
        if (!err && !found) {
            err = fetch(&t, q, id, NULL);
        }
    }
    if (err) {
        return err;
    }
    return same ? tuor_reply_end(tuor_reply_begin(q, HTTP_NOT_MODIFIED, NULL)) : trace_reply(q, HTTP_OK, &t);
}
