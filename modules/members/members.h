/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file members.h
 * What the files of the members plugin share.
 */
#ifndef TUOR_MEMBERS_H
#define TUOR_MEMBERS_H

#include "mod_tuor.h"

/** In characters; tuorctl has the same limits. */
#define NAME_MAX_CHARACTERS 100
#define LOGIN_MAX_CHARACTERS 255

tuor_handler members_me, keys_list, keys_create, keys_revoke, members_list, members_create, members_update,
    members_remove;

/** A string member as tuor_field_string() reads it, of 1 to max characters, none of which is a control character. */
const char *members_text(tuor_request *q, const tuor_json_field *f, int required, apr_size_t max);

/** Writes a row of a result as a JSON object. */
typedef void members_row_writer(tuor_reply *rp, const tuor_result *res, int row);

/** Run a statement with limit and skip as its parameters $1 and $2, and answer with its rows. */
tuor_error *members_list_run(tuor_request *q, const tuor_stmt *stmt, members_row_writer *write);

#endif
