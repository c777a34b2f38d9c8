/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "certificates.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* The system's bundles have a quarter of a megabyte. */
#define FILE_MAX (16 * 1024 * 1024)

static apr_status_t read_file(tuor_slice *text, const char *file, apr_pool_t *pool)
{
    apr_file_t *f;
    apr_finfo_t info;
    apr_size_t len = 0;
    char *p = NULL;
    apr_status_t rv = apr_file_open(&f, file, APR_READ, APR_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_info_get(&info, APR_FINFO_SIZE, f);
    if (rv == APR_SUCCESS && info.size > FILE_MAX) {
        rv = APR_ENOMEM;
    }
    if (rv == APR_SUCCESS) {
        p = apr_palloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(f, p, (apr_size_t)info.size, &len);
    }
    apr_file_close(f);
    *text = (tuor_slice){ p, len };
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

int certificates_read(const char **why, tuor_slice *text, X509_STORE *store, const char *file, apr_pool_t *pool)
{
    tuor_slice pem;
    apr_status_t rv = read_file(&pem, file, pool);
    int n = 0, bad = 0, no_more;
    X509 *cert;
    BIO *bio;

    if (rv != APR_SUCCESS) {
        *why = apr_psprintf(pool, "cannot read %s: %pm", file, &rv);
        return -1;
    }
    ERR_clear_error();
    bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    while (bio && (cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
        bad |= store && !X509_STORE_add_cert(store, cert);
        X509_free(cert);
        n++;
    }
    BIO_free(bio);
    /* The end of the file is an error to PEM_read_bio, too; any other is one to us. */
    no_more = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (bad || n == 0 || !no_more) {
        *why = apr_psprintf(pool, n == 0 && no_more
                            ? "%s has no certificate: give a file with PEM blocks, -----BEGIN CERTIFICATE-----"
                            : "%s has a certificate that cannot be read: give a file with PEM blocks, "
                            "-----BEGIN CERTIFICATE-----", file);
        return -1;
    }
    if (text) {
        *text = pem;
    }
    return n;
}
