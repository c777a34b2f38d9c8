/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * exclude_fields: direct members of payloads (model_input.pdf_base64) that a client can do without,
 * and where the endpoint allows it whole fields.
 */
#include "traces.h"

APLOG_USE_MODULE(tuor_traces);

static const char *const field_names[X_FIELDS] = {
    "model_input", "model_output", "corrected_output", "final_output", "trace_config"
};

struct exclusions {
    apr_array_header_t *members[X_FIELDS];      /* const char * each, or NULL */
    unsigned whole[X_FIELDS];
    unsigned events;
};

/* @return whether the entry is one that this endpoint knows */
static int take(exclusions *ex, const char *entry, int whole, int events, apr_pool_t *pool)
{
    const char *dot = strchr(entry, '.');
    apr_size_t len = dot ? (apr_size_t)(dot - entry) : strlen(entry);
    int i;

    if (events && !strcmp(entry, "events")) {
        ex->events = 1;
        return 1;
    }
    for (i = 0; i < X_FIELDS; i++) {
        if (strlen(field_names[i]) != len || memcmp(field_names[i], entry, len)) {
            continue;
        }
        if (!dot) {
            ex->whole[i] = (unsigned)whole;
            return whole;
        }
        if (!ex->members[i]) {
            ex->members[i] = apr_array_make(pool, 4, sizeof(const char *));
        }
        APR_ARRAY_PUSH(ex->members[i], const char *) = dot + 1;
        return 1;
    }
    return 0;
}

exclusions *exclusions_parse(tuor_request *q, const tuor_param *p, int whole, int events)
{
    exclusions *ex;
    char *list, *entry, *state;

    if (!p->value || !*p->value) {
        return NULL;
    }
    ex = apr_pcalloc(q->pool, sizeof(*ex));
    list = apr_pstrdup(q->pool, p->value);
    for (entry = apr_strtok(list, ",", &state); entry; entry = apr_strtok(NULL, ",", &state)) {
        if (!take(ex, entry, whole, events, q->pool)) {
            tuor_fault(q, p->name, "\"%s\" is not known here: name direct members such as model_input.pdf_base64 of "
                       "model_input, model_output, corrected_output, final_output or trace_config%s%s", entry,
                       whole ? ", or one of these fields" : "", events ? ", or events" : "");
        }
    }
    return ex;
}

int excluded(const exclusions *ex, excludable field)
{
    return ex && ex->whole[field];
}

int excluded_events(const exclusions *ex)
{
    return ex && ex->events;
}

static apr_status_t into_buf(void *buf, const char *p, apr_size_t len)
{
    tuor_buf_add(buf, p, len);
    return APR_SUCCESS;
}

tuor_slice exclude(const exclusions *ex, excludable field, tuor_slice value, apr_pool_t *pool)
{
    tuor_buf b;

    if (!ex || !ex->members[field] || !value.p) {
        return value;
    }
    tuor_buf_init(&b, pool);
    tuor_json_without(value, ex->members[field], into_buf, &b);
    return (tuor_slice){ b.p, b.len };
}
