/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl org: organizations.
 */
#include "tuorctl.h"

#include <stdio.h>
#include <string.h>

#define ORG_COLUMNS "org_id AS id, name, suspended, " TUOR_CTL_TIME("created_at")

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
            printf("%s  %-9s  %s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 2)[0] == 't' ? "suspended" : "active",
                   PQgetvalue(res, i, 1));
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
