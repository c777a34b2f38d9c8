/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file refiners.h
 * What the files of the refiners plugin share.
 */
#ifndef TUOR_REFINERS_H
#define TUOR_REFINERS_H

#include "mod_tuor.h"

extern module AP_MODULE_DECLARE_DATA tuor_refiners_module;

extern const tuor_refiner refiner_builtin, refiner_http;

/* settings.c */

/** A server's configuration; members are NULL or 0 while unset. */
typedef struct refiner_settings {
    const char *url;                    /**< TuorRefinerURL */
    const char *model;                  /**< TuorRefinerModel */
    const char *key;                    /**< what TuorRefinerKeyFile holds: a secret */
    tuor_slice ca;                      /**< what TuorRefinerCAFile holds: PEM */
    int timeout;                        /**< TuorRefinerTimeout, seconds */
} refiner_settings;

extern const command_rec refiner_commands[];
void *refiner_settings_create(apr_pool_t *pool, server_rec *s);
void *refiner_settings_merge(apr_pool_t *pool, void *base, void *add);
/** The configuration with its defaults filled in. */
refiner_settings refiner_settings_of(const server_rec *s);

/* message.c: what the http refiner says and hears, without the network */

/**
 * The body of the request to the model.
 * @param lineage set to the ids of the corrections and rejections that found room in it
 */
const char *refiner_message_make(apr_array_header_t **lineage, const char *model, const tuor_refine_input *in,
                                 apr_pool_t *pool);

/**
 * Read the model's answer.
 * @return NULL, or what is wrong with it, as the end of a sentence that begins with "The refiner"
 */
const char *refiner_message_read(tuor_refinement *out, tuor_slice answer, apr_pool_t *pool);

#endif
