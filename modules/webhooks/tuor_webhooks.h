/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_webhooks.h
 * What the webhooks plugin offers to other plugins. They ask for it with APR_RETRIEVE_OPTIONAL_FN in
 * post_config, so that neither needs the other to be loaded.
 */
#ifndef TUOR_WEBHOOKS_H
#define TUOR_WEBHOOKS_H

#include <apr_optional.h>
#include <apr_pools.h>

/**
 * Whether a URL may be saved as a webhook under this server's TuorWebhookAllow. Any thread.
 * @return NULL, or a sentence that says what is wrong and what would be right, in the pool
 */
APR_DECLARE_OPTIONAL_FN(const char *, tuor_webhook_check_url, (const char *url, apr_pool_t *pool));

#endif
