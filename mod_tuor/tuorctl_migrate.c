/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl migrate: bring the schema to the version of this software.
 *
 * A migration is a file NNNN_name.sql, numbered from 1 without a gap. It commits together with its
 * row in tuor.schema_migrations, or leaves nothing. A session lock makes a second tuorctl wait and
 * then find nothing to do.
 */
#include "tuorctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>

/* The number of the lock: "tuor" as four bytes. */
#define MIGRATE_LOCK "1953853298"

const char *tuor_ctl_sql_dir(void)
{
    const char *dir = getenv("TUOR_SQL_DIR");

    return dir && dir[0] ? dir : TUOR_SQL_DIR;
}

static int by_version(const void *a, const void *b)
{
    return ((const tuor_ctl_migration *)a)->version - ((const tuor_ctl_migration *)b)->version;
}

/* NNNN_name.sql: four digits, then lower-case letters, digits and underscores. */
static int parse_name(tuor_ctl *c, tuor_ctl_migration *m, const char *file)
{
    apr_size_t len = strlen(file), i;

    if (len < 4 + 1 + 1 + 4 || file[4] != '_')
        return 0;
    for (i = 0; i < len - 4; i++)
        if (i == 4 ? file[i] != '_' : i < 4 ? !apr_isdigit(file[i])
                   : !apr_islower(file[i]) && !apr_isdigit(file[i]) && file[i] != '_')
            return 0;
    m->version = atoi(file);
    m->name = apr_pstrmemdup(c->pool, file + 5, len - 4 - 5);
    return 1;
}

apr_array_header_t *tuor_ctl_migrations(tuor_ctl *c)
{
    const char *path = tuor_ctl_sql_dir();
    apr_array_header_t *list = apr_array_make(c->pool, 16, sizeof(tuor_ctl_migration));
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, path, c->pool);
    char why[128];
    int i;

    if (rv != APR_SUCCESS)
        tuor_ctl_die("the migrations in %s cannot be read: %s; set TUOR_SQL_DIR to where they are", path,
                     apr_strerror(rv, why, sizeof(why)));
    while ((rv = apr_dir_read(&entry, APR_FINFO_NAME, dir)) == APR_SUCCESS || rv == APR_INCOMPLETE) {
        apr_size_t len = strlen(entry.name);
        tuor_ctl_migration *m;
        if (entry.name[0] == '.' || len < 4 || strcmp(entry.name + len - 4, ".sql"))
            continue;
        m = apr_array_push(list);
        if (!parse_name(c, m, entry.name))
            tuor_ctl_die("%s/%s is no migration: those are called NNNN_name.sql", path, entry.name);
        m->path = apr_pstrcat(c->pool, path, "/", entry.name, NULL);
    }
    apr_dir_close(dir);
    if (!list->nelts)
        tuor_ctl_die("there is no migration in %s; set TUOR_SQL_DIR to where they are", path);
    qsort(list->elts, list->nelts, list->elt_size, by_version);
    for (i = 0; i < list->nelts; i++) {
        const tuor_ctl_migration *m = &APR_ARRAY_IDX(list, i, tuor_ctl_migration);
        if (m->version != i + 1)
            tuor_ctl_die("%s: migration %04d %s", path, m->version > i + 1 ? i + 1 : m->version,
                         m->version > i + 1 ? "is missing" : "is there twice, or counts from 0");
    }
    return list;
}

static int has_table(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c, "SELECT to_regclass('tuor.schema_migrations') IS NOT NULL", TUOR_CTL_NO_VALUES);
    int yes = PQgetvalue(res, 0, 0)[0] == 't';

    PQclear(res);
    return yes;
}

int tuor_ctl_schema_version(tuor_ctl *c)
{
    PGresult *res;
    int version;

    if (!has_table(c))
        return 0;
    res = tuor_ctl_query(c, "SELECT coalesce(max(version), 0) FROM tuor.schema_migrations", TUOR_CTL_NO_VALUES);
    version = atoi(PQgetvalue(res, 0, 0));
    PQclear(res);
    return version;
}

/* What the database says it has must be what the files are, up to where it says to be. */
static void compare(tuor_ctl *c, const apr_array_header_t *list)
{
    PGresult *res;
    int i;

    if (!has_table(c))
        return;
    res = tuor_ctl_query(c, "SELECT version, name FROM tuor.schema_migrations ORDER BY version", TUOR_CTL_NO_VALUES);
    for (i = 0; i < PQntuples(res); i++) {
        int version = atoi(PQgetvalue(res, i, 0));
        const tuor_ctl_migration *m;
        if (PQntuples(res) > list->nelts || version > list->nelts)
            tuor_ctl_die("the database is newer (version %s) than this software (version %d): update the software",
                         PQgetvalue(res, PQntuples(res) - 1, 0), list->nelts);
        m = &APR_ARRAY_IDX(list, i, tuor_ctl_migration);
        if (version != i + 1)
            tuor_ctl_die("the database lacks migration %04d but has later ones: restore it from a backup", i + 1);
        if (strcmp(m->name, PQgetvalue(res, i, 1)))
            tuor_ctl_die("migration %04d is \"%s\" here, but the database has applied another one, \"%s\"",
                         version, m->name, PQgetvalue(res, i, 1));
    }
    PQclear(res);
}

static const char *read_file(tuor_ctl *c, const char *path)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;
    char why[128], *text = NULL;

    if ((rv = apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, c->pool)) == APR_SUCCESS
        && (rv = apr_file_info_get(&info, APR_FINFO_SIZE, file)) == APR_SUCCESS) {
        text = apr_palloc(c->pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(file, text, (apr_size_t)info.size, NULL);
        text[info.size] = '\0';
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && !(rv == APR_EOF && info.size == 0))
        tuor_ctl_die("%s cannot be read: %s", path, apr_strerror(rv, why, sizeof(why)));
    if (strlen(text) != (apr_size_t)info.size)
        tuor_ctl_die("%s has a NUL character", path);
    return text;
}

/* The line of a text in which its nth character (from 1) stands. */
static int line_of(const char *text, int position)
{
    int line = 1;

    for (; *text && position > 1; text++) {
        line += *text == '\n';
        position -= (*text & 0xc0) != 0x80;
    }
    return line;
}

static void apply(tuor_ctl *c, const tuor_ctl_migration *m)
{
    const char *sql = read_file(c, m->path);
    char version[16];
    PGresult *res;

    tuor_ctl_exec(c, "BEGIN");
    res = PQexec(c->db, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
        const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
        const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
        const char *position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
        const char *where = position ? apr_psprintf(c->pool, ":%d", line_of(sql, atoi(position))) : "";
        if (PQresultStatus(res) == PGRES_EMPTY_QUERY)
            text = "it has no statement";
        tuor_ctl_die("%s%s: %s%s%s\n  Nothing of this migration was kept; those before it were.", m->path, where,
                     text ? text : PQerrorMessage(c->db), hint ? "; " : "", hint ? hint : "");
    }
    PQclear(res);
    if (PQtransactionStatus(c->db) != PQTRANS_INTRANS)
        tuor_ctl_die("%s ends the transaction by itself: take its COMMIT or ROLLBACK out", m->path);
    apr_snprintf(version, sizeof(version), "%d", m->version);
    PQclear(tuor_ctl_query(c, "INSERT INTO tuor.schema_migrations (version, name) VALUES ($1::int, $2)",
                           TUOR_CTL_VALUES(version, m->name)));
    tuor_ctl_exec(c, "COMMIT");
}

int tuor_ctl_migrate(tuor_ctl *c)
{
    const apr_array_header_t *list = tuor_ctl_migrations(c);
    json_t *applied = json_array();
    PGresult *res;
    int version, i;

    res = tuor_ctl_query(c, "SELECT pg_try_advisory_lock(" MIGRATE_LOCK ")", TUOR_CTL_NO_VALUES);
    if (PQgetvalue(res, 0, 0)[0] != 't') {
        fputs("tuorctl: waiting for another tuorctl migrate\n", stderr);
        tuor_ctl_exec(c, "SELECT pg_advisory_lock(" MIGRATE_LOCK ")");
    }
    PQclear(res);

    compare(c, list);
    version = tuor_ctl_schema_version(c);
    for (i = version; i < list->nelts; i++) {
        const tuor_ctl_migration *m = &APR_ARRAY_IDX(list, i, tuor_ctl_migration);
        apply(c, m);
        json_array_append_new(applied, json_sprintf("%04d_%s", m->version, m->name));
        if (!c->json) {
            printf("applied %04d_%s\n", m->version, m->name);
            fflush(stdout);
        }
    }
    if (c->json)
        tuor_ctl_print(json_pack("{s:i, s:O}", "version", list->nelts, "applied", applied));
    else
        printf("the schema is at version %d%s\n", list->nelts, version == list->nelts ? ": nothing to do" : "");
    json_decref(applied);
    return 0;
}
