/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * POST /v1/projects/{id}/prompts/refine: let the configured refiner make a better prompt.
 *
 * Three steps: gather the evidence in a unit of work, let the refiner think without one (a model may
 * take a minute, and connections are few), store what it suggests in another.
 */
#include "prompts.h"

#include <apr_hash.h>

APLOG_USE_MODULE(tuor_prompts);

/* A rationale is a few sentences; a refiner that writes a book is cut short. */
#define RATIONALE_MAX 8192

/* Whoever asks again soon gets the same answer: an administrator has to do something. */
#define RETRY_NOT_CONFIGURED 3600

static tuor_error *not_configured(tuor_request *q)
{
    tuor_error *err = tuor_error_make(q->pool, HTTP_SERVICE_UNAVAILABLE, "No refiner is configured on this server: "
                                      "the administrator chooses one with TuorRefiner");

    err->retry_after = RETRY_NOT_CONFIGURED;
    return err;
}

static tuor_error *too_few(tuor_request *q, const prompt_evidence *e)
{
    tuor_error *err = e->in.prompt_id
        ? tuor_error_make(q->pool, HTTP_CONFLICT, "A refinement needs %d traces reviewed since the active prompt was saved; "
                          "there are %" APR_INT64_T_FMT, PROMPTS_REVIEWS_REQUIRED, e->reviewed)
        : tuor_error_make(q->pool, HTTP_CONFLICT, "There is no prompt to refine yet: save a first one with POST "
                          "/v1/projects/%s/prompts", q->param[0]);

    err->members = apr_psprintf(q->pool, "\"reviewed_count\":%" APR_INT64_T_FMT ",\"required\":%d", e->reviewed,
                                PROMPTS_REVIEWS_REQUIRED);
    return err;
}

static tuor_error *bad_refiner(tuor_request *q, const char *name, const char *why)
{
    tuor_error *err = tuor_error_make(q->pool, HTTP_BAD_GATEWAY, "The refiner %s", why);

    err->cause = apr_pstrcat(q->pool, "refiner ", name, NULL);
    return err;
}

static int is_text(const char *s, apr_pool_t *pool)
{
    tuor_json_fault fault;
    tuor_buf b;

    /* The scanner knows UTF-8, and what is a JSON string once escaped is valid text. */
    tuor_buf_init(&b, pool);
    tuor_buf_json(&b, s);
    return tuor_json_check((tuor_slice){ b.p, b.len }, NULL, NULL, &fault, pool) == APR_SUCCESS;
}

/* Keep of the lineage what was in the evidence, each id once. */
static apr_array_header_t *known_ids(tuor_request *q, const tuor_refine_input *in, const apr_array_header_t *ids)
{
    apr_array_header_t *kept = apr_array_make(q->pool, 8, sizeof(const char *));
    apr_hash_t *known = apr_hash_make(q->pool);
    int i;

    for (i = 0; i < in->evidence->nelts; i++) {
        apr_hash_set(known, APR_ARRAY_IDX(in->evidence, i, tuor_evidence).event_id, APR_HASH_KEY_STRING, "");
    }
    for (i = 0; ids && i < ids->nelts; i++) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);

        if (apr_hash_get(known, id, APR_HASH_KEY_STRING)) {
            apr_hash_set(known, id, APR_HASH_KEY_STRING, NULL);
            APR_ARRAY_PUSH(kept, const char *) = id;
        }
    }
    return kept;
}

/* Cut a text in front of a character. */
static const char *cut(const char *s, apr_size_t max, apr_pool_t *pool)
{
    if (strlen(s) <= max) {
        return s;
    }
    while (max && ((unsigned char)s[max] & 0xC0) == 0x80) {
        max--;
    }
    return apr_pstrmemdup(pool, s, max);
}

/* A refiner may be anybody's: what it made is stored only if it is a prompt. */
static tuor_error *check_refinement(tuor_request *q, const char *name, const tuor_refine_input *in, tuor_refinement *out)
{
    if (!out->content || !*out->content) {
        return bad_refiner(q, name, "suggested no content");
    }
    if (strlen(out->content) > TUOR_PROMPT_MAX) {
        return bad_refiner(q, name, "suggested a prompt of more than 16 KB");
    }
    if (!is_text(out->content, q->pool) || (out->rationale && !is_text(out->rationale, q->pool))) {
        return bad_refiner(q, name, "suggested what is not valid UTF-8");
    }
    out->rationale = cut(out->rationale ? out->rationale : "", RATIONALE_MAX, q->pool);
    out->lineage = known_ids(q, in, out->lineage);
    return NULL;
}

/* Only if the prompt that was refined is still the active one. */
static const tuor_stmt store_stmt = {
    "prompts_suggest",
    "INSERT INTO tuor.prompt_suggestions (org_id, id, project_id, parent_id, content, rationale, lineage_event_ids,"
    " reviewed_count, refiner, created_at, created_by)"
    " SELECT tuor.org(), $1, p.project_id, p.id, $4, $5, $6, $7, $8, $9, $10 FROM tuor.prompts p"
    " WHERE p.org_id = tuor.org() AND p.project_id = $2 AND p.id = $3 AND p.is_active RETURNING 1"
};

static tuor_error *store(tuor_request *q, const char *id, const char *name, const prompt_evidence *e,
                         const tuor_refinement *out, apr_time_t now)
{
    tuor_result *res;
    tuor_db *db;
    tuor_error *err = tuor_db_begin(&db, q, TUOR_DB_EACH);

    if (err) {
        return err;
    }
    err = tuor_db_exec(&res, db, &store_stmt, TUOR_ARGS(
        tuor_text(id), tuor_text(e->in.project_id), tuor_text(e->in.prompt_id), tuor_text(out->content),
        tuor_text(out->rationale), tuor_texts(out->lineage), tuor_int(e->reviewed), tuor_text(name), tuor_time(now),
        tuor_text(q->who->id)));
    if (!err && !tuor_result_rows(res)) {
        err = tuor_error_make(q->pool, HTTP_CONFLICT, "Another prompt was saved while this one was being refined: "
                              "refine again when it has been reviewed");
    }
    tuor_db_end(db);
    return err;
}

static tuor_error *answer(tuor_request *q, const char *id, const prompt_evidence *e, const tuor_refinement *out,
                          apr_time_t now)
{
    tuor_reply *rp = tuor_reply_begin(q, HTTP_OK, "application/json");

    tuor_reply_puts(rp, "{\"suggestion\":{\"id\":");
    tuor_reply_json(rp, id);
    tuor_reply_puts(rp, ",\"project_id\":");
    tuor_reply_json(rp, e->in.project_id);
    tuor_reply_puts(rp, ",\"parent_id\":");
    tuor_reply_json(rp, e->in.prompt_id);
    tuor_reply_puts(rp, ",\"content\":");
    tuor_reply_json(rp, out->content);
    tuor_reply_puts(rp, ",\"rationale\":");
    tuor_reply_json(rp, out->rationale);
    tuor_reply_puts(rp, ",\"lineage_event_ids\":");
    prompt_write_ids(rp, out->lineage);
    tuor_reply_printf(rp, ",\"reviewed_count\":%" APR_INT64_T_FMT ",\"created_at\":", e->reviewed);
    tuor_reply_time(rp, now);
    tuor_reply_puts(rp, "}}\n");
    return tuor_reply_end(rp);
}

tuor_error *prompts_refine(tuor_request *q)
{
    tuor_refinement out = { 0 };
    prompt_evidence e;
    const tuor_refiner *refiner;
    const char *name, *id;
    apr_time_t now;
    tuor_error *err;

    if ((err = tuor_body_json(q, NULL, 0, 1)) || (err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q))
        || (err = prompt_evidence_gather(&e, q))) {
        return err;
    }
    if (!e.found || e.archived) {
        return e.found ? prompt_error_archived(q) : tuor_error_not_found(q->pool, "project");
    }
    refiner = prompt_refiner(&name, q->r->server);
    if (!refiner) {
        return not_configured(q);
    }
    if (e.reviewed < PROMPTS_REVIEWS_REQUIRED) {
        return too_few(q, &e);
    }
    if ((err = refiner->refine(&out, q, &e.in)) || (err = check_refinement(q, name, &e.in, &out))) {
        return err;
    }
    now = apr_time_now();
    id = tuor_id("sug", now, q->pool);
    err = store(q, id, name, &e, &out, now);
    if (err) {
        return err;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, q->r, TUORNO(0700) "%s %s refined %s: %s, from %" APR_INT64_T_FMT " reviews",
                  tuor_log_ids(q->r), name, e.in.prompt_id, id, e.reviewed);
    return answer(q, id, &e, &out, now);
}
