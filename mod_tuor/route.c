/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The table of routes. Plugins fill it in post_config; afterwards it is only read, so threads need
 * no lock. A few dozen routes are compared segment by segment: less work than a hash of the path.
 */
#include "core.h"

#include <apr_hash.h>
#include <apr_lib.h>

APLOG_USE_MODULE(tuor);

#define SEGMENTS_MAX 8

typedef struct segments {
    int n;
    const char *p[SEGMENTS_MAX];
    apr_size_t len[SEGMENTS_MAX];
} segments;

/* Answers are counted by what they say to a monitor. */
enum { ANSWER_2XX, ANSWER_3XX, ANSWER_4XX, ANSWER_429, ANSWER_5XX, ANSWERS };
static const char *const answers[ANSWERS] = { "2xx", "3xx", "4xx", "429", "5xx" };

typedef struct entry {
    const tuor_route *route;
    segments path;
    tuor_metric *answered[ANSWERS];
    tuor_metric *duration;
} entry;

/* Lives in pconf: collected anew with every configuration. */
static apr_array_header_t *table;

/* Cut a path at its slashes; one at the end does not count. 0: too many segments for any route. */
static int split(segments *out, const char *path)
{
    out->n = 0;
    while (*path == '/') {
        const char *end = strchr(++path, '/');
        apr_size_t len = end ? (apr_size_t)(end - path) : strlen(path);

        if (!len && !path[len]) {
            break;
        }
        if (out->n == SEGMENTS_MAX) {
            return 0;
        }
        out->p[out->n] = path;
        out->len[out->n++] = len;
        path += len;
    }
    return 1;
}

/* ---------------------------------------------------------------- figures */

static const double seconds[] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30
};
#define SECONDS_N (int)(sizeof(seconds) / sizeof(*seconds))

static tuor_metric *refused[ANSWERS];   /* requests that found no route */
static apr_hash_t *durations;           /* rate class: tuor_metric */

static void count_as(tuor_metric **answered, const char *labels, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < ANSWERS; i++) {
        answered[i] = tuor_metric_counter("tuor_requests_total", apr_psprintf(pool, "%s,status=\"%s\"", labels, answers[i]),
                                          "Requests answered, by route and kind of answer");
    }
}

static tuor_metric *duration_of(const tuor_route *route)
{
    const char *name = route->limit ? route->limit : "none";
    tuor_metric *m = apr_hash_get(durations, name, APR_HASH_KEY_STRING);

    if (!m) {
        m = tuor_metric_histogram("tuor_request_duration_seconds",
                                  apr_psprintf(table->pool, "class=\"%s\"", name),
                                  "Time from the request to the end of its answer", seconds, SECONDS_N);
        apr_hash_set(durations, name, APR_HASH_KEY_STRING, m);
    }
    return m;
}

/* httpd has one number for GET and HEAD, and either name for it. */
static const char *method_name(apr_pool_t *pool, int method)
{
    return method == M_GET ? "GET" : ap_method_name_of(pool, method);
}

static int answer_of(int status)
{
    return status == HTTP_TOO_MANY_REQUESTS ? ANSWER_429
         : status >= 500 ? ANSWER_5XX : status >= 400 ? ANSWER_4XX : status >= 300 ? ANSWER_3XX : ANSWER_2XX;
}

void tuor_route_count(const tuor_request *q, int status)
{
    const entry *e = q->entry;

    tuor_metric_add((e ? e->answered : refused)[answer_of(status)], 1);
    if (e) {
        tuor_metric_observe(e->duration, (double)(apr_time_now() - q->now) / APR_USEC_PER_SEC);
    }
}

void tuor_routes_add(const tuor_route *routes, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        entry *e = apr_array_push(table);

        e->route = &routes[i];
        split(&e->path, routes[i].path);
    }
}

static int is_param(const segments *s, int i)
{
    return s->p[i][0] == '{';
}

/* Literal segments before parameters, so that /traces/export is found before /traces/{id}. */
static int by_precedence(const void *av, const void *bv)
{
    const entry *a = av, *b = bv;
    int i, d;

    for (i = 0; i < a->path.n && i < b->path.n; i++) {
        d = is_param(&a->path, i) - is_param(&b->path, i);
        if (d) {
            return d;
        }
    }
    return a->path.n - b->path.n;
}

static void count_all(apr_pool_t *pconf)
{
    int i;

    count_as(refused, "method=\"\",route=\"\"", pconf);
    for (i = 0; i < table->nelts; i++) {
        entry *e = &APR_ARRAY_IDX(table, i, entry);

        count_as(e->answered, apr_psprintf(pconf, "method=\"%s\",route=\"%s\"", method_name(pconf, e->route->method), e->route->path),
                 pconf);
        e->duration = duration_of(e->route);
    }
}

void tuor_routes_collect(apr_pool_t *pconf, server_rec *s)
{
    table = apr_array_make(pconf, 64, sizeof(entry));
    durations = apr_hash_make(pconf);
    tuor_run_routes(pconf, s);
    qsort(table->elts, table->nelts, table->elt_size, by_precedence);
    count_all(pconf);
}

static int matches(const segments *route, const segments *path)
{
    int i;

    if (route->n != path->n) {
        return 0;
    }
    for (i = 0; i < path->n; i++) {
        if (is_param(route, i) ? !path->len[i]
                               : route->len[i] != path->len[i] || memcmp(route->p[i], path->p[i], path->len[i])) {
            return 0;
        }
    }
    return 1;
}

/*
 * Ids are letters, digits and an underscore. Anything else can be no id, and need not be looked up:
 * it becomes the empty one, which nothing has.
 */
static const char *take_id(apr_pool_t *pool, const char *p, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (!apr_isalnum(p[i]) && p[i] != '_') {
            return "";
        }
    }
    return len <= 100 ? apr_pstrmemdup(pool, p, len) : "";
}

static void take_params(tuor_request *q, const segments *route, const segments *path)
{
    int i, n = 0;

    for (i = 0; i < path->n; i++) {
        if (is_param(route, i) && n < TUOR_PARAMS_MAX) {
            q->param[n++] = take_id(q->pool, path->p[i], path->len[i]);
        }
    }
}

/* Whether two routes differ in method alone. */
static int same_shape(const segments *a, const segments *b)
{
    int i;

    for (i = 0; i < a->n; i++) {
        if (is_param(a, i) != is_param(b, i)) {
            return 0;
        }
    }
    return 1;
}

int tuor_route_near(const char *path)
{
    apr_size_t len = *path == '/' ? strcspn(path + 1, "/? ") : 0;
    int i;

    for (i = 0; len && i < table->nelts; i++) {
        const segments *s = &APR_ARRAY_IDX(table, i, entry).path;

        if (s->n > 1 && s->len[0] == len && !memcmp(s->p[0], path + 1, len)) {
            return 1;
        }
    }
    return 0;
}

static const char *methods_of(apr_pool_t *pool, const entry *first, const segments *path)
{
    apr_array_header_t *names = apr_array_make(pool, 5, sizeof(const char *));
    int i;

    for (i = 0; i < table->nelts; i++) {
        const entry *e = &APR_ARRAY_IDX(table, i, entry);

        if (matches(&e->path, path) && same_shape(&e->path, &first->path)) {
            APR_ARRAY_PUSH(names, const char *) = method_name(pool, e->route->method);
            if (e->route->method == M_GET) {
                APR_ARRAY_PUSH(names, const char *) = "HEAD";
            }
        }
    }
    return apr_array_pstrcat(pool, names, ',');
}

/* The most literal route decides; others only share its methods. They stand behind it. */
static const entry *first_of(const segments *path)
{
    int i;

    for (i = 0; i < table->nelts; i++) {
        const entry *e = &APR_ARRAY_IDX(table, i, entry);

        if (matches(&e->path, path)) {
            return e;
        }
    }
    return NULL;
}

const char *tuor_route_methods(apr_pool_t *pool, const char *uri)
{
    segments path;
    const entry *first = split(&path, uri) ? first_of(&path) : NULL;

    return first ? methods_of(pool, first, &path) : NULL;
}

int tuor_route_find(tuor_request *q, const char **allow, int *open)
{
    segments path;
    const entry *first = split(&path, q->r->uri) ? first_of(&path) : NULL;
    const entry *e, *end = (const entry *)table->elts + table->nelts;

    *open = 0;
    if (!first) {
        return HTTP_NOT_FOUND;
    }
    for (e = first; e < end; e++) {
        if (!matches(&e->path, &path) || !same_shape(&e->path, &first->path)) {
            continue;
        }
        if (e->route->method == q->r->method_number) {
            q->route = e->route;
            *open = e->route->role == TUOR_ROLE_PUBLIC;
            q->entry = e;
            take_params(q, &e->path, &path);
            return OK;
        }
        *open |= e->route->role == TUOR_ROLE_PUBLIC;
    }
    *allow = methods_of(q->pool, first, &path);
    return HTTP_METHOD_NOT_ALLOWED;
}

/* ---------------------------------------------------------- the description */

const tuor_route *tuor_route_like(int method, const char *path)
{
    segments wanted;
    int i, k;

    if (!split(&wanted, path)) {
        return NULL;
    }
    for (i = 0; i < table->nelts; i++) {
        const entry *e = &APR_ARRAY_IDX(table, i, entry);

        if (e->route->method != method || e->path.n != wanted.n || !same_shape(&e->path, &wanted)) {
            continue;
        }
        for (k = 0; k < wanted.n; k++) {
            if (!is_param(&wanted, k)
                && (e->path.len[k] != wanted.len[k] || memcmp(e->path.p[k], wanted.p[k], wanted.len[k]))) {
                break;
            }
        }
        if (k == wanted.n) {
            return e->route;
        }
    }
    return NULL;
}

/* -------------------------------------------------------------- the listing */

void tuor_routes_dump(apr_pool_t *pconf, server_rec *s)
{
    int i;

    table = apr_array_make(pconf, 64, sizeof(entry));
    tuor_run_routes(pconf, s);
    qsort(table->elts, table->nelts, table->elt_size, by_precedence);
    printf("Tuor's routes (method, path, lowest role, rate class):\n");
    for (i = 0; i < table->nelts; i++) {
        const tuor_route *route = APR_ARRAY_IDX(table, i, entry).route;

        printf("  %-6s %-52s %-8s %s%s\n", method_name(pconf, route->method), route->path, tuor_role_name(route->role),
               route->limit ? route->limit : "unlimited", route->flags & TUOR_ROUTE_USERS_ONLY ? " users-only" : "");
    }
}
