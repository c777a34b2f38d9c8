/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct entry {
    int fd;
    int local_port, remote_port;        /* 0: not connected yet */
    char remote[INET6_ADDRSTRLEN];
} entry;

/* A few dozen connections: looked through from one end to the other. */
struct webhook_sockets {
    entry *entries;
    int n, size;
};

webhook_sockets *webhook_sockets_make(void)
{
    return calloc(1, sizeof(webhook_sockets));
}

void webhook_sockets_free(webhook_sockets *s)
{
    free(s->entries);
    free(s);
}

int webhook_socket_open(webhook_sockets *s, int family, int type, int protocol)
{
    int fd;

    if (s->n == s->size) {
        int size = s->size ? s->size * 2 : 64;
        entry *entries = realloc(s->entries, size * sizeof(entry));

        if (!entries) {
            return -1;
        }
        s->entries = entries;
        s->size = size;
    }
    fd = socket(family, type | SOCK_CLOEXEC, protocol);
    if (fd >= 0) {
        memset(&s->entries[s->n], 0, sizeof(entry));
        s->entries[s->n++].fd = fd;
    }
    return fd;
}

int webhook_socket_close(void *sockets, int fd)
{
    webhook_sockets *s = sockets;

    for (int i = 0; i < s->n; i++) {
        if (s->entries[i].fd == fd) {
            s->entries[i] = s->entries[--s->n];
            break;
        }
    }
    return close(fd);
}

static int local_port_of(int fd)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } addr;
    socklen_t len = sizeof(addr);

    if (getsockname(fd, &addr.sa, &len) != 0) {
        return 0;
    }
    return addr.sa.sa_family == AF_INET ? ntohs(addr.in.sin_port)
         : addr.sa.sa_family == AF_INET6 ? ntohs(addr.in6.sin6_port) : 0;
}

void webhook_socket_connected(webhook_sockets *s, const char *remote, int remote_port, int local_port)
{
    for (int i = 0; i < s->n; i++) {
        entry *e = &s->entries[i];

        if (!e->local_port && local_port_of(e->fd) == local_port && strlen(remote) < sizeof(e->remote)) {
            e->local_port = local_port;
            e->remote_port = remote_port;
            strcpy(e->remote, remote);
            return;
        }
    }
}

int webhook_socket_stirs(const webhook_sockets *s, const char *remote, int remote_port, int local_port)
{
    for (int i = 0; i < s->n; i++) {
        const entry *e = &s->entries[i];

        if (e->local_port == local_port && e->remote_port == remote_port && strcmp(e->remote, remote) == 0) {
            struct pollfd p = { .fd = e->fd, .events = POLLIN };

            return poll(&p, 1, 0) != 0;
        }
    }
    return 0;
}
