/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Tags, written: create, update, delete.
 */
#include "tags.h"

#include <apr_lib.h>

#define NAME_MAX_CHARACTERS 50
#define DESCRIPTION_MAX_CHARACTERS 500
#define GREY "#6b7280"

/* The members of a body. */
enum { NAME, COLOR, DESCRIPTION, FIELDS };

typedef struct tag {
    const char *name;                   /* NULL: keep what there is */
    const char *color;                  /* likewise */
    const char *description;            /* NULL: none */
    int describe;                       /* description was sent, if only as null */
} tag;

static int is_color(const char *s)
{
    int i;

    if (s[0] != '#') {
        return 0;
    }
    for (i = 1; i <= 6; i++) {
        if (!apr_isxdigit(s[i])) {
            return 0;
        }
    }
    return !s[7];
}

/* Read body and query; everything that is wrong with either comes back as one error. */
static tuor_error *read_tag(tag *t, tuor_request *q, int creating)
{
    tuor_json_field fields[FIELDS] = {
        [NAME] = { .name = "name" }, [COLOR] = { .name = "color" }, [DESCRIPTION] = { .name = "description" }
    };
    tuor_error *err;

    memset(t, 0, sizeof(*t));
    if ((err = tuor_body_json(q, fields, FIELDS, 0)) || (err = tuor_query(q, NULL, 0))) {
        return err;
    }
    /* What is not sent stays as it is, but a name cannot be taken away. */
    t->name = tuor_field_string(q, &fields[NAME], creating || fields[NAME].type == TUOR_JSON_NULL,
                                1, NAME_MAX_CHARACTERS);
    t->description = tuor_field_string(q, &fields[DESCRIPTION], 0, 0, DESCRIPTION_MAX_CHARACTERS);
    t->describe = fields[DESCRIPTION].type != TUOR_JSON_NONE;
    if (fields[COLOR].type == TUOR_JSON_NULL || (creating && fields[COLOR].type == TUOR_JSON_NONE)) {
        t->color = GREY;
    }
    else if (fields[COLOR].type != TUOR_JSON_NONE) {
        t->color = tuor_field_string(q, &fields[COLOR], 0, 0, DESCRIPTION_MAX_CHARACTERS);
        if (t->color && !is_color(t->color)) {
            tuor_fault(q, "color", "must be # and six hexadecimal digits, as in %s", GREY);
        }
    }
    return tuor_faults(q);
}

/* The index on the name says no where another tag has it. */
static tuor_error *explain(tuor_request *q, const tag *t, tuor_error *err)
{
    if (err && err->sqlstate && !strcmp(err->sqlstate, "23505")) {
        return tuor_error_make(q->pool, HTTP_CONFLICT, "There is a tag called \"%s\" already; upper and lower case make "
                               "no difference", t->name ? t->name : "");
    }
    return err;
}

static const tuor_stmt create_stmt = {
    "tags_create",
    "INSERT INTO tuor.tags AS t (org_id, id, name, color, description, created_at, updated_at)"
    " VALUES (tuor.org(), $1, $2, $3, $4, $5, $5) RETURNING " TUOR_TAG_COLUMNS
};

tuor_error *tuor_tags_create(tuor_request *q)
{
    tuor_result *res = NULL;
    const char *id;
    tuor_db *db;
    tuor_error *err;
    tag t;

    if ((err = read_tag(&t, q, 1)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    id = tuor_id("tag", q->now, q->pool);
    err = tuor_db_exec(&res, db, &create_stmt,
                       TUOR_ARGS(tuor_text(id), tuor_text(t.name), tuor_text(t.color), tuor_text(t.description),
                                 tuor_time(q->now)));
    tuor_db_end(db);
    if (err) {
        return explain(q, &t, err);
    }
    apr_table_setn(q->r->headers_out, "Location", apr_pstrcat(q->pool, "/v1/tags/", id, NULL));
    return tuor_tag_answer(q, HTTP_CREATED, res);
}

static const tuor_stmt update_stmt = {
    "tags_update",
    "UPDATE tuor.tags t SET name = coalesce($2, t.name), color = coalesce($3, t.color),"
    " description = CASE WHEN $4 THEN $5 ELSE t.description END, updated_at = greatest($6, t.updated_at)"
    " WHERE t.org_id = tuor.org() AND t.id = $1 RETURNING " TUOR_TAG_COLUMNS
};

tuor_error *tuor_tags_update(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;
    tag t;

    if ((err = read_tag(&t, q, 0)) || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &update_stmt,
                       TUOR_ARGS(tuor_text(q->param[0]), tuor_text(t.name), tuor_text(t.color), tuor_bool(t.describe),
                                 tuor_text(t.description), tuor_time(q->now)));
    tuor_db_end(db);
    if (err) {
        return explain(q, &t, err);
    }
    return tuor_result_rows(res) ? tuor_tag_answer(q, HTTP_OK, res) : tuor_error_not_found(q->pool, "tag");
}

/* The foreign key of trace_tags takes it off its traces in the same statement. */
static const tuor_stmt delete_stmt = {
    "tags_delete",
    "DELETE FROM tuor.tags t WHERE t.org_id = tuor.org() AND t.id = $1 RETURNING t.id"
};

tuor_error *tuor_tags_delete(tuor_request *q)
{
    tuor_result *res = NULL;
    tuor_db *db;
    tuor_error *err;

    if ((err = tuor_query(q, NULL, 0)) || (err = tuor_faults(q))
        || (err = tuor_db_begin(&db, q, TUOR_DB_EACH))) {
        return err;
    }
    err = tuor_db_exec(&res, db, &delete_stmt, TUOR_ARGS(tuor_text(q->param[0])));
    tuor_db_end(db);
    if (err) {
        return err;
    }
    if (!tuor_result_rows(res)) {
        return tuor_error_not_found(q->pool, "tag");
    }
    return tuor_reply_end(tuor_reply_begin(q, HTTP_NO_CONTENT, NULL));
}
