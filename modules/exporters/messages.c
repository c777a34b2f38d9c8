/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Payloads as chat messages, for the training formats.
 *
 * Strings and arrays are spliced as they were sent. Only where another JSON value has to become a
 * text is it written anew: its characters as a JSON string.
 */
#include "exporters.h"

/* A text with these very characters. */
static tuor_slice quote(tuor_slice value, apr_pool_t *scratch)
{
    tuor_buf b;

    tuor_buf_init(&b, scratch);
    tuor_buf_json_slice(&b, value);
    return (tuor_slice){ b.p, b.len };
}

/* A value as a text: strings are one. */
static tuor_slice as_text(const tuor_json_member *m, apr_pool_t *scratch)
{
    return m->type == TUOR_JSON_STRING ? m->value : quote(m->value, scratch);
}

/* A member that is there and not null. */
static int get(tuor_slice object, const char *name, tuor_json_member *m)
{
    return tuor_json_get(object, name, m) && m->type != TUOR_JSON_NULL;
}

static apr_status_t into_buf(void *buf, const char *p, apr_size_t len)
{
    tuor_buf_add(buf, p, len);
    return APR_SUCCESS;
}

/* An input of another shape: all of it but the system prompt. @return none for an empty one */
static tuor_slice rest_of(tuor_slice input, apr_pool_t *scratch)
{
    apr_array_header_t *names = apr_array_make(scratch, 1, sizeof(const char *));
    tuor_buf b;

    APR_ARRAY_PUSH(names, const char *) = "system_prompt";
    tuor_buf_init(&b, scratch);
    tuor_json_without(input, names, into_buf, &b);
    return b.len > 2 ? quote((tuor_slice){ b.p, b.len }, scratch) : TUOR_SLICE_NONE;
}

static void add_message(tuor_buf *b, const char *role, tuor_slice content)
{
    tuor_buf_puts(b, b->len ? ",{\"role\":\"" : "{\"role\":\"");
    tuor_buf_puts(b, role);
    tuor_buf_puts(b, "\",\"content\":");
    tuor_buf_add(b, content.p, content.len);
    tuor_buf_puts(b, "}");
}

/* The system prompt beside the messages or the content, unless it is empty. */
static void add_system(tuor_buf *b, tuor_slice input, apr_pool_t *scratch)
{
    tuor_json_member m;

    if (get(input, "system_prompt", &m) && (m.type != TUOR_JSON_STRING || m.value.len > 2)) {
        add_message(b, "system", as_text(&m, scratch));
    }
}

/* Whether the first of the messages tells the model what it is. */
static int begins_with_system(tuor_slice messages)
{
    tuor_json_member m, role;
    tuor_json_walk walk;
    tuor_slice name;

    tuor_json_walk_init(&walk, messages);
    if (!tuor_json_walk_next(&walk, &m) || m.type != TUOR_JSON_OBJECT || !get(m.value, "role", &role)
        || role.type != TUOR_JSON_STRING) {
        return 0;
    }
    name = (tuor_slice){ role.value.p + 1, role.value.len - 2 };
    return tuor_json_key_is(name, "system") || tuor_json_key_is(name, "developer");
}

/* The request of a chat model, as it went out; some interfaces take the system prompt beside it. */
static int own_messages(chat *c, tuor_slice input, apr_pool_t *scratch)
{
    tuor_json_member m;
    tuor_slice list;
    tuor_buf b;

    if (!get(input, "messages", &m) || m.type != TUOR_JSON_ARRAY || m.value.len <= 2) {
        return 0;
    }
    list = (tuor_slice){ m.value.p + 1, m.value.len - 2 };
    tuor_buf_init(&b, scratch);
    if (!begins_with_system(m.value)) {
        add_system(&b, input, scratch);
    }
    if (b.len) {
        tuor_buf_puts(&b, ",");
        tuor_buf_add(&b, list.p, list.len);
        list = (tuor_slice){ b.p, b.len };
    }
    c->messages = list;
    if (get(input, "tools", &m) && m.type == TUOR_JSON_ARRAY) {
        c->tools = m.value;
    }
    if (get(input, "parallel_tool_calls", &m) && m.type == TUOR_JSON_BOOL) {
        c->parallel = m.value;
    }
    return 1;
}

int chat_prompt(chat *c, tuor_slice input, apr_pool_t *scratch)
{
    tuor_json_member m;
    tuor_slice asked;
    tuor_buf b;

    memset(c, 0, sizeof(*c));
    if (!input.p) {
        return 0;
    }
    if (own_messages(c, input, scratch)) {
        return 1;
    }
    if (get(input, "content", &m)) {
        /* An array is a chat message's content in parts. */
        asked = m.type == TUOR_JSON_ARRAY ? m.value : as_text(&m, scratch);
    }
    else {
        asked = rest_of(input, scratch);
    }
    if (!asked.p) {
        return 0;
    }
    tuor_buf_init(&b, scratch);
    add_system(&b, input, scratch);
    add_message(&b, "user", asked);
    c->messages = (tuor_slice){ b.p, b.len };
    return 1;
}

tuor_slice chat_answer(tuor_slice output, const char *output_type, apr_pool_t *scratch)
{
    const char *name = !strcmp(output_type, "text") ? "content" : !strcmp(output_type, "classification") ? "label" : NULL;
    tuor_json_member m;

    if (!output.p) {
        return TUOR_SLICE_NONE;
    }
    return name && get(output, name, &m) ? as_text(&m, scratch) : quote(output, scratch);
}

void chat_write_answer(tuor_reply *rp, const char *member, tuor_slice content)
{
    tuor_reply_puts(rp, member);
    tuor_reply_puts(rp, "[{\"role\":\"assistant\",\"content\":");
    tuor_reply_slice(rp, content);
    tuor_reply_puts(rp, "}]");
}

int chat_preference(chat *c, tuor_slice *chosen, tuor_slice *rejected, const tuor_export_row *row, apr_pool_t *scratch)
{
    if (row->status.len != strlen("corrected") || memcmp(row->status.p, "corrected", row->status.len)
        || !chat_prompt(c, row->model_input, scratch)) {
        return 0;
    }
    *chosen = chat_answer(row->final_output, row->output_type, scratch);
    *rejected = chat_answer(row->model_output, row->output_type, scratch);
    /* Where the reviewer changed something else, there is nothing to prefer. */
    return chosen->p && rejected->p && (chosen->len != rejected->len || memcmp(chosen->p, rejected->p, chosen->len));
}
