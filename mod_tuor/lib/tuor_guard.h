/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file tuor_guard.h
 * Where a webhook may go: public HTTPS hosts, and the networks that an administrator named.
 *
 * A URL is read here once, by rules narrower than any client's, and written anew from its parts:
 * whoever sends it uses the rewritten one, so that no two parsers can disagree on the host. Names
 * are not looked up here; every address that a name turns out to have goes through
 * tuor_guard_address() before a connection is made.
 *
 * Threads: all functions may be called from any thread; a list of networks must not change meanwhile.
 */
#ifndef TUOR_GUARD_H
#define TUOR_GUARD_H

#include <sys/socket.h>
#include <apr_pools.h>
#include <apr_tables.h>

/** The longest URL, in characters. */
#define TUOR_GUARD_URL_MAX 2048

/** A network: its first address and how many leading bits count. */
typedef struct tuor_guard_net {
    int family;                         /**< AF_INET or AF_INET6 */
    unsigned bits;
    unsigned char addr[16];             /**< network order; 4 bytes count for AF_INET */
} tuor_guard_net;

/** A URL that may be saved, in its parts. Strings live in the pool of the call. */
typedef struct tuor_guard_target {
    const char *url;                    /**< the whole, rewritten: send this and nothing else */
    const char *host;                   /**< lower case; an IPv6 address without its brackets */
    unsigned port;
    int literal;                        /**< host is an address: there is nothing to look up */
} tuor_guard_target;

/**
 * Read a network in CIDR notation, or a single address.
 * @return NULL, or what is wrong and what would be right, in the pool
 */
const char *tuor_guard_net_parse(tuor_guard_net *net, const char *text, apr_pool_t *pool);

/**
 * Whether a connection to the address may be made.
 *
 * Public is an IPv4 address outside the special-purpose ranges, or an IPv6 one inside 2000::/3 and
 * outside them; never an address with a scope id, an ISATAP interface id or an IPv4 address mapped
 * into it.
 * @param allow tuor_guard_net each: networks that are admitted though they are not public, or NULL
 * @return 1 for yes; 0 for no, and for any family but AF_INET and AF_INET6
 */
int tuor_guard_address(const struct sockaddr *sa, const apr_array_header_t *allow);

/** Whether the address lies in one of the networks; NULL holds none. */
int tuor_guard_allowed(const struct sockaddr *sa, const apr_array_header_t *allow);

/**
 * Whether a URL may be saved as a webhook: an absolute https URL of a public host.
 * @param target filled in on success; may be NULL
 * @param url NUL-terminated UTF-8
 * @param allow as for tuor_guard_address(), for hosts written as addresses
 * @return NULL, or a sentence that says what is wrong and what would be right, in the pool
 */
const char *tuor_guard_url(tuor_guard_target *target, const char *url,
                           const apr_array_header_t *allow, apr_pool_t *pool);

#endif
