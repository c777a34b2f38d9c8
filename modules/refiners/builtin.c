/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The refiner that needs no model and no network: what corrections have in common becomes
 * instructions with examples. The analysis is in the library; here evidence goes in and a
 * rationale comes out.
 */
#include "refiners.h"
#include "tuor_lesson.h"

#include <apr_hash.h>

/* The text that the model was given, if the input is whole and has one. */
static const char *text_of_input(const tuor_evidence *e, apr_pool_t *pool)
{
    tuor_json_member content;
    const char *text;
    apr_size_t len;

    if (e->input_cut || !e->model_input.p || !tuor_json_get(e->model_input, "content", &content)
        || content.type != TUOR_JSON_STRING || tuor_json_decode(&text, &len, content.value, 1, pool) != APR_SUCCESS) {
        return NULL;
    }
    return text;
}

static apr_array_header_t *corrections(const tuor_refine_input *in, apr_pool_t *pool)
{
    apr_array_header_t *cases = apr_array_make(pool, in->evidence->nelts + 1, sizeof(tuor_lesson_case));

    for (int i = 0; i < in->evidence->nelts; i++) {
        const tuor_evidence *e = &APR_ARRAY_IDX(in->evidence, i, tuor_evidence);

        if (e->correction_diff.p) {
            APR_ARRAY_PUSH(cases, tuor_lesson_case) = (tuor_lesson_case){
                e->event_id, e->correction_diff, e->model_output, e->corrected_output, text_of_input(e, pool)
            };
        }
    }
    return cases;
}

/* What was said with rejections, each remark once, with the events that said it. */
static apr_array_header_t *remarks(apr_array_header_t **events, const tuor_refine_input *in, apr_pool_t *pool)
{
    apr_array_header_t *said = apr_array_make(pool, 8, sizeof(const char *));
    apr_hash_t *seen = apr_hash_make(pool);

    *events = apr_array_make(pool, 8, sizeof(const char *));
    for (int i = 0; i < in->evidence->nelts; i++) {
        const tuor_evidence *e = &APR_ARRAY_IDX(in->evidence, i, tuor_evidence);

        if (strcmp(e->status, "rejected") || !e->comment || apr_hash_get(seen, e->comment, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(seen, e->comment, APR_HASH_KEY_STRING, e);
        APR_ARRAY_PUSH(said, const char *) = e->comment;
        APR_ARRAY_PUSH(*events, const char *) = e->event_id;
    }
    return said;
}

/* The first lessons that recur, or that do not: into the rationale and the lineage. */
static void account(tuor_buf *b, apr_array_header_t *lineage, const apr_array_header_t *lessons, int recurring, int n)
{
    for (int i = 0, k = 0; i < lessons->nelts && k < n; i++) {
        const tuor_lesson *l = APR_ARRAY_IDX(lessons, i, tuor_lesson *);

        if ((l->count > 1) != recurring) {
            continue;
        }
        if (recurring) {
            tuor_buf_puts(b, k ? "; " : " Recurring: ");
            tuor_lesson_tell(b, l);
        }
        apr_array_cat(lineage, l->events);
        k++;
    }
}

static void add_first(apr_array_header_t *lineage, const apr_array_header_t *events, int n)
{
    for (int i = 0; i < n; i++) {
        APR_ARRAY_PUSH(lineage, const char *) = APR_ARRAY_IDX(events, i, const char *);
    }
}

static const char *explain(apr_array_header_t *lineage, const tuor_refine_input *in, const tuor_lesson_prompt *made,
                           const apr_array_header_t *lessons, const apr_array_header_t *rejections, apr_pool_t *pool)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    tuor_buf_printf(&b, "Of %ld traces reviewed since this prompt was saved, %ld were approved, %ld corrected and %ld rejected.",
                    (long)(in->approved + in->corrected + in->rejected), (long)in->approved, (long)in->corrected,
                    (long)in->rejected);
    account(&b, lineage, lessons, 1, made->recurring);
    tuor_buf_puts(&b, made->recurring ? "." : "");
    account(&b, lineage, lessons, 0, made->single);
    if (made->single) {
        tuor_buf_printf(&b, " No correction recurred: %d of them stand%s in the prompt as examples.", made->single,
                        made->single > 1 ? "" : "s");
    }
    if (made->remarks) {
        tuor_buf_printf(&b, " Reviewers' remarks on rejected answers were added: %d.", made->remarks);
        add_first(lineage, rejections, made->remarks);
    }
    if (made->kept) {
        tuor_buf_printf(&b, " Rules of earlier refinements that nothing contradicted were kept: %d.", made->kept);
    }
    if (made->content == in->content) {
        tuor_buf_puts(&b, lessons->nelts || rejections->nelts ? " The prompt has no room for what they teach: shorten it."
                                                              : " They teach nothing new: the prompt is suggested as it is.");
    }
    return tuor_buf_text(&b);
}

static tuor_error *refine(tuor_refinement *out, tuor_request *q, const tuor_refine_input *in)
{
    apr_pool_t *pool = q->pool;
    apr_array_header_t *lessons = tuor_lessons_find(corrections(in, pool), pool);
    apr_array_header_t *rejections, *said = remarks(&rejections, in, pool);
    tuor_lesson_prompt made;

    tuor_lesson_prompt_make(&made, in->content, lessons, said, TUOR_PROMPT_MAX, pool);
    out->content = made.content;
    out->lineage = apr_array_make(pool, 16, sizeof(const char *));
    out->rationale = explain(out->lineage, in, &made, lessons, rejections, pool);
    return NULL;
}

const tuor_refiner refiner_builtin = {
    .refine = refine
};
