/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A span becomes a trace: its content the payloads, the rest of it trace_config.
 */
#include "otlp.h"

APLOG_USE_MODULE(tuor_otlp);

#define PROJECT_MAX 100

static int write_list(tuor_buf *b, tuor_slice value, int named, int level)
{
    tuor_json_member m, values, key, any;
    tuor_json_walk walk;
    const char *comma = "";

    tuor_buf_puts(b, named ? "{" : "[");
    if (tuor_json_type_of(value) != TUOR_JSON_OBJECT) {
        return 0;
    }
    if (tuor_json_get(value, "values", &values)) {
        if (values.type != TUOR_JSON_ARRAY) {
            return 0;
        }
        for (tuor_json_walk_init(&walk, values.value); tuor_json_walk_next(&walk, &m); comma = ",") {
            tuor_buf_puts(b, comma);
            any = m;
            if (named) {
                if (m.type != TUOR_JSON_OBJECT || !tuor_json_get(m.value, "key", &key) || key.type != TUOR_JSON_STRING) {
                    return 0;
                }
                tuor_buf_raw(b, key.value);
                tuor_buf_puts(b, ":");
                if (!tuor_json_get(m.value, "value", &any)) {
                    tuor_buf_puts(b, "null");
                    continue;
                }
            }
            if (!any_write(b, any.value, level + 1)) {
                return 0;
            }
        }
    }
    tuor_buf_puts(b, named ? "}" : "]");
    return 1;
}

/* Whole numbers come as numbers or, as protobuf's JSON has it, as strings. */
static int write_int(tuor_buf *b, const tuor_json_member *m)
{
    tuor_slice digits = m->value;
    tuor_json_fault fault;
    tuor_json_type type;
    apr_int64_t n;

    if (m->type == TUOR_JSON_STRING) {
        digits = (tuor_slice){ m->value.p + 1, m->value.len - 2 };
    }
    if (digits.len > 20 || tuor_json_check(digits, &type, NULL, &fault, b->pool) != APR_SUCCESS
        || type != TUOR_JSON_NUMBER || tuor_json_int(&n, digits) != APR_SUCCESS) {
        return 0;
    }
    tuor_buf_printf(b, "%" APR_INT64_T_FMT, n);
    return 1;
}

int any_write(tuor_buf *b, tuor_slice any, int level)
{
    tuor_json_walk walk;
    tuor_json_member m;

    if (level > OTLP_NESTED_MAX || tuor_json_type_of(any) != TUOR_JSON_OBJECT) {
        return 0;
    }
    for (tuor_json_walk_init(&walk, any); tuor_json_walk_next(&walk, &m);) {
        int text = m.type == TUOR_JSON_STRING;

        if (tuor_json_key_is(m.key, "intValue")) {
            return write_int(b, &m);
        }
        if (tuor_json_key_is(m.key, "arrayValue")) {
            return write_list(b, m.value, 0, level);
        }
        if (tuor_json_key_is(m.key, "kvlistValue")) {
            return write_list(b, m.value, 1, level);
        }
        if (tuor_json_key_is(m.key, "stringValue") || tuor_json_key_is(m.key, "bytesValue")
            || tuor_json_key_is(m.key, "boolValue") || tuor_json_key_is(m.key, "doubleValue")) {
            const char *kind = m.key.p;

            if (*kind == 'b' && kind[1] == 'o' ? m.type != TUOR_JSON_BOOL
                : *kind == 'd' ? m.type != TUOR_JSON_NUMBER && !text : !text) {
                return 0;
            }
            tuor_buf_raw(b, m.value);
            return 1;
        }
    }
    tuor_buf_puts(b, "null");
    return 1;
}

/* ---- attributes */

typedef struct reading {
    genai g;
    tuor_buf other, of_resource;        /* members of an object, with a comma behind each */
    tuor_slice project, prompt, run, model, asked_model;      /* JSON values */
} reading;

/* Not to be taken for what Tuor puts there itself. */
static int reserved(tuor_slice key)
{
    static const char *const names[] = {
        "model", "prompt_version_id", "internal_run_id", "trace_id", "span_id", "parent_span_id", "name",
        "start_time_unix_nano", "duration_ms", "resource"
    };
    unsigned u;

    for (u = 0; u < sizeof(names) / sizeof(*names); u++) {
        if (tuor_json_key_is(key, names[u])) {
            return 1;
        }
    }
    return 0;
}

static int attribute(reading *rd, tuor_slice pair, int of_resource)
{
    tuor_buf *to = of_resource ? &rd->of_resource : &rd->other, value;
    tuor_json_member key, any;
    tuor_slice *known;
    int rv;

    if (tuor_json_type_of(pair) != TUOR_JSON_OBJECT || !tuor_json_get(pair, "key", &key) || key.type != TUOR_JSON_STRING) {
        return 0;
    }
    if (!tuor_json_get(pair, "value", &any)) {
        any.value = TUOR_SLICE("{}");
    }
    key.value = (tuor_slice){ key.value.p + 1, key.value.len - 2 };
    if (!of_resource && (rv = genai_attribute(&rd->g, key.value, any.value)) != 0) {
        return rv > 0;
    }
    known = tuor_json_key_is(key.value, "tuor.project_id") ? &rd->project
        : tuor_json_key_is(key.value, "tuor.prompt_version_id") ? &rd->prompt
        : tuor_json_key_is(key.value, "tuor.internal_run_id") ? &rd->run
        : tuor_json_key_is(key.value, "gen_ai.response.model") ? &rd->model
        : tuor_json_key_is(key.value, "gen_ai.request.model") ? &rd->asked_model : NULL;
    tuor_buf_init(&value, rd->g.pool);
    if (!any_write(&value, any.value, 0)) {
        return 0;
    }
    if (known && !(known == &rd->project && !of_resource)) {
        *known = (tuor_slice){ value.p, value.len };
    }
    if ((!known || known == &rd->model || known == &rd->asked_model) && (of_resource || !reserved(key.value))) {
        tuor_buf_puts(to, "\"");
        tuor_buf_add(to, key.value.p, key.value.len);
        tuor_buf_puts(to, "\":");
        tuor_buf_add(to, value.p, value.len);
        tuor_buf_puts(to, ",");
    }
    return 1;
}

static int attributes(reading *rd, tuor_slice of, int of_resource)
{
    tuor_json_member list, m;
    tuor_json_walk walk;

    if (!of.p || !tuor_json_get(of, "attributes", &list)) {
        return 1;
    }
    if (list.type != TUOR_JSON_ARRAY) {
        return 0;
    }
    for (tuor_json_walk_init(&walk, list.value); tuor_json_walk_next(&walk, &m);) {
        if (!attribute(rd, m.value, of_resource)) {
            return 0;
        }
    }
    return 1;
}

static int events(reading *rd, tuor_slice span)
{
    tuor_json_member list, m;
    tuor_json_walk walk;

    if (!tuor_json_get(span, "events", &list) || list.type != TUOR_JSON_ARRAY) {
        return 1;
    }
    for (tuor_json_walk_init(&walk, list.value); tuor_json_walk_next(&walk, &m);) {
        if (m.type != TUOR_JSON_OBJECT || !genai_event(&rd->g, m.value)) {
            return 0;
        }
    }
    return 1;
}

/* ---- trace_config */

static apr_uint64_t nanoseconds(tuor_slice span, const char *name)
{
    apr_uint64_t n = 0;
    tuor_json_member m;
    apr_size_t i;

    if (!tuor_json_get(span, name, &m) || m.value.len > 22) {
        return 0;
    }
    for (i = 0; i < m.value.len; i++) {
        if (m.value.p[i] >= '0' && m.value.p[i] <= '9') {
            if (n > (APR_UINT64_MAX - 9) / 10) {
                return 0;
            }
            n = n * 10 + (apr_uint64_t)(m.value.p[i] - '0');
        }
        else if (m.value.p[i] != '"') {
            return 0;
        }
    }
    return n;
}

static void member(tuor_buf *b, const char *name, tuor_slice value)
{
    if (value.p) {
        tuor_buf_printf(b, "\"%s\":", name);
        tuor_buf_raw(b, value);
        tuor_buf_puts(b, ",");
    }
}

static void string_of(tuor_buf *b, const char *name, tuor_slice span, const char *in_span)
{
    tuor_json_member m;

    if (tuor_json_get(span, in_span, &m) && m.type == TUOR_JSON_STRING && m.value.len > 2) {
        member(b, name, m.value);
    }
}

static void write_config(tuor_buf *b, const reading *rd, tuor_slice span)
{
    apr_uint64_t start = nanoseconds(span, "startTimeUnixNano"), end = nanoseconds(span, "endTimeUnixNano");

    tuor_buf_puts(b, "{");
    member(b, "model", rd->model.p ? rd->model : rd->asked_model);
    member(b, "prompt_version_id", rd->prompt);
    member(b, "internal_run_id", rd->run);
    string_of(b, "trace_id", span, "traceId");
    string_of(b, "span_id", span, "spanId");
    string_of(b, "parent_span_id", span, "parentSpanId");
    string_of(b, "name", span, "name");
    if (start) {
        tuor_buf_printf(b, "\"start_time_unix_nano\":\"%" APR_UINT64_T_FMT "\",", start);
    }
    if (start && end >= start) {
        tuor_buf_printf(b, "\"duration_ms\":%" APR_UINT64_T_FMT ".%03d,", (end - start) / 1000000,
                        (int)((end - start) / 1000 % 1000));
    }
    if (rd->other.len) {
        tuor_buf_add(b, rd->other.p, rd->other.len);
    }
    if (rd->of_resource.len) {
        tuor_buf_puts(b, "\"resource\":{");
        tuor_buf_add(b, rd->of_resource.p, rd->of_resource.len - 1);
        tuor_buf_puts(b, "},");
    }
    if (b->len > 1) {
        b->len--;                       /* the last comma */
    }
    tuor_buf_puts(b, "}");
}

/* ---- identity */

/* An id as OTLP writes it, so many hexadecimal digits and not all of them 0: in lower case, or NULL. */
static const char *id_of(tuor_slice span, const char *name, apr_size_t digits, apr_pool_t *pool)
{
    tuor_json_member m;
    char *id;

    if (!tuor_json_get(span, name, &m) || m.type != TUOR_JSON_STRING || m.value.len != digits + 2) {
        return NULL;
    }
    id = apr_pstrmemdup(pool, m.value.p + 1, digits);
    ap_str_tolower(id);
    return strspn(id, "0123456789abcdef") == digits && strspn(id, "0") < digits ? id : NULL;
}

/*
 * An exporter whose answer got lost sends its spans again, perhaps in other company and in the other form.
 * A collector may send one span to several projects: there it is a trace of each.
 */
static const char *identity(tuor_slice span, const char *project, apr_pool_t *pool)
{
    const char *trace_id = id_of(span, "traceId", 32, pool), *span_id = id_of(span, "spanId", 16, pool);

    return trace_id && span_id ? apr_pstrcat(pool, "otlp ", trace_id, " ", span_id, " ", project, NULL) : NULL;
}

/* Without white space, and within the limits of payloads. */
static const char *finish(tuor_slice *out, tuor_buf *b, const char *what, tuor_request *q, apr_pool_t *pool)
{
    apr_size_t max = tuor_max_payload(q->r->server);
    unsigned depth = 0, deepest = tuor_max_depth(q->r->server);
    tuor_json_fault fault;

    if (b->len > max) {
        return apr_psprintf(pool, "%s is larger than the limit of %" APR_SIZE_T_FMT " bytes", what, max);
    }
    if (tuor_json_check((tuor_slice){ b->p, b->len }, NULL, &depth, &fault, pool) != APR_SUCCESS) {
        return "the content cannot be read";
    }
    if (depth > deepest) {
        return apr_psprintf(pool, "%s is nested deeper than the limit of %u levels", what, deepest);
    }
    *out = (tuor_slice){ b->p, tuor_json_compact(b->p, b->len) };
    return NULL;
}

const char *span_read(tuor_trace_in *t, tuor_request *q, tuor_slice resource, tuor_slice span, apr_pool_t *pool)
{
    tuor_buf input, output, config;
    const char *why, *project;
    apr_size_t len;
    reading rd;

    memset(&rd, 0, sizeof(rd));
    genai_init(&rd.g, pool);
    tuor_buf_init(&rd.other, pool);
    tuor_buf_init(&rd.of_resource, pool);
    tuor_buf_init(&input, pool);
    tuor_buf_init(&output, pool);
    tuor_buf_init(&config, pool);
    if (!attributes(&rd, resource, 1) || !attributes(&rd, span, 0) || !events(&rd, span)) {
        return "an attribute is malformed or nested too deep";
    }
    if ((why = genai_write(&rd.g, &input, &output))) {
        return why;
    }
    if (!rd.project.p) {
        return "the resource has no attribute tuor.project_id";
    }
    if (tuor_json_type_of(rd.project) != TUOR_JSON_STRING || rd.project.len > PROJECT_MAX + 2
        || tuor_json_decode(&project, &len, rd.project, 1, pool) != APR_SUCCESS || memchr(project, '\0', len)) {
        return "tuor.project_id is no id of a project";
    }
    t->project = project;
    t->same = identity(span, project, pool);
    write_config(&config, &rd, span);
    (void)((why = finish(&t->input, &input, "model_input", q, pool)) || (why = finish(&t->output, &output, "model_output", q, pool))
           || (why = finish(&t->config, &config, "trace_config", q, pool)));
    return why;
}
