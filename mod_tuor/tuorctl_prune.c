/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl prune: remove what is old. tuorctl stats: what there is, and how much room it takes.
 */
#include "tuorctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of one transaction: some hundredths of a second. */
#define BATCH "1000"

/* How much was counted before deletions began. */
#define FOLD_BATCH "5000"

typedef struct pruning {
    tuor_ctl *c;
    const char *org;
    const char *trace_id, *delivery_id; /* the lowest ids that stay */
    const char *statuses;               /* as an array of PostgreSQL's, or NULL */
    apr_int64_t traces, deliveries;
} pruning;

/* Status words as an array. Each is one of ours, so that nothing needs quoting. */
static const char *parse_statuses(tuor_ctl *c)
{
    static const char *const known[] = { "pending", "approved", "rejected", "corrected", "deleted", NULL };
    char *word, *state, *text;
    const char *list = "";
    int i;

    if (!c->status)
        return NULL;
    text = apr_pstrdup(c->pool, c->status);
    for (word = apr_strtok(text, ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        for (i = 0; known[i] && strcmp(known[i], word); i++)
            continue;
        if (!known[i])
            tuor_ctl_die("\"%s\" is no status: pending, approved, rejected, corrected or deleted", word);
        list = apr_pstrcat(c->pool, list, *list ? "," : "", word, NULL);
    }
    if (!*list)
        tuor_ctl_die("--status names no status");
    return apr_pstrcat(c->pool, "{", list, "}", NULL);
}

static apr_int64_t number(const PGresult *res, int col)
{
    return strtoll(PQgetvalue(res, 0, col), NULL, 10);
}

/* Call a function of batches until it has been through. @return how many rows it removed */
static apr_int64_t run(tuor_ctl *c, const char *sql, const char *org, const char *before, const char *statuses)
{
    apr_int64_t removed = 0;
    char *after = strdup("");
    int more = 1;

    while (more) {
        PGresult *res = tuor_ctl_query(c, sql, statuses ? 4 : 3, (const char *const[]){ org, before, after, statuses });

        removed += number(res, 0);
        more = !PQgetisnull(res, 0, 1);
        free(after);
        after = strdup(PQgetvalue(res, 0, 1));
        PQclear(res);
    }
    free(after);
    return removed;
}

/* Analytics keep what they have counted: let them count all before it goes. */
static void count_events(pruning *p)
{
    PGresult *res;
    apr_int64_t n;

    do {
        res = tuor_ctl_query(p->c, "SELECT tuor.analytics_fold($1, " FOLD_BATCH ", 1)", TUOR_CTL_VALUES(p->org));
        n = number(res, 0);
        PQclear(res);
    } while (n > 0);
}

static void prune(pruning *p)
{
    count_events(p);
    p->traces = run(p->c, p->statuses ? "SELECT removed, last_id FROM tuor.prune_traces($1, $2, $4::text[], $3, " BATCH ")"
                                      : "SELECT removed, last_id FROM tuor.prune_traces($1, $2, NULL, $3, " BATCH ")",
                    p->org, p->trace_id, p->statuses);
    p->deliveries = p->statuses ? 0 : run(p->c, "SELECT removed, last_id FROM tuor.prune_deliveries($1, $2, $3, " BATCH ")",
                                          p->org, p->delivery_id, NULL);
}

static void count(pruning *p)
{
    PGresult *res = tuor_ctl_query(p->c,
        "SELECT (SELECT count(*) FROM tuor.traces t WHERE t.org_id = $1 AND t.id < $2 AND ($3::text[] IS NULL"
        "        OR CASE WHEN t.deleted_at IS NULL THEN t.status ELSE 'deleted' END = ANY ($3::text[]))),"
        "       (SELECT count(*) FROM tuor.webhook_deliveries d WHERE d.org_id = $1 AND d.id < $4 AND $3::text[] IS NULL"
        "        AND d.status IN ('success', 'failed'))",
        TUOR_CTL_VALUES(p->org, p->trace_id, p->statuses, p->delivery_id));

    p->traces = number(res, 0);
    p->deliveries = number(res, 1);
    PQclear(res);
}

int tuor_ctl_prune(tuor_ctl *c)
{
    apr_time_t before;
    PGresult *orgs;
    pruning p = { .c = c, .statuses = parse_statuses(c) };
    int i;

    if (tuor_time_parse(&before, c->before) != APR_SUCCESS || before <= 0)
        tuor_ctl_die("\"%s\" is no time such as 2026-05-20 or 2026-05-20T10:00:00Z", c->before);
    if (before > apr_time_now())
        tuor_ctl_die("%s is still to come", c->before);
    p.trace_id = tuor_id_floor("trace", before, c->pool);
    p.delivery_id = tuor_id_floor("whd", before, c->pool);
    orgs = c->org ? tuor_ctl_query(c, "SELECT o.org_id, o.name FROM tuor.organizations o WHERE o.org_id = $1",
                                   TUOR_CTL_VALUES(tuor_ctl_org_id(c, c->org)))
                  : tuor_ctl_query(c, "SELECT o.org_id, o.name FROM tuor.organizations o ORDER BY o.org_id", TUOR_CTL_NO_VALUES);
    for (i = 0; i < PQntuples(orgs); i++) {
        p.org = PQgetvalue(orgs, i, 0);
        if (c->dry_run)
            count(&p);
        else
            prune(&p);
        if (c->json)
            tuor_ctl_print(json_pack("{s:s, s:s, s:I, s:I, s:b}", "id", p.org, "name", PQgetvalue(orgs, i, 1),
                                     "traces", (json_int_t)p.traces, "webhook_deliveries", (json_int_t)p.deliveries, "dry_run", c->dry_run));
        else
            printf("%s  %" APR_INT64_T_FMT " traces, %" APR_INT64_T_FMT " webhook deliveries%s  %s\n", p.org, p.traces,
                   p.deliveries, c->dry_run ? " would go" : " removed", PQgetvalue(orgs, i, 1));
    }
    PQclear(orgs);
    return 0;
}

/* -------------------------------------------------------------------- stats */

int tuor_ctl_stats(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c,
        "SELECT s.relname AS \"table\", s.n_live_tup AS rows, s.n_dead_tup AS dead_rows, pg_table_size(s.relid) AS table_bytes,"
        " pg_indexes_size(s.relid) AS index_bytes FROM pg_stat_user_tables s WHERE s.schemaname = 'tuor'"
        " ORDER BY pg_total_relation_size(s.relid) DESC, s.relname", TUOR_CTL_NO_VALUES);
    PGresult *trace = tuor_ctl_query(c,
        "SELECT s.n_live_tup AS traces, CASE WHEN s.n_live_tup > 0 THEN (pg_total_relation_size('tuor.traces')"
        " + pg_total_relation_size('tuor.trace_events') + pg_total_relation_size('tuor.trace_tags')) / s.n_live_tup END AS bytes_per_trace"
        " FROM pg_stat_user_tables s WHERE s.relid = 'tuor.traces'::regclass", TUOR_CTL_NO_VALUES);
    int i;

    if (c->json) {
        tuor_ctl_print_rows(res);
        tuor_ctl_print_rows(trace);
    }
    else {
        printf("%-20s %12s %10s %14s %14s\n", "table", "rows", "dead", "table bytes", "index bytes");
        for (i = 0; i < PQntuples(res); i++)
            printf("%-20s %12s %10s %14s %14s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 1), PQgetvalue(res, i, 2),
                   PQgetvalue(res, i, 3), PQgetvalue(res, i, 4));
        if (!PQgetisnull(trace, 0, 1))
            printf("a trace takes %s bytes on disk with its events, its tags and all indexes\n", PQgetvalue(trace, 0, 1));
    }
    PQclear(trace);
    PQclear(res);
    return 0;
}
