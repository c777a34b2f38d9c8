/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Looking back: the events before a place, newest first, for people who ask what happened.
 *
 * Unlike the feed it shows what has committed at once, and so may pass by an event that commits late;
 * whoever needs every event reads forward.
 *
 * Events have no index by time, which every write would pay for. Places and times rise together, but
 * for the length of a transaction and the difference of clocks: a range of times is looked up as a range
 * of places, by bisection over the index of places, SLACK wider at both ends, and compared exactly there.
 */
#include "events.h"

APLOG_USE_MODULE(tuor_events);

#define SLACK apr_time_from_sec(900)

/* The first position behind which all events are of that time or later. */
static const tuor_stmt place_of_time = {
    "events_place_of_time",
    "WITH RECURSIVE s (lo, hi) AS ("
    " SELECT 0::bigint, coalesce((SELECT e.pos + 1 FROM tuor.trace_events e WHERE e.org_id = tuor.org()"
    "  ORDER BY e.org_id DESC, e.pos DESC, e.seq DESC LIMIT 1), 0)"
    " UNION ALL"
    " SELECT CASE WHEN x.occurred_at < $1 THEN m.mid + 1 ELSE s.lo END, CASE WHEN x.occurred_at < $1 THEN s.hi ELSE m.mid END"
    "  FROM s CROSS JOIN LATERAL (SELECT (s.lo + s.hi) / 2 AS mid) m"
    "  LEFT JOIN LATERAL (SELECT e.occurred_at FROM tuor.trace_events e WHERE e.org_id = tuor.org() AND (e.pos, e.seq) >= (m.mid, 0)"
    "   ORDER BY e.org_id, e.pos, e.seq LIMIT 1) x ON true"
    "  WHERE s.lo < s.hi)"
    " SELECT max(lo) FROM s"
};

/* The statement and its parameters, as they grow. */
typedef struct draft {
    tuor_buf sql;
    apr_array_header_t *args;
} draft;

static void add(draft *d, const char *condition, tuor_arg value)
{
    APR_ARRAY_PUSH(d->args, tuor_arg) = value;
    tuor_buf_printf(&d->sql, condition, d->args->nelts);
}

static void add_text(draft *d, const char *condition, const char *value)
{
    if (value) {
        add(d, condition, tuor_text(value));
    }
}

static tuor_error *look_up(apr_int64_t *pos, tuor_db *db, apr_time_t when)
{
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, db, &place_of_time, TUOR_ARGS(tuor_time(when)));

    if (!err) {
        *pos = tuor_result_int(res, 0, 0);
    }
    return err;
}

/* What is looked at: the events before a place, in the range of places of the times. */
static tuor_error *draft_seen(draft *d, tuor_db *db, const history_query *what, place before)
{
    tuor_error *err = NULL;
    apr_int64_t low = 0, high;

    if (what->to && before.pos == APR_INT64_MAX) {
        err = look_up(&high, db, what->to + SLACK);
        before = (place){ high, 0 };
    }
    if (!err && what->from) {
        err = look_up(&low, db, what->from > SLACK ? what->from - SLACK : 1);
    }
    if (err) {
        return err;
    }
    tuor_buf_puts(&d->sql, "WITH seen AS MATERIALIZED ("
                  "SELECT e.pos, e.seq, e.trace_id, e.id, e.type, e.actor_id, e.occurred_at,"
                  " coalesce(octet_length(e.correction_diff), 0) + coalesce(octet_length(e.comment), 0) AS size"
                  " FROM tuor.trace_events e WHERE e.org_id = tuor.org()");
    add(d, " AND (e.pos, e.seq) < ($%d,", tuor_int(before.pos));
    add(d, " $%d)", tuor_int(before.seq));
    if (low) {
        add(d, " AND e.pos >= $%d", tuor_int(low));
    }
    add_text(d, " AND e.trace_id = $%d", what->trace_id);
    add(d, " ORDER BY e.org_id DESC, e.pos DESC, e.seq DESC LIMIT $%d)", tuor_int(what->filtered ? EVENTS_SCAN : what->limit + 1));
    return NULL;
}

/* Of those, what was asked for. */
static void draft_wanted(draft *d, const history_query *what)
{
    tuor_buf_puts(&d->sql, ", wanted AS MATERIALIZED ("
                  "SELECT s.pos, s.seq, s.trace_id, s.id, sum(s.size) OVER (ORDER BY s.pos DESC, s.seq DESC) - s.size AS before"
                  " FROM seen s WHERE true");
    if (what->types) {
        add(d, " AND s.type = ANY ($%d)", tuor_texts(what->types));
    }
    add_text(d, " AND s.actor_id = $%d", what->actor_id);
    if (what->from) {
        add(d, " AND s.occurred_at >= $%d", tuor_time(what->from));
    }
    if (what->to) {
        add(d, " AND s.occurred_at < $%d", tuor_time(what->to));
    }
    add_text(d, " AND EXISTS (SELECT FROM tuor.traces t WHERE t.org_id = tuor.org() AND t.id = s.trace_id AND t.project_id = $%d)",
             what->project_id);
    add(d, " ORDER BY s.pos DESC, s.seq DESC LIMIT $%d)", tuor_int(what->limit + 1));
}

/* The columns of events_page(). */
static void draft_rows(draft *d)
{
    tuor_buf_puts(&d->sql, ", meta AS (SELECT (SELECT count(*) FROM seen) AS scanned, (SELECT count(*) FROM wanted) AS matched,"
                  " last.pos, last.seq FROM (VALUES (1)) AS one"
                  " LEFT JOIN (SELECT s.pos, s.seq FROM seen s ORDER BY s.pos, s.seq LIMIT 1) last ON true)"
                  " SELECT 0::bigint, 0::bigint, false, m.scanned, m.matched, m.pos, m.seq, x.* FROM meta m"
                  " LEFT JOIN (SELECT w.pos, w.seq, " TUOR_EVENT_COLUMNS ", w.trace_id, t.project_id FROM wanted w"
                  " JOIN tuor.trace_events e ON e.org_id = tuor.org() AND e.trace_id = w.trace_id AND e.id = w.id"
                  " JOIN tuor.traces t ON t.org_id = tuor.org() AND t.id = w.trace_id");
    add(d, " WHERE w.before < $%d) x ON true ORDER BY x.pos DESC, x.seq DESC", tuor_int(EVENTS_PAGE_BYTES));
}

tuor_error *history_fetch(page *pg, tuor_request *q, const history_query *what, place before)
{
    draft d = { .args = apr_array_make(q->pool, 12, sizeof(tuor_arg)) };
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    tuor_buf_init(&d.sql, q->pool);
    if (!err) {
        err = draft_seen(&d, db, what, before);
    }
    if (!err) {
        draft_wanted(&d, what);
        draft_rows(&d);
        err = tuor_db_exec(&res, db, tuor_stmt_for(tuor_buf_text(&d.sql)), (const tuor_arg *)d.args->elts, d.args->nelts);
    }
    tuor_db_end(db);
    if (!err) {
        page_take(pg, res, what->limit, what->filtered, before);
    }
    return err;
}
