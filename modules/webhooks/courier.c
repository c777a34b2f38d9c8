/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The courier: the thread that speaks to the receivers, all of them at once, with one curl multi
 * handle. It waits for sockets, for names, for the clerk, and for nothing else.
 */
#include "names.h"

APLOG_USE_MODULE(tuor_webhooks);

/*
 * A delivery that has been lying about for so long since its claim is due again rather than sent: its
 * lease could end before the attempt does. Less than LEASE_MARGIN_MS in clerk.c.
 */
#define CLAIM_FRESH apr_time_from_sec(4)
#define IDLE_HANDLES_MAX 256
#define IDLE_CONNECTIONS_MAX 64L
#define WAIT_MAX apr_time_from_sec(1)

typedef struct courier {
    webhook_dispatch *d;
    CURLM *multi;
    webhook_names *names;
    webhook_transfer *active;           /* in the multi handle */
    CURL *idle[IDLE_HANDLES_MAX];
    int idle_n;
    int told;                           /* outcomes since the clerk was last woken */
} courier;

/* The clerk's again, and of no more use here. */
static void hand_back(courier *c, webhook_delivery *d)
{
    webhook_figures_ended(d);
    webhook_tray_put(&c->d->done, d);
    c->told++;
}

static void release(courier *c, webhook_delivery *d)
{
    d->outcome = WEBHOOK_RELEASED;
    hand_back(c, d);
}

static CURL *take_handle(courier *c)
{
    return c->idle_n ? c->idle[--c->idle_n] : curl_easy_init();
}

static void keep_handle(courier *c, CURL *easy)
{
    if (c->idle_n == IDLE_HANDLES_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    c->idle[c->idle_n++] = easy;
}

static void send_now(courier *c, webhook_transfer *t)
{
    CURL *easy;

    if (t->d->error) {
        hand_back(c, t->d);
        return;
    }
    easy = take_handle(c);
    if (!easy || !webhook_transfer_begin(t, easy)) {
        webhook_transfer_fail(t, "not sent: the server is out of memory");
        if (easy) {
            keep_handle(c, easy);
        }
        webhook_transfer_free(t);
        hand_back(c, t->d);
        return;
    }
    if (curl_multi_add_handle(c->multi, easy) != CURLM_OK) {
        webhook_transfer_fail(t, "not sent: the server is out of memory");
        keep_handle(c, easy);
        webhook_transfer_free(t);
        hand_back(c, t->d);
        return;
    }
    t->next = c->active;
    t->prev = &c->active;
    if (t->next) {
        t->next->prev = &t->next;
    }
    c->active = t;
}

/* Out of the multi handle. */
static void take_off(courier *c, webhook_transfer *t)
{
    CURL *easy = t->easy;

    *t->prev = t->next;
    if (t->next) {
        t->next->prev = t->prev;
    }
    curl_multi_remove_handle(c->multi, easy);
    keep_handle(c, easy);
    webhook_transfer_free(t);
}

static void take_new(courier *c, int leaving)
{
    webhook_delivery *d = webhook_tray_empty(&c->d->outgoing);

    while (d) {
        webhook_delivery *next = d->next;

        webhook_figures_begun();
        if (leaving || webhook_clock() - d->claimed > CLAIM_FRESH) {
            release(c, d);
        }
        else {
            webhook_transfer *t = webhook_transfer_make(d, c->d->settings, c->d->sockets);

            if (!t) {
                hand_back(c, d);
            }
            else if (webhook_names_ask(c->names, t)) {
                send_now(c, t);
            }
        }
        d = next;
    }
}

static void take_named(courier *c)
{
    webhook_transfer *t = webhook_names_answered(c->names);

    while (t) {
        webhook_transfer *next = t->next;

        send_now(c, t);
        t = next;
    }
}

static void take_ended(courier *c)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(c->multi, &left))) {
        webhook_transfer *t = NULL;
        CURLcode code = msg->data.result;

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (t->stale) {
            take_off(c, t);
            send_now(c, t);
            continue;
        }
        webhook_transfer_end(t, code);
        take_off(c, t);
        hand_back(c, t->d);
    }
}

static void abandon_all(courier *c)
{
    webhook_transfer *t = webhook_names_give_up(c->names);

    while (t) {
        webhook_transfer *next = t->next;

        webhook_transfer_abandon(t);
        hand_back(c, t->d);
        t = next;
    }
    while (c->active) {
        t = c->active;
        webhook_transfer_abandon(t);
        take_off(c, t);
        hand_back(c, t->d);
    }
}

/* Milliseconds until something has to be looked at; curl knows its own times. */
static int wait_ms(const courier *c, int leaving)
{
    apr_interval_time_t now = webhook_clock(), until = now + WAIT_MAX, deadline = webhook_names_deadline(c->names);

    if (deadline && deadline < until) {
        until = deadline;
    }
    if (leaving && c->d->leave_at < until) {
        until = c->d->leave_at;
    }
    return until <= now ? 0 : (int)((until - now + 999) / 1000);
}

static int is_idle(const courier *c)
{
    return !c->active && !webhook_names_deadline(c->names);
}

static void run(courier *c)
{
    for (;;) {
        int leaving = apr_atomic_read32(&c->d->leaving), running;

        take_new(c, leaving);
        take_named(c);
        curl_multi_perform(c->multi, &running);
        take_ended(c);
        if (leaving && (is_idle(c) || webhook_clock() >= c->d->leave_at)) {
            break;
        }
        if (c->told) {
            c->told = 0;
            apr_pollset_wakeup(c->d->clerk_wakeup);
        }
        curl_multi_poll(c->multi, NULL, 0, wait_ms(c, leaving), NULL);
    }
    abandon_all(c);
}

void *APR_THREAD_FUNC webhook_courier(apr_thread_t *thread, void *dispatch)
{
    courier c = { .d = dispatch };

    (void)thread;
    c.multi = c.d->multi;
    curl_multi_setopt(c.multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
    c.names = webhook_names_make(c.multi);
    if (c.names) {
        run(&c);
        webhook_names_free(c.names);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, c.d->s, TUORNO(0308) "out of memory: this child sends no webhooks");
        apr_atomic_set32(&c.d->stopping, 1);
    }
    while (c.idle_n) {
        curl_easy_cleanup(c.idle[--c.idle_n]);
    }
    apr_atomic_set32(&c.d->courier_gone, 1);
    apr_pollset_wakeup(c.d->clerk_wakeup);
    return NULL;
}
