/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The content of OpenTelemetry's GenAI conventions, which have moved: it stands in attributes of the
 * span, as structure or as JSON in a string; in an event of the inference's details; or in events of
 * older kinds, one a message.
 *
 * Text is joined as it is written, escapes and all, so that nothing is decoded and written anew.
 */
#include "otlp.h"

APLOG_USE_MODULE(tuor_otlp);

void genai_init(genai *g, apr_pool_t *pool)
{
    memset(g, 0, sizeof(*g));
    g->pool = pool;
    tuor_buf_init(&g->asked, pool);
    tuor_buf_init(&g->answered, pool);
}

/* The value of an attribute; a string that holds JSON is that JSON. None when it is broken. */
static tuor_slice content(tuor_slice any, apr_pool_t *pool)
{
    tuor_json_fault fault;
    tuor_json_type type;
    const char *text;
    apr_size_t len;
    tuor_buf b;

    tuor_buf_init(&b, pool);
    if (!any_write(&b, any, 0)) {
        return TUOR_SLICE_NONE;
    }
    if (b.p[0] == '"' && tuor_json_decode(&text, &len, (tuor_slice){ b.p, b.len }, 1, pool) == APR_SUCCESS
        && tuor_json_check((tuor_slice){ text, len }, &type, NULL, &fault, pool) == APR_SUCCESS
        && (type == TUOR_JSON_ARRAY || type == TUOR_JSON_OBJECT)) {
        return (tuor_slice){ text, len };
    }
    return (tuor_slice){ b.p, b.len };
}

int genai_attribute(genai *g, tuor_slice key, tuor_slice any)
{
    tuor_slice *to = tuor_json_key_is(key, "gen_ai.input.messages") || tuor_json_key_is(key, "gen_ai.prompt") ? &g->input
        : tuor_json_key_is(key, "gen_ai.output.messages") || tuor_json_key_is(key, "gen_ai.completion") ? &g->output
        : tuor_json_key_is(key, "gen_ai.system_instructions") ? &g->system : NULL;

    if (!to) {
        return 0;
    }
    *to = content(any, g->pool);
    return to->p ? 1 : -1;
}

/* An event of an older kind: its attributes are the members of a message, or one of them is the message. */
static int message_event(tuor_buf *b, tuor_slice attributes, const char *role, apr_pool_t *pool)
{
    tuor_slice whole = TUOR_SLICE_NONE, said_role = TUOR_SLICE_NONE, value;
    tuor_json_member m, key, any;
    tuor_json_walk walk;
    tuor_buf members;

    tuor_buf_init(&members, pool);
    for (tuor_json_walk_init(&walk, attributes); tuor_json_walk_next(&walk, &m);) {
        if (m.type != TUOR_JSON_OBJECT || !tuor_json_get(m.value, "key", &key) || key.type != TUOR_JSON_STRING
            || !tuor_json_get(m.value, "value", &any)) {
            return 0;
        }
        value = content(any.value, pool);
        if (!value.p) {
            return 0;
        }
        key.value = (tuor_slice){ key.value.p + 1, key.value.len - 2 };
        if (tuor_json_key_is(key.value, "gen_ai.event.content") || tuor_json_key_is(key.value, "message")) {
            whole = value;
        }
        else if (tuor_json_key_is(key.value, "role") && tuor_json_type_of(value) == TUOR_JSON_STRING) {
            said_role = value;
        }
        else if (tuor_json_key_is(key.value, "content") || tuor_json_key_is(key.value, "tool_calls")
                 || tuor_json_key_is(key.value, "id") || tuor_json_key_is(key.value, "name")) {
            tuor_buf_puts(&members, ",\"");
            tuor_buf_add(&members, key.value.p, key.value.len);
            tuor_buf_puts(&members, "\":");
            tuor_buf_raw(&members, value);
        }
    }
    if (whole.p && tuor_json_type_of(whole) == TUOR_JSON_OBJECT) {
        tuor_slice inner = whole;

        if (tuor_json_get(whole, "message", &m) && m.type == TUOR_JSON_OBJECT) {
            inner = m.value;            /* of a choice */
        }
        if (tuor_json_get(inner, "role", &m)) {
            tuor_buf_raw(b, inner);
            tuor_buf_puts(b, ",");
            return 1;
        }
        if (tuor_json_get(inner, "content", &m)) {
            whole = m.value;
        }
    }
    if (whole.p) {
        members.len = 0;
        tuor_buf_puts(&members, ",\"content\":");
        tuor_buf_raw(&members, whole);
    }
    if (members.len) {
        tuor_buf_puts(b, "{\"role\":");
        if (said_role.p) {
            tuor_buf_raw(b, said_role);
        }
        else {
            tuor_buf_json(b, role);
        }
        tuor_buf_add(b, members.p, members.len);
        tuor_buf_puts(b, "},");
    }
    return 1;
}

int genai_event(genai *g, tuor_slice event)
{
    static const struct { const char *name, *role; int answer; } older[] = {
        { "gen_ai.system.message", "system", 0 }, { "gen_ai.user.message", "user", 0 },
        { "gen_ai.assistant.message", "assistant", 0 }, { "gen_ai.tool.message", "tool", 0 },
        { "gen_ai.choice", "assistant", 1 },
    };
    tuor_json_member name, attributes, m, key, any;
    tuor_json_walk walk;
    unsigned u;

    if (!tuor_json_get(event, "name", &name) || name.type != TUOR_JSON_STRING
        || !tuor_json_get(event, "attributes", &attributes) || attributes.type != TUOR_JSON_ARRAY) {
        return 1;
    }
    name.value = (tuor_slice){ name.value.p + 1, name.value.len - 2 };
    for (u = 0; u < sizeof(older) / sizeof(*older); u++) {
        if (tuor_json_key_is(name.value, older[u].name)) {
            return message_event(older[u].answer ? &g->answered : &g->asked, attributes.value, older[u].role, g->pool);
        }
    }
    for (tuor_json_walk_init(&walk, attributes.value); tuor_json_walk_next(&walk, &m);) {
        if (m.type == TUOR_JSON_OBJECT && tuor_json_get(m.value, "key", &key) && key.type == TUOR_JSON_STRING
            && tuor_json_get(m.value, "value", &any)
            && genai_attribute(g, (tuor_slice){ key.value.p + 1, key.value.len - 2 }, any.value) < 0) {
            return 0;
        }
    }
    return 1;
}

/* The text of a list of parts that are all text, or of a string: a JSON string; or none. */
static tuor_slice joined(tuor_slice value, apr_pool_t *pool)
{
    tuor_json_member m, type, text;
    tuor_json_walk walk;
    tuor_buf b;

    if (tuor_json_type_of(value) == TUOR_JSON_STRING) {
        return value;
    }
    if (tuor_json_type_of(value) != TUOR_JSON_ARRAY) {
        return TUOR_SLICE_NONE;
    }
    tuor_buf_init(&b, pool);
    for (tuor_json_walk_init(&walk, value); tuor_json_walk_next(&walk, &m);) {
        if (m.type == TUOR_JSON_STRING) {
            text = m;
        }
        else if (m.type != TUOR_JSON_OBJECT || !tuor_json_get(m.value, "type", &type) || type.type != TUOR_JSON_STRING
                 || !tuor_json_key_is((tuor_slice){ type.value.p + 1, type.value.len - 2 }, "text")
                 || (!tuor_json_get(m.value, "content", &text) && !tuor_json_get(m.value, "text", &text))
                 || text.type != TUOR_JSON_STRING) {
            return TUOR_SLICE_NONE;
        }
        tuor_buf_puts(&b, b.len ? "\\n" : "\"");
        tuor_buf_add(&b, text.value.p + 1, text.value.len - 2);
    }
    if (!b.len) {
        return TUOR_SLICE_NONE;
    }
    tuor_buf_puts(&b, "\"");
    return (tuor_slice){ b.p, b.len };
}

typedef struct talk {
    int n;
    tuor_slice last_user;               /* text, or none */
    tuor_slice only;                    /* the text of the last message, or none */
} talk;

static void message(tuor_buf *b, talk *t, tuor_slice value, const char *role, apr_pool_t *pool)
{
    tuor_json_member m, said = { .type = TUOR_JSON_NONE };
    tuor_slice text = value;
    int named = 0;

    if (tuor_json_type_of(value) == TUOR_JSON_OBJECT) {
        named = tuor_json_get(value, "role", &said) && said.type == TUOR_JSON_STRING;
        text = tuor_json_get(value, "tool_calls", &m) ? TUOR_SLICE_NONE
            : tuor_json_get(value, "parts", &m) || tuor_json_get(value, "content", &m) ? joined(m.value, pool)
            : TUOR_SLICE_NONE;
    }
    tuor_buf_puts(b, t->n++ ? "," : "");
    t->only = text;
    if (!text.p) {
        tuor_buf_raw(b, value);         /* tool calls, pictures: as they were sent */
    }
    else {
        tuor_buf_puts(b, "{\"role\":");
        if (named) {
            tuor_buf_raw(b, said.value);
        }
        else {
            tuor_buf_json(b, role);
        }
        tuor_buf_puts(b, ",\"content\":");
        tuor_buf_raw(b, text);
        tuor_buf_puts(b, "}");
    }
    if (text.p && (named ? tuor_json_key_is((tuor_slice){ said.value.p + 1, said.value.len - 2 }, "user")
                         : !strcmp(role, "user"))) {
        t->last_user = text;
    }
}

/* A JSON array of messages into the buffer. @return 0 when they are none */
static int messages(tuor_buf *b, talk *t, tuor_slice value, const char *role, apr_pool_t *pool)
{
    tuor_json_type type = tuor_json_type_of(value);
    tuor_json_member m;
    tuor_json_walk walk;

    memset(t, 0, sizeof(*t));
    tuor_buf_puts(b, "[");
    if (type == TUOR_JSON_ARRAY) {
        for (tuor_json_walk_init(&walk, value); tuor_json_walk_next(&walk, &m);) {
            if (m.type != TUOR_JSON_OBJECT && m.type != TUOR_JSON_STRING) {
                return 0;
            }
            message(b, t, m.value, role, pool);
        }
    }
    else if (type == TUOR_JSON_OBJECT || type == TUOR_JSON_STRING) {
        message(b, t, value, role, pool);
    }
    tuor_buf_puts(b, "]");
    return t->n > 0;
}

static tuor_slice gathered(tuor_buf *events)
{
    tuor_buf b;

    if (!events->len) {
        return TUOR_SLICE_NONE;
    }
    tuor_buf_init(&b, events->pool);
    tuor_buf_puts(&b, "[");
    tuor_buf_add(&b, events->p, events->len - 1);
    tuor_buf_puts(&b, "]");
    return (tuor_slice){ b.p, b.len };
}

const char *genai_write(genai *g, tuor_buf *input, tuor_buf *output)
{
    tuor_slice asked = g->input.p ? g->input : gathered(&g->asked);
    tuor_slice answered = g->output.p ? g->output : gathered(&g->answered), text;
    tuor_buf list;
    talk t;

    if (!asked.p && !answered.p) {
        return "no GenAI content (gen_ai.input.messages, gen_ai.output.messages)";
    }
    if (!asked.p) {
        return "no gen_ai.input.messages";
    }
    if (!answered.p) {
        return "no gen_ai.output.messages";
    }
    tuor_buf_init(&list, g->pool);
    if (!messages(&list, &t, asked, "user", g->pool)) {
        return "gen_ai.input.messages is no list of messages";
    }
    tuor_buf_puts(input, "{\"messages\":");
    tuor_buf_add(input, list.p, list.len);
    if (g->system.p) {
        text = joined(g->system, g->pool);
        tuor_buf_puts(input, ",\"system_prompt\":");
        tuor_buf_raw(input, text.p ? text : g->system);
    }
    if (t.last_user.p) {
        tuor_buf_puts(input, ",\"content\":");
        tuor_buf_raw(input, t.last_user);
    }
    tuor_buf_puts(input, "}");
    list.len = 0;
    if (!messages(&list, &t, answered, "assistant", g->pool)) {
        return "gen_ai.output.messages is no list of messages";
    }
    if (t.n == 1 && t.only.p) {
        tuor_buf_puts(output, "{\"content\":");
        tuor_buf_raw(output, t.only);
    }
    else {
        tuor_buf_puts(output, "{\"messages\":");
        tuor_buf_add(output, list.p, list.len);
    }
    tuor_buf_puts(output, "}");
    return NULL;
}
