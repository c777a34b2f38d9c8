/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tags.h
 * What the files of the tags plugin share.
 */
#ifndef TUOR_TAGS_H
#define TUOR_TAGS_H

#include "mod_tuor.h"

/** The columns of a tag, as tuor_tag_write() wants them. */
#define TUOR_TAG_COLUMNS "t.id, t.org_id, t.name, t.color, t.description, t.created_at, t.updated_at"

/** Write one row of a result as a JSON object. */
void tuor_tag_write(tuor_reply *rp, const tuor_result *res, int row);

/** Answer with the only row of a result, after the unit of work has been ended. */
tuor_error *tuor_tag_answer(tuor_request *q, int status, const tuor_result *res);

tuor_handler tuor_tags_list, tuor_tags_get, tuor_tags_create, tuor_tags_update, tuor_tags_delete;

#endif
