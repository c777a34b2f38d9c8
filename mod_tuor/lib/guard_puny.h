/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Internal to the guard: internationalised labels. */
#ifndef GUARD_PUNY_H
#define GUARD_PUNY_H

#include <apr.h>

/**
 * Whether what follows xn-- is punycode (RFC 3492, lower case) of a text that needs it: at least one
 * character outside ASCII, and none that other software maps to ASCII, to a dot or to nothing.
 */
int guard_puny_valid(const char *text, apr_size_t len);

#endif
