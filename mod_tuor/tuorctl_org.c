/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl org: organizations.
 */
#include "tuorctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>

#define ORG_COLUMNS "org_id AS id, name, suspended, trace_limit, " TUOR_CTL_TIME("created_at")

const char *tuor_ctl_org_id(tuor_ctl *c, const char *id_or_name)
{
    PGresult *res;
    const char *id;

    /* An id is tried first: nobody can take an organization over by taking its id for a name. */
    if (tuor_id_valid(id_or_name, "org")) {
        res = tuor_ctl_query(c, "SELECT org_id FROM tuor.organizations WHERE org_id = $1",
                             TUOR_CTL_VALUES(id_or_name));
        if (PQntuples(res)) {
            id = tuor_ctl_value(c, res, 0, 0);
            PQclear(res);
            return id;
        }
        PQclear(res);
    }
    res = tuor_ctl_query(c, "SELECT org_id FROM tuor.organizations WHERE name = $1 LIMIT 2",
                         TUOR_CTL_VALUES(id_or_name));
    if (!PQntuples(res))
        tuor_ctl_die("there is no organization \"%s\": tuorctl org list shows those there are", id_or_name);
    if (PQntuples(res) > 1)
        tuor_ctl_die("several organizations are called \"%s\": give the id (tuorctl org list)", id_or_name);
    id = tuor_ctl_value(c, res, 0, 0);
    PQclear(res);
    return id;
}

int tuor_ctl_org_create(tuor_ctl *c)
{
    PGresult *res;

    tuor_ctl_text_check("name", c->arg, TUOR_CTL_NAME_MAX);
    res = tuor_ctl_query(c, "INSERT INTO tuor.organizations (org_id, name) VALUES ($1, $2) RETURNING " ORG_COLUMNS,
                         TUOR_CTL_VALUES(tuor_id("org", apr_time_now(), c->pool), c->arg));
    if (c->json)
        tuor_ctl_print_rows(res);
    else
        puts(PQgetvalue(res, 0, 0));
    PQclear(res);
    return 0;
}

int tuor_ctl_org_list(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c, "SELECT " ORG_COLUMNS " FROM tuor.organizations AS o ORDER BY o.name, o.org_id",
                                   TUOR_CTL_NO_VALUES);
    int i;

    if (c->json)
        tuor_ctl_print_rows(res);
    else
        for (i = 0; i < PQntuples(res); i++)
            printf("%s  %-9s  %s%s%s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 2)[0] == 't' ? "suspended" : "active",
                   PQgetvalue(res, i, 1), PQgetisnull(res, i, 3) ? "" : "  limit ", PQgetvalue(res, i, 3));
    PQclear(res);
    return 0;
}

static int suspend(tuor_ctl *c, const char *suspended)
{
    PGresult *res = tuor_ctl_query(c, "UPDATE tuor.organizations SET suspended = $2::boolean WHERE org_id = $1"
                                      " RETURNING " ORG_COLUMNS,
                                   TUOR_CTL_VALUES(tuor_ctl_org_id(c, c->arg), suspended));

    if (c->json)
        tuor_ctl_print_rows(res);
    PQclear(res);
    return 0;
}

int tuor_ctl_org_suspend(tuor_ctl *c)
{
    return suspend(c, "true");
}

int tuor_ctl_org_resume(tuor_ctl *c)
{
    return suspend(c, "false");
}

/* A whole number from 0 up, or NULL for "none". */
static const char *parse_limit(const char *text)
{
    apr_size_t len = strlen(text), i;

    if (!strcmp(text, "none"))
        return NULL;
    for (i = 0; i < len; i++)
        if (!apr_isdigit(text[i]))
            break;
    if (!len || i < len || len > 12)
        tuor_ctl_die("\"%s\" is no limit: a number of stored traces from 0 to 999999999999, or none", text);
    return text;
}

/*
 * The traces are counted now, while the limit does not hold yet: the server need not do it when the
 * next one comes. Each step commits by itself, as the count has to see the first one's.
 */
int tuor_ctl_org_limit(tuor_ctl *c)
{
    const char *org = tuor_ctl_org_id(c, c->arg), *limit = parse_limit(c->value);
    PGresult *res;

    PQclear(tuor_ctl_query(c, "SELECT tuor.count_end($1)", TUOR_CTL_VALUES(org)));
    if (limit) {
        PQclear(tuor_ctl_query(c, "SELECT tuor.count_begin($1)", TUOR_CTL_VALUES(org)));
        PQclear(tuor_ctl_query(c, "SELECT tuor.count_finish($1)", TUOR_CTL_VALUES(org)));
    }
    res = tuor_ctl_query(c, "UPDATE tuor.organizations SET trace_limit = $2::bigint WHERE org_id = $1"
                            " RETURNING " ORG_COLUMNS,
                         TUOR_CTL_VALUES(org, limit));
    if (c->json)
        tuor_ctl_print_rows(res);
    PQclear(res);
    return 0;
}
