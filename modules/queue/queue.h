/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file queue.h
 * What the files of the queue plugin share. The statements' other half is in sql/0010_queue.sql.
 */
#ifndef TUOR_QUEUE_H
#define TUOR_QUEUE_H

#include "mod_tuor.h"

extern module AP_MODULE_DECLARE_DATA tuor_queue_module;

/* The handlers. */
tuor_handler queue_next, queue_overview, queue_hold, queue_release;

/** Look up what the traces plugin offers; in post_config. */
void queue_setup(void);

/** TuorQueueLease, in milliseconds. */
apr_int64_t queue_lease_ms(const server_rec *s);

/** Unexpired leases that one holder may have in one tab. */
#define QUEUE_LEASES_MAX 20
/** Characters of a client's token. */
#define QUEUE_CLIENT_MAX 64

/** A lease, as answers show it. Strings as long as the request. */
typedef struct queue_lease {
    const char *trace_id, *project_id;
    const char *holder_type, *holder_id, *holder_name;  /**< the name may be NULL */
    const char *client;                 /**< shown to its holder alone; NULL or "" for none */
    int mine;                           /**< of this caller, and of this tab */
    apr_time_t leased_at, expires_at;
} queue_lease;

/** Write the JSON object of a lease. */
void queue_lease_write(tuor_reply *rp, const queue_lease *lease);

/** What the caller is called: of a verified principal. */
const char *queue_caller_name(const tuor_principal *who);

/** The 409 of a caller who has QUEUE_LEASES_MAX already. */
tuor_error *queue_full(apr_pool_t *pool);

/** A verdict, reset or deletion takes the lease away, whoever holds it. */
int queue_on_event(tuor_db *db, tuor_request *q, const tuor_event *event, tuor_error **err);

#endif
