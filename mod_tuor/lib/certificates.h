/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file certificates.h
 * Files of certificate authorities that an administrator names.
 */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include <openssl/x509.h>

#include "tuor_json.h"

/**
 * Read and check a PEM file of certificates. Any thread.
 * @param why what is wrong with the file, in the pool: a sentence that names it
 * @param text set to what the file holds, in the pool; may be NULL
 * @param store each certificate is added to it; may be NULL
 * @return how many certificates there are, 1 at least; or -1
 */
int certificates_read(const char **why, tuor_slice *text, X509_STORE *store, const char *file, apr_pool_t *pool);

#endif
