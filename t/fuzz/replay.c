/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Stands in for libFuzzer's main where clang is missing: gives each file named on the command line
 * to the fuzzer once.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long as the file, so that the sanitizer sees a read beyond its end. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;
    uint8_t *data;

    if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0) {
        perror(path);
        return 1;
    }
    rewind(file);
    data = malloc(size ? size : 1);
    if (fread(data, 1, size, file) != (size_t)size) {
        perror(path);
        return 1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int faults = 0;

    for (int i = 1; i < argc; i++)
        faults += replay(argv[i]);
    return faults != 0;
}
