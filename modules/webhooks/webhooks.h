/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file webhooks.h
 * What the files of the webhooks plugin share.
 *
 * A verdict's transaction writes a delivery (outbox.c). In each child two threads see to the rest.
 * The clerk speaks to the database: it claims deliveries, records how they ended, and sweeps up after
 * children that died. The courier speaks to the receivers, with one curl multi handle. They hand
 * deliveries to each other and share nothing else, so a slow database stops no transfer and a slow
 * receiver no claim. A delivery belongs to the thread that holds it.
 */
#ifndef TUOR_WEBHOOKS_PRIVATE_H
#define TUOR_WEBHOOKS_PRIVATE_H

#include <openssl/x509.h>

#include <apr_atomic.h>
#include <apr_poll.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "mod_tuor.h"

extern module AP_MODULE_DECLARE_DATA tuor_webhooks_module;

/* ---------------------------------------------------------------- settings.c */

/** What httpd.conf says; one for the whole server, as there is one dispatcher. Read-only after post_config. */
typedef struct webhook_settings {
    apr_array_header_t *allow;          /**< TuorWebhookAllow: tuor_guard_net each; NULL for none */
    const char *ca_file;                /**< TuorWebhookCAFile, or NULL */
    int concurrency;                    /**< TuorWebhookConcurrency: under way at once, in one child */
    int share;                          /**< of those, for one project */
    int timeout;                        /**< TuorWebhookTimeout, seconds */
    X509_STORE *roots;                  /**< whom receivers' certificates may come from */
} webhook_settings;

extern const command_rec webhook_commands[];

/** Defaults, before directives are read; the pool is pconf. */
void webhook_settings_reset(apr_pool_t *pconf);
/** The present settings; never NULL after pre_config. */
const webhook_settings *webhook_settings_get(void);
/** Load the certificate authorities: the system's and TuorWebhookCAFile's. @return OK or a logged failure */
int webhook_settings_load(apr_pool_t *pconf, server_rec *s);

/* ------------------------------------------------------------------ outbox.c */

/** The event hook: write the delivery of a verdict. */
int webhook_on_event(tuor_db *db, tuor_request *q, const tuor_event *event, tuor_error **err);
/** Note that this request has written a delivery, so that the clerk is woken when it is over. */
void webhook_wrote(tuor_request *q);
/** The finished hook: wake the clerk of this child. */
void webhook_on_finished(tuor_request *q, int status);

/* -------------------------------------------------- deliveries.c, actions.c */

/** The columns of a delivery d, as webhook_delivery_write() wants them. */
#define WEBHOOK_COLUMNS "d.id, d.event_id, d.event_type, d.trace_id, d.project_id, d.status, d.created_at, d.updated_at," \
    " d.attempt_count, d.response_status, d.error"
#define WEBHOOK_COLUMNS_N 11

/** Write the members of a delivery, without the closing brace. */
void webhook_delivery_write(tuor_reply *rp, const tuor_result *res, int row);

tuor_handler webhook_list, webhook_get, webhook_retry, webhook_retry_range, webhook_test;

/* ---------------------------------------------------------------- dispatch.c */

typedef enum {
    WEBHOOK_SUCCESS,
    WEBHOOK_FAILED,
    WEBHOOK_RELEASED                    /**< claimed and never begun: due again */
} webhook_outcome;

/** One attempt, from its claim to its record. */
typedef struct webhook_delivery {
    struct webhook_delivery *next;
    apr_pool_t *pool;                   /**< its own, with an allocator of its own; holds everything here */
    const char *org_id, *id, *project_id, *event_id, *trace_id;     /**< trace_id NULL for webhook.test */
    const char *url, *secret, *token;
    const char *next_secret;            /**< NULL: the project has one secret only */
    const char *traceparent;            /**< of the verdict, or NULL */
    int standard;                       /**< send the headers of Standard Webhooks, too */
    const char *project_key;            /**< org/project */
    tuor_slice body;
    apr_interval_time_t claimed;        /**< webhook_clock() just before its claim */

    webhook_outcome outcome;
    const char *error;                  /**< NULL for success */
    int status_code;                    /**< 0: no answer */
    apr_time_t began;
    apr_interval_time_t took;
    const char *answer;                 /**< the first of the answer's body, valid UTF-8, or NULL */
} webhook_delivery;

/** Deliveries on their way from one thread to the other. */
typedef struct webhook_tray {
    apr_thread_mutex_t *lock;
    webhook_delivery *first, **last;
} webhook_tray;

/** What a child has of the dispatcher. */
typedef struct webhook_dispatch {
    server_rec *s;
    const webhook_settings *settings;
    apr_thread_t *clerk, *courier;
    apr_pollset_t *clerk_wakeup;        /**< empty: the clerk sleeps on it */
    void *multi;                        /**< the courier's CURLM, woken by curl_multi_wakeup */
    struct webhook_sockets *sockets;    /**< the courier's, see sockets.h */
    webhook_tray outgoing;              /**< clerk to courier */
    webhook_tray done;                  /**< courier to clerk */
    volatile apr_uint32_t stopping;     /**< claim no more */
    volatile apr_uint32_t leaving;      /**< the child ends: finish what is under way */
    volatile apr_uint32_t courier_gone; /**< nothing will be done any more */
    volatile apr_uint32_t ungraceful;
    apr_interval_time_t leave_at;       /**< webhook_clock() when sends are given up; set before leaving */
} webhook_dispatch;

/** Start the threads of a child; child_init. */
void webhook_dispatch_start(apr_pool_t *pchild, server_rec *s);
/** Claim no more; child_stopping. */
void webhook_dispatch_stop(int graceful);
/** There may be something to claim. Any thread; takes no lock. */
void webhook_dispatch_wake(void);

/** Microseconds of a clock that nobody sets. */
apr_interval_time_t webhook_clock(void);

void webhook_tray_put(webhook_tray *tray, webhook_delivery *d);
/** Take all, in order. */
webhook_delivery *webhook_tray_empty(webhook_tray *tray);

/* ---------------------------------------------------------------- standard.c */

/** The value of webhook-signature: one signature for each secret. at: seconds, as webhook-timestamp says them. */
const char *webhook_standard_signature(const webhook_delivery *d, apr_int64_t at, apr_pool_t *pool);

/* ----------------------------------------------------------------- figures.c */

/** In post_config. */
void webhook_figures_make(void);
/** The courier has taken up a delivery; and is done with it. */
void webhook_figures_begun(void);
void webhook_figures_ended(const webhook_delivery *d);
/** The metrics hook. */
void webhook_figures_look_up(tuor_buf *out, request_rec *r);

/* -------------------------------------------------------- clerk.c, courier.c */

void *APR_THREAD_FUNC webhook_clerk(apr_thread_t *thread, void *dispatch);
void *APR_THREAD_FUNC webhook_courier(apr_thread_t *thread, void *dispatch);

#endif
