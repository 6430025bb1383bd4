/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket activation: listening sockets that whoever started this process holds (systemd.socket(5), sd_listen_fds(3)). They
 * outlive it, and what comes in between two lives waits in them. Main thread only.
 *
 * Which is for what: by its name (FileDescriptorName=) "dns" or "http"; of any other name, a Unix socket is api.socket, and one
 * of the network is for DNS.
 */
#ifndef REGISTRY_ACTIVATION_H
#define REGISTRY_ACTIVATION_H

#include <stddef.h>

#include "daemon/dns/dns.h"

/* The sockets that were passed; they stay open as long as the process. */
struct activation {
    int dns[DNS_INHERITED_MAX];
    size_t n_dns;
    int http, api; /* descriptors; 0: none was passed */
};

/*
 * Takes the sockets that were passed, once; they are closed in child processes. A socket that cannot be served is an
 * error, which is logged: -EINVAL, -E2BIG.
 */
int activation_take(struct activation *ret_a);

#endif
