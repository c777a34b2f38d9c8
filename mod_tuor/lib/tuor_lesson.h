/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_lesson.h
 * What reviewers keep correcting, and the instructions that follow from it. No model, no network,
 * no chance: the same corrections always teach the same lessons.
 *
 * Threads: every function is reentrant. Memory: everything comes from the pool that is passed in
 * and points into the cases.
 */
#ifndef TUOR_LESSON_H
#define TUOR_LESSON_H

#include "tuor_json.h"

/** What was wrong with a value. */
typedef enum {
    TUOR_LESSON_DATE,           /**< the same day in another form; detail: the form wanted */
    TUOR_LESSON_DATE_SWAP,      /**< day and month changed places */
    TUOR_LESSON_TO_NUMBER,      /**< a number stood in quotes */
    TUOR_LESSON_TO_STRING,      /**< quotes were missing */
    TUOR_LESSON_UNIT_REMOVED,   /**< the same amount without its unit or currency; detail: "number" or "string" */
    TUOR_LESSON_UNIT_ADDED,     /**< with one; detail: which */
    TUOR_LESSON_NUMBER_FORMAT,  /**< other separators; detail: an example of the form wanted */
    TUOR_LESSON_DECIMALS,       /**< the same number with other decimals; detail: how many are wanted */
    TUOR_LESSON_SCALE,          /**< too big or too small by a power of ten; detail: which */
    TUOR_LESSON_SIGN,           /**< plus for minus */
    TUOR_LESSON_CASE,           /**< detail: the case wanted */
    TUOR_LESSON_TRIM,           /**< white space */
    TUOR_LESSON_PHRASE,         /**< a part of a text; detail, other: what stood there, what should (either may be "") */
    TUOR_LESSON_LABEL,          /**< one whole value for another, again and again; detail, other: JSON of both */
    TUOR_LESSON_CONSTANT,       /**< different values became the same; other: its JSON */
    TUOR_LESSON_NULLED,         /**< a value where there is none; detail: its JSON when it is a placeholder, or NULL */
    TUOR_LESSON_FILLED,         /**< null where there is a value */
    TUOR_LESSON_NULL_ADDED,     /**< absent instead of null */
    TUOR_LESSON_NULL_DROPPED,   /**< null instead of absent */
    TUOR_LESSON_KEY_ADDED,      /**< a key was missing */
    TUOR_LESSON_KEY_REMOVED,    /**< a key should not be there */
    TUOR_LESSON_KEY_RENAMED,    /**< its value was right; other: the path wanted */
    TUOR_LESSON_TO_BOOL,        /**< "yes" for true */
    TUOR_LESSON_TYPE,           /**< another type of value; detail: which is wanted */
    TUOR_LESSON_OTHER,          /**< wrong without a pattern */
    TUOR_LESSON_KINDS
} tuor_lesson_kind;

/** One correction. */
typedef struct tuor_lesson_case {
    const char *event_id;
    tuor_slice diff;            /**< correction_diff: a JSON array of {path, from, to} */
    tuor_slice output;          /**< what the model answered, to tell null from absent; or none */
    tuor_slice corrected;       /**< what the reviewer made of it, likewise */
    const char *input;          /**< the text that the model was given, or NULL */
} tuor_lesson_case;

#define TUOR_LESSON_EXAMPLES 2

/** Something that corrections have in common. */
typedef struct tuor_lesson {
    tuor_lesson_kind kind;
    const char *path;           /**< with [] for any index */
    const char *detail, *other; /**< see the kinds */
    int count;                  /**< corrections in which it occurs; 2 and more recur */
    int reverse;                /**< of a label: corrections the other way round */
    int day_first, month_first; /**< of dates such as 03/04/2024: what the first number turned out to be */
    apr_array_header_t *events; /**< const char * ids of those corrections */
    int examples;
    struct {
        tuor_slice from, to;    /**< raw JSON; none where the key was absent */
        const char *input;
    } example[TUOR_LESSON_EXAMPLES];
} tuor_lesson;

/**
 * Everything that the corrections teach, most frequent first; contradictions and what a better
 * lesson explains are left out.
 * @param cases tuor_lesson_case each, newest first
 * @return tuor_lesson * each
 */
apr_array_header_t *tuor_lessons_find(const apr_array_header_t *cases, apr_pool_t *pool);

/** A path without its indices: items[2].price becomes items[].price. */
const char *tuor_lesson_path(const char *path, apr_pool_t *pool);

/** The lesson as an instruction of one line: "`due`: write dates as YYYY-MM-DD. For example …". */
void tuor_lesson_write(tuor_buf *b, const tuor_lesson *lesson);

/** What was seen, for a rationale: "dates in `due` rewritten as YYYY-MM-DD (7)". */
void tuor_lesson_tell(tuor_buf *b, const tuor_lesson *lesson);

/** A prompt as lessons and remarks made it. */
typedef struct tuor_lesson_prompt {
    const char *content;        /**< at most the limit; the old one itself when nothing fits or there is nothing to say */
    int recurring, single;      /**< how many lessons of each sort stand in it, from the front of the list */
    int remarks;                /**< how many remarks */
    int kept;                   /**< how many rules of an earlier refinement still do */
} tuor_lesson_prompt;

/**
 * Write lessons under a heading of their own at the end of a prompt, or in place of those that an
 * earlier refinement wrote there; of these, what the new lessons neither repeat nor contradict
 * stays. Where something recurs, single corrections are left out.
 * @param lessons from tuor_lessons_find()
 * @param remarks const char *, what reviewers said when they rejected
 * @param max bytes that the result may have
 */
void tuor_lesson_prompt_make(tuor_lesson_prompt *out, const char *content, const apr_array_header_t *lessons,
                             const apr_array_header_t *remarks, apr_size_t max, apr_pool_t *pool);

#endif
