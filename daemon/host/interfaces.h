/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of this machine, as the kernel has them (rtnetlink(7)), and a call when they change. Main thread.
 * Reading them is some requests to the kernel, a fraction of a millisecond; nothing is sent to the network.
 */
#ifndef HOST_INTERFACES_H
#define HOST_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERFACE_NAME_CAP 16 /* IFNAMSIZ */

struct interface_address {
    int family;        /* AF_INET, AF_INET6 */
    uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
    unsigned index;    /* of the interface */
    char name[INTERFACE_NAME_CAP];
    bool up;     /* the interface is up, and has carrier */
    bool global; /* its scope is wider than this machine or link */
    bool loopback;
    bool passing; /* deprecated, tentative or temporary (RFC 4862, RFC 8981): here today, gone tomorrow */
};

/* *ret_all is the caller's to free. A negative errno. */
int interfaces_read(struct interface_address **ret_all, size_t *ret_n);

/*
 * The address from which this machine would send to that one, by its routes: 0, or -ENETUNREACH. Nothing is sent.
 */
int interfaces_source(int family, const uint8_t *to, uint8_t ret_from[static 16]);

/* A descriptor that becomes readable when links, addresses or routes change. A negative errno. */
int interfaces_watch_open(void);

/* Reads and discards the messages that wait in that descriptor. */
void interfaces_watch_drain(int fd);

#endif
