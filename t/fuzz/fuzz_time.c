/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What is read as a time is written and read again as the same; any number of microseconds is written. */
#include "fuzz_lib.h"
#include "tuor_id.h"

static void check_written(apr_time_t t, int exact)
{
    char text[TUOR_TIME_LEN];
    apr_time_t again;

    tuor_time_format(text, t);
    HOLDS(strlen(text) == TUOR_TIME_LEN - 1 && text[TUOR_TIME_LEN - 2] == 'Z');
    if (strncmp(text, "0000", 4) == 0)
        return;                                 /* is written, but is no year to read */
    HOLDS(tuor_time_parse(&again, text) == APR_SUCCESS);
    HOLDS(!exact || again == t || strncmp(text, "9999", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_time_t t;
    char *text = malloc(size + 1);

    HOLDS(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (tuor_time_parse(&t, text) == APR_SUCCESS)
        check_written(t, 1);
    free(text);
    if (size >= sizeof(t)) {
        memcpy(&t, data, sizeof(t));
        check_written(t, 0);
    }
    return 0;
}
