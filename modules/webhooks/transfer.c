/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A curl handle that does one POST and nothing cleverer: no redirects, no proxy, no second try, no
 * protocol but https, no address that the guard has not admitted.
 */
#include "transfer.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#define USER_AGENT "Tuor/0.1.0"

/*
 * A kept-alive connection is used again while it has been idle for no longer than this. Receivers close
 * idle ones after two seconds and more; a request sent into a closing connection would fail for good,
 * as nothing is ever sent twice.
 */
#define REUSE_SECONDS 1L

webhook_transfer *webhook_transfer_make(webhook_delivery *d, const webhook_settings *settings, webhook_sockets *sockets)
{
    webhook_transfer *t = apr_pcalloc(d->pool, sizeof(*t));
    const char *why;

    t->d = d;
    t->settings = settings;
    t->sockets = sockets;
    t->start = webhook_clock();
    t->deadline = t->start + apr_time_from_sec(settings->timeout);
    d->began = apr_time_now();
    why = tuor_guard_url(&t->target, d->url, settings->allow, d->pool);
    if (why) {
        webhook_transfer_fail(t, "not sent: the webhook URL %s", why);
        return NULL;
    }
    return t;
}

void webhook_transfer_fail(webhook_transfer *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t->d->error = apr_pvsprintf(t->d->pool, fmt, ap);
    va_end(ap);
    t->d->outcome = WEBHOOK_FAILED;
    t->d->took = webhook_clock() - t->start;
}

/* ---------------------------------------------------------------- callbacks */

static int is_own(const struct sockaddr *sa, const struct ifaddrs *own)
{
    for (; own; own = own->ifa_next) {
        const struct sockaddr *mine = own->ifa_addr;

        if (!mine || mine->sa_family != sa->sa_family) {
            continue;
        }
        if (sa->sa_family == AF_INET
            && ((const struct sockaddr_in *)sa)->sin_addr.s_addr == ((const struct sockaddr_in *)mine)->sin_addr.s_addr) {
            return 1;
        }
        if (sa->sa_family == AF_INET6
            && memcmp(&((const struct sockaddr_in6 *)sa)->sin6_addr, &((const struct sockaddr_in6 *)mine)->sin6_addr,
                      sizeof(struct in6_addr)) == 0) {
            return 1;
        }
    }
    return 0;
}

int webhook_admits(const struct sockaddr *sa, const struct ifaddrs *own, const webhook_settings *settings)
{
    return tuor_guard_address(sa, settings->allow)
        && (!is_own(sa, own) || tuor_guard_allowed(sa, settings->allow));
}

/* The last word on an address: the one that is really connected to. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    webhook_transfer *t = data;
    struct ifaddrs *own = NULL;
    int admitted;

    (void)purpose;
    if (getifaddrs(&own) != 0) {
        own = NULL;
    }
    admitted = webhook_admits(&address->addr, own, t->settings);
    if (own) {
        freeifaddrs(own);
    }
    if (!admitted) {
        t->refused = 1;
        return CURL_SOCKET_BAD;
    }
    t->opened = 1;
    return webhook_socket_open(t->sockets, address->family, address->socktype, address->protocol);
}

/* A connection stands and the request is about to go out. */
static int before_request(void *data, char *remote, char *local, int remote_port, int local_port)
{
    webhook_transfer *t = data;

    (void)local;
    /* curl goes for a second time when a connection that it used again had been closed */
    if (t->reading || webhook_clock() >= t->deadline) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (t->opened) {
        webhook_socket_connected(t->sockets, remote, remote_port, local_port);
    }
    else if (webhook_socket_stirs(t->sockets, remote, remote_port, local_port)) {
        t->stale = 1;
        return CURL_PREREQFUNC_ABORT;
    }
    t->connected = 1;
    return CURL_PREREQFUNC_OK;
}

/* There is no function to rewind: a body that has begun to go out never goes out again. */
static size_t read_body(char *out, size_t size, size_t n, void *data)
{
    webhook_transfer *t = data;
    apr_size_t left = t->d->body.len - t->sent, room = size * n;

    t->reading = 1;
    if (left > room) {
        left = room;
    }
    memcpy(out, t->d->body.p + t->sent, left);
    t->sent += left;
    return left;
}

static int too_much(webhook_transfer *t, size_t n)
{
    t->read += n;
    if (t->read > WEBHOOK_ANSWER_READ) {
        t->cut = 1;
    }
    return t->cut;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *data)
{
    webhook_transfer *t = data;

    (void)bytes;
    return too_much(t, size * n) ? 0 : size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    webhook_transfer *t = data;
    apr_size_t room = sizeof(t->answer) - t->kept, len = size * n;

    if (room > len) {
        room = len;
    }
    memcpy(t->answer + t->kept, bytes, room);
    t->kept += room;
    return too_much(t, len) ? 0 : len;
}

/* Certificates are checked against our own store: the system's authorities and the administrator's. */
static CURLcode set_roots(CURL *easy, void *ssl_ctx, void *data)
{
    webhook_transfer *t = data;

    (void)easy;
    SSL_CTX_set1_cert_store(ssl_ctx, t->settings->roots);
    return CURLE_OK;
}

/* ----------------------------------------------------------------- beginning */

static int add_header(webhook_transfer *t, const char *name, const char *value)
{
    /* curl leaves a header without a value out, unless it is written with a semicolon */
    const char *line = *value ? apr_pstrcat(t->d->pool, name, ": ", value, NULL)
                              : apr_pstrcat(t->d->pool, name, ";", NULL);
    struct curl_slist *list = curl_slist_append(t->headers, line);

    if (!list) {
        return 0;
    }
    t->headers = list;
    return 1;
}

/* What a project may have asked for beside the documented headers. */
static int add_extras(webhook_transfer *t)
{
    webhook_delivery *d = t->d;
    apr_int64_t at = apr_time_sec(d->began);

    if (d->next_secret && !add_header(t, "X-Tuor-Signature-Next",
                                      tuor_sign(d->next_secret, strlen(d->next_secret), d->body, d->pool))) {
        return 0;
    }
    if (d->traceparent && !add_header(t, "traceparent", d->traceparent)) {
        return 0;
    }
    return !d->standard
        || (add_header(t, "webhook-id", d->event_id)
            && add_header(t, "webhook-timestamp", apr_psprintf(d->pool, "%" APR_INT64_T_FMT, at))
            && add_header(t, "webhook-signature", webhook_standard_signature(d, at, d->pool)));
}

static int make_headers(webhook_transfer *t)
{
    webhook_delivery *d = t->d;
    struct curl_slist *list;

    if (!add_header(t, "Content-Type", "application/json")
        || !add_header(t, "X-Tuor-Event-Id", d->event_id)
        || !add_header(t, "X-Tuor-Trace-Id", d->trace_id ? d->trace_id : "")
        || !add_header(t, "X-Tuor-Signature", tuor_sign(d->secret, strlen(d->secret), d->body, d->pool))
        || !add_extras(t)) {
        return 0;
    }
    /* no waiting for a 100 that most receivers do not send */
    list = curl_slist_append(t->headers, "Expect:");
    if (list) {
        t->headers = list;
    }
    return list != NULL;
}

/* curl is told the addresses that were checked, and asks nobody for others. */
static int make_resolve(webhook_transfer *t)
{
    if (!t->addrs) {
        return 1;
    }
    t->resolve = curl_slist_append(NULL, apr_psprintf(t->d->pool, "+%s:%u:%s", t->target.host, t->target.port, t->addrs));
    return t->resolve != NULL;
}

int webhook_transfer_begin(webhook_transfer *t, CURL *easy)
{
    apr_interval_time_t left = t->deadline - webhook_clock();
    long fresh = t->stale;

    if (!make_headers(t) || !make_resolve(t)) {
        webhook_transfer_fail(t, "not sent: the server is out of memory");
        return 0;
    }
    t->easy = easy;
    t->stale = t->opened = 0;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left < 1000 ? 1 : left / 1000));

    curl_easy_setopt(easy, CURLOPT_URL, t->target.url);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, t->resolve);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, REUSE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, webhook_socket_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, t->sockets);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);

    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_roots);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);

    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->d->body.len);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, t);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    return 1;
}

/* -------------------------------------------------------------------- ending */

static void judge_status(webhook_transfer *t, long status)
{
    if (status >= 200 && status < 300) {
        t->d->outcome = WEBHOOK_SUCCESS;
        t->d->took = webhook_clock() - t->start;
    }
    else if (status >= 300 && status < 400) {
        webhook_transfer_fail(t, "the receiver answered %ld: redirects are not followed", status);
    }
    else {
        webhook_transfer_fail(t, "the receiver answered %ld", status);
    }
}

/* What went wrong before there was a whole answer, for the person who reads the delivery log. */
static void judge_failure(webhook_transfer *t, CURLcode code)
{
    const char *why = webhook_text(t->why, strlen(t->why), 0, t->d->pool);
    int timeout = t->settings->timeout;

    if (t->refused) {
        webhook_transfer_fail(t, "not sent: the host has an address that is private, local or reserved");
        return;
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        webhook_transfer_fail(t, !t->connected ? "timed out: no connection within %d s"
                              : t->read ? "timed out: the answer was not complete within %d s"
                              : "timed out: no answer within %d s", timeout);
        break;
    case CURLE_COULDNT_CONNECT:
        webhook_transfer_fail(t, "cannot connect: %s", why);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
        webhook_transfer_fail(t, "the receiver's certificate was not accepted: %s", why);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        webhook_transfer_fail(t, "no TLS connection: %s", why);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK:
        webhook_transfer_fail(t, "the receiver closed the connection without an answer");
        break;
    case CURLE_WRITE_ERROR:
        webhook_transfer_fail(t, "the answer's header is longer than %d KB", WEBHOOK_ANSWER_READ / 1024);
        break;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        webhook_transfer_fail(t, "the connection broke off: %s", *why ? why : curl_easy_strerror(code));
        break;
    default:
        webhook_transfer_fail(t, "failed: %s", *why ? why : curl_easy_strerror(code));
        break;
    }
}

void webhook_transfer_end(webhook_transfer *t, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->d->status_code = (int)status;
    if (status) {
        t->d->answer = webhook_text(t->answer, t->kept, t->read > t->kept, t->d->pool);
    }
    /* Once we have read enough of it, the answer is its status. */
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && t->cut && status >= 200)) {
        judge_status(t, status);
    }
    else {
        judge_failure(t, code);
    }
}

void webhook_transfer_abandon(webhook_transfer *t)
{
    if (t->connected) {
        webhook_transfer_fail(t, "interrupted: outcome unknown");
    }
    else {
        t->d->outcome = WEBHOOK_RELEASED;
    }
}

void webhook_transfer_free(webhook_transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->resolve);
    t->headers = t->resolve = NULL;
    t->easy = NULL;
}
