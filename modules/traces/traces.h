/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file traces.h
 * What the files of the traces plugin share: one verb a file, and the trace itself in trace.c.
 */
#ifndef TUOR_TRACES_H
#define TUOR_TRACES_H

#include "mod_tuor.h"

/* The handlers. */
tuor_handler traces_create, traces_batch, traces_get, traces_list, traces_export, traces_review, traces_reset,
    traces_delete, traces_restore, traces_events, traces_tags_add, traces_tags_remove;

/* ---- the trace object (trace.c) */

/** The columns of a trace, in the order of TRACE_COLUMNS. */
enum {
    T_ID, T_ORG, T_PROJECT, T_STATUS, T_VERSION, T_CREATED_AT, T_CREATED_BY, T_UPDATED_AT, T_UPDATED_BY,
    T_REVIEWED_AT, T_REVIEWED_BY, T_DELETED_AT, T_DELETED_BY, T_RESTORED_AT, T_RESTORED_BY, T_TAGS,
    T_INPUT, T_OUTPUT, T_CONFIG, T_CORRECTED, T_DIFF,
    T_COLUMNS
};

/** id, name, color and description of each tag of t, flat, in the order of the names. */
#define TRACE_TAGS "CASE WHEN t.tagged THEN tuor.tags_of(t.org_id, t.id) END"

#define TRACE_HEAD_COLUMNS \
    "t.id, t.org_id, t.project_id, t.status, t.version, t.created_at, t.created_by, t.updated_at, t.updated_by," \
    " t.last_reviewed_at, t.last_reviewed_by, t.deleted_at, t.deleted_by, t.restored_at, t.restored_by, " \
    TRACE_TAGS

#define TRACE_COLUMNS \
    TRACE_HEAD_COLUMNS ", t.model_input, t.model_output, t.trace_config, t.corrected_output, t.correction_diff"

/** A trace as the database gives it: binary columns. */
typedef struct trace {
    tuor_slice col[T_COLUMNS];
} trace;

/** The columns of a row. They live as long as the result. */
void trace_from_result(trace *t, const tuor_result *res, int row);

/** model_output, corrected_output or none, by the status. */
tuor_slice trace_final_output(const trace *t);

/** What a client does not want to see. */
typedef struct exclusions exclusions;

/** Write the object. ex may be NULL. Slices live as long as t's. */
void trace_write(tuor_reply *rp, const trace *t, const exclusions *ex, apr_pool_t *pool);

/** The strong ETag of the object: its version, and its tags. */
const char *trace_etag(const trace *t, apr_pool_t *pool);

/** Answer with a trace. */
tuor_error *trace_reply(tuor_request *q, int status, const trace *t);

/* ---- ingest (draft.c, ingest.c) */

#define KEY_HEADER "Idempotency-Key"

/** A trace on its way in. */
typedef struct draft {
    const char *project;
    tuor_slice input, output, config;   /**< within q->body; config may be none */
    const char *id;                     /**< trace_…; after a replay that of the first */
    apr_time_t at;                      /**< its creation; after a replay that of the first */
    const char *by;                     /**< out: who created it */
    const char *key;                    /**< Idempotency-Key, or NULL */
    unsigned char hash[TUOR_HASH_LEN];  /**< with a key: SHA-256 of the body as sent */
    int replayed;                       /**< out: nothing was stored, an earlier request had the same key */
    tuor_error *err;                    /**< out: why it was not stored, or NULL */
    /* For ingest.c alone. */
    tuor_request *q;
    const char *event, *model, *prompt, *run;
    int uncounted;
} draft;

/**
 * Read project and payloads from a text within q->body, which is compacted in place. Everything that
 * is wrong comes back as one error.
 * @param what, scratch as for tuor_body_part()
 */
tuor_error *draft_read(draft *d, tuor_request *q, tuor_slice text, const char *what, apr_pool_t *scratch);

/** A member of trace_config that lists filter by, as text in the pool, or NULL. */
const char *draft_well_known(tuor_slice config, const char *name, apr_pool_t *pool);

/**
 * Store traces in one transaction. Each draft gets its own err; only what concerns them all is returned,
 * and then nothing is known to be stored.
 * @param n at most 256; payloads of more than one are copied into pool
 */
tuor_error *ingest(tuor_request *q, draft **list, int n, apr_pool_t *pool);

/**
 * Run the statement for traces that ingest() has prepared, of any number of requests of one server. Their
 * threads wait meanwhile: what is found out about each is written into their pools.
 * @param deadline as for tuor_db_until()
 */
tuor_error *ingest_statement(server_rec *s, draft **list, int n, apr_time_t deadline, apr_pool_t *pool);

/* ---- statements that requests share (share.c) */

/** Kinds of such statements. */
enum { SHARE_INGEST, SHARE_INGEST_LARGE, SHARE_INGEST_HUGE, SHARE_READ, SHARE_LIST, SHARE_KINDS };

typedef enum { SHARE_QUEUED, SHARE_TAKEN, SHARE_LEADING, SHARE_ALONE, SHARE_DONE } share_state;

/** A request's part in a statement; on the stack of its thread. */
typedef struct share_member {
    tuor_request *q;
    void *work;                         /**< what it is about; the kind's own */
    int n;                              /**< rows */
    apr_size_t bytes;                   /**< of its parameters */
    tuor_error *err;                    /**< out: of the whole statement; in q->pool */
    /* For share.c alone, but next: run() finds the others there. */
    struct share_member *next;
    apr_time_t since;
    share_state state;
    struct share_seat *seat;            /**< where its thread sleeps */
} share_member;

typedef struct share_kind {
    int place;                          /**< SHARE_… */
    int flights;                        /**< so many under way at a time, in a child and for a server */
    int rows_max;                       /**< of members together; a leader alone may have more: 0 is for turns, one each */
    apr_size_t bytes_max;               /**< likewise */
    int (*fits)(const share_member *leader, const share_member *m);     /**< may go together; NULL: any may */
    /**
     * Run the statement of some members of a server, in the first one's thread. What became of each goes to
     * its work, with memory of its request's pool; its thread waits.
     * @param deadline as for tuor_db_until()
     */
    tuor_error *(*run)(server_rec *s, share_member *first, int rows, apr_time_t deadline, apr_pool_t *pool);
    tuor_metric **members;              /**< how many there were; NULL: not counted */
} share_kind;

/**
 * Do a request's part with the next statement, and wait for it. Set q, work, n and bytes.
 * @return 1: m->err tells how the statement ended; 0: it was refused, and this member is to go by itself
 */
int share_run(const share_kind *kind, share_member *m);
/** For kinds whose statement is one caller's: whether it is the same one. */
int share_same_caller(const share_member *leader, const share_member *m);
/** After such a statement: the leader's caller has been found good, so everybody's has. */
void share_caller(const share_member *first);
void share_register(apr_pool_t *pool);

/* ---- who shares a commit (writer.c) */

/** Find statement and commit for the traces of a request, and wait for them. Arguments and result as of ingest(). */
tuor_error *writer_store(tuor_request *q, draft **list, int n, apr_pool_t *pool);
void writer_register(apr_pool_t *pool);

/* ---- who shares a read (reader.c) */

/**
 * Read a trace. Not found means that it is large or not there: ask for it alone then.
 * @param t its columns, in q->pool
 */
tuor_error *reader_get(trace *t, int *found, tuor_request *q, const char *id);
void reader_register(apr_pool_t *pool);

/* ---- lists (list.c) */

/** Find out how many lists may be looked for at a time. */
void list_register(void);

/* ---- many on their way in (group.c) */

/* A group is stored when it has so many traces, or so many bytes. ingest() takes 256. */
#define GROUP_TRACES 250
#define GROUP_BYTES (4 * 1024 * 1024)

/** Drafts that are stored together; begin with zeros and q. */
typedef struct group {
    tuor_request *q;
    draft *list[GROUP_TRACES];
    int n;
    apr_size_t bytes;
    int stored;                         /**< out: how many have been */
    tuor_error *away;                   /**< out: the database went away: the rest is not tried */
} group;

/** Add a draft, whose payloads have to stay until it is stored, and store the group when it is full. */
void group_add(group *g, draft *d);
/** Store what is left. */
void group_store(group *g);

/* ---- exclude_fields (exclude.c) */

/**
 * Parse exclude_fields. whole: also take entire fields; events: also take "events".
 * Faulty entries become faults. @return NULL when nothing is excluded
 */
exclusions *exclusions_parse(tuor_request *q, const tuor_param *p, int whole, int events);
/** The payload columns that entries can name. */
typedef enum { X_INPUT, X_OUTPUT, X_CORRECTED, X_FINAL, X_CONFIG, X_FIELDS } excludable;
/** Whether the whole field is out. NULL excludes nothing. */
int excluded(const exclusions *ex, excludable field);
int excluded_events(const exclusions *ex);
/** The value without its excluded members; a copy in the pool only where there are any. */
tuor_slice exclude(const exclusions *ex, excludable field, tuor_slice value, apr_pool_t *pool);

/* ---- filters of list and export (filter.c) */

/** What traces_status wants to see, the index by status of all projects. */
#define FILTER_NO_PROJECT "t.id <> ''"

/** What is looked for, and the SQL for it in the making. */
typedef struct filter {
    tuor_request *q;
    tuor_buf sql;
    tuor_db *literals;                  /**< set: write values as literals, for COPY */
    apr_array_header_t *args;           /**< out: tuor_arg each */
    const char *project_id, *tag, *model, *prompt_version_id, *internal_run_id;
    apr_array_header_t *statuses;       /**< const char * each, no two the same; NULL: any; a list has one at most */
    apr_time_t from, to;
    const char *before;                 /**< only ids below this one, or NULL */
} filter;

/** Parse a comma-separated list of statuses, each once in what comes back, or fault. several: more than one may stand there. */
apr_array_header_t *filter_statuses(tuor_request *q, const tuor_param *p, int several);
/** The traces of an export as a relation t for a FROM clause, in the order of t.id; of its filters' all but
 *  model, prompt_version_id and internal_run_id, which an export does not have. */
const char *filter_source(filter *f);
/** A further value: its placeholder, or its literal. */
const char *filter_value(filter *f, const char *text);

/* ---- the rows of a list (walk.c) */

/**
 * A SELECT of the rows of a list, newest first, with f->args for it.
 * @param columns of t: "t.*"
 * @param order out: the same order for whoever selects from it as t
 */
const char *walk_rows(const char **order, filter *f, const char *columns, apr_int64_t skip, apr_int64_t most);

/* ---- events (events.c) */

/* The id is the first of the core's columns of an event. */
enum { E_ID, E_COLUMNS = TUOR_EVENT_COLUMNS_N };
#define EVENT_COLUMNS TUOR_EVENT_COLUMNS

/** When the last thing happened to the trace t; for statements that lock it. */
#define LAST_EVENT "(SELECT e.occurred_at FROM tuor.trace_events e WHERE e.org_id = t.org_id AND e.trace_id = t.id" \
    " ORDER BY e.id DESC LIMIT 1)"

/**
 * Let the present time be that of what is about to happen to a trace that is now locked: behind the last
 * thing that happened to it, however long this request waited and whatever another machine's clock says.
 * So the order of a trace's events by their ids is the order in which they happened.
 */
void event_time(tuor_request *q, apr_time_t last);

/** The JSON object of an event row into a buffer. */
void event_write(tuor_buf *b, const tuor_slice *col);

/* ---- what belongs to a server (mod_tuor_traces.c) */

typedef struct traces_server {
    int retention_days;                 /**< 0: for ever; -1: not set */
    struct share_queue *queues;         /**< of this child, one a kind; NULL until it has begun */
} traces_server;

traces_server *traces_server_of(const server_rec *s);

/* ---- TuorRetention (retention.c) */

/** The directive's function. */
const char *retention_set(cmd_parms *cmd, void *dummy, const char *arg);
/** The tick hook. */
void retention_tick(server_rec *s, apr_pool_t *pool);

/* ---- lifecycle (lifecycle.c) */

/** A lifecycle write under way: the trace is locked and in the state asked for. */
typedef struct lifecycle {
    tuor_db *db;
    const char *id, *status, *project_id;
    apr_int64_t version;
    tuor_slice model_output;            /**< when asked for */
} lifecycle;

/** What a verb needs. */
typedef struct lifecycle_rule {
    const char *verb;                   /**< for the message: "review" */
    int from_deleted;                   /**< only deleted traces; otherwise only others */
    const char *from;                   /**< "pending", "reviewed", or NULL for any status */
    int wants_output;
} lifecycle_rule;

/** Lock the trace and check state and version: 404, 409. The unit of work is open on success. */
tuor_error *lifecycle_begin(lifecycle *lc, tuor_request *q, const lifecycle_rule *rule, apr_int64_t expected);
/**
 * Write the change, its event and what hangs on it, commit, and answer with the trace.
 * @param stmt an UPDATE … RETURNING TRACE_COLUMNS
 */
tuor_error *lifecycle_end(lifecycle *lc, tuor_request *q, const tuor_stmt *stmt, const tuor_arg *args, int n,
                          tuor_event *event);
/** Read expected_version from the body, or for DELETE from the query too. */
tuor_error *lifecycle_expected(tuor_request *q, apr_int64_t *expected);

#endif
