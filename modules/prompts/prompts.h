/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file prompts.h
 * What the files of the prompts plugin share.
 */
#ifndef TUOR_PROMPTS_H
#define TUOR_PROMPTS_H

#include "mod_tuor.h"

/** Verdicts since the active version was saved that a refinement needs. */
#define PROMPTS_REVIEWS_REQUIRED 10

/* object.c */

/** The columns of a prompt, as prompt_write() wants them; the table is called p. */
#define PROMPT_COLUMNS "p.id, p.org_id, p.project_id, p.version, p.content, p.source, p.is_active, p.parent_id," \
    " p.rationale, p.lineage_event_ids, p.created_at, p.created_by"

/** Write one row of a result as a JSON object. */
void prompt_write(tuor_reply *rp, const tuor_result *res, int row, apr_pool_t *pool);

/** Answer with the only row of a result, after the unit of work has been ended. */
tuor_error *prompt_answer(tuor_request *q, int status, const tuor_result *res);

/** Write ["…", …]. */
void prompt_write_ids(tuor_reply *rp, const apr_array_header_t *ids);

/* save.c */

/** The content of a prompt in a body: a fault when it is empty or over the limit. NULL when absent or faulty. */
const char *prompt_field_content(tuor_request *q, const tuor_json_field *f, int required);

/**
 * Lock the project of the path until the transaction ends: whoever saves a prompt does so alone.
 * @return 404 for a project that is not there, and for an archived one
 */
tuor_error *prompt_lock_project(tuor_db *db, tuor_request *q);

/** A version to be saved. */
typedef struct prompt_version {
    const char *content;
    const char *source;                 /**< "manual" or "refinement" */
    const char *parent_id, *rationale;  /**< of a refinement, or NULL */
    const apr_array_header_t *lineage;  /**< const char * each, or NULL for none */
} prompt_version;

/** Save a version and make it the active one; the project is locked. @param res one row of PROMPT_COLUMNS */
tuor_error *prompt_save(tuor_result **res, tuor_db *db, tuor_request *q, const prompt_version *v);

/* evidence.c */

/** What a refinement starts from. */
typedef struct prompt_evidence {
    tuor_refine_input in;
    int found, archived;                /**< of the project */
    apr_int64_t reviewed;               /**< verdicts since the active version was saved */
} prompt_evidence;

/** Gather it in one unit of work, which has ended when this returns. in.prompt_id is NULL without a prompt. */
tuor_error *prompt_evidence_gather(prompt_evidence *e, tuor_request *q);

/* mod_tuor_prompts.c */

/** The refiner that a server's configuration chose, and its name; NULL for none. */
const tuor_refiner *prompt_refiner(const char **name, const server_rec *s);

/* refine.c */

/** The 404 for the archived project, in words that help. */
tuor_error *prompt_error_archived(tuor_request *q);

tuor_handler prompts_list, prompts_create, prompts_get, prompts_stats, prompts_refine, prompts_accept;

#endif
