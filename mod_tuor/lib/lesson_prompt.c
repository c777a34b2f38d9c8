/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The part of a prompt that lessons stand in. It begins with a heading and ends with a mark, so that
 * the next refinement finds it, and a person may write before and behind it.
 */
#include <string.h>
#include <apr_strings.h>

#include "lesson_shape.h"

#define HEADING "## Learned from reviews"
#define END "<!-- end of what was learned from reviews -->"
#define RULES "Reviewers kept correcting the following. Where it contradicts what is said elsewhere, it comes first.\n"
#define KEPT "What earlier reviews taught still holds:\n"
#define REMARKS "Reviewers rejected answers with these words:\n"
#define SINGLES "Nothing recurred yet; these corrections stand as examples:\n"

#define RULES_MAX 40
#define REMARKS_MAX 5
#define SINGLES_MAX 10
#define REMARK_BYTES 300

/* ------------------------------------------------------- the earlier section */

/* A line that is just this text, or NULL. */
static const char *find_line(const char *s, const char *line)
{
    apr_size_t len = strlen(line);

    for (; s; s = strchr(s, '\n'), s = s ? s + 1 : NULL) {
        if (!strncmp(s, line, len) && (!s[len] || s[len] == '\n' || s[len] == '\r')) {
            return s;
        }
    }
    return NULL;
}

/* Where the section ends: behind its mark, or where a person removed that, at the next heading. */
static const char *section_end(const char *start)
{
    const char *end = find_line(start, END);

    if (end) {
        return end + strlen(END);
    }
    end = strstr(start, "\n#");
    return end ? end + 1 : start + strlen(start);
}

typedef struct parts {
    const char *before, *section, *behind;      /* section is NULL when there is none yet */
} parts;

static const char *trimmed(const char *p, apr_size_t len, apr_pool_t *pool)
{
    while (len && strchr(" \t\r\n", p[len - 1])) {
        len--;
    }
    return apr_pstrmemdup(pool, p, len);
}

static parts take_apart(const char *content, apr_pool_t *pool)
{
    const char *start = find_line(content, HEADING), *end;

    if (!start) {
        return (parts){ trimmed(content, strlen(content), pool), NULL, "" };
    }
    end = section_end(start);
    return (parts){ trimmed(content, start - content, pool), apr_pstrmemdup(pool, start, end - start),
                    trimmed(end + strspn(end, "\r\n"), strlen(end + strspn(end, "\r\n")), pool) };
}

/* ------------------------------------------------------------ earlier rules */

static int starts_with(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

/* Whether a new lesson says the same as an old rule, or the contrary. rule: what follows "- ". */
static int replaces(const tuor_lesson *l, const char *rule, apr_pool_t *pool)
{
    const char *field = apr_psprintf(pool, "`%s`: ", l->path);
    int kind;

    if (starts_with(rule, lesson_subject(l, 0, pool)) || starts_with(rule, lesson_subject(l, 1, pool))) {
        return 1;
    }
    if (!lesson_aspect(l->kind) || !starts_with(rule, field)) {
        return 0;
    }
    for (kind = 0; kind < TUOR_LESSON_KINDS; kind++) {
        if (lesson_aspect(kind) == lesson_aspect(l->kind) && starts_with(rule + strlen(field), lesson_opening(kind))) {
            return 1;
        }
    }
    return 0;
}

static int is_replaced(const char *rule, const apr_array_header_t *lessons, apr_pool_t *pool)
{
    for (int i = 0; i < lessons->nelts; i++) {
        const tuor_lesson *l = APR_ARRAY_IDX(lessons, i, tuor_lesson *);

        if (l->count > 1 && replaces(l, rule, pool)) {
            return 1;
        }
    }
    return 0;
}

/* The rules of the old section that stay; its examples and remarks do not. */
static apr_array_header_t *old_rules(const char *section, const apr_array_header_t *lessons, apr_pool_t *pool)
{
    apr_array_header_t *kept = apr_array_make(pool, 8, sizeof(const char *));
    char *state, *line = section ? apr_strtok(apr_pstrdup(pool, section), "\r\n", &state) : NULL;

    for (; line && strncmp(line, SINGLES, strlen(SINGLES) - 1) && strncmp(line, REMARKS, strlen(REMARKS) - 1);
         line = apr_strtok(NULL, "\r\n", &state)) {
        if (starts_with(line, "- ") && !is_replaced(line + 2, lessons, pool)) {
            APR_ARRAY_PUSH(kept, const char *) = line + 2;
        }
    }
    return kept;
}

/* ------------------------------------------------------------------ writing */

typedef struct writer {
    tuor_buf b;
    apr_size_t room;            /* bytes that may still be added */
} writer;

/* A line of a list, with the list's title in front of its first. @return whether there was room */
static int add_line(writer *w, const char *title, const char *line)
{
    apr_size_t need = (title ? strlen(title) + 1 : 0) + 2 + strlen(line) + 1;

    if (need > w->room) {
        return 0;
    }
    w->room -= need;
    tuor_buf_puts(&w->b, title ? "\n" : "");
    tuor_buf_puts(&w->b, title ? title : "");
    tuor_buf_puts(&w->b, "- ");
    tuor_buf_puts(&w->b, line);
    tuor_buf_puts(&w->b, "\n");
    return 1;
}

static const char *in_words(const tuor_lesson *l, apr_pool_t *pool)
{
    tuor_buf b;

    tuor_buf_init(&b, pool);
    tuor_lesson_write(&b, l);
    return tuor_buf_text(&b);
}

/* Lessons that recur or those that do not. They are sorted, so the first that finds no room ends it. */
static int add_lessons(writer *w, const char *title, const apr_array_header_t *lessons, int recurring, int most)
{
    int n = 0;

    for (int i = 0; i < lessons->nelts && n < most; i++) {
        const tuor_lesson *l = APR_ARRAY_IDX(lessons, i, tuor_lesson *);

        if ((l->count > 1) == recurring) {
            if (!add_line(w, n ? NULL : title, in_words(l, w->b.pool))) {
                break;
            }
            n++;
        }
    }
    return n;
}

static int add_texts(writer *w, const char *title, const apr_array_header_t *texts, int most)
{
    int n = 0;

    while (n < texts->nelts && n < most && add_line(w, n ? NULL : title, APR_ARRAY_IDX(texts, n, const char *))) {
        n++;
    }
    return n;
}

/* One line, in quotes, not too long. */
static const char *remark(const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text), n = len;
    tuor_buf b;

    if (n > REMARK_BYTES) {
        for (n = REMARK_BYTES; n && ((unsigned char)text[n] & 0xC0) == 0x80; n--) {
        }
    }
    tuor_buf_init(&b, pool);
    tuor_buf_json(&b, apr_pstrcat(pool, apr_pstrmemdup(pool, text, n), n < len ? "…" : "", NULL));
    return tuor_buf_text(&b);
}

static apr_array_header_t *quoted(const apr_array_header_t *remarks, apr_pool_t *pool)
{
    apr_array_header_t *out = apr_array_make(pool, remarks->nelts + 1, sizeof(const char *));

    for (int i = 0; i < remarks->nelts; i++) {
        APR_ARRAY_PUSH(out, const char *) = remark(APR_ARRAY_IDX(remarks, i, const char *), pool);
    }
    return out;
}

void tuor_lesson_prompt_make(tuor_lesson_prompt *out, const char *content, const apr_array_header_t *lessons,
                             const apr_array_header_t *remarks, apr_size_t max, apr_pool_t *pool)
{
    parts p = take_apart(content, pool);
    const char *gap = *p.before ? "\n\n" : "", *tail = *p.behind ? "\n\n" : "\n";
    apr_size_t frame = strlen(p.before) + strlen(gap) + strlen(HEADING "\n" "\n" END) + strlen(tail) + strlen(p.behind);
    writer w;

    memset(out, 0, sizeof(*out));
    out->content = content;
    if (frame >= max) {
        return;
    }
    w.room = max - frame;
    tuor_buf_init(&w.b, pool);
    out->recurring = add_lessons(&w, RULES, lessons, 1, RULES_MAX);
    out->kept = add_texts(&w, KEPT, old_rules(p.section, lessons, pool), RULES_MAX);
    out->remarks = add_texts(&w, REMARKS, quoted(remarks, pool), REMARKS_MAX);
    if (!out->recurring) {
        out->single = add_lessons(&w, SINGLES, lessons, 0, SINGLES_MAX);
    }
    if (out->recurring || out->single || out->remarks) {
        out->content = apr_pstrcat(pool, p.before, gap, HEADING "\n", tuor_buf_text(&w.b), "\n" END, tail, p.behind, NULL);
    }
}
