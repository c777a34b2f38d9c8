/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuorctl.h
 * What the files of tuorctl share: the administrator's tool, no part of the module.
 *
 * One process, one thread, one command. Whatever goes wrong ends the process: the server rolls back
 * what was not committed, and the advisory locks go with the connection.
 */
#ifndef TUORCTL_H
#define TUORCTL_H

#include <apr_pools.h>
#include <apr_strings.h>
#include <jansson.h>
#include <libpq-fe.h>

#include "tuor_id.h"

/** One run of the tool. */
typedef struct tuor_ctl {
    apr_pool_t *pool;
    PGconn *db;                         /**< open before a command runs, as the owner of the schema */
    const char *arg;                    /**< NAME, LOGIN, KEY_ID or ORG; NULL when the command has none */
    const char *value;                  /**< a second argument, or NULL */
    const char *database, *org, *role, *name, *before, *status;     /**< options, or NULL */
    int dry_run;
    int json;                           /**< --json: print objects, one a line */
} tuor_ctl;

/** A command: returns the exit status. */
typedef int tuor_ctl_run(tuor_ctl *c);

tuor_ctl_run tuor_ctl_migrate, tuor_ctl_check, tuor_ctl_stats, tuor_ctl_prune;
tuor_ctl_run tuor_ctl_org_create, tuor_ctl_org_list, tuor_ctl_org_suspend, tuor_ctl_org_resume,
    tuor_ctl_org_limit;
tuor_ctl_run tuor_ctl_user_add, tuor_ctl_user_remove, tuor_ctl_user_list;
tuor_ctl_run tuor_ctl_key_create, tuor_ctl_key_list, tuor_ctl_key_revoke;

/** Say what is wrong on standard error, and exit with 1. */
void tuor_ctl_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/** The values of a statement: TUOR_CTL_VALUES(id, name); each is text, or NULL for SQL NULL. */
#define TUOR_CTL_VALUES(...) \
    (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), \
    (const char *const[]){ __VA_ARGS__ }
#define TUOR_CTL_NO_VALUES 0, NULL

/** Run one statement; never NULL, as errors end the process. The caller clears the result. */
PGresult *tuor_ctl_query(tuor_ctl *c, const char *sql, int n, const char *const *values);

/** The same where no rows are of interest: "BEGIN". */
void tuor_ctl_exec(tuor_ctl *c, const char *sql);

/** A value of a result in the pool, or NULL for SQL NULL. */
const char *tuor_ctl_value(tuor_ctl *c, const PGresult *res, int row, int col);

/** The organization that an id or a name means. Ends the process when there is none, or more than one. */
const char *tuor_ctl_org_id(tuor_ctl *c, const char *id_or_name);

/**
 * Refuse a text that is empty, longer than max characters, no UTF-8, or has a control character.
 * @param what names it in the message
 */
void tuor_ctl_text_check(const char *what, const char *text, apr_size_t max);

#define TUOR_CTL_NAME_MAX 100
#define TUOR_CTL_LOGIN_MAX 255

/** Print an object as one line, and free it. */
void tuor_ctl_print(json_t *object);

/** Rows of a result as objects whose members are its columns; booleans, bigints and NULL keep their types. */
void tuor_ctl_print_rows(const PGresult *res);

/** SQL for a time as the API writes it. */
#define TUOR_CTL_TIME(column) \
    "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS " column

/** One migration: a file NNNN_name.sql. */
typedef struct tuor_ctl_migration {
    int version;
    const char *name;                   /**< without number and suffix */
    const char *path;
} tuor_ctl_migration;

/** Where the migrations are: TUOR_SQL_DIR of the environment, else of the build. */
const char *tuor_ctl_sql_dir(void);

/** The migrations, 1 to n without a gap; anything else in the directory that ends in .sql ends the process. */
apr_array_header_t *tuor_ctl_migrations(tuor_ctl *c);

/** The version of the database's schema; 0 when it has none. */
int tuor_ctl_schema_version(tuor_ctl *c);

#endif
