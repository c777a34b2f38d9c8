/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file events.h
 * The event feed: every event of the organization in the order of sql/0006_event_order.sql.
 */
#ifndef TUOR_EVENTS_H
#define TUOR_EVENTS_H

#include "mod_tuor.h"

/** A place in the feed: events behind it are still to be read. */
typedef struct place {
    apr_int64_t pos, seq;
} place;

/* ---- feed.c */

tuor_handler events_feed;

/* ---- page.c */

/** Events on a page at most. */
#define EVENTS_LIMIT_MAX 500

/** Events that one look with a filter goes through. */
#define EVENTS_SCAN 5000

/** Bytes of diffs and comments on a page; the first event comes whatever its size. */
#define EVENTS_PAGE_BYTES 8388608

/** What one look at the database brought. */
typedef struct page {
    tuor_result *res;                   /**< written with page_write() */
    int n;                              /**< events on it */
    int more;                           /**< there is more behind it already */
    place next;                         /**< behind all that was looked at */
    place end;                          /**< behind all that there is */
} page;

/** What to look for. */
typedef struct page_query {
    int limit;
    const apr_array_header_t *types;    /**< const char * each; NULL for any */
} page_query;

/** The events behind a place, in a unit of work of its own. */
tuor_error *page_fetch(page *pg, tuor_request *q, const page_query *what, place after);

/**
 * A page of a result that has the columns of tuor.events_page().
 * @param filtered EVENTS_SCAN events were looked at, not limit + 1
 * @param from where the look began
 */
void page_take(page *pg, tuor_result *res, int limit, int filtered, place from);

/** Write the events, with commas between them. */
void page_write(tuor_reply *rp, const page *pg, apr_pool_t *pool);

/* ---- history.c: newest first */

/** What to look for; NULL and 0 are no condition. */
typedef struct history_query {
    int limit;
    int filtered;                       /**< whether there is a condition beside the trace */
    const apr_array_header_t *types;    /**< const char * each */
    const char *project_id, *actor_id, *trace_id;
    apr_time_t from, to;                /**< from inclusive, to exclusive */
} history_query;

/** The events before a place, in a unit of work of its own; { APR_INT64_MAX, 0 } is behind all. */
tuor_error *history_fetch(page *pg, tuor_request *q, const history_query *what, place before);

/* ---- wait.c: requests that wait for events */

/** How many requests of a child may wait at once; set in child_init, before there are threads. */
void wait_init(apr_pool_t *pchild, int most);

/** Take one of the places for those who wait. @return 0 when there is none */
int wait_enter(void);
void wait_leave(void);

/**
 * Wait until there are events of the caller's organization behind a place.
 * @param not_before do not look before: a look has just found nothing of interest
 * @return 0 when the time is over, the client has gone or the child is to end; 1 to look again
 */
int wait_for(tuor_request *q, place after, apr_time_t not_before, apr_time_t until);

/** A write of this organization has committed in this child. */
void wait_wrote(const char *org_id);

/** Nobody is to wait any more. Takes no lock: prefork calls it from a signal handler. */
void wait_stop(void);

#endif
