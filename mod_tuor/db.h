/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file db.h
 * The database, inside the core: links (connections) and what runs over them.
 *
 * db_link.c   where connections come from and go to
 * db_wire.c   statements over one link: pipeline, deadline, errors
 * db_value.c  parameters and results in binary form
 * db.c        units of work
 * db_copy.c   snapshots and streams
 */
#ifndef TUOR_DB_H
#define TUOR_DB_H

#include <apr_hash.h>
#include <apr_dbd.h>
#include <mod_dbd.h>
#include <libpq-fe.h>

#include "core.h"

/** A connection and what is known of it. Belongs to one thread at a time. */
typedef struct tuor_link {
    PGconn *pg;
    apr_hash_t *prepared;               /**< addresses of the tuor_stmts prepared on it; emptied by a reset */
    apr_pool_t *pool;                   /**< of prepared: lives as long as the connection */
    int schema_ok;                      /**< the schema was found new enough */
    server_rec *s;                      /**< whose mod_dbd it comes from */
    ap_dbd_t *dbd;                      /**< mod_dbd's handle; NULL for a connection of our own */
    apr_interval_time_t timeout;        /**< for one round trip: what the wait for the connection has left, a quarter at least */
    int remembered;                     /**< its parameters serve connections of our own */
    int counted;                        /**< of our own: stands for an export that is counted */
    struct tuor_link *next;             /**< in the list of those returned, or of idle ones of our own */
} tuor_link;

/** A connection of the shared pool, alive as far as can be told without a round trip. 503 otherwise. */
tuor_error *tuor_link_open(tuor_link **link, server_rec *s, apr_pool_t *pool);
/** Back to the pool; an open transaction is rolled back, a broken connection is reset by the next user. */
void tuor_link_close(tuor_link *link);
/**
 * A connection of our own with the parameters of the shared pool's.
 * @param first the first of an export: at most TuorExportConcurrency of them are out at a time
 */
tuor_error *tuor_link_open_own(tuor_link **link, server_rec *s, int first, apr_pool_t *pool);
/** Close, or keep for the next export when it is in good order. */
void tuor_link_close_own(tuor_link *link);
/** Nobody can tell what state this connection is in: never use it again. */
void tuor_link_break(tuor_link *link);

/** db.c's part of child_init. */
void tuor_db_child_init(apr_pool_t *pchild);

/** A step of a round trip. */
typedef struct tuor_step {
    const tuor_stmt *stmt;              /**< prepared on first use; or, without a name, sent as it is */
    const tuor_arg *args;
    int n;
    apr_pool_t *pool;                   /**< of its result; NULL: that of them all */
    tuor_result *res;                   /**< out */
    tuor_error *err;                    /**< out: why this step failed; steps behind it have none and no result */
} tuor_step;

/**
 * Send steps in one pipeline and collect their results. Without an open transaction they commit
 * together as one.
 * @return the error of the connection itself; those of steps stand in the steps
 */
tuor_error *tuor_wire_run(tuor_link *link, tuor_step *steps, int n, apr_pool_t *pool);

/** Wait until the connection is readable (or writable too). @return 0 in time, else the deadline has passed */
int tuor_wire_wait(tuor_link *link, int for_write, apr_time_t deadline);

/** The error for a failed result; takes no ownership. */
tuor_error *tuor_wire_error(apr_pool_t *pool, PGconn *pg, const PGresult *res);

/** The 503 of every trouble with the database. */
tuor_error *tuor_db_away(apr_pool_t *pool, const char *cause);

struct tuor_result {
    PGresult *pg;
    apr_pool_t *pool;
};

/** Wrap a result so that pool frees it. */
tuor_result *tuor_result_wrap(PGresult *pg, apr_pool_t *pool);

/** Parameters in libpq's form. */
typedef struct tuor_wire_args {
    Oid *types;
    const char **values;
    int *lengths, *formats;
} tuor_wire_args;

/** @return NULL, or 413 for a value longer than the protocol can carry */
tuor_error *tuor_wire_encode(tuor_wire_args *out, const tuor_arg *args, int n, apr_pool_t *pool);

struct tuor_db {
    tuor_link *link;
    apr_pool_t *pool;
    server_rec *s;
    tuor_request *q;                    /**< NULL for a unit of the server's own */
    const char *org_id;                 /**< of a unit of the server's own */
    tuor_db_mode mode;
    int begun;                          /**< BEGIN has been sent */
    int over;                           /**< committed or failed: nothing may follow */
    int exporting;                      /**< a link of the export pool */
    int copying;                        /**< a COPY is under way */
    apr_time_t deadline;                /**< of an export */
};

#endif
