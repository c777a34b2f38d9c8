/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The refiner that asks a model: one POST to the endpoint that the administrator named, whatever its
 * address, and nothing cleverer. No redirects, no proxy of the environment's, no second try.
 */
#include "refiners.h"

#include <curl/curl.h>

#define ANSWER_MAX (1024 * 1024)
#define CONNECT_TIMEOUT 10L

static const char *check(const server_rec *s, apr_pool_t *ptemp)
{
    refiner_settings c = refiner_settings_of(s);

    (void)ptemp;
    if (!c.url) {
        return "TuorRefinerURL is missing: the URL of a chat-completions endpoint";
    }
    return c.model ? NULL : "TuorRefinerModel is missing: the name of the model, as the endpoint knows it";
}

typedef struct answer {
    tuor_buf body;
    int too_big, connected;
} answer;

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    answer *a = data;

    if (a->body.len + size * n > ANSWER_MAX) {
        a->too_big = 1;
        return 0;
    }
    tuor_buf_add(&a->body, bytes, size * n);
    return size * n;
}

static int add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *list = curl_slist_append(*headers, line);

    if (list) {
        *headers = list;
    }
    return list != NULL;
}

static int make_headers(struct curl_slist **headers, const refiner_settings *c, apr_pool_t *pool)
{
    /* With an Expect of its own curl would wait for a 100, which such servers seldom send. */
    return add_header(headers, "Content-Type: application/json") && add_header(headers, "Accept: application/json")
        && add_header(headers, "Expect:")
        && (!c->key || add_header(headers, apr_pstrcat(pool, "Authorization: Bearer ", c->key, NULL)));
}

static CURLcode set_up(CURL *easy, const refiner_settings *c, const char *body, struct curl_slist *headers, answer *a)
{
    struct curl_blob ca = { (void *)c->ca.p, c->ca.len, CURL_BLOB_NOCOPY };
    CURLcode rv = CURLE_OK;

#define SET(option, value) (rv = rv != CURLE_OK ? rv : curl_easy_setopt(easy, option, value))
    SET(CURLOPT_URL, c->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
    SET(CURLOPT_TIMEOUT, (long)c->timeout);
    SET(CURLOPT_USERAGENT, "Tuor/" TUOR_VERSION);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    SET(CURLOPT_POSTFIELDS, body);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, a);
    if (c->ca.p) {
        /* In place of the system's authorities: this is one endpoint, and whose it is has been said. */
        SET(CURLOPT_CAINFO_BLOB, &ca);
        SET(CURLOPT_CAINFO, NULL);
        SET(CURLOPT_CAPATH, NULL);
    }
#undef SET
    return rv;
}

/* Why there is no answer, as the end of a sentence. The address is the administrator's secret. */
static const char *failure(CURLcode rv, const answer *a, const refiner_settings *c, apr_pool_t *pool)
{
    if (a->too_big) {
        return "gave an answer of more than 1 MB";
    }
    switch (rv) {
    case CURLE_OPERATION_TIMEDOUT:
        if (!a->connected) {
            return "cannot be reached";
        }
        return apr_psprintf(pool, "did not answer within %d seconds", c->timeout);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return "cannot be reached";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return "has no certificate that this server trusts";
    default:
        return "broke the connection off";
    }
}

static tuor_error *bad_gateway(tuor_request *q, const char *why, const char *cause)
{
    tuor_error *err = tuor_error_make(q->pool, HTTP_BAD_GATEWAY, "The refiner %s", why);

    err->cause = cause;
    return err;
}

static tuor_error *judge(tuor_refinement *out, tuor_request *q, CURLcode rv, long status, const answer *a,
                         const refiner_settings *c)
{
    const char *why = NULL;

    if (rv != CURLE_OK) {
        return bad_gateway(q, failure(rv, a, c, q->pool), curl_easy_strerror(rv));
    }
    if (status != HTTP_OK) {
        return bad_gateway(q, apr_psprintf(q->pool, "answered with status %ld", status), NULL);
    }
    why = refiner_message_read(out, (tuor_slice){ a->body.p, a->body.len }, q->pool);
    return why ? bad_gateway(q, why, NULL) : NULL;
}

static tuor_error *ask(tuor_refinement *out, tuor_request *q, const char *body, const refiner_settings *c)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = NULL;
    answer a = { .too_big = 0 };
    CURLcode rv = CURLE_OUT_OF_MEMORY;
    curl_off_t ready = 0;
    long status = 0;

    tuor_buf_init(&a.body, q->pool);
    if (easy && make_headers(&headers, c, q->pool)) {
        rv = set_up(easy, c, body, headers, &a);
        rv = rv == CURLE_OK ? curl_easy_perform(easy) : rv;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
        a.connected = ready > 0;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return judge(out, q, rv, status, &a, c);
}

static tuor_error *refine(tuor_refinement *out, tuor_request *q, const tuor_refine_input *in)
{
    refiner_settings c = refiner_settings_of(q->r->server);
    const char *body = refiner_message_make(&out->lineage, c.model, in, q->pool);

    return ask(out, q, body, &c);
}

const tuor_refiner refiner_http = {
    .check = check,
    .refine = refine
};
