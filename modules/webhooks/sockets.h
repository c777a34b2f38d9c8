/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file sockets.h
 * Which of libcurl's connections is which socket.
 *
 * libcurl hands a kept-alive connection to the next transfer without looking whether bytes lie on it
 * that nobody asked for: the body of an answer that has none by definition, or a farewell. They would be
 * taken for the next answer. libcurl tells a connection's ports when it is about to send a request,
 * and this table finds the socket to look at.
 *
 * Used by the courier's thread, and once it is gone by the one that cleans up.
 */
#ifndef WEBHOOK_SOCKETS_H
#define WEBHOOK_SOCKETS_H

typedef struct webhook_sockets webhook_sockets;

/** @return NULL without memory */
webhook_sockets *webhook_sockets_make(void);
void webhook_sockets_free(webhook_sockets *sockets);

/** Open a socket and remember it. @return -1 and errno */
int webhook_socket_open(webhook_sockets *sockets, int family, int type, int protocol);
/** Forget a socket and close it; CURLOPT_CLOSESOCKETFUNCTION. */
int webhook_socket_close(void *sockets, int fd);

/** A connection has been made: remember its ends. */
void webhook_socket_connected(webhook_sockets *sockets, const char *remote, int remote_port, int local_port);
/** Whether a connection has anything to be read, or its end. 0 for one that is not known. */
int webhook_socket_stirs(const webhook_sockets *sockets, const char *remote, int remote_port, int local_port);

#endif
