/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_projects: the projects of an organization and their settings.
 */
#include "managed.h"
#include "projects.h"

static const tuor_route routes[] = {
    { M_GET, "/v1/projects", TUOR_ROLE_VIEWER, "read", tuor_projects_list, 0 },
    { M_POST, "/v1/projects", TUOR_ROLE_ADMIN, "write", tuor_projects_create, 0 },
    { M_GET, "/v1/projects/{id}", TUOR_ROLE_VIEWER, "read", tuor_projects_get, 0 },
    { M_PUT, "/v1/projects/{id}", TUOR_ROLE_ADMIN, "write", tuor_projects_update, 0 },
    { M_DELETE, "/v1/projects/{id}", TUOR_ROLE_ADMIN, "write", tuor_projects_archive, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf;
    (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(routes[0]));
    return OK;
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    managed_reset(pconf);
    return OK;
}

/* All directives are read, and configtest comes by here too. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    tuor_project_find_check();
    return managed_check(pconf, s);
}

static const command_rec commands[] = {
    AP_INIT_RAW_ARGS("<TuorProject", managed_section, NULL, RSRC_CONF,
                     "the id of a project (proj_...) that this configuration declares"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

static void register_hooks(apr_pool_t *pool)
{
    TUOR_OPENAPI(pool, projects);
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(managed_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_tick(managed_apply, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_projects) = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    NULL,                               /* create per-server config */
    NULL,                               /* merge per-server config */
    commands,                           /* directives */
    register_hooks,
    0                                   /* flags */
};
