/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The paths of a correction_diff: as the name of a field, and followed into a value.
 */
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#include "lesson_shape.h"

const char *tuor_lesson_path(const char *path, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, strlen(path) + 1), *o = out;
    const char *p = path;

    while (*p) {
        if (p[0] == '[' && p[1] == '"') {
            /* A quoted key: to its closing quote as it is. */
            *o++ = *p++;
            do {
                if (*p == '\\' && p[1]) {
                    *o++ = *p++;
                }
                *o++ = *p++;
            } while (*p && *p != '"');
        }
        else if (p[0] == '[') {
            *o++ = *p++;
            p += strspn(p, "0123456789");
        }
        else {
            /* A line of a prompt must stay one line. */
            *o++ = (unsigned char)*p < 0x20 ? ' ' : *p;
            p++;
        }
    }
    *o = '\0';
    return out;
}

int lesson_has_path(tuor_slice value, const char *path, apr_pool_t *pool)
{
    tuor_json_member m;
    tuor_json_walk walk;
    const char *key;
    apr_size_t len;

    while (*path) {
        tuor_json_type type = tuor_json_type_of(value);

        if (*path == '[' && path[1] != '"') {
            long index = strtol(path + 1, (char **)&path, 10);

            if (type != TUOR_JSON_ARRAY) {
                return 0;
            }
            tuor_json_walk_init(&walk, value);
            do {
                if (!tuor_json_walk_next(&walk, &m)) {
                    return 0;
                }
            } while (index-- > 0);
            path += *path == ']';
        }
        else if (type != TUOR_JSON_OBJECT) {
            return 0;
        }
        else if (*path == '[') {
            const char *end = ++path;

            for (end++; *end && *end != '"'; end++) {
                end += *end == '\\' && end[1];
            }
            end += *end == '"';
            if (tuor_json_decode(&key, &len, (tuor_slice){ path, end - path }, 1, pool) != APR_SUCCESS
                || !tuor_json_get(value, key, &m)) {
                return 0;
            }
            path = end + (*end == ']');
        }
        else {
            len = strcspn(path, ".[");
            if (!tuor_json_get(value, apr_pstrmemdup(pool, path, len), &m)) {
                return 0;
            }
            path += len;
        }
        value = m.value;
        path += *path == '.';
    }
    return 1;
}
