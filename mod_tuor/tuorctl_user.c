/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl user: the members of organizations.
 *
 * A login is a name that Apache's authentication vouches for; the password is kept there, not here.
 */
#include "tuorctl.h"

#include <stdio.h>
#include <string.h>

#define USER_COLUMNS "user_id, org_id, login, name, role, " TUOR_CTL_TIME("created_at")

int tuor_ctl_user_add(tuor_ctl *c)
{
    const char *org = tuor_ctl_org_id(c, c->org);
    PGresult *res;

    tuor_ctl_text_check("login", c->arg, TUOR_CTL_LOGIN_MAX);
    if (c->name)
        tuor_ctl_text_check("name", c->name, TUOR_CTL_NAME_MAX);

    tuor_ctl_exec(c, "BEGIN");
    /* A login has one user_id in all its organizations. No constraint can say that of a table whose
     * keys begin with org_id, so whoever adds a login takes this lock on it first. */
    PQclear(tuor_ctl_query(c, "SELECT pg_advisory_xact_lock(hashtextextended('tuor.members ' || $1, 0))",
                           TUOR_CTL_VALUES(c->arg)));
    res = tuor_ctl_query(c,
        "WITH known AS (SELECT m.user_id, m.name FROM tuor.members m WHERE m.login = $2 ORDER BY m.created_at LIMIT 1)"
        " INSERT INTO tuor.members AS m (org_id, user_id, login, name, role)"
        " SELECT $1, coalesce((SELECT user_id FROM known), $3), $2, coalesce($4, (SELECT name FROM known)), $5"
        " ON CONFLICT DO NOTHING RETURNING " USER_COLUMNS,
        TUOR_CTL_VALUES(org, c->arg, tuor_id("user", apr_time_now(), c->pool), c->name, c->role));
    if (!PQntuples(res))
        tuor_ctl_die("\"%s\" is a member of %s already", c->arg, org);
    tuor_ctl_exec(c, "COMMIT");
    if (c->json)
        tuor_ctl_print_rows(res);
    else
        puts(PQgetvalue(res, 0, 0));
    PQclear(res);
    return 0;
}

int tuor_ctl_user_list(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c, "SELECT " USER_COLUMNS " FROM tuor.members WHERE org_id = $1 ORDER BY login",
                                   TUOR_CTL_VALUES(tuor_ctl_org_id(c, c->org)));
    int i;

    if (c->json)
        tuor_ctl_print_rows(res);
    else
        for (i = 0; i < PQntuples(res); i++)
            printf("%s  %-8s  %s%s%s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 4), PQgetvalue(res, i, 2),
                   PQgetisnull(res, i, 3) ? "" : "  ", PQgetvalue(res, i, 3));
    PQclear(res);
    return 0;
}

int tuor_ctl_user_remove(tuor_ctl *c)
{
    const char *org = tuor_ctl_org_id(c, c->org);
    PGresult *res;
    int admins, member, is_admin = 0, i;

    tuor_ctl_exec(c, "BEGIN");
    /* Of two who remove the last two admins at once, the second waits here and then sees one. */
    res = tuor_ctl_query(c, "SELECT login FROM tuor.members WHERE org_id = $1 AND role = 'admin'"
                            " ORDER BY user_id FOR UPDATE", TUOR_CTL_VALUES(org));
    admins = PQntuples(res);
    for (i = 0; i < admins; i++)
        is_admin |= !strcmp(PQgetvalue(res, i, 0), c->arg);
    PQclear(res);
    if (is_admin && admins == 1)
        tuor_ctl_die("\"%s\" is the last admin of %s: add another one first", c->arg, org);

    res = tuor_ctl_query(c, "DELETE FROM tuor.members WHERE org_id = $1 AND login = $2 AND (role <> 'admin' OR $3::boolean)"
                            " RETURNING " USER_COLUMNS,
                         TUOR_CTL_VALUES(org, c->arg, is_admin ? "true" : "false"));
    member = PQntuples(res);
    if (!member)
        tuor_ctl_die("\"%s\" is no member of %s", c->arg, org);
    tuor_ctl_exec(c, "COMMIT");
    if (c->json)
        tuor_ctl_print_rows(res);
    PQclear(res);
    return 0;
}
