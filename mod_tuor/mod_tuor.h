/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file mod_tuor.h
 * The contract between the core of Tuor and its plugins.
 *
 * A plugin is an ordinary httpd module. In its register_hooks it hooks into the seams below; its
 * handlers get a tuor_request, speak to PostgreSQL through tuor_db_*, answer through tuor_reply_*,
 * and return a tuor_error where something is wrong. They never write an error themselves.
 *
 * Unless said otherwise: functions may be called from any worker thread, but a tuor_request and
 * what hangs on it belong to the one thread that serves the request; memory comes from q->pool and
 * lives until the answer has left; strings are UTF-8 and NUL-terminated; times are microseconds
 * since 1970 (apr_time_t); a returned tuor_error * is NULL for success.
 */
#ifndef MOD_TUOR_H
#define MOD_TUOR_H

#include <httpd.h>
#include <ap_provider.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_hooks.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "tuor_id.h"
#include "tuor_json.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TUOR_DECLARE(type) type

/** Grows when this contract changes incompatibly: #if TUOR_API_VERSION != 1 tells a plugin at build time. */
#define TUOR_API_VERSION 1

/** The newest migration that this software knows: sql/NNNN_*.sql. */
#define TUOR_SCHEMA_VERSION 16

/** A log tag: one for each call site, four digits, never used twice. Tuor's own; a plugin has tags of its own. */
#define TUORNO(n) "TUOR" #n ": "

typedef struct tuor_request tuor_request;
typedef struct tuor_db tuor_db;
typedef struct tuor_result tuor_result;
typedef struct tuor_reply tuor_reply;

/* ------------------------------------------------------------------ errors */

/** One faulty member of a body, or parameter of a query. */
typedef struct tuor_fault_entry {
    const char *field;                  /**< as the client calls it; not copied, lives as long as the request */
    const char *message;                /**< what it must be, without the field's name: "must be a string" */
} tuor_fault_entry;

/**
 * Why a request cannot be served. Rendered as JSON by the core, in one place. Make it with one of the
 * functions below and set further members afterwards; what they point at has to live as long as the
 * pool that the error is in. detail and members reach the client: no SQL, no path, no payload in them.
 */
typedef struct tuor_error {
    int status;                         /**< HTTP status, 400 and up */
    const char *detail;                 /**< a sentence for the client: what was wrong, what would be right; never NULL */
    const apr_array_header_t *faults;   /**< tuor_fault_entry each, or NULL */
    const char *members;                /**< further JSON members ("\"status\":\"approved\""), or NULL */
    int retry_after;                    /**< seconds for Retry-After; 0 sends none; 2 by default with 503 */
    const char *cause;                  /**< for the log only, or NULL; no payload, no key, no secret either */
    const char *sqlstate;               /**< five characters when the database said no, or NULL */
    unsigned settled:1;                 /**< answer at once, even where the credential is not verified yet */
} tuor_error;

/** Make an error; detail is formatted as by apr_psprintf, into the pool, from UTF-8. Never NULL. */
tuor_error *tuor_error_make(apr_pool_t *pool, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * The 404 for an id that is absent, foreign or of another kind: always the same words for a kind.
 * @param what the kind, as a person would say it: "trace"
 */
tuor_error *tuor_error_not_found(apr_pool_t *pool, const char *what);

/** The 401 for a missing, malformed, unknown and revoked key: the same bytes for each. */
tuor_error *tuor_error_unauthorized(apr_pool_t *pool);

/** The 403 of a credential whose organization is suspended, or that belongs to none any more. */
tuor_error *tuor_error_no_organization(apr_pool_t *pool);

/**
 * Write what an error says as members of a JSON object: detail, further members, errors. For answers
 * that hold several errors; an answer that is one is the core's to write.
 */
void tuor_error_members(tuor_buf *b, const tuor_error *err);

/** 409 with current_version and status beside detail. */
tuor_error *tuor_error_conflict(apr_pool_t *pool, apr_int64_t version, const char *status,
                                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* -------------------------------------------------------------- principals */

/** Each role may do what those before it may. */
typedef enum {
    TUOR_ROLE_PUBLIC = 0,               /**< no credential needed */
    TUOR_ROLE_VIEWER,
    TUOR_ROLE_REVIEWER,
    TUOR_ROLE_ADMIN
} tuor_role;

typedef enum { TUOR_BY_USER, TUOR_BY_KEY, TUOR_BY_SYSTEM } tuor_actor;

/**
 * Who asks. An API key whose form is right is verified by the first database statement of the
 * request, in the same round trip: until then verified is 0, and id and org_id are NULL.
 */
typedef struct tuor_principal {
    tuor_actor kind;
    int verified;
    tuor_role role;
    const char *id;                     /**< user_… or key_…; NULL until verified, and of the system */
    const char *login, *name;           /**< of a user, whose name may be NULL; name alone of a key, once verified */
    const char *org_id, *org_name;      /**< NULL until verified, and of the system; org_name may stay NULL */
    unsigned char key_hash[TUOR_HASH_LEN];      /**< of a key; of a user, the SHA-256 of the login */
} tuor_principal;

/** "viewer" and so on, static; NULL for an unknown role. */
const char *tuor_role_name(tuor_role role);
/** @return 1 and the role, or 0 when there is none of that name */
int tuor_role_parse(tuor_role *role, const char *name);
/** "user", "api_key" or "system", as events say it; static. */
const char *tuor_actor_name(tuor_actor kind);

/**
 * Verify a key now, if no statement has done so yet. For what must know the caller before its first
 * statement. Takes a connection for a round trip: not while a unit of work of yours is open.
 * @return 401, 403 or 503
 */
tuor_error *tuor_auth_verify(tuor_request *q);

/** Take over what a handler's own statement found out about the caller's key. Copies the strings. */
void tuor_auth_accept(tuor_request *q, const char *id, const char *org_id);

/* ------------------------------------------------------------------ routes */

/**
 * Serves one method of one path: reads query and body, does its work, and either answers (and returns
 * what tuor_reply_end() returned) or returns an error before it has begun an answer. Runs on any
 * thread, for many requests at once; what it keeps between requests, it has to lock.
 */
typedef tuor_error *tuor_handler(tuor_request *q);

typedef struct tuor_route {
    int method;                         /**< M_GET (HEAD comes with it), M_POST, M_PUT, M_DELETE */
    const char *path;                   /**< "/v1/traces/{id}/review"; answers with a final slash too */
    tuor_role role;                     /**< the lowest that may call it */
    const char *limit;                  /**< rate class: ingest read write export refine; NULL is unlimited */
    tuor_handler *handler;              /**< not NULL */
    unsigned flags;                     /**< TUOR_ROUTE_* */
} tuor_route;

/** API keys are refused with 403, whatever role they act as. */
#define TUOR_ROUTE_USERS_ONLY 1

/**
 * Add routes; called from a tuor_hook_routes function, in post_config, single-threaded.
 * @param routes static; a literal path wins over one with a parameter at the same place
 * @param n how many; paths have at most 8 segments, and TUOR_PARAMS_MAX of them in braces
 */
void tuor_routes_add(const tuor_route *routes, int n);

/**
 * Provider group of OpenAPI descriptions: a plugin that has routes describes them, and its provider is
 * a text: ap_register_provider(pool, TUOR_OPENAPI_GROUP, "hello", "1", json). The text is an OpenAPI 3.1
 * document without openapi and info: paths, components and tags, which the core joins to its own and
 * those of others in post_config. It may refer to the components of mod_tuor/openapi.json.
 */
#define TUOR_OPENAPI_GROUP "tuor-openapi"

/** The same for a plugin under modules/, where the build embeds modules/NAME/openapi.json by itself. */
#define TUOR_OPENAPI(pool, name) do { \
        extern const char tuor_openapi_##name[]; \
        ap_register_provider((pool), TUOR_OPENAPI_GROUP, #name, "1", tuor_openapi_##name); \
    } while (0)

/** Number of path parameters a route may have. */
#define TUOR_PARAMS_MAX 4

struct tuor_request {
    request_rec *r;
    apr_pool_t *pool;                   /**< r->pool */
    apr_time_t now;                     /**< when the request came in; event and row times are taken from it */
    const tuor_route *route;
    const char *param[TUOR_PARAMS_MAX]; /**< what stood in the path for each {…}, in order; "" for what can be no id */
    tuor_principal *who;                /**< never NULL in a handler; kind TUOR_BY_SYSTEM on public routes */
    apr_array_header_t *faults;         /**< tuor_fault_entry each: see tuor_fault() */
    char *body;                         /**< after tuor_body_*: the body, writable; freed with the request */
    apr_size_t body_len;
    int answered;                       /**< an answer has been started */
    const void *entry;                  /**< the core's own */
};

/** The request behind a request_rec that Tuor's handler serves, or NULL. */
tuor_request *tuor_request_of(request_rec *r);

/**
 * The request's id: an incoming X-Request-Id if it is well-formed, else mod_unique_id's, else a new one.
 * Becomes a header of the answer, and the note tuor-request-id, on first use. In r->pool; never NULL.
 */
const char *tuor_request_id(request_rec *r);
/** An incoming W3C traceparent, as it was sent, for whoever calls others on behalf of this request; NULL
 *  when there is none or it is malformed. In r->pool. */
const char *tuor_traceparent(request_rec *r);
/** "[REQUEST-ID]" or "[REQUEST-ID trace=TRACE-ID]": what a log line about a request begins with. In r->pool.
 *  The access log finds the same as %{tuor-request-id}n and %{tuor-trace-id}n. */
const char *tuor_log_ids(request_rec *r);

/**
 * Whether a request that changes something comes from a page of this very server, or from no browser at all:
 * what the core asks of every request that a signed-in user makes. GET and OPTIONS always may.
 */
int tuor_same_origin(const request_rec *r);
/** Whether SetHandler names this handler at the request's location: known from translate_name on, before r->handler is. */
int tuor_handler_is(request_rec *r, const char *name);

/* ------------------------------------------------ reading: query and body */

/**
 * Note that a member or parameter is wrong; the request goes on to collect the others, and
 * tuor_faults() then makes one 422 of them.
 * @param field not copied
 * @param fmt what it must be, as by apr_psprintf: "must be a string"
 */
void tuor_fault(tuor_request *q, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** The 422 that names everything noted so far, or NULL. */
tuor_error *tuor_faults(tuor_request *q);

/** A query parameter: name in, value out (decoded UTF-8 without U+0000, in q->pool; NULL when absent, "" for "a" and "a="). */
typedef struct tuor_param {
    const char *name;
    const char *value;
} tuor_param;

/**
 * Read the query string. Bad percent-encoding and invalid UTF-8 are 400; unknown and repeated
 * parameters become faults.
 * @param params the ones that there are, value NULL each; may be NULL with n 0: then any is a fault
 */
tuor_error *tuor_query(tuor_request *q, tuor_param *params, int n);

/** A whole number within bounds; anything else is a fault and gives the default. */
apr_int64_t tuor_param_int(tuor_request *q, const tuor_param *p, apr_int64_t min, apr_int64_t max,
                           apr_int64_t dflt);
/** An ISO 8601 time, or 0 when absent; anything else is a fault. */
apr_time_t tuor_param_time(tuor_request *q, const tuor_param *p);

/**
 * Read a body of a media type into q->body, which is NUL-terminated and freed with the request. Waits
 * for the client: hold no connection meanwhile. Once a request.
 * @param limit bytes; 0: the server's own, three payloads and 2 MiB
 * @return 415; 413; 408 for one that does not come; 400 for one cut short; 503 when memory is short
 */
tuor_error *tuor_body_read(tuor_request *q, const char *media_type, apr_size_t limit);

/**
 * Read a JSON body and pick the members named. An unparsable body is 400, as is a member given
 * twice; JSON that is no object is 422. An absent body reads as {} when optional is set.
 * @param fields name in; the rest out: slices point into q->body. At most 64; may be NULL with n 0
 */
tuor_error *tuor_body_json(tuor_request *q, tuor_json_field *fields, int n, int optional);

/**
 * The same for a JSON text that lies within q->body, such as a line of NDJSON.
 * @param what names the text in messages, and as the field of a fault: "line"
 * @param scratch for the scanner alone; may be cleared afterwards
 */
tuor_error *tuor_body_part(tuor_request *q, tuor_slice text, tuor_json_field *fields, int n, const char *what,
                           apr_pool_t *scratch);

/** The decoded text of a string member, NULL when absent or null. Wrong type, U+0000, a lone surrogate
 *  and a length out of bounds (in characters) are faults, as is absence when min > 0 and required. */
const char *tuor_field_string(tuor_request *q, const tuor_json_field *f, int required,
                              apr_size_t min, apr_size_t max);
/* To all of these a faulty member is as an absent one; texts are in q->pool. */
/** One of a list of words (NULL-terminated): the word from the list, or NULL. */
const char *tuor_field_word(tuor_request *q, const tuor_json_field *f, int required,
                            const char *const *words);
/** An integer from min up; 1.0, "1" and true are faults. 0 when absent, null or faulty. */
apr_int64_t tuor_field_int(tuor_request *q, const tuor_json_field *f, int required, apr_int64_t min);
/** A boolean: 1, 0, or -1 when absent or faulty; null is a fault. */
int tuor_field_bool(tuor_request *q, const tuor_json_field *f);
/**
 * A payload: an object within the limits of size and depth, without white space between tokens.
 * Compacts q->body in place. TUOR_SLICE_NONE when absent, null (if not required) or faulty.
 */
tuor_slice tuor_field_payload(tuor_request *q, const tuor_json_field *f, int required);

/* ---------------------------------------------------------------- answers */

/**
 * Start an answer, one a request, and end it with tuor_reply_end() or tuor_reply_abort(). Pieces are
 * gathered and sent with a Content-Length when it ends; an answer that is flushed before streams
 * instead. Headers (q->r->headers_out) have to be set before; Cache-Control is no-store unless it is.
 * All of these belong to the thread of the request. None fails: when the client has gone, what is
 * added is dropped.
 * @param content_type not copied; NULL for an answer without a body (204, 304)
 */
tuor_reply *tuor_reply_begin(tuor_request *q, int status, const char *content_type);
/** For tuor_reply_add() alone: add what the gathered text has no room for. */
void tuor_reply_add_more(tuor_reply *rp, const char *text, apr_size_t len);
/** Add text that may go away after the call. */
static inline void tuor_reply_add(tuor_reply *rp, const char *text, apr_size_t len)
{
    tuor_buf *b = (tuor_buf *)rp;               /* its first member */

    if (len < b->size - b->len) {
        memcpy(b->p + b->len, text, len);
        b->len += len;
    }
    else {
        tuor_reply_add_more(rp, text, len);
    }
}
static inline void tuor_reply_puts(tuor_reply *rp, const char *text)
{
    tuor_reply_add(rp, text, strlen(text));     /* the compiler knows the length of a literal */
}
/** At most 511 bytes; formatted as by apr_snprintf (APR_INT64_T_FMT). Escapes nothing. */
void tuor_reply_printf(tuor_reply *rp, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Add bytes that live until the request ends; big ones are not copied. */
void tuor_reply_slice(tuor_reply *rp, tuor_slice s);
/** Add a raw JSON value, or null for none. Lifetime as for tuor_reply_slice(). */
void tuor_reply_raw(tuor_reply *rp, tuor_slice value);
/** Add a JSON string with quotes and escapes, or null for NULL; s is UTF-8 and may go away after the call. */
void tuor_reply_json(tuor_reply *rp, const char *s);
/** Add a number. */
void tuor_reply_int(tuor_reply *rp, apr_int64_t n);
/** Add a time as a JSON string, or null for 0. */
void tuor_reply_time(tuor_reply *rp, apr_time_t t);
/**
 * Send what has been gathered so far and forget it: afterwards slices given before may go away.
 * Waits for a slow client, so hold no connection of the shared pool.
 * @return 0 to go on, non-zero when the client has gone
 */
int tuor_reply_flush(tuor_reply *rp);
/** Bytes gathered and not yet sent. */
apr_size_t tuor_reply_pending(const tuor_reply *rp);
/** The rest, and the end of the answer. Always NULL, so that a handler can return it. */
tuor_error *tuor_reply_end(tuor_reply *rp);
/**
 * Whether the client has what is behind this tag already: If-None-Match names it. A compressed copy
 * counts, whose tag mod_deflate or mod_brotli has marked. The handler then sets ETag and answers 304.
 * @param etag strong, with its quotes
 */
int tuor_not_modified(tuor_request *q, const char *etag);
/** Break a streamed answer off so that no client takes the part for the whole; say why in the log. Always NULL. */
tuor_error *tuor_reply_abort(tuor_reply *rp);

/* --------------------------------------------------------------- database */

/**
 * A prepared statement. Static storage: its address is its identity on each connection.
 * Every parameter travels in binary form with the type that the tuor_arg names; results are binary:
 * cast what is neither text, bytea, integer, boolean, timestamptz nor text[].
 * Write org_id = tuor.org() in every WHERE: the unit of work sets it.
 */
typedef struct tuor_stmt {
    const char *name;                   /**< lower case, unique: "traces_get"; NULL: not prepared, but sent each time */
    const char *sql;                    /**< one statement; parameters are $1, $2, … */
} tuor_stmt;

/**
 * The statement for a text that was put together at run time (optional filters). Found again by its
 * text, kept for the life of the process: so the text must never hold anything that a client sent.
 * From request handlers and threads of children; not before child_init. Never NULL.
 */
const tuor_stmt *tuor_stmt_for(const char *sql);

typedef enum {
    TUOR_ARG_TEXT, TUOR_ARG_INT, TUOR_ARG_BOOL, TUOR_ARG_TIME, TUOR_ARG_BYTES, TUOR_ARG_TEXTS,
    TUOR_ARG_SLICES, TUOR_ARG_BLOBS, TUOR_ARG_TIMES
} tuor_arg_type;

/** A parameter; p == NULL is SQL NULL. Build it with the functions below. Points at the value, which has to live for the call. */
typedef struct tuor_arg {
    tuor_arg_type type;
    const void *p;
    apr_size_t len;
    apr_int64_t i;
} tuor_arg;

/** text */
static inline tuor_arg tuor_text(const char *s)
{
    return (tuor_arg){ TUOR_ARG_TEXT, s, s ? strlen(s) : 0, 0 };
}
/** text */
static inline tuor_arg tuor_text_slice(tuor_slice s)
{
    return (tuor_arg){ TUOR_ARG_TEXT, s.p, s.len, 0 };
}
/** bigint */
static inline tuor_arg tuor_int(apr_int64_t i)
{
    return (tuor_arg){ TUOR_ARG_INT, "", 0, i };
}
/** boolean; -1 is NULL */
static inline tuor_arg tuor_bool(int b)
{
    return (tuor_arg){ TUOR_ARG_BOOL, b < 0 ? NULL : "", 0, b };
}
/** timestamptz; 0 is NULL */
static inline tuor_arg tuor_time(apr_time_t t)
{
    return (tuor_arg){ TUOR_ARG_TIME, t ? "" : NULL, 0, t };
}
/** bytea */
static inline tuor_arg tuor_bytes(const void *p, apr_size_t len)
{
    return (tuor_arg){ TUOR_ARG_BYTES, p, len, 0 };
}
/** text[]; const char * each, NULL elements are SQL NULL; a NULL array is SQL NULL */
static inline tuor_arg tuor_texts(const apr_array_header_t *texts)
{
    return (tuor_arg){ TUOR_ARG_TEXTS, texts, 0, 0 };
}

/*
 * Arrays that a statement unnests to work on many rows at once. Their elements are copied into the
 * array's binary form, in the pool of the unit of work, when the statement runs: keep the bytes of one
 * statement within reason, and give each its own pool. An array of more than 1 GB is refused with 413.
 */
/** text[]; tuor_slice each, a slice of none is SQL NULL */
static inline tuor_arg tuor_slices(const apr_array_header_t *slices)
{
    return (tuor_arg){ TUOR_ARG_SLICES, slices, 0, 0 };
}
/** bytea[]; tuor_slice each, a slice of none is SQL NULL */
static inline tuor_arg tuor_blobs(const apr_array_header_t *slices)
{
    return (tuor_arg){ TUOR_ARG_BLOBS, slices, 0, 0 };
}
/** timestamptz[]; apr_time_t each, 0 is SQL NULL */
static inline tuor_arg tuor_times(const apr_array_header_t *times)
{
    return (tuor_arg){ TUOR_ARG_TIMES, times, 0, 0 };
}

/** The parameters of a call: TUOR_ARGS(tuor_text(id), tuor_int(version)). */
#define TUOR_ARGS(...) \
    (const tuor_arg[]){ __VA_ARGS__ }, \
    (int)(sizeof((const tuor_arg[]){ __VA_ARGS__ }) / sizeof(tuor_arg))
#define TUOR_NO_ARGS NULL, 0

typedef enum {
    TUOR_DB_EACH,       /**< each statement commits by itself */
    TUOR_DB_ATOMIC      /**< all commit together in tuor_db_commit(), or not at all */
} tuor_db_mode;

/**
 * Start a unit of work for a request on a connection of the shared pool. Costs no round trip: the
 * check of the caller's credential travels with the first statement, which fails with 401 or 403
 * when the credential no longer stands. Give the connection back with tuor_db_end() before writing
 * to the client, on every way out. One unit at a time for a request; it belongs to one thread.
 * @param db set to NULL with an error, so that tuor_db_end() may follow in either case
 * @return 503 when no connection can be had within TuorDatabaseTimeout
 */
tuor_error *tuor_db_begin(tuor_db **db, tuor_request *q, tuor_db_mode mode);

/**
 * The same for a thread of the server's own, on behalf of an organization; org_id NULL sees no
 * organization's rows and serves to call the functions that the schema keeps for the server.
 * @param s the server whose configuration names the database
 * @param pool for the unit and its results; of the calling thread's own, as pools are not locked
 * @param org_id not copied
 */
tuor_error *tuor_db_begin_system(tuor_db **db, server_rec *s, const char *org_id,
                                 tuor_db_mode mode, apr_pool_t *pool);

/** TuorDatabaseTimeout of a server. */
apr_interval_time_t tuor_db_timeout(const server_rec *s);

/** Let the statements of a unit of work take no longer than until a time, if that is before TuorDatabaseTimeout; 0: no matter. */
void tuor_db_until(tuor_db *db, apr_time_t deadline);

/**
 * Run a statement and wait for its result, at most as long as the wait for the connection has left of
 * TuorDatabaseTimeout, or a quarter of that.
 * @param res may be NULL; set to NULL with an error; lives until the pool of the unit ends (that of the
 *        request), beyond tuor_db_end(), or until tuor_result_clear()
 * @return 503 for a database that is away, full or too slow; otherwise an error whose sqlstate the
 *         caller may look at (a violated constraint) before handing it on
 */
tuor_error *tuor_db_exec(tuor_result **res, tuor_db *db, const tuor_stmt *stmt,
                         const tuor_arg *args, int n);

/** One of the statements that travel together; begin with zeros. */
typedef struct tuor_part {
    const tuor_stmt *stmt;
    const tuor_arg *args;
    int n;
    apr_pool_t *pool;                   /**< of the result */
    tuor_result *res;                   /**< out */
} tuor_part;

/**
 * Several statements in one round trip, each as by tuor_db_exec(), in a unit of work of TUOR_DB_EACH. The first
 * that fails ends them all.
 * @param n at most 15
 */
tuor_error *tuor_db_exec_all(tuor_db *db, tuor_part *parts, int n);
/** Run the last statement of an atomic unit and commit it in the same round trip. After an error nothing is committed,
 *  unless the connection broke while the commit was on its way, which nobody can know. */
tuor_error *tuor_db_exec_commit(tuor_result **res, tuor_db *db, const tuor_stmt *stmt,
                                const tuor_arg *args, int n);

/** Commit an atomic unit. Nothing to do for the other mode, and where no statement ran. The error: as above. */
tuor_error *tuor_db_commit(tuor_db *db);

/** Roll back what was not committed and give the connection back. Harmless on NULL and a second time. */
void tuor_db_end(tuor_db *db);

/** Rows and columns count from 0. What they return points into the result and lives as long as it. */
int tuor_result_rows(const tuor_result *res);
int tuor_result_null(const tuor_result *res, int row, int col);
/** The bytes of a text or bytea column, NUL-terminated; none for NULL. */
tuor_slice tuor_result_slice(const tuor_result *res, int row, int col);
/** The same as a string, or NULL. */
const char *tuor_result_text(const tuor_result *res, int row, int col);
/** Any integer type or boolean; 0 for NULL. */
apr_int64_t tuor_result_int(const tuor_result *res, int row, int col);
/** timestamptz; 0 for NULL. */
apr_time_t tuor_result_time(const tuor_result *res, int row, int col);
/** text[]: const char * each, in the pool; empty for NULL. */
apr_array_header_t *tuor_result_texts(const tuor_result *res, int row, int col, apr_pool_t *pool);
/** Free a result early; otherwise its pool does. Harmless on NULL. */
void tuor_result_clear(tuor_result *res);

/**
 * A connection of the export pool (TuorExportConnections), in a read-only snapshot that sees the
 * caller's organization. Waits for one at most TuorDatabaseTimeout, then 503. Lasts TuorExportTimeout at
 * most, may be held while the client reads slowly, and is given back with tuor_db_end().
 */
tuor_error *tuor_db_snapshot(tuor_db **db, tuor_request *q);

/**
 * A second connection that sees the very snapshot of the first, before any COPY on that. Reserved with it:
 * does not wait. To be ended before the first.
 */
tuor_error *tuor_db_snapshot_join(tuor_db **db, tuor_request *q, tuor_db *first);

/** Start a COPY … TO STDOUT (FORMAT binary). Literals must come from tuor_db_literal(). */
tuor_error *tuor_db_copy(tuor_db *db, const char *sql);

/** A row of a COPY: its columns as slices that live until the next call. */
typedef struct tuor_copy_row {
    int n;                              /**< columns */
    tuor_slice col[40];                 /**< a slice of none is SQL NULL */
    char *raw;                          /**< the library's own; freed by the next call */
} tuor_copy_row;

/** @param more set to 0 at the end; 503 when the database goes away or the export takes too long */
tuor_error *tuor_db_copy_row(int *more, tuor_copy_row *row, tuor_db *db);

/** Free what the last row holds, where rows are not read to the end. */
void tuor_copy_row_free(tuor_copy_row *row);

/** A quoted SQL literal, in the pool of the unit. */
const char *tuor_db_literal(tuor_db *db, const char *text);

/** Decode a binary column of a COPY. */
apr_int64_t tuor_copy_int(tuor_slice col);
apr_time_t tuor_copy_time(tuor_slice col);
/** A time as a column would bring it, in the pool: for rows that are known without being read. */
tuor_slice tuor_copy_from_time(apr_time_t t, apr_pool_t *pool);
/** text[]: const char * each, in the pool. */
apr_array_header_t *tuor_copy_texts(tuor_slice col, apr_pool_t *pool);

/* ---------------------------------------------------------------- events */

/** Something that happened to a trace; a row of the audit trail. What it points at lives for the call. */
typedef struct tuor_event {
    const char *id;                     /**< evt_… */
    const char *type;                   /**< "review.approved" */
    const char *trace_id, *project_id;
    apr_time_t at;                      /**< q->now */
    const char *status_before, *status_after;   /**< status_before is NULL for trace.created */
    apr_int64_t version;                /**< of the trace, after the event */
    const char *comment;                /**< or NULL */
    const char *tag_id;                 /**< or NULL */
    tuor_slice correction_diff;         /**< or none */
    tuor_slice corrected_output;        /**< after the event; or none */
} tuor_event;

/**
 * Write the event's row and run the event hook, inside the transaction of db, which has to be atomic and
 * to have the trace's row locked (FOR NO KEY UPDATE): no constraint looks for the trace.
 * @return an error of the database or of a sink: end the unit without a commit, and return it
 */
tuor_error *tuor_event_record(tuor_db *db, tuor_request *q, const tuor_event *event);

/** The columns of an event e, as tuor_event_write() wants them: in binary form, of a result or a COPY. */
#define TUOR_EVENT_COLUMNS \
    "e.id, e.type, e.actor_type, e.actor_id, e.occurred_at, e.status_before, e.status_after, e.version, e.comment," \
    " e.correction_diff, e.tag_id"
#define TUOR_EVENT_COLUMNS_N 11

/** Write the JSON object of an event, without its closing brace: further members may follow. */
void tuor_event_write(tuor_buf *b, const tuor_slice *col);

/* ---------------------------------------------------------- configuration */

/** What every file of the core and every plugin may ask of a server's configuration. */
apr_size_t tuor_max_payload(const server_rec *s);
unsigned tuor_max_depth(const server_rec *s);
/** TuorTraceLimit: stored traces of an organization that has no limit of its own; 0 for none. */
apr_int64_t tuor_trace_limit(const server_rec *s);
/** The configured organization of a single-tenant server (name or id), or NULL. */
const char *tuor_default_org(const server_rec *s);

/* --------------------------------------------------------------- figures */

/** A figure that all children add to, shown at /metrics and by mod_status. Adding to NULL does nothing. */
typedef struct tuor_metric tuor_metric;

/**
 * Find or make a figure; in post_config only (a tuor_hook_routes function will do). Counters and histograms go on
 * over a graceful restart. name and labels as Prometheus writes them: tuor_requests_total, status="2xx".
 * @param labels may be NULL
 * @param bounds static, rising; at most 18
 */
tuor_metric *tuor_metric_counter(const char *name, const char *labels, const char *help);
tuor_metric *tuor_metric_histogram(const char *name, const char *labels, const char *help,
                                   const double *bounds, int n);
/** The sum over the children that are alive; each adds and takes away its own. */
tuor_metric *tuor_metric_gauge(const char *name, const char *labels, const char *help);

void tuor_metric_add(tuor_metric *m, apr_int64_t n);
/** Note a value, in seconds or whatever the name says. */
void tuor_metric_observe(tuor_metric *m, double value);

/** Write the two lines that stand before the values of a figure; for tuor_hook_metrics functions. */
void tuor_metric_heading(tuor_buf *out, const char *name, const char *type, const char *help);

/* ----------------------------------------------------------------- seams */

/**
 * Add routes. Run once in post_config, and by httpd -t -D DUMP_TUOR_ROUTES without one: add routes, make
 * figures (NULL in the second case), and do nothing else. pconf lives as long as the configuration.
 */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, int, routes, (apr_pool_t *pconf, server_rec *s))

/**
 * May the request go on? Runs when credential, route and role are settled and before a byte of body
 * is read. Return DECLINED or OK to have no objection, or DONE with *err set, which ends the questions.
 * A key may not be verified yet: what is kept about it, keep under q->who->key_hash, and see finished.
 * err->settled lets a refusal out before the key has been looked at.
 */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, int, admit, (tuor_request *q, tuor_error **err))

/**
 * A request that was admitted turns out to bring several things that each count like a request (the
 * traces of a batch). Runs in its handler, any time after its body was read.
 * @param more how many there are beyond the one that was admitted
 * @param granted in: more, or what the function before let pass; lower it to what may pass, and count that
 * @param err set to the error for each of the others where granted was lowered
 * Return DECLINED to have no objection, else OK.
 */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, int, admit_more,
                          (tuor_request *q, int more, int *granted, tuor_error **err))

/**
 * An event, inside its transaction: what is written through db commits with it or not at all.
 * Return DECLINED or OK to go on; DONE with *err set rolls back. The trace is locked and others wait: no
 * network, no long work in here. What must happen after the commit waits for the finished hook.
 * trace.created, which the database writes by itself, does not come by here.
 */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, int, event,
                          (tuor_db *db, tuor_request *q, const tuor_event *event, tuor_error **err))

/**
 * The request is over and its transaction has committed, if it had one; wake who waits for rows. The last
 * bytes may still be on their way to the client, so take no time.
 * @param status of the answer; an error's, too: 200 to 299 for what succeeded
 */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, void, finished, (tuor_request *q, int status))

/** Write figures that have to be looked up, in Prometheus' text form, when somebody asks for /metrics. */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, void, metrics, (tuor_buf *out, request_rec *r))

/**
 * Once a second, in a thread that the core keeps in each child: for what has to be done some time, and by one
 * child or by all. pool is cleared afterwards. Must not take long: everybody's ticks wait.
 */
APR_DECLARE_EXTERNAL_HOOK(tuor, TUOR, void, tick, (server_rec *s, apr_pool_t *pool))

#ifdef __cplusplus
}
#endif

/* Providers: what plugins offer by name. */
#include "tuor_exporter.h"
#include "tuor_refiner.h"

#endif
