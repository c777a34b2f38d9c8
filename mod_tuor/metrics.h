/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file metrics.h
 * The core's own side of the figures that mod_tuor.h lets plugins keep.
 */
#ifndef TUOR_METRICS_H
#define TUOR_METRICS_H

#include "core.h"

/** The handler name, as in SetHandler tuor-metrics. */
#define TUOR_METRICS_HANDLER "tuor-metrics"

/** Make or find the shared memory and forget the handles of the last configuration; in post_config, before anybody registers. */
apr_status_t tuor_metrics_open(apr_pool_t *pconf, server_rec *s);

/** Claim this child's place among the gauges; in child_init. */
void tuor_metrics_child_init(void);

void tuor_metrics_register(apr_pool_t *pool);

#endif
