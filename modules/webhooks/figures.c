/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Figures: how attempts ended and how long they took, what is under way, and what waits.
 */
#include "webhooks.h"

/* Written in post_config alone. */
static tuor_metric *outcomes[2], *seconds, *sending;

void webhook_figures_make(void)
{
    static const double bounds[] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };
    static const char help[] = "Attempts to deliver a webhook, by outcome.";

    outcomes[WEBHOOK_SUCCESS] = tuor_metric_counter("tuor_webhook_attempts_total", "outcome=\"success\"", help);
    outcomes[WEBHOOK_FAILED] = tuor_metric_counter("tuor_webhook_attempts_total", "outcome=\"failed\"", help);
    seconds = tuor_metric_histogram("tuor_webhook_attempt_seconds", NULL,
                                    "How long attempts to deliver a webhook took.",
                                    bounds, sizeof(bounds) / sizeof(bounds[0]));
    sending = tuor_metric_gauge("tuor_webhook_sending", NULL, "Webhook deliveries under way.");
}

void webhook_figures_begun(void)
{
    tuor_metric_add(sending, 1);
}

void webhook_figures_ended(const webhook_delivery *d)
{
    tuor_metric_add(sending, -1);
    if (d->outcome != WEBHOOK_RELEASED) {
        tuor_metric_add(outcomes[d->outcome], 1);
        tuor_metric_observe(seconds, (double)d->took / APR_USEC_PER_SEC);
    }
}

static const tuor_stmt backlog_stmt = {
    "webhooks_backlog", "SELECT waiting, oldest_ms FROM tuor.webhook_backlog()"
};

/* The rest of the figures does without the database. */
void webhook_figures_look_up(tuor_buf *out, request_rec *r)
{
    tuor_result *res = NULL;
    tuor_db *db = NULL;
    tuor_error *err = tuor_db_begin_system(&db, r->server, NULL, TUOR_DB_EACH, r->pool);

    if (!err) {
        err = tuor_db_exec(&res, db, &backlog_stmt, TUOR_NO_ARGS);
    }
    tuor_db_end(db);
    if (err || !tuor_result_rows(res)) {
        return;
    }
    tuor_metric_heading(out, "tuor_webhook_waiting", "gauge", "Webhook deliveries that are due.");
    tuor_buf_printf(out, "tuor_webhook_waiting %" APR_INT64_T_FMT "\n", tuor_result_int(res, 0, 0));
    tuor_metric_heading(out, "tuor_webhook_waiting_seconds", "gauge", "For how long the oldest of them has been due.");
    tuor_buf_printf(out, "tuor_webhook_waiting_seconds %.3f\n", (double)tuor_result_int(res, 0, 1) / 1000);
}
