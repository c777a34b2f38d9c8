/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * GET /v1/events: what happened in the organization, in order, without gaps; waits for more if asked.
 * With before it looks back instead, newest first.
 */
#include "events.h"

APLOG_USE_MODULE(tuor_events);

#define LIMIT 100
#define WAIT_MAX 30

/* Pages without a match that one request looks through. */
#define ROUNDS 20

/* Traffic that a filter does not let through wakes a waiting request no more often than this. */
#define FRUITLESS apr_time_from_msec(250)

/* A cursor holds an id of ours: twenty digits of pos, twenty of seq. */
#define PLACE_PREFIX "feed"
#define DIGITS 20

enum { P_AFTER, P_WAIT, P_TYPES, P_LIMIT, P_BEFORE, P_TRACE, P_PROJECT, P_ACTOR, P_FROM, P_TO, P_PARAMS };

static const char *const known_types[] = {
    "trace.created", "review.approved", "review.rejected", "review.corrected", "trace.reset", "trace.deleted",
    "trace.restored", "tag.added", "tag.removed", NULL
};

typedef struct feed {
    tuor_request *q;
    page_query what;
    history_query back;
    place at;                           /* read from here on */
    int backwards;                      /* with before: back is what to look for */
    int latest;                         /* start behind all that there is */
    apr_time_t until;                   /* 0: do not wait */
} feed;

static const char *cursor_make(place at, apr_pool_t *pool)
{
    return tuor_cursor_make(apr_psprintf(pool, PLACE_PREFIX "_%020" APR_INT64_T_FMT "%020" APR_INT64_T_FMT, at.pos, at.seq), pool);
}

static int digits(apr_int64_t *n, const char *p, apr_pool_t *pool)
{
    char *end;

    errno = 0;
    *n = apr_strtoi64(apr_pstrmemdup(pool, p, DIGITS), &end, 10);
    return !*end && !errno && *n >= 0;
}

static int cursor_read(place *at, const char *cursor, apr_pool_t *pool)
{
    const char *id = tuor_cursor_read(cursor, PLACE_PREFIX, pool);

    if (!id || strlen(id) != sizeof(PLACE_PREFIX) + 2 * DIGITS) {
        return 0;
    }
    id += sizeof(PLACE_PREFIX);
    return digits(&at->pos, id, pool) && digits(&at->seq, id + DIGITS, pool);
}

static const char *known_type(const char *name)
{
    int i;

    for (i = 0; known_types[i] && strcmp(known_types[i], name); i++) {
    }
    return known_types[i];
}

static apr_array_header_t *parse_types(tuor_request *q, const tuor_param *p)
{
    apr_array_header_t *types;
    const char *all = known_types[0];
    char *word, *state;
    int i;

    if (!p->value) {
        return NULL;
    }
    types = apr_array_make(q->pool, 4, sizeof(const char *));
    for (word = apr_strtok(apr_pstrdup(q->pool, p->value), ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        if (!known_type(word)) {
            break;
        }
        APR_ARRAY_PUSH(types, const char *) = word;
    }
    if (word || !types->nelts) {
        for (i = 1; known_types[i]; i++) {
            all = apr_pstrcat(q->pool, all, ", ", known_types[i], NULL);
        }
        tuor_fault(q, p->name, "must be one or several of %s, separated by commas", all);
    }
    return types;
}

/* What goes with after alone, or with before alone. */
static void check_direction(tuor_request *q, const tuor_param *prm, int backwards)
{
    int i;

    for (i = 0; i < P_PARAMS; i++) {
        if (prm[i].value && backwards && (i == P_AFTER || i == P_WAIT)) {
            tuor_fault(q, prm[i].name, "goes forward, and before goes back: send one of them");
        }
        if (prm[i].value && !backwards && i > P_BEFORE) {
            tuor_fault(q, prm[i].name, "is there for looking back: send before=latest, or the cursor of such an answer, with it");
        }
    }
}

/* In front of the first event unless a cursor says otherwise: sequences count from 1. */
static void parse_cursor(feed *f, tuor_request *q, const tuor_param *p)
{
    int latest = p->value && !strcmp(p->value, "latest");

    if (f->backwards && latest) {
        f->at = (place){ APR_INT64_MAX, 0 };
        return;
    }
    f->latest = latest;
    f->at = (place){ 0, 0 };
    if (p->value && !latest && !cursor_read(&f->at, p->value, q->pool)) {
        tuor_fault(q, p->name, "must be a cursor from an earlier answer, or latest%s",
                   f->backwards ? "" : "; leave it out to begin with the first event");
    }
}

static tuor_error *parse(feed *f, tuor_request *q)
{
    tuor_param prm[P_PARAMS] = {
        { "after", NULL }, { "wait", NULL }, { "types", NULL }, { "limit", NULL }, { "before", NULL }, { "trace_id", NULL },
        { "project_id", NULL }, { "actor_id", NULL }, { "from_date", NULL }, { "to_date", NULL }
    };
    tuor_error *err = tuor_query(q, prm, P_PARAMS);
    apr_int64_t wait;

    memset(f, 0, sizeof(*f));
    if (err) {
        return err;
    }
    f->q = q;
    f->backwards = prm[P_BEFORE].value != NULL;
    check_direction(q, prm, f->backwards);
    parse_cursor(f, q, &prm[f->backwards ? P_BEFORE : P_AFTER]);
    wait = tuor_param_int(q, &prm[P_WAIT], 0, WAIT_MAX, 0);
    f->until = wait ? q->now + apr_time_from_sec(wait) : 0;
    f->what.types = parse_types(q, &prm[P_TYPES]);
    f->what.limit = (int)tuor_param_int(q, &prm[P_LIMIT], 1, EVENTS_LIMIT_MAX, LIMIT);
    f->back = (history_query){
        .limit = f->what.limit, .types = f->what.types, .project_id = prm[P_PROJECT].value, .actor_id = prm[P_ACTOR].value,
        .trace_id = prm[P_TRACE].value, .from = tuor_param_time(q, &prm[P_FROM]), .to = tuor_param_time(q, &prm[P_TO])
    };
    f->back.filtered = f->back.types || f->back.project_id || f->back.actor_id || f->back.from || f->back.to;
    return tuor_faults(q);
}

/* Events from f->at on, which moves along; or none, at the end or when enough has been looked through. */
static tuor_error *read_on(page *pg, feed *f)
{
    tuor_error *err;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        memset(pg, 0, sizeof(*pg));
        err = f->backwards ? history_fetch(pg, f->q, &f->back, f->at) : page_fetch(pg, f->q, &f->what, f->at);
        if (err) {
            return err;
        }
        if (f->latest) {
            f->latest = 0;
            pg->n = pg->more = 0;
            pg->next = pg->end;
        }
        f->at = pg->next;
        if (pg->n || !pg->more) {
            break;
        }
    }
    return NULL;
}

/* Look, and wait, until there is something or the time is over. */
static tuor_error *wait_and_read(page *pg, feed *f)
{
    place before = f->at;
    tuor_error *err = read_on(pg, f);
    int fruitless;

    if (err || pg->n || pg->more || !f->until) {
        return err;
    }
    if (!wait_enter()) {
        /* Others wait here already. A client that comes back at once would be no better off. */
        apr_table_setn(f->q->r->headers_out, "Retry-After", "1");
        return NULL;
    }
    do {
        fruitless = f->at.pos != before.pos || f->at.seq != before.seq;
        before = f->at;
        if (!wait_for(f->q, f->at, fruitless ? apr_time_now() + FRUITLESS : 0, f->until)) {
            break;
        }
        err = read_on(pg, f);
    } while (!err && !pg->n && !pg->more);
    wait_leave();
    return err;
}

tuor_error *events_feed(tuor_request *q)
{
    tuor_reply *rp;
    feed f;
    page pg;
    tuor_error *err = parse(&f, q);

    if (!err) {
        err = wait_and_read(&pg, &f);
    }
    if (err) {
        return err;
    }
    rp = tuor_reply_begin(q, HTTP_OK, "application/json");
    tuor_reply_puts(rp, "{\"events\":[");
    page_write(rp, &pg, q->pool);
    tuor_reply_puts(rp, "],\"cursor\":");
    tuor_reply_json(rp, cursor_make(f.at, q->pool));
    tuor_reply_puts(rp, pg.more ? ",\"has_more\":true}\n" : ",\"has_more\":false}\n");
    return tuor_reply_end(rp);
}
