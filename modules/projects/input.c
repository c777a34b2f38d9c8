/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The body of a project, as create and update read it.
 */
#include "projects.h"
#include "tuor_guard.h"
#include "../webhooks/tuor_webhooks.h"

#define NAME_MAX_CHARACTERS 100
#define GUIDELINES_MAX_BYTES 16384
#define SECRET_MAX_CHARACTERS 512
/* Far more than a URL may have: the guard's own words tell about the limit. */
#define ANY_LENGTH (APR_SIZE_MAX / 2)

/* Lists grow when the console learns to show more. */
static const char *const input_types[] = { "text", "pdf", "image", NULL };
static const char *const output_types[] = { "key_value", "text", "classification", NULL };

static const char *const members[TUOR_P_FIELDS] = {
    [TUOR_P_NAME] = "name",
    [TUOR_P_INPUT_TYPE] = "input_type",
    [TUOR_P_OUTPUT_TYPE] = "output_type",
    [TUOR_P_GUIDELINES] = "guidelines",
    [TUOR_P_WEBHOOK_URL] = "webhook_url",
    [TUOR_P_WEBHOOK_SECRET] = "webhook_secret",
    [TUOR_P_WEBHOOK_ACTIVE] = "webhook_active",
    [TUOR_P_WEBHOOK_SECRET_NEXT] = "webhook_secret_next",
    [TUOR_P_WEBHOOK_STANDARD] = "webhook_standard",
    [TUOR_P_ARCHIVED] = "archived",
};

/* Written in check_config alone, before there are threads. */
static APR_OPTIONAL_FN_TYPE(tuor_webhook_check_url) *check_url;

void tuor_project_find_check(void)
{
    check_url = APR_RETRIEVE_OPTIONAL_FN(tuor_webhook_check_url);
}

const char *tuor_project_check_url(const char *url, apr_pool_t *pool)
{
    return check_url ? check_url(url, pool) : tuor_guard_url(NULL, url, NULL, pool);
}

const char *tuor_project_member(int field)
{
    return members[field];
}

/* A member that every project has: null would take it away, and spaces alone are no name. */
static const char *read_name(tuor_request *q, const tuor_json_field *f, int creating)
{
    const char *s = tuor_field_string(q, f, creating || f->type == TUOR_JSON_NULL, 1, NAME_MAX_CHARACTERS);

    if (s && s[strspn(s, " \t\r\n")] == '\0') {
        tuor_fault(q, f->name, "must not be blank");
    }
    return s;
}

static const char *read_guidelines(tuor_request *q, const tuor_json_field *f)
{
    const char *s = tuor_field_string(q, f, 0, 0, ANY_LENGTH);

    if (s && strlen(s) > GUIDELINES_MAX_BYTES) {
        tuor_fault(q, f->name, "has %" APR_SIZE_T_FMT " bytes; the limit is %d bytes (16 KB)", strlen(s),
                   GUIDELINES_MAX_BYTES);
    }
    return s;
}

static const char *read_url(tuor_request *q, const tuor_json_field *f)
{
    const char *s = tuor_field_string(q, f, 0, 0, ANY_LENGTH);
    const char *why = NULL;

    if (s) {
        why = tuor_project_check_url(s, q->pool);
    }
    if (why) {
        tuor_fault(q, f->name, "%s", why);
    }
    return s;
}

static int read_bool(tuor_request *q, const tuor_json_field *f)
{
    if (f->type == TUOR_JSON_NULL) {
        tuor_fault(q, f->name, "must be true or false");
        return -1;
    }
    return tuor_field_bool(q, f);
}

tuor_error *tuor_project_read(tuor_project_input *in, tuor_request *q, int creating)
{
    tuor_json_field fields[TUOR_P_FIELDS];
    tuor_error *err;

    memset(in, 0, sizeof(*in));
    memset(fields, 0, sizeof(fields));
    for (int i = 0; i < TUOR_P_FIELDS; i++) {
        fields[i].name = members[i];
    }
    if ((err = tuor_body_json(q, fields, TUOR_P_FIELDS, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    for (int i = 0; i < TUOR_P_FIELDS; i++) {
        in->sent[i] = fields[i].type != TUOR_JSON_NONE;
    }
    in->name = read_name(q, &fields[TUOR_P_NAME], creating);
    in->input_type = tuor_field_word(q, &fields[TUOR_P_INPUT_TYPE], in->sent[TUOR_P_INPUT_TYPE], input_types);
    in->output_type = tuor_field_word(q, &fields[TUOR_P_OUTPUT_TYPE], in->sent[TUOR_P_OUTPUT_TYPE], output_types);
    in->guidelines = read_guidelines(q, &fields[TUOR_P_GUIDELINES]);
    in->webhook_url = read_url(q, &fields[TUOR_P_WEBHOOK_URL]);
    in->webhook_secret = tuor_field_string(q, &fields[TUOR_P_WEBHOOK_SECRET], 0, 1, SECRET_MAX_CHARACTERS);
    in->webhook_active = read_bool(q, &fields[TUOR_P_WEBHOOK_ACTIVE]);
    in->webhook_secret_next = tuor_field_string(q, &fields[TUOR_P_WEBHOOK_SECRET_NEXT], 0, 1, SECRET_MAX_CHARACTERS);
    in->webhook_standard = read_bool(q, &fields[TUOR_P_WEBHOOK_STANDARD]);
    /* A new project is never archived: the member means nothing then. */
    in->archived = creating ? -1 : read_bool(q, &fields[TUOR_P_ARCHIVED]);
    return tuor_faults(q);
}
