/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file core.h
 * What the files of the core share among themselves and with nobody else.
 */
#ifndef TUOR_CORE_H
#define TUOR_CORE_H

#include "mod_tuor.h"

extern module AP_MODULE_DECLARE_DATA tuor_module;

/** The handler name of the API, as in SetHandler tuor. */
#define TUOR_HANDLER "tuor"

/* config.c */

/** A server's configuration; every member is -1 or NULL while unset. */
typedef struct tuor_config {
    const char *organization;           /**< TuorOrganization */
    apr_int64_t max_payload;            /**< TuorMaxPayload, bytes */
    int max_depth;                      /**< TuorMaxDepth, levels */
    apr_int64_t trace_limit;            /**< TuorTraceLimit; 0 for none */
    apr_interval_time_t db_timeout;     /**< TuorDatabaseTimeout */
    int exports;                        /**< TuorExportConcurrency, per child */
    apr_interval_time_t export_timeout; /**< TuorExportTimeout */
} tuor_config;

extern const command_rec tuor_commands[];
void *tuor_config_create(apr_pool_t *pool, server_rec *s);
void *tuor_config_merge(apr_pool_t *pool, void *base, void *add);
/** The configuration with its defaults filled in. */
tuor_config tuor_config_of(const server_rec *s);
/** Largest body: three payloads and their envelope. */
apr_size_t tuor_max_body(const server_rec *s);

/* request.c */

void tuor_request_register(apr_pool_t *pool);

/* route.c */

/** Whether some route begins as a path does that could not be read to its end: "/v1/%zz". */
int tuor_route_near(const char *path);

/** The methods that a path takes, for Allow; NULL where there is no route. */
const char *tuor_route_methods(apr_pool_t *pool, const char *uri);

/** Count an answer and how long it took. q->route may be NULL. */
void tuor_route_count(const tuor_request *q, int status);

/** Forget the routes and ask the plugins for theirs. Called in each post_config. */
void tuor_routes_collect(apr_pool_t *pconf, server_rec *s);
/**
 * Find the route of a path and method; fills q->route and q->param.
 * @param allow set to the methods of the path when the method is none of them
 * @param open set to whether anybody may know: the route, or with a 405 one of the path's, is public
 * @return OK, HTTP_NOT_FOUND or HTTP_METHOD_NOT_ALLOWED
 */
int tuor_route_find(tuor_request *q, const char **allow, int *open);
/** The route of a method and a path with {…} of any name in it, or NULL. */
const tuor_route *tuor_route_like(int method, const char *path);
/** httpd -t -D DUMP_TUOR_ROUTES: a line a route on standard output. */
void tuor_routes_dump(apr_pool_t *pconf, server_rec *s);

/* auth.c */

void tuor_auth_register(apr_pool_t *pool);
/** Fill q->who: 401 and 403 (no organization, foreign origin). */
tuor_error *tuor_auth_identify(tuor_request *q);
/** Whether httpd's configuration gives this request to Tuor's handler. */
int tuor_location(request_rec *r);
/** Take over what the database said of the caller's key or membership. Called by db.c with the result of "enter". */
tuor_error *tuor_auth_entered(tuor_request *q, const tuor_result *res);
/** The statement that lets a transaction into the caller's organization, and its parameters. */
const tuor_stmt *tuor_auth_entry(const tuor_principal *who, tuor_arg args[2], int *n);

/* query.c */

/** Whether a text is UTF-8 without U+0000: the database takes no other. */
int tuor_clean_utf8(const char *s, apr_size_t len, apr_pool_t *pool);

/* error.c */

/** Write an error as the answer. @return OK */
int tuor_error_send(tuor_request *q, const tuor_error *err);
/** Give the errors that httpd makes on Tuor's locations the same form. */
void tuor_error_register(apr_pool_t *pool);

/* openapi.c */

/** Put the OpenAPI document together, once routes and providers are registered. In each post_config. */
void tuor_openapi_build(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);
void tuor_openapi_register(apr_pool_t *pool);

/* health.c */

void tuor_health_register(apr_pool_t *pool);

/* ticker.c */

void tuor_ticker_register(apr_pool_t *pool);

/* db.c, db_link.c */

void tuor_db_register(apr_pool_t *pool);

#endif
