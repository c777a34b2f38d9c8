/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_members: who belongs to an organization, its API keys, and who I am.
 *
 * Keys and members are the business of people who signed in as admin. A key that could make keys, or
 * admins, would outlive its own revocation.
 */
#include "members.h"

static const tuor_route routes[] = {
    { M_GET, "/v1/me", TUOR_ROLE_VIEWER, "read", members_me, 0 },
    { M_GET, "/v1/api-keys", TUOR_ROLE_ADMIN, "read", keys_list, TUOR_ROUTE_USERS_ONLY },
    { M_POST, "/v1/api-keys", TUOR_ROLE_ADMIN, "write", keys_create, TUOR_ROUTE_USERS_ONLY },
    { M_DELETE, "/v1/api-keys/{id}", TUOR_ROLE_ADMIN, "write", keys_revoke, TUOR_ROUTE_USERS_ONLY },
    { M_GET, "/v1/members", TUOR_ROLE_ADMIN, "read", members_list, TUOR_ROUTE_USERS_ONLY },
    { M_POST, "/v1/members", TUOR_ROLE_ADMIN, "write", members_create, TUOR_ROUTE_USERS_ONLY },
    { M_PUT, "/v1/members/{user_id}", TUOR_ROLE_ADMIN, "write", members_update, TUOR_ROUTE_USERS_ONLY },
    { M_DELETE, "/v1/members/{user_id}", TUOR_ROLE_ADMIN, "write", members_remove, TUOR_ROUTE_USERS_ONLY },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf;
    (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(routes[0]));
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    TUOR_OPENAPI(pool, members);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_members) = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    NULL,                               /* create per-server config */
    NULL,                               /* merge per-server config */
    NULL,                               /* directives */
    register_hooks,
    0                                   /* flags */
};
