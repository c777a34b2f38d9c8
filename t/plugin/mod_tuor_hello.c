/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_tuor_hello: a plugin by somebody else, and the worked example of docs/plugins.md.
 *
 *     apxs -c mod_tuor_hello.c && apxs -i mod_tuor_hello.la
 *
 *     # httpd.conf, behind tuor.load
 *     LoadModule tuor_hello_module modules/mod_tuor_hello.so
 *     TuorHelloGreeting "Good morning"
 *
 * It adds the route GET /v1/hello, the export format "ids", and a sink that notes each verdict in the
 * error log if, and only if, the verdict commits.
 */
#include <mod_tuor.h>

APLOG_USE_MODULE(tuor_hello);

extern module AP_MODULE_DECLARE_DATA tuor_hello_module;

/* ----------------------------------------------------------- configuration */

typedef struct hello_config {
    const char *greeting;               /* NULL: not set */
} hello_config;

static void *create_config(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(hello_config));
}

static void *merge_config(apr_pool_t *pool, void *basev, void *addv)
{
    const hello_config *base = basev, *add = addv;
    hello_config *conf = apr_palloc(pool, sizeof(*conf));

    conf->greeting = add->greeting ? add->greeting : base->greeting;
    return conf;
}

static const char *set_greeting(cmd_parms *cmd, void *dummy, const char *arg)
{
    hello_config *conf = ap_get_module_config(cmd->server->module_config, &tuor_hello_module);

    (void)dummy;
    if (!*arg) {
        return "TuorHelloGreeting needs a word or two, as in \"Good morning\"";
    }
    conf->greeting = arg;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TuorHelloGreeting", set_greeting, NULL, RSRC_CONF, "what GET /v1/hello says (Hello)"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

/* --------------------------------------------------------- seam 1: a route */

/* Static: its address is the statement's identity on each connection. */
static const tuor_stmt count_stmt = {
    "hello_count", "SELECT count(*) FROM tuor.traces t WHERE t.org_id = tuor.org() AND ($1::text IS NULL OR t.status = $1)"
};

static tuor_error *hello(tuor_request *q)
{
    const hello_config *conf = ap_get_module_config(q->r->server->module_config, &tuor_hello_module);
    tuor_param params[] = { { "status", NULL } };
    tuor_result *res = NULL;
    tuor_reply *rp;
    tuor_db *db;
    tuor_error *err;

    /* Whatever is wrong is returned; the core makes the answer of it. */
    if ((err = tuor_query(q, params, 1)) || (err = tuor_faults(q)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &count_stmt, TUOR_ARGS(tuor_text(params[0].value)));
    tuor_db_end(db);                    /* before a byte goes to the client, who may be slow */
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    tuor_reply_puts(rp, "{\"greeting\":");
    tuor_reply_json(rp, conf->greeting ? conf->greeting : "Hello");
    tuor_reply_puts(rp, ",\"to\":");
    tuor_reply_json(rp, q->who->id);    /* verified by the statement, in the same round trip */
    tuor_reply_printf(rp, ",\"traces\":%" APR_INT64_T_FMT "}\n", tuor_result_int(res, 0, 0));
    return tuor_reply_end(rp);
}

static const tuor_route routes[] = {
    { M_GET, "/v1/hello", TUOR_ROLE_VIEWER, "read", hello, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

/* What they say of it in /v1/openapi.json; refusals and rate limits come from the core. */
static const char description[] =
    "{\"tags\":[{\"name\":\"Hello\",\"description\":\"An example.\"}],"
    "\"paths\":{\"/v1/hello\":{\"get\":{\"operationId\":\"hello\",\"tags\":[\"Hello\"],\"summary\":\"Be greeted\","
    "\"parameters\":[{\"name\":\"status\",\"in\":\"query\",\"description\":\"Count these traces only.\","
    "\"schema\":{\"$ref\":\"#/components/schemas/TraceStatus\"}}],"
    "\"responses\":{\"200\":{\"description\":\"A greeting.\",\"content\":{\"application/json\":{\"schema\":"
    "{\"type\":\"object\",\"required\":[\"greeting\",\"to\",\"traces\"]}}}}}}}}}";

/* -------------------------------------------------- seam 2: an export format */

typedef struct ids_state {
    int rows;
} ids_state;

static tuor_error *ids_begin(void **state, tuor_request *q, tuor_reply *rp)
{
    (void)rp;
    *state = apr_pcalloc(q->pool, sizeof(ids_state));
    return NULL;
}

/* The row's slices and scratch are gone after the call; the state is this export's own. */
static void ids_row(void *state, tuor_reply *rp, const tuor_export_row *row, apr_pool_t *scratch)
{
    ids_state *ids = state;

    tuor_reply_puts(rp, apr_psprintf(scratch, "%d ", ++ids->rows));
    tuor_reply_slice(rp, row->id);
    tuor_reply_puts(rp, " ");
    tuor_reply_slice(rp, row->status);
    tuor_reply_puts(rp, "\n");
}

static const tuor_exporter ids_exporter = {
    .content_type = "text/plain",
    .begin = ids_begin,
    .row = ids_row
};

/* ------------------------------------------------- seam 3: a sink for events */

typedef struct noted {
    const char *type, *trace_id;
} noted;

/* Inside the transaction: keep a note, as nothing is certain yet. A sink that stores would write through db. */
static int on_event(tuor_db *db, tuor_request *q, const tuor_event *event, tuor_error **err)
{
    noted *n;

    (void)db;
    if (strncmp(event->type, "review.", 7)) {
        return DECLINED;
    }
    if (event->comment && !strcmp(event->comment, "veto")) {
        *err = tuor_error_make(q->pool, HTTP_CONFLICT, "mod_tuor_hello vetoes this verdict");
        return DONE;                    /* everything is rolled back */
    }
    n = apr_palloc(q->pool, sizeof(*n));
    n->type = apr_pstrdup(q->pool, event->type);
    n->trace_id = apr_pstrdup(q->pool, event->trace_id);
    ap_set_module_config(q->r->request_config, &tuor_hello_module, n);
    return OK;
}

static void on_finished(tuor_request *q, int status)
{
    const noted *n = ap_get_module_config(q->r->request_config, &tuor_hello_module);

    if (n && status == HTTP_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, q->r, "HELLO0001: %s %s of %s", tuor_log_ids(q->r), n->type, n->trace_id);
    }
}

/* ------------------------------------------------------------------- module */

static void register_hooks(apr_pool_t *pool)
{
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_event(on_event, NULL, NULL, APR_HOOK_MIDDLE);
    tuor_hook_finished(on_finished, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_provider(pool, TUOR_EXPORTER_GROUP, "ids", "1", &ids_exporter);
    ap_register_provider(pool, TUOR_OPENAPI_GROUP, "hello", "1", description);
}

/* Not AP_DECLARE_MODULE: that says APLOG_USE_MODULE, too, which the functions above needed before. */
module AP_MODULE_DECLARE_DATA tuor_hello_module = {
    STANDARD20_MODULE_STUFF,
    NULL,                               /* create per-directory config */
    NULL,                               /* merge per-directory config */
    create_config,                      /* create per-server config */
    merge_config,                       /* merge per-server config */
    commands,                           /* directives */
    register_hooks,                     /* register hooks */
    0                                   /* flags */
};
