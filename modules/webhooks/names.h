/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file names.h
 * The hosts that transfers wait for. Everything here belongs to the courier's thread.
 *
 * A name is looked up once for all transfers that wait for it, and its addresses serve those that come
 * within a moment. If one of them is refused, so is the name: whoever points a name at a public and a
 * private address at once is trying something.
 */
#ifndef WEBHOOK_NAMES_H
#define WEBHOOK_NAMES_H

#include "transfer.h"
#include "resolve.h"

typedef struct webhook_names webhook_names;

/** @return NULL without memory */
webhook_names *webhook_names_make(void *multi);

/**
 * Ask for the addresses of a transfer's host.
 * @return 1 when t->addrs is set, or none needed, or the transfer has failed (t->d->error);
 *         0 when it waits, and comes back from webhook_names_answered()
 */
int webhook_names_ask(webhook_names *names, webhook_transfer *t);

/** Take the transfers whose name was looked up or whose time is over; answered as by webhook_names_ask(). */
webhook_transfer *webhook_names_answered(webhook_names *names);

/** Take all transfers that wait. */
webhook_transfer *webhook_names_give_up(webhook_names *names);

/** When the first transfer that waits has waited too long: webhook_clock(), or 0 when none waits. */
apr_interval_time_t webhook_names_deadline(const webhook_names *names);

void webhook_names_free(webhook_names *names);

#endif
