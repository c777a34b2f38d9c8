/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The clerk: the thread that speaks to the database for the dispatcher.
 *
 * In each turn it records what has ended and claims what is due, in one transaction. A claim commits
 * before the courier hears of it. It sleeps until a request of this child has written a delivery, the
 * courier is done with one, or a second has passed: deliveries of dead children and of others that
 * have their hands full are found by that.
 */
#include "webhooks.h"

#include <stdlib.h>

#include <curl/curl.h>

APLOG_USE_MODULE(tuor_webhooks);

#define POLL_INTERVAL apr_time_from_sec(1)
#define LEASE_MARGIN_MS 5000
/* Bodies of one claim; a child holds at most what is under way and one claim more. */
#define CLAIM_BYTES (64 * 1024 * 1024)
/* Outcomes are kept while the database is away, but not for ever: past this they are left to the sweeper. */
#define KEEP_OUTCOMES apr_time_from_sec(600)
/* After the database was away, others record first what they know before anybody sweeps. */
#define SWEEP_PAUSE apr_time_from_sec(3)
#define COMPLAIN_INTERVAL apr_time_from_sec(60)
/* Turns for the last outcomes when the child ends and the database is away. */
#define LAST_TURNS 4
#define DOUBTS_MAX 16

/* Deliveries are committed in another order than that of their ids, by no more than this: claims look back so far. */
#define LATE apr_time_from_sec(2)

/* A project: how many of its deliveries are under way, and which was claimed last. */
typedef struct busy {
    struct busy *next;
    int n;
    char last[sizeof("whd_") + TUOR_ID_DIGITS];         /* "": any may be pending */
    char key[];
} busy;

typedef struct clerk {
    webhook_dispatch *d;
    apr_pool_t *scratch;                /* cleared each turn */
    busy *projects;
    int under_way;
    webhook_delivery *ended;            /* not recorded yet, oldest first */
    const char *after_org, *after_project;      /* where the last claim ended; malloc()ed */
    apr_interval_time_t next_sweep, next_complaint;
    int failures;                       /* turns in a row */
    char *doubts[DOUBTS_MAX];           /* tokens of claims whose commit was not answered; malloc()ed */
    int doubts_n;
} clerk;

static const tuor_stmt claim_stmt = {
    "webhooks_claim",
    "SELECT org_id, id, project_id, event_id, trace_id, url, secret, body, next_secret, standard, traceparent"
    " FROM tuor.webhook_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
};

static const tuor_stmt unclaim_stmt = { "webhooks_unclaim", "SELECT tuor.webhook_unclaim($1)" };

static const tuor_stmt record_stmt = {
    "webhooks_record", "SELECT tuor.webhook_record($1, $2, $3, $4, $5, $6, $7, $8, $9)"
};

static const tuor_stmt sweep_stmt = { "webhooks_sweep", "SELECT tuor.webhook_sweep()" };

/* ------------------------------------------------------------- under way */

static void count(clerk *c, const char *key, const char *id)
{
    busy *b;

    for (b = c->projects; b && strcmp(b->key, key) != 0; b = b->next) {
        continue;
    }
    if (!b) {
        b = malloc(sizeof(*b) + strlen(key) + 1);
        if (!b) {
            abort();
        }
        strcpy(b->key, key);
        b->last[0] = '\0';
        b->n = 0;
        b->next = c->projects;
        c->projects = b;
    }
    if (strcmp(id, b->last) > 0) {
        apr_cpystrn(b->last, id, sizeof(b->last));
    }
    b->n++;
    c->under_way++;
}

static void uncount(clerk *c, const char *key)
{
    busy **p;

    for (p = &c->projects; *p && strcmp((*p)->key, key) != 0; p = &(*p)->next) {
        continue;
    }
    if (*p && --(*p)->n == 0) {
        busy *gone = *p;

        *p = gone->next;
        free(gone);
    }
    c->under_way--;
}

/* What the courier has finished joins what could not be recorded before. */
static void collect(clerk *c)
{
    webhook_delivery *d = webhook_tray_empty(&c->d->done), **end = &c->ended;

    while (*end) {
        end = &(*end)->next;
    }
    *end = d;
    for (; d; d = d->next) {
        uncount(c, d->project_key);
    }
}

/* The courier went before it could take these. */
static void take_back(clerk *c)
{
    webhook_delivery *d = webhook_tray_empty(&c->d->outgoing);

    while (d) {
        webhook_delivery *next = d->next;

        d->outcome = WEBHOOK_RELEASED;
        webhook_tray_put(&c->d->done, d);
        d = next;
    }
}

static void forget(webhook_delivery **first)
{
    webhook_delivery *d = *first;

    *first = d->next;
    apr_pool_destroy(d->pool);
}

/* ---------------------------------------------------------------- recording */

static void push(apr_array_header_t *a, const char *s)
{
    APR_ARRAY_PUSH(a, const char *) = s;
}

enum { ORG, ID, TOKEN, OUTCOME, BEGAN, TOOK, CODE, WHY, ANSWER, COLUMNS };

static void add_outcome(apr_array_header_t **col, const webhook_delivery *d, apr_pool_t *pool)
{
    static const char *const words[] = {
        [WEBHOOK_SUCCESS] = "success", [WEBHOOK_FAILED] = "failed", [WEBHOOK_RELEASED] = "pending"
    };
    char began[TUOR_TIME_LEN];

    tuor_time_format(began, d->began);
    push(col[ORG], d->org_id);
    push(col[ID], d->id);
    push(col[TOKEN], d->token);
    push(col[OUTCOME], words[d->outcome]);
    push(col[BEGAN], apr_pstrdup(pool, began));
    push(col[TOOK], apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)(d->took / 1000)));
    push(col[CODE], d->status_code ? apr_itoa(pool, d->status_code) : NULL);
    push(col[WHY], d->error);
    push(col[ANSWER], d->answer);
}

/* Record the first n outcomes, or all of them for n = 0. */
static tuor_error *record(clerk *c, tuor_db *db, int n)
{
    apr_array_header_t *col[COLUMNS];
    const webhook_delivery *d;
    int i;

    for (i = 0; i < COLUMNS; i++) {
        col[i] = apr_array_make(c->scratch, 64, sizeof(const char *));
    }
    for (d = c->ended, i = 0; d && (n == 0 || i < n); d = d->next, i++) {
        add_outcome(col, d, c->scratch);
    }
    return tuor_db_exec(NULL, db, &record_stmt, TUOR_ARGS(
        tuor_texts(col[ORG]), tuor_texts(col[ID]), tuor_texts(col[TOKEN]), tuor_texts(col[OUTCOME]),
        tuor_texts(col[BEGAN]), tuor_texts(col[TOOK]), tuor_texts(col[CODE]), tuor_texts(col[WHY]),
        tuor_texts(col[ANSWER])));
}

/* ----------------------------------------------------------------- claiming */

static const char *copy(webhook_delivery *d, const tuor_result *res, int row, int col)
{
    tuor_slice s = tuor_result_slice(res, row, col);

    return s.p ? apr_pstrmemdup(d->pool, s.p, s.len) : NULL;
}

/* @return NULL when there is no memory for another pool */
static webhook_delivery *make_delivery(const tuor_result *res, int row, const char *token, apr_interval_time_t claimed)
{
    webhook_delivery *d;
    apr_pool_t *pool;

    /* A pool of nobody's: it wanders between threads, one of which has it at a time. */
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    d = apr_pcalloc(pool, sizeof(*d));
    d->pool = pool;
    d->org_id = copy(d, res, row, 0);
    d->id = copy(d, res, row, 1);
    d->project_id = copy(d, res, row, 2);
    d->event_id = copy(d, res, row, 3);
    d->trace_id = copy(d, res, row, 4);
    d->url = copy(d, res, row, 5);
    d->secret = copy(d, res, row, 6);
    d->body.p = copy(d, res, row, 7);
    d->body.len = tuor_result_slice(res, row, 7).len;
    d->next_secret = copy(d, res, row, 8);
    d->standard = tuor_result_int(res, row, 9) != 0;
    d->traceparent = copy(d, res, row, 10);
    d->token = apr_pstrdup(pool, token);
    d->project_key = apr_pstrcat(pool, d->org_id, "/", d->project_id, NULL);
    d->claimed = claimed;
    return d;
}

static int room(const clerk *c)
{
    return apr_atomic_read32(&c->d->stopping) ? 0 : c->d->settings->concurrency - c->under_way;
}

/*
 * Of one project at most half of the free places are taken: however many projects have receivers that
 * stall, there is a place for the next one.
 */
static int share(const clerk *c, int free_places)
{
    int half = free_places / 2;

    return half < 1 ? 1 : half < c->d->settings->share ? half : c->d->settings->share;
}

/* Claims go by id, so that up to a project's last one nothing is pending. everywhere: has become so again, or came late. */
static tuor_error *claim(clerk *c, tuor_db *db, tuor_result **res, const char *token, int everywhere)
{
    apr_array_header_t *names = apr_array_make(c->scratch, 16, sizeof(const char *));
    apr_array_header_t *counts = apr_array_make(c->scratch, 16, sizeof(const char *));
    apr_array_header_t *after = apr_array_make(c->scratch, 16, sizeof(const char *));
    const char *settled = tuor_id_floor("whd", apr_time_now() - LATE, c->scratch);
    int most = room(c);

    for (busy *b = c->projects; b; b = b->next) {
        if (everywhere) {
            b->last[0] = '\0';
        }
        push(names, b->key);
        push(counts, apr_itoa(c->scratch, b->n));
        push(after, strcmp(b->last, settled) < 0 ? b->last : settled);
    }
    return tuor_db_exec(res, db, &claim_stmt, TUOR_ARGS(
        tuor_text(token), tuor_int((apr_int64_t)c->d->settings->timeout * 1000 + LEASE_MARGIN_MS), tuor_int(most),
        tuor_int(share(c, most)), tuor_int(CLAIM_BYTES), tuor_texts(names), tuor_texts(counts),
        tuor_text(c->after_org ? c->after_org : ""), tuor_text(c->after_project ? c->after_project : ""), tuor_texts(after)));
}

/* Was it committed or not? Nothing of it was sent, so it can be undone; beyond a few the sweeper does it. */
static void doubt(clerk *c, const char *token)
{
    if (c->doubts_n < DOUBTS_MAX && (c->doubts[c->doubts_n] = strdup(token))) {
        c->doubts_n++;
    }
}

static tuor_error *unclaim(clerk *c, tuor_db *db)
{
    apr_array_header_t *tokens = apr_array_make(c->scratch, DOUBTS_MAX, sizeof(const char *));

    for (int i = 0; i < c->doubts_n; i++) {
        push(tokens, c->doubts[i]);
    }
    return tuor_db_exec(NULL, db, &unclaim_stmt, TUOR_ARGS(tuor_texts(tokens)));
}

static void doubt_no_more(clerk *c)
{
    while (c->doubts_n) {
        free(c->doubts[--c->doubts_n]);
    }
}

/* The claim is committed: hand it to the courier. */
static void hand_over(clerk *c, const tuor_result *res, const char *token, apr_interval_time_t claimed)
{
    int n = tuor_result_rows(res);

    for (int i = 0; i < n; i++) {
        webhook_delivery *d = make_delivery(res, i, token, claimed);

        if (!d) {
            break;
        }
        count(c, d->project_key, d->id);
        webhook_tray_put(&c->d->outgoing, d);
    }
    if (n) {
        free((char *)c->after_org);
        free((char *)c->after_project);
        c->after_org = strdup(tuor_result_text(res, n - 1, 0));
        c->after_project = strdup(tuor_result_text(res, n - 1, 2));
        curl_multi_wakeup(c->d->multi);
    }
}

/* -------------------------------------------------------------------- turns */

static void complain(clerk *c, const tuor_error *err)
{
    apr_interval_time_t now = webhook_clock();

    if (now >= c->next_complaint) {
        c->next_complaint = now + COMPLAIN_INTERVAL;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, c->d->s, TUORNO(0305) "webhooks wait for the database: %s%s%s",
                     err->detail, err->cause ? ": " : "", err->cause ? err->cause : "");
    }
}

/*
 * The database refuses the outcomes as they are: record them one by one, so that one that cannot be
 * stored holds up no other.
 */
static void record_singly(clerk *c)
{
    while (c->ended) {
        tuor_db *db = NULL;
        tuor_error *err = tuor_db_begin_system(&db, c->d->s, NULL, TUOR_DB_EACH, c->scratch);

        if (!err) {
            err = record(c, db, 1);
        }
        tuor_db_end(db);
        if (err && err->status == HTTP_SERVICE_UNAVAILABLE) {
            return;
        }
        if (err) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, c->d->s, TUORNO(0306) "the outcome of webhook delivery %s cannot be "
                         "recorded: %s", c->ended->id, err->cause ? err->cause : err->detail);
        }
        forget(&c->ended);
    }
}

/* Outcomes too old to be worth keeping. */
static void give_up(clerk *c)
{
    apr_interval_time_t now = webhook_clock();

    while (c->ended && now - c->ended->claimed > KEEP_OUTCOMES) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, c->d->s, TUORNO(0307) "the outcome of webhook delivery %s is lost: the "
                     "database was away too long", c->ended->id);
        forget(&c->ended);
    }
}

/* Record, sweep, claim, commit. @return 1 to take the next turn at once */
static int turn(clerk *c)
{
    apr_interval_time_t now = webhook_clock();
    int recording = c->ended != NULL, claiming = room(c) > 0, sweeping = claiming && now >= c->next_sweep, more = 0;
    const char *token = tuor_id("try", apr_time_now(), c->scratch);
    tuor_result *res = NULL;
    tuor_error *err;
    tuor_db *db = NULL;

    if (!recording && !claiming && !c->doubts_n) {
        return 0;
    }
    err = tuor_db_begin_system(&db, c->d->s, NULL, TUOR_DB_ATOMIC, c->scratch);
    if (!err && recording) {
        err = record(c, db, 0);
    }
    if (!err && c->doubts_n) {
        err = unclaim(c, db);
    }
    if (!err && sweeping) {
        err = tuor_db_exec(NULL, db, &sweep_stmt, TUOR_NO_ARGS);
    }
    if (!err && claiming) {
        err = claim(c, db, &res, token, sweeping);
    }
    if (!err && (err = tuor_db_commit(db)) && res && tuor_result_rows(res)) {
        doubt(c, token);
    }
    tuor_db_end(db);
    if (err) {
        complain(c, err);
        c->failures++;
        c->next_sweep = webhook_clock() + SWEEP_PAUSE;
        if (recording && err->status != HTTP_SERVICE_UNAVAILABLE) {
            record_singly(c);
        }
        give_up(c);
        return 0;
    }
    c->failures = 0;
    doubt_no_more(c);
    if (sweeping) {
        c->next_sweep = now + POLL_INTERVAL;
    }
    while (c->ended) {
        forget(&c->ended);
    }
    if (res) {
        more = tuor_result_rows(res) > 0;
        hand_over(c, res, token, now);
    }
    return more;
}

/* A quarter of a second after the first failure, up to two seconds; a second when all is well. */
static apr_interval_time_t pause_of(const clerk *c)
{
    return c->failures ? apr_time_from_msec(250) << (c->failures < 4 ? c->failures - 1 : 3) : POLL_INTERVAL;
}

static void sleep_until_needed(clerk *c)
{
    apr_interval_time_t wait = pause_of(c);
    const apr_pollfd_t *ignored;
    apr_int32_t n;

    if (apr_pollset_poll(c->d->clerk_wakeup, wait, &n, &ignored) != APR_SUCCESS && c->failures) {
        /* Somebody woke us, but the database is to be left alone for a moment. */
        apr_sleep(apr_time_from_msec(100));
    }
}

void *APR_THREAD_FUNC webhook_clerk(apr_thread_t *thread, void *dispatch)
{
    clerk c = { .d = dispatch };
    int last_turns = LAST_TURNS;

    (void)thread;
    if (apr_pool_create_unmanaged_ex(&c.scratch, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    for (;;) {
        int gone = apr_atomic_read32(&c.d->courier_gone), more;

        if (gone) {
            take_back(&c);
        }
        collect(&c);
        more = turn(&c);
        apr_pool_clear(c.scratch);
        /* Nothing comes from the courier any more, and what came is recorded or cannot be. */
        if (gone && ((!c.ended && !c.doubts_n) || --last_turns <= 0)) {
            break;
        }
        if (!more) {
            sleep_until_needed(&c);
        }
    }
    while (c.ended) {
        forget(&c.ended);
    }
    doubt_no_more(&c);
    while (c.projects) {
        uncount(&c, c.projects->key);
    }
    free((char *)c.after_org);
    free((char *)c.after_project);
    apr_pool_destroy(c.scratch);
    return NULL;
}
