/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl key: API keys.
 */
#include "tuorctl.h"

#include <stdio.h>
#include <string.h>

#define KEY_COLUMNS "id, name, last4, " TUOR_CTL_TIME("created_at") ", " TUOR_CTL_TIME("last_used_at") ", " \
    TUOR_CTL_TIME("revoked_at")

int tuor_ctl_key_create(tuor_ctl *c)
{
    const char *org = tuor_ctl_org_id(c, c->org), *key;
    unsigned char hash[TUOR_HASH_LEN];
    char hex[2 + 2 * TUOR_HASH_LEN + 1] = "\\x";
    PGresult *res;
    int i;

    tuor_ctl_text_check("name", c->name, TUOR_CTL_NAME_MAX);
    key = tuor_key_new(c->pool);
    tuor_key_hash(hash, key);
    for (i = 0; i < TUOR_HASH_LEN; i++)
        apr_snprintf(hex + 2 + 2 * i, 3, "%02x", hash[i]);
    /* The database, and its log, see the hash alone. */
    res = tuor_ctl_query(c, "INSERT INTO tuor.api_keys (org_id, id, name, hash, last4) VALUES ($1, $2, $3, $4::bytea, $5)"
                            " RETURNING id, name, " TUOR_CTL_TIME("created_at"),
                         TUOR_CTL_VALUES(org, tuor_id("key", apr_time_now(), c->pool), c->name, hex,
                                         key + strlen(key) - 4));
    if (c->json)
        tuor_ctl_print(json_pack("{s:s, s:s, s:s, s:s}", "id", PQgetvalue(res, 0, 0), "name", PQgetvalue(res, 0, 1),
                                 "key", key, "created_at", PQgetvalue(res, 0, 2)));
    else
        puts(key);
    PQclear(res);
    return 0;
}

int tuor_ctl_key_list(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c, "SELECT " KEY_COLUMNS " FROM tuor.api_keys WHERE org_id = $1 ORDER BY id",
                                   TUOR_CTL_VALUES(tuor_ctl_org_id(c, c->org)));
    int i;

    if (c->json)
        tuor_ctl_print_rows(res);
    else
        for (i = 0; i < PQntuples(res); i++)
            printf("%s  %-7s  …%s  %s\n", PQgetvalue(res, i, 0), PQgetisnull(res, i, 5) ? "active" : "revoked",
                   PQgetvalue(res, i, 2), PQgetvalue(res, i, 1));
    PQclear(res);
    return 0;
}

int tuor_ctl_key_revoke(tuor_ctl *c)
{
    const char *org = tuor_ctl_org_id(c, c->org);
    /* A key that was revoked before keeps its time. */
    PGresult *res = tuor_ctl_query(c, "UPDATE tuor.api_keys SET revoked_at = coalesce(revoked_at, now())"
                                      " WHERE org_id = $1 AND id = $2 RETURNING " KEY_COLUMNS,
                                   TUOR_CTL_VALUES(org, c->arg));

    if (!PQntuples(res))
        tuor_ctl_die("%s has no key \"%s\": tuorctl key list --org %s", org, c->arg, org);
    if (c->json)
        tuor_ctl_print_rows(res);
    PQclear(res);
    return 0;
}
