/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file transfer.h
 * One attempt on the wire. Everything here belongs to the courier's thread.
 */
#ifndef WEBHOOK_TRANSFER_H
#define WEBHOOK_TRANSFER_H

#include <ifaddrs.h>

#include <curl/curl.h>

#include "webhooks.h"
#include "sockets.h"
#include "tuor_guard.h"

/** What is kept of an answer's body, and when reading it stops. */
#define WEBHOOK_ANSWER_KEPT 4096
#define WEBHOOK_ANSWER_READ (64 * 1024)

typedef struct webhook_transfer {
    struct webhook_transfer *next, **prev;      /**< in the courier's list, or a name's */
    webhook_delivery *d;
    const webhook_settings *settings;
    webhook_sockets *sockets;                   /**< the child's */
    tuor_guard_target target;
    apr_interval_time_t start, deadline;        /**< webhook_clock() */
    CURL *easy;                                 /**< NULL until the addresses are known */
    const char *addrs;                          /**< checked addresses, as CURLOPT_RESOLVE has them; NULL for a literal */
    struct curl_slist *headers, *resolve;
    apr_size_t sent;                            /**< of the body */
    apr_size_t read;                            /**< of the answer: header and body */
    apr_size_t kept;
    unsigned opened:1;                          /**< a connection of its own, not one that was kept */
    unsigned stale:1;                           /**< the kept one was not fit for use; nothing was sent: begin again */
    unsigned connected:1;                       /**< the request may have begun to go out */
    unsigned reading:1;                         /**< bytes of the body have been asked for */
    unsigned refused:1;                         /**< an address was refused */
    unsigned cut:1;                             /**< we stopped reading */
    char why[CURL_ERROR_SIZE];
    char answer[WEBHOOK_ANSWER_KEPT];
} webhook_transfer;

/**
 * Take up a delivery. Its URL goes through the guard again, as the rules may be others than when it was saved.
 * @return in the delivery's pool; NULL when it failed, with the outcome filled in
 */
webhook_transfer *webhook_transfer_make(webhook_delivery *d, const webhook_settings *settings, webhook_sockets *sockets);

/** Give a fresh or reset handle everything it needs; also for a second time after stale. @return 0 when there is no memory: the outcome is filled in */
int webhook_transfer_begin(webhook_transfer *t, CURL *easy);

/** Fill in the outcome when curl is done. */
void webhook_transfer_end(webhook_transfer *t, CURLcode code);

/** Fill in a failure; printf's format, in the delivery's pool. */
void webhook_transfer_fail(webhook_transfer *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The child ends before the answer: unknown, if anything may have gone out; else due again. */
void webhook_transfer_abandon(webhook_transfer *t);

/** Free what libcurl allocated; the easy handle stays the courier's. */
void webhook_transfer_free(webhook_transfer *t);

/**
 * Whether an address may be connected to: the guard's word, and none of this machine's own, which are
 * behind its firewall, unless an administrator allowed them.
 */
int webhook_admits(const struct sockaddr *sa, const struct ifaddrs *own, const webhook_settings *settings);

/* text.c */

/** Bytes of any kind as valid UTF-8 without U+0000; cut tells that the end was cut off, perhaps inside a character. */
const char *webhook_text(const char *bytes, apr_size_t len, int cut, apr_pool_t *pool);

#endif
