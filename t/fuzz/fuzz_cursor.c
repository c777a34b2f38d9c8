/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Only what we make is read: cursors, ids and keys. */
#include "fuzz_lib.h"
#include "tuor_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    char *text = malloc(size + 1);
    const char *id, *cursor;

    HOLDS(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';

    id = tuor_cursor_read(text, "trace", pool);
    if (id) {
        HOLDS(tuor_id_valid(id, "trace"));
        HOLDS(strcmp(tuor_cursor_make(id, pool), text) == 0);
    }
    cursor = tuor_cursor_make(text, pool);
    id = tuor_cursor_read(cursor, "trace", pool);
    HOLDS((id != NULL) == tuor_id_valid(text, "trace"));
    HOLDS(!id || strcmp(id, text) == 0);
    if (tuor_key_valid(text)) {
        HOLDS(strlen(text) == TUOR_KEY_LEN);
        text[10] = text[10] == 'x' ? 'y' : 'x';
        HOLDS(!tuor_key_valid(text));
    }
    free(text);
    return 0;
}
