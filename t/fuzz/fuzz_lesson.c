/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Two texts, cut at the byte 0xFF, corrected into each other: lessons fit the limit, and a second refinement changes nothing. */
#include "fuzz_lib.h"
#include "tuor_diff.h"
#include "tuor_lesson.h"

#define LIMIT 16384

static void correct(apr_array_header_t *cases, const char *event, tuor_slice from, tuor_slice to, apr_pool_t *pool)
{
    tuor_lesson_case *c = apr_array_push(cases);
    tuor_buf diff;

    tuor_buf_init(&diff, pool);
    tuor_diff(&diff, from, to, pool);
    *c = (tuor_lesson_case){ event, { diff.p, diff.len }, from, to, "input" };
}

static void check(const apr_array_header_t *lessons, const char *content, apr_pool_t *pool)
{
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(const char *));
    tuor_lesson_prompt first, second;

    for (apr_size_t max = LIMIT; max > 100; max /= 2) {
        tuor_lesson_prompt_make(&first, content, lessons, none, max, pool);
        HOLDS(first.content == content || strlen(first.content) <= max);
    }
    tuor_lesson_prompt_make(&first, content, lessons, none, 64 * LIMIT, pool);
    tuor_lesson_prompt_make(&second, first.content, lessons, none, 64 * LIMIT, pool);
    HOLDS(strcmp(content, "P") || !strcmp(first.content, second.content));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    apr_array_header_t *cases = apr_array_make(pool, 4, sizeof(tuor_lesson_case)), *lessons;
    tuor_slice a, b;
    tuor_buf out;

    halves(data, size, &a, &b);
    if (!is_json(a, NULL, pool) || !b.p || !is_json(b, NULL, pool))
        return 0;
    correct(cases, "evt_1", a, b, pool);
    correct(cases, "evt_2", a, b, pool);
    correct(cases, "evt_3", b, a, pool);
    /* A diff is our own, but whatever JSON stands in its place does no harm. */
    APR_ARRAY_PUSH(cases, tuor_lesson_case) = (tuor_lesson_case){ "evt_4", a, b, TUOR_SLICE_NONE, NULL };
    lessons = tuor_lessons_find(cases, pool);
    tuor_buf_init(&out, pool);
    for (int i = 0; i < lessons->nelts; ++i)
        tuor_lesson_tell(&out, APR_ARRAY_IDX(lessons, i, tuor_lesson *));
    check(lessons, "P", pool);
    check(lessons, apr_pstrmemdup(pool, a.p, a.len), pool);
    return 0;
}
