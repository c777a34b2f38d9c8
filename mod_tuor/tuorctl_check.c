/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl check: is the database what the server relies on?
 *
 * One line for each thing; what is wrong says what to do about it.
 */
#include "tuorctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void report(tuor_ctl *c, const char *what, int ok, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void report(tuor_ctl *c, const char *what, int ok, const char *fmt, ...)
{
    const char *detail;
    va_list ap;

    va_start(ap, fmt);
    detail = apr_pvsprintf(c->pool, fmt, ap);
    va_end(ap);
    failures += !ok;
    if (c->json)
        tuor_ctl_print(json_pack("{s:s, s:b, s:s}", "check", what, "ok", ok, "detail", detail));
    else
        printf("%-6s %-12s %s\n", ok ? "ok" : "WRONG", what, detail);
}

/* The only value of a query, never NULL. */
static const char *ask(tuor_ctl *c, const char *sql)
{
    PGresult *res = tuor_ctl_query(c, sql, TUOR_CTL_NO_VALUES);
    const char *value = PQntuples(res) ? tuor_ctl_value(c, res, 0, 0) : NULL;

    PQclear(res);
    return value ? value : "";
}

static void check_server(tuor_ctl *c)
{
    const char *encoding = ask(c, "SHOW server_encoding");

    report(c, "connection", PQserverVersion(c->db) >= 150000, "PostgreSQL %s, database %s, as %s%s",
           ask(c, "SHOW server_version"), PQdb(c->db), PQuser(c->db),
           PQserverVersion(c->db) >= 150000 ? "" : "; version 15 or later is needed");
    report(c, "encoding", !strcmp(encoding, "UTF8"), "%s%s", encoding,
           strcmp(encoding, "UTF8") ? "; dump it into a database made with createdb -E UTF8" : "");
    report(c, "compression",
           ask(c, "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")[0] == 't',
           "lz4%s", ask(c, "SELECT CASE WHEN 'lz4' = ANY (enumvals) THEN '' ELSE"
                           " ' is missing; use a PostgreSQL that is built --with-lz4, as Debian''s is' END"
                           " FROM pg_settings WHERE name = 'default_toast_compression'"));
}

/* An acknowledged write must survive a crash of the database's machine. */
static void check_durability(tuor_ctl *c)
{
    const char *off = ask(c,
        "SELECT string_agg(name || ' = ' || setting, ', ' ORDER BY name) FROM pg_settings"
        " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'");
    /* What was set for the server's role, or for all roles, does not show in this session. */
    const char *role_off = ask(c,
        "SELECT string_agg(setting, ', ') FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting"
        " WHERE setting ~ '^synchronous_commit=(off|false|no|0)$'"
        " AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
        " AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = 'tuor_app'))");

    if (off[0])
        report(c, "durability", 0, "%s; turn it on in postgresql.conf, or a crash loses answered requests", off);
    else if (role_off[0])
        report(c, "durability", 0, "%s for tuor_app; ALTER ROLE tuor_app RESET synchronous_commit, and so on the database",
               role_off);
    else
        report(c, "durability", 1, "fsync, full_page_writes and synchronous_commit are on");
}

static int check_schema(tuor_ctl *c)
{
    int version = tuor_ctl_schema_version(c), newest = tuor_ctl_migrations(c)->nelts;

    if (version == newest)
        report(c, "schema", 1, "version %d", version);
    else if (version > newest)
        report(c, "schema", 0, "version %d, newer than this software (%d); update the software", version, newest);
    else
        report(c, "schema", 0, "version %d, the software wants %d; run tuorctl migrate", version, newest);
    return version;
}

/* Row-level security binds whoever is neither superuser nor owner nor exempt. */
static void check_role(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c,
        "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,"
        " EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'tuor' AND pg_has_role(r.oid, n.nspowner, 'MEMBER'))"
        " OR EXISTS (SELECT FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
        "            WHERE n.nspname = 'tuor' AND pg_has_role(r.oid, t.relowner, 'MEMBER'))"
        " FROM pg_roles r WHERE rolname = 'tuor_app'", TUOR_CTL_NO_VALUES);
    const char *wrong = NULL;

    if (!PQntuples(res))
        wrong = "does not exist; CREATE ROLE tuor_app LOGIN, then run tuorctl migrate";
    else if (PQgetvalue(res, 0, 0)[0] == 't')
        wrong = "is a superuser, whom row-level security does not bind; ALTER ROLE tuor_app NOSUPERUSER";
    else if (PQgetvalue(res, 0, 1)[0] == 't')
        wrong = "is exempt from row-level security; ALTER ROLE tuor_app NOBYPASSRLS";
    else if (PQgetvalue(res, 0, 3)[0] == 't')
        wrong = "may create roles; ALTER ROLE tuor_app NOCREATEROLE";
    else if (PQgetvalue(res, 0, 4)[0] == 't')
        wrong = "owns the schema or part of it, or is a member of its owner; give the schema to a role of its own";
    else if (PQgetvalue(res, 0, 2)[0] != 't')
        wrong = "cannot log in; ALTER ROLE tuor_app LOGIN";
    PQclear(res);
    report(c, "role", !wrong, "tuor_app %s", wrong ? wrong : "is neither superuser nor owner nor exempt");
}

static void check_policies(tuor_ctl *c)
{
    const char *bare = ask(c,
        "SELECT string_agg(t.relname, ', ' ORDER BY t.relname) FROM pg_class t"
        " JOIN pg_namespace n ON n.oid = t.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'org_id' AND NOT a.attisdropped"
        " WHERE n.nspname = 'tuor' AND t.relkind IN ('r', 'p')"
        " AND NOT (t.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid))");

    if (bare[0])
        report(c, "row security", 0, "off, or without a policy, on %s; restore what the migrations made of it", bare);
    else
        report(c, "row security", 1, "on for every table with org_id");
}

int tuor_ctl_check(tuor_ctl *c)
{
    check_server(c);
    check_durability(c);
    if (check_schema(c) > 0)
        check_policies(c);
    check_role(c);
    return failures ? 1 : 0;
}
