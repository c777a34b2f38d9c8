/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file analytics.h
 * Figures of a project. What they are counted from, and when, is in sql/0007_analytics.sql.
 */
#ifndef TUOR_ANALYTICS_H
#define TUOR_ANALYTICS_H

#include "mod_tuor.h"

/* ---- report.c */

tuor_handler analytics_report;

/** The columns of tuor.analytics_report(). */
enum { A_KIND, A_START, A_KEY, A_NAME, A_PENDING, A_APPROVED, A_REJECTED, A_CORRECTED, A_TOOK };

/* ---- write.c */

/** Answer with the rows of a report. */
tuor_error *analytics_write(tuor_request *q, const tuor_result *res);

/* ---- fold.c: counting */

/** Events of one statement: a fraction of a second's work. */
#define FOLD_EVENTS 5000

/** Start the thread of a child; child_init. */
void fold_start(apr_pool_t *pchild, server_rec *s);
/** Begin nothing new. Takes no lock: prefork calls it from a signal handler. */
void fold_stop(void);

#endif
