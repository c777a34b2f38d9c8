/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_prompts: the versions of a project's prompt, and their refinement by a provider.
 */
#include "prompts.h"

#include <ap_provider.h>


/* TuorRefiner none: no refiner, also where an outer server has one. */
#define NONE "none"

typedef struct settings {
    const char *refiner;                /* its name; NULL while unset */
} settings;

static const tuor_route routes[] = {
    { M_GET, "/v1/projects/{id}/prompts", TUOR_ROLE_VIEWER, "read", prompts_list, 0 },
    { M_POST, "/v1/projects/{id}/prompts", TUOR_ROLE_ADMIN, "write", prompts_create, 0 },
    { M_POST, "/v1/projects/{id}/prompts/refine", TUOR_ROLE_ADMIN, "refine", prompts_refine, 0 },
    { M_POST, "/v1/projects/{id}/prompts/accept-refinement", TUOR_ROLE_ADMIN, "write", prompts_accept, 0 },
    { M_GET, "/v1/projects/{id}/prompts/{prompt_id}", TUOR_ROLE_VIEWER, "read", prompts_get, 0 },
    { M_GET, "/v1/projects/{id}/prompts/{prompt_id}/stats", TUOR_ROLE_VIEWER, "read", prompts_stats, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf;
    (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(routes[0]));
    return OK;
}

/* ---------------------------------------------------------- configuration */

extern module AP_MODULE_DECLARE_DATA tuor_prompts_module;

static void *create(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(settings));
}

static void *merge(apr_pool_t *pool, void *basev, void *addv)
{
    const settings *base = basev, *add = addv;
    settings *c = apr_pcalloc(pool, sizeof(*c));

    c->refiner = add->refiner ? add->refiner : base->refiner;
    return c;
}

static const char *name_of(const server_rec *s)
{
    const settings *c = ap_get_module_config(s->module_config, &tuor_prompts_module);

    return c->refiner && strcmp(c->refiner, NONE) ? c->refiner : NULL;
}

const tuor_refiner *prompt_refiner(const char **name, const server_rec *s)
{
    *name = name_of(s);
    return *name ? ap_lookup_provider(TUOR_REFINER_GROUP, *name, "1") : NULL;
}

static const char *set_refiner(cmd_parms *cmd, void *dummy, const char *arg)
{
    settings *c = ap_get_module_config(cmd->server->module_config, &tuor_prompts_module);

    (void)dummy;
    if (!*arg) {
        return "TuorRefiner needs the name of a refiner, or " NONE;
    }
    c->refiner = arg;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TuorRefiner", set_refiner, NULL, RSRC_CONF, "the refiner of prompts: http, builtin, or none"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

static const char *known_refiners(apr_pool_t *pool)
{
    apr_array_header_t *providers = ap_list_provider_names(pool, TUOR_REFINER_GROUP, "1");
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < providers->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *) = APR_ARRAY_IDX(providers, i, ap_list_provider_names_t).provider_name;
    }
    APR_ARRAY_PUSH(names, const char *) = NONE;
    return apr_array_pstrcat(pool, names, ' ');
}

/* Not in the directive: the plugin that has the refiner may be loaded later, and its own directives follow. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server)
{
    (void)pconf;
    (void)plog;
    for (server_rec *s = main_server; s; s = s->next) {
        const char *name, *why = NULL;
        const tuor_refiner *refiner = prompt_refiner(&name, s);

        if (name && !refiner) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, TUORNO(0701) "TuorRefiner: there is no refiner "
                         "called %s; known are: %s", name, known_refiners(ptemp));
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        if (refiner && refiner->check) {
            why = refiner->check(s, ptemp);
        }
        if (why) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, TUORNO(0702) "TuorRefiner %s: %s", name, why);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    TUOR_OPENAPI(pool, prompts);
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_prompts) = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    create,                             /* create per-server config */
    merge,                              /* merge per-server config */
    commands,
    register_hooks,
    0                                   /* flags */
};
