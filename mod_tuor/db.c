/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Units of work: a connection for a moment, the caller's organization set for each transaction, and
 * the connection given back in good order.
 */
#include "db.h"

#include <apr_thread_mutex.h>

APLOG_USE_MODULE(tuor);

static const tuor_stmt begin = { NULL, "BEGIN" };
static const tuor_stmt commit = { NULL, "COMMIT" };
static const tuor_stmt enter_org = { "enter_org", "SELECT tuor.enter_org($1)" };

/*
 * The first statement on a connection. Its settings stay: every statement of Tuor's goes along an
 * index, whatever the statistics of a table that nobody has analysed yet say, and is planned once.
 */
static const tuor_stmt settle = {
    NULL, "SELECT tuor.schema_version(), set_config('plan_cache_mode', 'force_generic_plan', false),"
          " set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),"
          " set_config('jit', 'off', false)"
};

/* -------------------------------------------- statements made at run time */

/* One set a child. The number of texts is that of the combinations that the code can make. */
static apr_hash_t *made;
static apr_thread_mutex_t *made_lock;

const tuor_stmt *tuor_stmt_for(const char *sql)
{
    tuor_stmt *stmt;

    apr_thread_mutex_lock(made_lock);
    stmt = apr_hash_get(made, sql, APR_HASH_KEY_STRING);
    if (!stmt) {
        apr_pool_t *pool = apr_hash_pool_get(made);

        stmt = apr_palloc(pool, sizeof(*stmt));
        stmt->name = apr_psprintf(pool, "made_%u", apr_hash_count(made));
        stmt->sql = apr_pstrdup(pool, sql);
        apr_hash_set(made, stmt->sql, APR_HASH_KEY_STRING, stmt);
    }
    apr_thread_mutex_unlock(made_lock);
    return stmt;
}

void tuor_db_child_init(apr_pool_t *pchild)
{
    made = apr_hash_make(pchild);
    apr_thread_mutex_create(&made_lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

/* ------------------------------------------------------------- the schema */

static tuor_error *check_schema(tuor_link *link, apr_pool_t *pool)
{
    tuor_step step = { .stmt = &settle };
    tuor_error *err;
    int have;

    if (link->schema_ok) {
        return NULL;
    }
    err = tuor_wire_run(link, &step, 1, pool);
    if (err) {
        return err;
    }
    have = step.res ? (int)tuor_result_int(step.res, 0, 0) : 0;
    if (have >= TUOR_SCHEMA_VERSION) {
        link->schema_ok = 1;
        return NULL;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, link->s, TUORNO(0003)
                 "the database schema is at version %d and this module needs %d: run tuorctl migrate", have, TUOR_SCHEMA_VERSION);
    return tuor_error_make(pool, HTTP_SERVICE_UNAVAILABLE, "The database is not ready for this version of Tuor: "
                           "its administrator has to run tuorctl migrate");
}

/* -------------------------------------------------------------- beginning */

static tuor_error *open_unit(tuor_db **out, tuor_request *q, server_rec *s, const char *org_id,
                             tuor_db_mode mode, apr_pool_t *pool)
{
    tuor_db *db = apr_pcalloc(pool, sizeof(*db));
    tuor_error *err;

    *out = NULL;
    db->pool = pool;
    db->s = s;
    db->q = q;
    db->org_id = org_id;
    db->mode = mode;
    err = tuor_link_open(&db->link, s, pool);
    if (err) {
        return err;
    }
    err = check_schema(db->link, pool);
    if (err) {
        tuor_link_close(db->link);
        return err;
    }
    *out = db;
    return NULL;
}

tuor_error *tuor_db_begin(tuor_db **db, tuor_request *q, tuor_db_mode mode)
{
    return open_unit(db, q, q->r->server, NULL, mode, q->pool);
}

tuor_error *tuor_db_begin_system(tuor_db **db, server_rec *s, const char *org_id,
                                 tuor_db_mode mode, apr_pool_t *pool)
{
    return open_unit(db, NULL, s, org_id, mode, pool);
}

void tuor_db_until(tuor_db *db, apr_time_t deadline)
{
    apr_interval_time_t left = deadline - apr_time_now();

    if (deadline && left < db->link->timeout) {
        db->link->timeout = left;       /* tuor_link_open() sets it anew */
    }
}

/* -------------------------------------------------------------- statements */

/* The step that lets the transaction into an organization; NULL stmt: none is needed. */
static void entry(tuor_db *db, tuor_step *step, tuor_arg args[2])
{
    step->args = args;
    if (db->q && db->q->who->kind != TUOR_BY_SYSTEM) {
        step->stmt = tuor_auth_entry(db->q->who, args, &step->n);
    }
    else if (db->org_id) {
        args[0] = tuor_text(db->org_id);
        step->stmt = &enter_org;
        step->n = 1;
    }
}

/* What the entry said. */
static tuor_error *entered(tuor_db *db, const tuor_step *step)
{
    if (step->err || !db->q || !step->stmt || step->stmt == &enter_org) {
        return step->err;
    }
    return tuor_auth_entered(db->q, step->res);
}

static tuor_error *run(tuor_result **res, tuor_db *db, const tuor_stmt *stmt, const tuor_arg *args, int n, int last)
{
    tuor_step steps[4];
    tuor_arg entry_args[2];
    tuor_step *enter = NULL, *own;
    tuor_error *err;
    int k = 0;

    memset(steps, 0, sizeof(steps));
    if (res) {
        *res = NULL;
    }
    if (db->over) {
        return tuor_error_make(db->pool, HTTP_INTERNAL_SERVER_ERROR, "The unit of work is over");
    }
    if (db->mode == TUOR_DB_ATOMIC && !db->begun) {
        steps[k++].stmt = &begin;
    }
    if (db->mode == TUOR_DB_EACH || !db->begun) {
        entry(db, &steps[k], entry_args);
        enter = steps[k].stmt ? &steps[k++] : NULL;
    }
    own = &steps[k++];
    own->stmt = stmt;
    own->args = args;
    own->n = n;
    if (last) {
        steps[k++].stmt = &commit;
    }
    db->begun = 1;
    err = tuor_wire_run(db->link, steps, k, db->pool);
    if (!err && enter) {
        err = entered(db, enter);
    }
    if (!err) {
        err = own->err;
    }
    if (!err && last) {
        err = steps[k - 1].err;
    }
    db->over = last || (err && db->mode == TUOR_DB_ATOMIC);
    if (!err && res) {
        *res = own->res;
    }
    return err;
}

tuor_error *tuor_db_exec(tuor_result **res, tuor_db *db, const tuor_stmt *stmt, const tuor_arg *args, int n)
{
    return run(res, db, stmt, args, n, 0);
}

tuor_error *tuor_db_exec_all(tuor_db *db, tuor_part *parts, int n)
{
    tuor_step *steps = apr_pcalloc(db->pool, (apr_size_t)(n + 1) * sizeof(*steps)), *own = steps;
    tuor_arg entry_args[2];
    tuor_error *err;
    int i;

    entry(db, steps, entry_args);
    own += steps->stmt != NULL;
    for (i = 0; i < n; i++) {
        own[i] = (tuor_step){ .stmt = parts[i].stmt, .args = parts[i].args, .n = parts[i].n, .pool = parts[i].pool };
    }
    err = tuor_wire_run(db->link, steps, (int)(own - steps) + n, db->pool);
    if (!err && own != steps) {
        err = entered(db, steps);
    }
    for (i = 0; i < n && !err; i++) {
        parts[i].res = own[i].res;
        err = own[i].err;
    }
    return err;
}

tuor_error *tuor_db_exec_commit(tuor_result **res, tuor_db *db, const tuor_stmt *stmt,
                                const tuor_arg *args, int n)
{
    return run(res, db, stmt, args, n, db->mode == TUOR_DB_ATOMIC);
}

/* ------------------------------------------------------------------ ending */

static tuor_error *end_with(tuor_db *db, const char *sql)
{
    const tuor_stmt stmt = { NULL, sql };
    tuor_step step = { .stmt = &stmt };
    tuor_error *err = tuor_wire_run(db->link, &step, 1, db->pool);

    db->over = 1;
    return err ? err : step.err;
}

tuor_error *tuor_db_commit(tuor_db *db)
{
    return db->mode == TUOR_DB_ATOMIC && db->begun && !db->over ? end_with(db, "COMMIT") : NULL;
}

void tuor_db_end(tuor_db *db)
{
    PGTransactionStatusType state;

    if (!db || !db->link) {
        return;
    }
    state = PQtransactionStatus(db->link->pg);
    if (PQstatus(db->link->pg) == CONNECTION_OK && (state == PQTRANS_INTRANS || state == PQTRANS_INERROR)) {
        end_with(db, "ROLLBACK");
    }
    if (db->exporting) {
        tuor_link_close_own(db->link);
    }
    else {
        tuor_link_close(db->link);
    }
    db->link = NULL;
}
