/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_tags: the tags of an organization.
 *
 * Which traces carry a tag is the traces plugin's business.
 */
#include "tags.h"

static const tuor_route routes[] = {
    { M_GET, "/v1/tags", TUOR_ROLE_VIEWER, "read", tuor_tags_list, 0 },
    { M_POST, "/v1/tags", TUOR_ROLE_ADMIN, "write", tuor_tags_create, 0 },
    { M_GET, "/v1/tags/{id}", TUOR_ROLE_VIEWER, "read", tuor_tags_get, 0 },
    { M_PUT, "/v1/tags/{id}", TUOR_ROLE_ADMIN, "write", tuor_tags_update, 0 },
    { M_DELETE, "/v1/tags/{id}", TUOR_ROLE_ADMIN, "write", tuor_tags_delete, 0 },
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
    TUOR_OPENAPI(pool, tags);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_tags) = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    NULL,                               /* create per-server config */
    NULL,                               /* merge per-server config */
    NULL,                               /* directives */
    register_hooks,
    0                                   /* flags */
};
