/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file projects.h
 * What the files of the projects plugin share.
 */
#ifndef TUOR_PROJECTS_H
#define TUOR_PROJECTS_H

#include "mod_tuor.h"

/** The columns of a project, as tuor_project_write() wants them. The secrets themselves never leave the database here. */
#define TUOR_PROJECT_COLUMNS "p.id, p.org_id, p.name, p.input_type, p.output_type, p.guidelines, p.webhook_url," \
    " p.webhook_active, p.webhook_secret IS NOT NULL, p.archived, cardinality(p.managed) > 0, p.created_at, p.updated_at," \
    " p.webhook_secret_next IS NOT NULL, p.webhook_standard"

/** Write one row of a result as a JSON object. */
void tuor_project_write(tuor_reply *rp, const tuor_result *res, int row);

/** Answer with the only row of a result, after the unit of work has been ended. */
tuor_error *tuor_project_answer(tuor_request *q, int status, const tuor_result *res);

/** The members of a body. */
enum {
    TUOR_P_NAME, TUOR_P_INPUT_TYPE, TUOR_P_OUTPUT_TYPE, TUOR_P_GUIDELINES,
    TUOR_P_WEBHOOK_URL, TUOR_P_WEBHOOK_SECRET, TUOR_P_WEBHOOK_ACTIVE, TUOR_P_WEBHOOK_SECRET_NEXT,
    TUOR_P_WEBHOOK_STANDARD, TUOR_P_ARCHIVED, TUOR_P_FIELDS
};

/** A body, read and found right. Of members that are strings, NULL with sent set means null. */
typedef struct tuor_project_input {
    int sent[TUOR_P_FIELDS];
    const char *name, *input_type, *output_type, *guidelines, *webhook_url, *webhook_secret, *webhook_secret_next;
    int webhook_active, webhook_standard, archived;     /**< -1: not sent */
} tuor_project_input;

/** The name of a member. */
const char *tuor_project_member(int field);

/** Read query and body; everything that is wrong with either comes back as one error. */
tuor_error *tuor_project_read(tuor_project_input *in, tuor_request *q, int creating);

/** Look for the webhooks plugin's check of URLs; in check_config. */
void tuor_project_find_check(void);

/** What is wrong with a webhook's URL, or NULL: by the webhooks plugin's rules where it is loaded. */
const char *tuor_project_check_url(const char *url, apr_pool_t *pool);

tuor_handler tuor_projects_list, tuor_projects_get, tuor_projects_create, tuor_projects_update, tuor_projects_archive;

#endif
