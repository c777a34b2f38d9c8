/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * /healthz: this process serves requests. /readyz: and the database is there, with a schema that fits.
 */
#include "core.h"

APLOG_USE_MODULE(tuor);

static tuor_error *reply_ok(tuor_request *q)
{
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");

    tuor_reply_puts(rp, "{\"status\":\"ok\"}\n");
    return tuor_reply_end(rp);
}

static tuor_error *ready(tuor_request *q)
{
    static const tuor_stmt ping = { "ping", "SELECT" };
    tuor_db *db;
    tuor_error *err = tuor_db_begin_system(&db, q->r->server, NULL, TUOR_DB_EACH, q->pool);

    if (!err) {
        err = tuor_db_exec(NULL, db, &ping, TUOR_NO_ARGS);
    }
    tuor_db_end(db);
    return err ? err : reply_ok(q);
}

static const tuor_route routes[] = {
    { M_GET, "/healthz", TUOR_ROLE_PUBLIC, NULL, reply_ok, 0 },
    { M_GET, "/readyz", TUOR_ROLE_PUBLIC, NULL, ready, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

void tuor_health_register(apr_pool_t *pool)
{
    (void)pool;
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}
