/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Snapshots and streams: an export reads COPY … TO STDOUT in binary form, row by row, on a
 * connection of its own. What the client has not taken yet waits in the socket, not in memory.
 */
#include "db.h"

APLOG_USE_MODULE(tuor);

/* Signature, flags and length of the extension: all that comes before the first row. */
#define COPY_HEADER 19

static tuor_error *open_snapshot(tuor_db **out, tuor_request *q, const char *join)
{
    const char *sql = join ? apr_psprintf(q->pool, "SET TRANSACTION SNAPSHOT '%s'", join) : "SELECT";
    const tuor_stmt start = { NULL, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" };
    const tuor_stmt snapshot = { NULL, sql };
    tuor_step steps[3];
    tuor_arg args[2];
    tuor_db *db = apr_pcalloc(q->pool, sizeof(*db));
    tuor_error *err;

    *out = NULL;
    db->pool = q->pool;
    db->s = q->r->server;
    db->q = q;
    db->mode = TUOR_DB_ATOMIC;
    db->exporting = 1;
    db->begun = 1;
    db->deadline = apr_time_now() + tuor_config_of(db->s).export_timeout;
    err = tuor_link_open_own(&db->link, db->s, !join, q->pool);
    if (err) {
        return err;
    }
    memset(steps, 0, sizeof(steps));
    steps[0].stmt = &start;
    steps[1].stmt = &snapshot;
    steps[2].stmt = tuor_auth_entry(q->who, args, &steps[2].n);
    steps[2].args = args;
    err = tuor_wire_run(db->link, steps, 3, q->pool);
    if (!err) {
        err = steps[0].err ? steps[0].err : steps[1].err ? steps[1].err : steps[2].err;
    }
    if (!err) {
        err = tuor_auth_entered(q, steps[2].res);
    }
    if (err) {
        tuor_db_end(db);
        return err;
    }
    *out = db;
    return NULL;
}

tuor_error *tuor_db_snapshot(tuor_db **db, tuor_request *q)
{
    return open_snapshot(db, q, NULL);
}

tuor_error *tuor_db_snapshot_join(tuor_db **db, tuor_request *q, tuor_db *first)
{
    static const tuor_stmt export = { NULL, "SELECT pg_export_snapshot()" };
    tuor_result *res;
    tuor_error *err = tuor_db_exec(&res, first, &export, TUOR_NO_ARGS);

    *db = NULL;
    return err ? err : open_snapshot(db, q, tuor_result_text(res, 0, 0));
}

const char *tuor_db_literal(tuor_db *db, const char *text)
{
    char *quoted = PQescapeLiteral(db->link->pg, text, strlen(text));
    const char *copy = quoted ? apr_pstrdup(db->pool, quoted) : "NULL";

    PQfreemem(quoted);
    return copy;
}

tuor_error *tuor_db_copy(tuor_db *db, const char *sql)
{
    PGconn *pg = db->link->pg;
    tuor_error *err = NULL;
    PGresult *res;
    int left;

    if (!PQsendQuery(pg, sql)) {
        tuor_link_break(db->link);
        return tuor_db_away(db->pool, "COPY could not be sent");
    }
    while ((left = PQflush(pg)) > 0 || PQisBusy(pg)) {
        if (tuor_wire_wait(db->link, left > 0, db->deadline) || !PQconsumeInput(pg)) {
            tuor_link_break(db->link);
            return tuor_db_away(db->pool, "COPY did not start");
        }
    }
    res = PQgetResult(pg);
    if (PQresultStatus(res) == PGRES_COPY_OUT) {
        db->copying = 1;
    }
    else {
        err = tuor_wire_error(db->pool, pg, res);
        tuor_link_break(db->link);
    }
    PQclear(res);
    return err;
}

/* Behind the last row: the outcome of the COPY. */
static tuor_error *finish_copy(tuor_db *db)
{
    PGconn *pg = db->link->pg;
    PGresult *res;
    tuor_error *err = NULL;

    db->copying = 0;
    while ((res = PQgetResult(pg)) != NULL) {
        if (PQresultStatus(res) != PGRES_COMMAND_OK && !err) {
            err = tuor_wire_error(db->pool, pg, res);
        }
        PQclear(res);
        if (PQstatus(pg) != CONNECTION_OK) {
            break;
        }
    }
    return err;
}

/* The next message of the stream: its length, 0 at the end, -1 when it breaks. */
static int next_message(tuor_db *db, char **raw, tuor_error **err)
{
    int n;

    while ((n = PQgetCopyData(db->link->pg, raw, 1)) == 0) {
        if (tuor_wire_wait(db->link, 0, db->deadline) || !PQconsumeInput(db->link->pg)) {
            tuor_link_break(db->link);
            *err = tuor_db_away(db->pool, apr_time_now() >= db->deadline ? "the export took longer than TuorExportTimeout"
                                                                         : "the connection broke");
            return -1;
        }
    }
    if (n > 0) {
        return n;
    }
    if (n == -2) {
        *err = tuor_wire_error(db->pool, db->link->pg, NULL);
        return -1;
    }
    *err = finish_copy(db);
    return *err ? -1 : 0;
}

static unsigned short get16(const char *p)
{
    return (unsigned short)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

/* Cut a message into columns. @return whether it has the form of a row */
static int cut(tuor_copy_row *row, const char *p, const char *end)
{
    int i;

    row->n = (short)get16(p);
    p += 2;
    if (row->n < 0 || row->n > (int)(sizeof(row->col) / sizeof(*row->col))) {
        return row->n < 0;      /* the trailer: -1 */
    }
    for (i = 0; i < row->n; i++) {
        apr_int64_t len;

        if (end - p < 4) {
            return 0;
        }
        len = tuor_copy_int((tuor_slice){ p, 4 });
        p += 4;
        if (len < 0) {
            row->col[i] = TUOR_SLICE_NONE;
            continue;
        }
        if (len > end - p) {
            return 0;
        }
        row->col[i] = (tuor_slice){ p, (apr_size_t)len };
        p += len;
    }
    return 1;
}

void tuor_copy_row_free(tuor_copy_row *row)
{
    PQfreemem(row->raw);
    row->raw = NULL;
}

tuor_error *tuor_db_copy_row(int *more, tuor_copy_row *row, tuor_db *db)
{
    tuor_error *err = NULL;
    const char *p;
    int n;

    *more = 0;
    do {
        tuor_copy_row_free(row);
        if (!db->copying) {
            return NULL;
        }
        n = next_message(db, &row->raw, &err);
        if (n <= 0) {
            return err;
        }
        p = row->raw;
        if (db->copying == 1) {
            db->copying = 2;    /* the header stands before the first row, in the same message or its own */
            if (n < COPY_HEADER) {
                return tuor_db_away(db->pool, "COPY has no header");
            }
            p += COPY_HEADER;
            n -= COPY_HEADER;
        }
        if (n && (n < 2 || !cut(row, p, p + n))) {
            return tuor_db_away(db->pool, "a COPY row has another form");
        }
    } while (!n || row->n < 0);
    *more = 1;
    return NULL;
}
