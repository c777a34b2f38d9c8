/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/openapi.json: what this server serves, in OpenAPI 3.1.
 *
 * The core describes what all routes share, each plugin its own routes (openapi.json in its folder),
 * and the two meet when the configuration has been read: the document names the routes of the plugins
 * that are loaded, those of other people's included, and no others. From then on it is only read.
 */
#include "core.h"

#include <ap_provider.h>
#include <jansson.h>
#include <openssl/sha.h>

APLOG_USE_MODULE(tuor);

extern const char tuor_openapi_core[];

/* Live in pconf: made anew with every configuration. */
static tuor_slice document;
static const char *etag;

/* ----------------------------------------------------------------- merging */

/* Objects are joined member by member, arrays one behind the other; anything else stands in one place only. */
static int join(json_t *into, json_t *from)
{
    const char *key;
    json_t *value;

    if (json_is_array(into) && json_is_array(from)) {
        return json_array_extend(into, from);
    }
    if (!json_is_object(into) || !json_is_object(from)) {
        return -1;
    }
    json_object_foreach(from, key, value) {
        json_t *present = json_object_get(into, key);

        if (present ? join(present, value) : json_object_set(into, key, value)) {
            return -1;
        }
    }
    return 0;
}

/* @return why the fragment cannot be used, or NULL */
static const char *add(json_t *doc, const char *fragment, apr_pool_t *pool)
{
    json_error_t fault;
    json_t *part = fragment ? json_loads(fragment, JSON_REJECT_DUPLICATES, &fault) : NULL;
    const char *why = NULL;

    if (!fragment) {
        return "it is not there";
    }
    if (!part) {
        return apr_psprintf(pool, "line %d: %s", fault.line, fault.text);
    }
    if (!json_is_object(part)) {
        why = "it is not an object";
    }
    else if (join(doc, part)) {
        why = "it describes something that another has described already";
    }
    json_decref(part);
    return why;
}

static int by_name(const void *av, const void *bv)
{
    const ap_list_provider_names_t *a = av, *b = bv;

    return strcmp(a->provider_name, b->provider_name);
}

static void add_plugins(json_t *doc, server_rec *s, apr_pool_t *pool)
{
    apr_array_header_t *names = ap_list_provider_names(pool, TUOR_OPENAPI_GROUP, "1");
    int i;

    /* The order must not depend on that of the LoadModule lines: the ETag would. */
    qsort(names->elts, names->nelts, names->elt_size, by_name);
    for (i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name;
        const char *why = add(doc, ap_lookup_provider(TUOR_OPENAPI_GROUP, name, "1"), pool);

        if (why) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                         TUORNO(1001) "the OpenAPI description of the plugin %s is not used as a whole: %s", name, why);
        }
    }
}

/* ------------------------------------------- what all operations have in common */

/* Refer to a shared component under a name, unless the operation has a word of its own. */
static void refer(json_t *object, const char *key, const char *kind, const char *name)
{
    if (!json_object_get(object, key)) {
        json_object_set_new(object, key, json_pack("{s:s++}", "$ref", "#/components/", kind, name));
    }
}

static void refer_headers(json_t *response, const tuor_route *route)
{
    json_t *headers;

    if (json_object_get(response, "$ref")) {
        return;                         /* a component says it all by itself */
    }
    headers = json_object_get(response, "headers");
    if (!headers) {
        headers = json_object();
        json_object_set_new(response, "headers", headers);
    }
    refer(headers, "X-Request-Id", "headers/", "X-Request-Id");
    if (route->limit) {
        refer(headers, "RateLimit", "headers/", "RateLimit");
        refer(headers, "RateLimit-Policy", "headers/", "RateLimit-Policy");
    }
}

static void refer_responses(json_t *responses, const json_t *op, const tuor_route *route)
{
    const char *status;
    json_t *response;

    json_object_foreach(responses, status, response) {
        refer_headers(response, route);
    }
    if (route->role == TUOR_ROLE_PUBLIC) {
        return;
    }
    refer(responses, "400", "responses/", "BadRequest");
    refer(responses, "401", "responses/", "Unauthorized");
    refer(responses, "403", "responses/", "Forbidden");
    if (strchr(route->path, '{')) {
        refer(responses, "404", "responses/", "NotFound");
    }
    if (json_object_get(op, "requestBody")) {
        refer(responses, "413", "responses/", "TooLarge");
        refer(responses, "415", "responses/", "WrongType");
    }
    refer(responses, "422", "responses/", "Invalid");
    if (route->limit) {
        refer(responses, "429", "responses/", "TooManyRequests");
    }
    refer(responses, "503", "responses/", "Unavailable");
}

static void refer_parameters(json_t *op, const tuor_route *route)
{
    static const char *const shared[] = { "Organization", "RequestId", "TraceParent" };
    json_t *parameters = json_object_get(op, "parameters");
    int i;

    if (!parameters) {
        parameters = json_array();
        json_object_set_new(op, "parameters", parameters);
    }
    for (i = route->role == TUOR_ROLE_PUBLIC; i < 3; i++) {
        json_array_append_new(parameters, json_pack("{s:s+}", "$ref", "#/components/parameters/", shared[i]));
    }
}

/*
 * The route itself knows role and rate class, and from these follow refusals and headers: written
 * down here once, they can be neither forgotten nor wrong.
 */
static void complete(json_t *op, const tuor_route *route)
{
    json_t *responses = json_object_get(op, "responses");

    if (!json_is_object(responses)) {
        return;
    }
    json_object_set_new(op, "x-tuor-role", json_string(tuor_role_name(route->role)));
    if (route->limit) {
        json_object_set_new(op, "x-tuor-rate-class", json_string(route->limit));
    }
    if (route->flags & TUOR_ROUTE_USERS_ONLY) {
        json_object_set_new(op, "security", json_pack("[{s:[]}]", "SignIn"));
    }
    refer_parameters(op, route);
    refer_responses(responses, op, route);
}

static void complete_all(json_t *doc)
{
    static const struct {
        const char *name;
        int method;
    } methods[] = { { "get", M_GET }, { "post", M_POST }, { "put", M_PUT }, { "delete", M_DELETE }, { "patch", M_PATCH } };
    const char *path;
    json_t *item, *op;
    size_t i;

    json_object_foreach(json_object_get(doc, "paths"), path, item) {
        for (i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
            const tuor_route *route;

            op = json_object_get(item, methods[i].name);
            route = op ? tuor_route_like(methods[i].method, path) : NULL;
            if (route) {
                complete(op, route);
            }
        }
    }
}

static void publish(const char *text, apr_size_t len, apr_pool_t *pconf)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text, len, hash);
    etag = apr_psprintf(pconf, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"",
                        hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
    document.p = apr_pstrmemdup(pconf, text, len);
    document.len = len;
}

void tuor_openapi_build(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    json_error_t fault;
    json_t *doc = json_loads(tuor_openapi_core, JSON_REJECT_DUPLICATES, &fault);
    char *text;

    document = TUOR_SLICE_NONE;
    if (!doc) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, TUORNO(1002) "the core's OpenAPI description: line %d: %s",
                     fault.line, fault.text);
        return;
    }
    json_object_set_new(json_object_get(doc, "info"), "version", json_string(TUOR_VERSION));
    add_plugins(doc, s, ptemp);
    complete_all(doc);
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (text) {
        publish(text, strlen(text), pconf);
        free(text);
    }
}

/* ------------------------------------------------------------------- route */

static tuor_error *serve(tuor_request *q)
{
    tuor_error *err = tuor_query(q, NULL, 0);
    tuor_reply *rp;

    if (err || (err = tuor_faults(q))) {
        return err;
    }
    if (!document.p) {
        return tuor_error_make(q->pool, HTTP_INTERNAL_SERVER_ERROR, "The description could not be put together: see the error log");
    }
    apr_table_setn(q->r->headers_out, "ETag", etag);
    apr_table_setn(q->r->headers_out, "Cache-Control", "no-cache");
    if (tuor_not_modified(q, etag)) {
        return tuor_reply_end(tuor_reply_begin(q, HTTP_NOT_MODIFIED, NULL));
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    tuor_reply_slice(rp, document);
    return tuor_reply_end(rp);
}

static const tuor_route routes[] = {
    { M_GET, "/v1/openapi.json", TUOR_ROLE_PUBLIC, NULL, serve, 0 },
};

static int add_routes(apr_pool_t *pconf, server_rec *s)
{
    (void)pconf, (void)s;
    tuor_routes_add(routes, sizeof(routes) / sizeof(*routes));
    return OK;
}

void tuor_openapi_register(apr_pool_t *pool)
{
    (void)pool;
    tuor_hook_routes(add_routes, NULL, NULL, APR_HOOK_MIDDLE);
}
