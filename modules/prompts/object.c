/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The prompt object: columns in, JSON out.
 */
#include "prompts.h"

enum { ID, ORG, PROJECT, VERSION, CONTENT, SOURCE, ACTIVE, PARENT, RATIONALE, LINEAGE, CREATED_AT, CREATED_BY };

static void write_text(tuor_reply *rp, const char *member, const tuor_result *res, int row, int col)
{
    tuor_reply_puts(rp, member);
    tuor_reply_json(rp, tuor_result_text(res, row, col));
}

void prompt_write_ids(tuor_reply *rp, const apr_array_header_t *ids)
{
    tuor_reply_puts(rp, "[");
    for (int i = 0; i < ids->nelts; i++) {
        tuor_reply_puts(rp, i ? "," : "");
        tuor_reply_json(rp, APR_ARRAY_IDX(ids, i, const char *));
    }
    tuor_reply_puts(rp, "]");
}

void prompt_write(tuor_reply *rp, const tuor_result *res, int row, apr_pool_t *pool)
{
    write_text(rp, "{\"id\":", res, row, ID);
    write_text(rp, ",\"org_id\":", res, row, ORG);
    write_text(rp, ",\"project_id\":", res, row, PROJECT);
    tuor_reply_printf(rp, ",\"version\":%" APR_INT64_T_FMT, tuor_result_int(res, row, VERSION));
    write_text(rp, ",\"content\":", res, row, CONTENT);
    write_text(rp, ",\"source\":", res, row, SOURCE);
    tuor_reply_puts(rp, tuor_result_int(res, row, ACTIVE) ? ",\"is_active\":true" : ",\"is_active\":false");
    write_text(rp, ",\"parent_id\":", res, row, PARENT);
    write_text(rp, ",\"rationale\":", res, row, RATIONALE);
    tuor_reply_puts(rp, ",\"lineage_event_ids\":");
    prompt_write_ids(rp, tuor_result_texts(res, row, LINEAGE, pool));
    tuor_reply_puts(rp, ",\"created_at\":");
    tuor_reply_time(rp, tuor_result_time(res, row, CREATED_AT));
    write_text(rp, ",\"created_by\":", res, row, CREATED_BY);
    tuor_reply_puts(rp, "}");
}

tuor_error *prompt_answer(tuor_request *q, int status, const tuor_result *res)
{
    tuor_reply *rp = tuor_reply_begin(q, status, "application/json");

    prompt_write(rp, res, 0, q->pool);
    tuor_reply_puts(rp, "\n");
    return tuor_reply_end(rp);
}
