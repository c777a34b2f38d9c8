/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file random.h
 * Private to lib/: the kernel's random bytes, and numbers in base 62.
 */
#ifndef TUOR_RANDOM_H
#define TUOR_RANDOM_H

#include <apr.h>

/** Fill p from getrandom(). There is no second best: a kernel that fails ends the process. */
void tuor_random_bytes(void *p, apr_size_t len);

/**
 * Write a number as n base-62 digits, leading zeros included.
 * @param words 32 bits each, most significant first; zero afterwards
 */
void tuor_base62(char *out, int n, apr_uint32_t *words, int n_words);

/** Whether the n characters at s are all base-62 digits; stops at a NUL. */
int tuor_is_base62(const char *s, apr_size_t n);

/** The six digits of the CRC-32 (zlib's) of some bytes. */
void tuor_crc62(char out[6], const char *p, apr_size_t len);

#endif
