/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Statements over one link: several steps travel in one pipeline and cost one round trip.
 *
 * libpq works non-blocking here, and poll() keeps the deadline: a server that is stopped, or a
 * network that swallows packets, costs a request its timeout and no more. What goes wrong on the
 * connection itself breaks the link; what goes wrong in a statement leaves it usable.
 */
#include "db.h"

#include <poll.h>

APLOG_USE_MODULE(tuor);

int tuor_wire_wait(tuor_link *link, int for_write, apr_time_t deadline)
{
    struct pollfd fd = { PQsocket(link->pg), (short)(POLLIN | (for_write ? POLLOUT : 0)), 0 };
    apr_time_t left;
    int n;

    do {
        left = deadline - apr_time_now();
        if (left <= 0) {
            return -1;
        }
        n = poll(&fd, 1, (int)(left / 1000) + 1);
    } while (n < 0 && errno == EINTR);
    return n > 0 ? 0 : -1;
}

/* Classes of SQLSTATE that say "not now": the server, not the statement, is in trouble. */
static int is_passing(const char *state)
{
    static const char *const classes[] = {
        "08", "53", "57", "58", "XX",   /* connection, resources, operator, system, internal */
        "40001", "40P01", "55P03", "25006", NULL   /* conflict, deadlock, lock, read-only standby */
    };
    int i;

    for (i = 0; classes[i]; i++) {
        if (!strncmp(state, classes[i], strlen(classes[i]))) {
            return 1;
        }
    }
    return 0;
}

tuor_error *tuor_wire_error(apr_pool_t *pool, PGconn *pg, const PGresult *res)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *message = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    tuor_error *err;

    if (!state || is_passing(state)) {
        return tuor_db_away(pool, apr_psprintf(pool, "%s %s", state ? state : "connection",
                                               message ? message : PQerrorMessage(pg)));
    }
    err = tuor_error_make(pool, HTTP_INTERNAL_SERVER_ERROR, "The database refused a statement; the server's log says more");
    err->sqlstate = apr_pstrdup(pool, state);
    err->cause = apr_psprintf(pool, "%s %s", state, message ? message : "");
    return err;
}

static tuor_error *broken(tuor_link *link, apr_pool_t *pool, const char *cause)
{
    tuor_error *err = tuor_db_away(pool, apr_pstrdup(pool, cause));

    tuor_link_break(link);
    return err;
}

/* ---------------------------------------------------------------- sending */

static int is_prepared(tuor_link *link, const tuor_stmt *stmt)
{
    return apr_hash_get(link->prepared, &stmt, sizeof(stmt)) != NULL;
}

static void note_prepared(tuor_link *link, const tuor_stmt *stmt)
{
    const tuor_stmt **key = apr_pmemdup(link->pool, &stmt, sizeof(stmt));

    apr_hash_set(link->prepared, key, sizeof(*key), stmt);
}

/* @param results how many results the step will bring; NULL error: queued */
static tuor_error *queue(tuor_link *link, tuor_step *step, int *prepares, apr_pool_t *pool)
{
    tuor_wire_args a;
    tuor_error *err = tuor_wire_encode(&a, step->args, step->n, pool);
    int ok;

    *prepares = 0;
    if (err) {
        return err;
    }
    if (!step->stmt->name) {
        ok = PQsendQueryParams(link->pg, step->stmt->sql, step->n, a.types, a.values, a.lengths, a.formats, 1);
    }
    else {
        if (!is_prepared(link, step->stmt)) {
            if (!PQsendPrepare(link->pg, step->stmt->name, step->stmt->sql, step->n, a.types)) {
                return broken(link, pool, PQerrorMessage(link->pg));
            }
            *prepares = 1;
        }
        ok = PQsendQueryPrepared(link->pg, step->stmt->name, step->n, a.values, a.lengths, a.formats, 1);
    }
    return ok ? NULL : broken(link, pool, PQerrorMessage(link->pg));
}

/* -------------------------------------------------------------- receiving */

/* The next result, or NULL for the end of a step's; sending goes on meanwhile. @return 0, or -1: too late or lost */
static int next_result(tuor_link *link, PGresult **res, apr_time_t deadline)
{
    int unsent;

    for (;;) {
        unsent = PQflush(link->pg);
        if (unsent < 0) {
            return -1;
        }
        if (!unsent && !PQisBusy(link->pg)) {
            *res = PQgetResult(link->pg);
            return 0;
        }
        if (tuor_wire_wait(link, unsent, deadline) || !PQconsumeInput(link->pg)) {
            return -1;
        }
    }
}

static int is_good(const PGresult *res)
{
    ExecStatusType s = PQresultStatus(res);

    return s == PGRES_TUPLES_OK || s == PGRES_COMMAND_OK;
}

/* All results of one queued command. */
static int collect(tuor_link *link, PGresult **kept, apr_time_t deadline)
{
    PGresult *res;

    *kept = NULL;
    for (;;) {
        if (next_result(link, &res, deadline)) {
            return -1;
        }
        if (!res) {
            return 0;
        }
        if (*kept) {
            PQclear(*kept);
        }
        *kept = res;
        if (PQstatus(link->pg) != CONNECTION_OK) {
            return -1;
        }
    }
}

static tuor_error *take(tuor_link *link, tuor_step *step, int prepares, apr_time_t deadline, apr_pool_t *pool)
{
    PGresult *res;

    if (prepares) {
        if (collect(link, &res, deadline)) {
            PQclear(res);
            return broken(link, pool, PQerrorMessage(link->pg));
        }
        if (is_good(res)) {
            note_prepared(link, step->stmt);
        }
        else if (PQresultStatus(res) != PGRES_PIPELINE_ABORTED) {
            step->err = tuor_wire_error(pool, link->pg, res);
        }
        PQclear(res);
    }
    if (collect(link, &res, deadline)) {
        PQclear(res);
        return broken(link, pool, PQerrorMessage(link->pg));
    }
    if (is_good(res)) {
        step->res = tuor_result_wrap(res, step->pool ? step->pool : pool);
        return NULL;
    }
    if (PQresultStatus(res) != PGRES_PIPELINE_ABORTED) {
        step->err = tuor_wire_error(pool, link->pg, res);
    }
    PQclear(res);
    return NULL;
}

/* The end of the pipeline. */
static tuor_error *synchronize(tuor_link *link, apr_time_t deadline, apr_pool_t *pool)
{
    PGresult *res;
    int ok;

    if (next_result(link, &res, deadline)) {
        return broken(link, pool, PQerrorMessage(link->pg));
    }
    ok = res && PQresultStatus(res) == PGRES_PIPELINE_SYNC;
    PQclear(res);
    if (!ok || !PQexitPipelineMode(link->pg)) {
        return broken(link, pool, "the pipeline lost its order");
    }
    return NULL;
}

#define STEPS_MAX 16

tuor_error *tuor_wire_run(tuor_link *link, tuor_step *steps, int n, apr_pool_t *pool)
{
    apr_time_t deadline = apr_time_now() + link->timeout;
    int prepares[STEPS_MAX];
    tuor_error *err = NULL;
    int i;

    ap_assert(n <= STEPS_MAX);
    if (!PQenterPipelineMode(link->pg)) {
        return broken(link, pool, PQerrorMessage(link->pg));
    }
    for (i = 0; i < n && !err; i++) {
        steps[i].res = NULL;
        steps[i].err = NULL;
        err = queue(link, &steps[i], &prepares[i], pool);
    }
    if (!err && !PQpipelineSync(link->pg)) {
        err = broken(link, pool, PQerrorMessage(link->pg));
    }
    for (i = 0; i < n && !err; i++) {
        err = take(link, &steps[i], prepares[i], deadline, pool);
    }
    if (!err) {
        err = synchronize(link, deadline, pool);
    }
    if (err && PQstatus(link->pg) == CONNECTION_OK) {
        tuor_link_break(link);  /* half a pipeline is of no use to anybody */
    }
    return err;
}
