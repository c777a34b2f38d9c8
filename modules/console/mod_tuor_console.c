/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_console: serves the review console, a front-end that is an ordinary client of /v1.
 *
 *   <Location "/console">
 *       SetHandler tuor-console
 *       Require all granted
 *   </Location>
 *
 * The pages hold no secret and are public; what they show comes from /v1, which asks who they are. How
 * people sign in is the administrator's choice: see conf/extra/console-form.conf.
 */
#include "console.h"

#include <http_core.h>
#include <http_request.h>

#ifndef TUOR_CONSOLE_DIR
#error "the build says where the console is installed"
#endif

#define NO_FILE "tuor-console-no-file"

/* Where mod_auth_form sends those whose session it has ended (AuthFormLogoutLocation). */
#define SIGNED_OUT_PATH CONSOLE_PATH "signed-out"

typedef struct config {
    const char *root;                   /* NULL: the directory of make install */
} config;

static void *create_config(apr_pool_t *pool, char *dir)
{
    (void)dir;
    return apr_pcalloc(pool, sizeof(config));
}

static void *merge_config(apr_pool_t *pool, void *basev, void *addv)
{
    const config *base = basev, *add = addv;
    config *c = apr_palloc(pool, sizeof(*c));

    c->root = add->root ? add->root : base->root;
    return c;
}

static const char *set_root(cmd_parms *cmd, void *conf, const char *arg)
{
    ((config *)conf)->root = ap_server_root_relative(cmd->pool, arg);
    return ((config *)conf)->root ? NULL : apr_psprintf(cmd->pool, "TuorConsoleRoot: \"%s\" is no path", arg);
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TuorConsoleRoot", set_root, NULL, RSRC_CONF | ACCESS_CONF,
                  "the directory of the console's bundle, the one that holds index.html (where make install put it)"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

/* ------------------------------------------------------------------- hooks */

static int not_allowed(request_rec *r, int method)
{
    console_headers(r, CONSOLE_PAGE);
    ap_allow_standard_methods(r, REPLACE_ALLOW, method, -1);
    return HTTP_METHOD_NOT_ALLOWED;
}

static int to_slash(request_rec *r)
{
    console_headers(r, CONSOLE_PAGE);
    apr_table_setn(r->headers_out, "Location", r->args ? apr_pstrcat(r->pool, CONSOLE_PATH "?", r->args, NULL) : CONSOLE_PATH);
    return HTTP_MOVED_PERMANENTLY;
}

/* With 307, and so by the method of the sign-out: the front-end's fetch wants to hear no more than that it is done. */
static int signed_out(request_rec *r)
{
    console_headers(r, CONSOLE_PAGE);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    r->status = HTTP_NO_CONTENT;
    return OK;
}

static int handle_console(request_rec *r)
{
    const config *c = ap_get_module_config(r->per_dir_config, &tuor_console_module);
    apr_size_t len = sizeof(CONSOLE_PATH) - 1;

    tuor_request_id(r);         /* every answer has one */
    if (!strcmp(r->uri, CONSOLE_REPORT_PATH)) {
        return r->method_number == M_POST ? console_report(r) : not_allowed(r, M_POST);
    }
    if (!strcmp(r->uri, SIGNED_OUT_PATH)) {
        return signed_out(r);
    }
    if (r->method_number != M_GET) {
        return not_allowed(r, M_GET);
    }
    if (strlen(r->uri) == len - 1 && !strncmp(r->uri, CONSOLE_PATH, len - 1)) {
        return to_slash(r);
    }
    return strncmp(r->uri, CONSOLE_PATH, len) ? HTTP_NOT_FOUND
                                              : console_serve(r, c->root ? c->root : TUOR_CONSOLE_DIR, r->uri + len);
}

static int handle(request_rec *r)
{
    return r->handler && !strcmp(r->handler, CONSOLE_HANDLER) ? handle_console(r) : DECLINED;
}

/* Our paths are no files beneath DocumentRoot: as in the core's request.c. */
static int translate_name(request_rec *r)
{
    if (!tuor_handler_is(r, CONSOLE_HANDLER)) {
        return DECLINED;
    }
    apr_table_setn(r->notes, NO_FILE, "");
    r->filename = r->uri;
    return OK;
}

static int map_to_storage(request_rec *r)
{
    return apr_table_get(r->notes, NO_FILE) && r->method_number != M_TRACE ? OK : DECLINED;
}

/* Figures are made where routes are; the console has no route of the API. */
static int add_figures(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    console_report_open();
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_LAST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_routes(add_figures, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(tuor_console) = {
    STANDARD20_MODULE_STUFF,
    create_config,              /* create per-directory config */
    merge_config,               /* merge per-directory config */
    NULL,                       /* create per-server config */
    NULL,                       /* merge per-server config */
    commands,                   /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
