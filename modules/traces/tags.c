/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/traces/{id}/tags and DELETE /v1/traces/{id}/tags/{tag_id}. The version stays: a tag is
 * about the trace, not of it. Only what really changed becomes an event.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

#define TAGS_MAX 10

static const tuor_stmt lock = {
    "trace_tags_lock",
    "SELECT t.status, t.version, t.project_id, " LAST_EVENT " FROM tuor.traces t"
    " WHERE t.org_id = tuor.org() AND t.id = $1 AND t.deleted_at IS NULL FOR NO KEY UPDATE"
};
static const tuor_stmt known = {
    "trace_tags_known", "SELECT FROM tuor.tags g WHERE g.org_id = tuor.org() AND g.id = ANY($1) FOR KEY SHARE"
};
static const tuor_stmt attach = {
    "trace_tags_attach",
    "INSERT INTO tuor.trace_tags AS x (org_id, trace_id, tag_id)"
    " SELECT tuor.org(), $1, wanted.id FROM unnest($2) WITH ORDINALITY AS wanted (id, n) ORDER BY wanted.n"
    " ON CONFLICT DO NOTHING RETURNING tag_id"
};
static const tuor_stmt mark = {
    "trace_tags_mark",
    "UPDATE tuor.traces t SET tagged = true WHERE t.org_id = tuor.org() AND t.id = $1 AND NOT t.tagged"
};
static const tuor_stmt count = {
    "trace_tags_count",
    "SELECT count(*) FROM tuor.trace_tags x WHERE x.org_id = tuor.org() AND x.trace_id = $1"
};
static const tuor_stmt detach = {
    "trace_tags_detach",
    "DELETE FROM tuor.trace_tags x WHERE x.org_id = tuor.org() AND x.trace_id = $1 AND x.tag_id = $2 RETURNING x.tag_id"
};
static const tuor_stmt reread = {
    "trace_tags_reread", "SELECT " TRACE_COLUMNS " FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = $1"
};

/* The trace, locked: tag changes of one trace queue up, so that the limit holds. */
static tuor_error *begin(tuor_db **db, tuor_event *event, tuor_request *q)
{
    tuor_result *res;
    tuor_error *err = tuor_db_begin(db, q, TUOR_DB_ATOMIC);

    if (!err) {
        err = tuor_db_exec(&res, *db, &lock, TUOR_ARGS(tuor_text(q->param[0])));
    }
    if (!err && !tuor_result_rows(res)) {
        err = tuor_error_not_found(q->pool, "trace");
    }
    if (!err) {
        event_time(q, tuor_result_time(res, 0, 3));
        event->trace_id = q->param[0];
        event->status_before = event->status_after = tuor_result_text(res, 0, 0);
        event->version = tuor_result_int(res, 0, 1);
        event->project_id = tuor_result_text(res, 0, 2);
    }
    return err;
}

/* One event for each tag in a result's first column. */
static tuor_error *record(tuor_db *db, tuor_request *q, tuor_event *event, const char *type, const tuor_result *tags)
{
    tuor_error *err = NULL;
    int i;

    event->type = type;
    for (i = 0; i < tuor_result_rows(tags) && !err; i++) {
        event->at = q->now + i;         /* in the order in which they were asked for */
        event->id = tuor_id("evt", event->at, q->pool);
        event->tag_id = tuor_result_text(tags, i, 0);
        err = tuor_event_record(db, q, event);
    }
    return err;
}

static tuor_error *finish(tuor_db *db, tuor_request *q, tuor_error *err)
{
    tuor_result *res;
    trace t;

    if (!err) {
        err = tuor_db_exec_commit(&res, db, &reread, TUOR_ARGS(tuor_text(q->param[0])));
    }
    tuor_db_end(db);
    if (err) {
        return err;
    }
    trace_from_result(&t, res, 0);
    return trace_reply(q, HTTP_OK, &t);
}

static int contains(const apr_array_header_t *texts, const char *s)
{
    int i;

    for (i = 0; i < texts->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(texts, i, const char *), s)) {
            return 1;
        }
    }
    return 0;
}

/* The ids of the body, each once. */
static apr_array_header_t *wanted(tuor_request *q, const tuor_json_field *f)
{
    apr_array_header_t *ids = apr_array_make(q->pool, TAGS_MAX, sizeof(const char *));
    tuor_json_walk walk;
    tuor_json_member m;
    int n = 0;

    if (f->type == TUOR_JSON_ARRAY) {
        tuor_json_walk_init(&walk, f->value);
        while (tuor_json_walk_next(&walk, &m) && n <= TAGS_MAX) {
            tuor_json_field element = { .name = "tag_ids", .value = m.value, .type = m.type };
            const char *id = tuor_field_string(q, &element, 1, 1, 100);

            n++;
            if (id && !contains(ids, id)) {
                APR_ARRAY_PUSH(ids, const char *) = id;
            }
        }
    }
    if (n < 1 || n > TAGS_MAX) {
        tuor_fault(q, f->name, "must be an array of 1 to %d tag ids", TAGS_MAX);
    }
    return ids;
}

static tuor_error *add(tuor_db *db, tuor_request *q, tuor_event *event, const apr_array_header_t *ids)
{
    tuor_result *found, *added, *total;
    tuor_error *err = tuor_db_exec(&found, db, &known, TUOR_ARGS(tuor_texts(ids)));

    if (!err && tuor_result_rows(found) != ids->nelts) {
        return tuor_error_not_found(q->pool, "tag");
    }
    if (!err) {
        err = tuor_db_exec(&added, db, &attach, TUOR_ARGS(tuor_text(event->trace_id), tuor_texts(ids)));
    }
    if (!err) {
        err = tuor_db_exec(NULL, db, &mark, TUOR_ARGS(tuor_text(event->trace_id)));
    }
    if (!err) {
        err = tuor_db_exec(&total, db, &count, TUOR_ARGS(tuor_text(event->trace_id)));
    }
    if (!err && tuor_result_int(total, 0, 0) > TAGS_MAX) {
        tuor_fault(q, "tag_ids", "would give the trace %" APR_INT64_T_FMT " tags; it can have up to %d",
                   tuor_result_int(total, 0, 0), TAGS_MAX);
        err = tuor_faults(q);
    }
    return err ? err : record(db, q, event, "tag.added", added);
}

tuor_error *traces_tags_add(tuor_request *q)
{
    tuor_json_field f = { .name = "tag_ids" };
    tuor_event event = { 0 };
    const apr_array_header_t *ids;
    tuor_db *db;
    tuor_error *err = tuor_body_json(q, &f, 1, 0);

    if (!err) {
        err = tuor_query(q, NULL, 0);
    }
    if (err) {
        return err;
    }
    if (f.type == TUOR_JSON_NONE) {
        tuor_fault(q, f.name, "is required");
        return tuor_faults(q);
    }
    ids = wanted(q, &f);
    err = tuor_faults(q);
    if (err) {
        return err;
    }
    err = begin(&db, &event, q);
    if (!err) {
        err = add(db, q, &event, ids);
    }
    return finish(db, q, err);
}

tuor_error *traces_tags_remove(tuor_request *q)
{
    const char *tag = q->param[1];
    tuor_event event = { 0 };
    tuor_result *gone;
    tuor_db *db;
    tuor_error *err = tuor_query(q, NULL, 0);

    if (!err) {
        err = tuor_faults(q);
    }
    if (err) {
        return err;
    }
    err = begin(&db, &event, q);
    if (!err) {
        err = tuor_db_exec(&gone, db, &detach, TUOR_ARGS(tuor_text(event.trace_id), tuor_text(tag)));
    }
    if (!err) {
        err = record(db, q, &event, "tag.removed", gone);
    }
    return finish(db, q, err);
}
