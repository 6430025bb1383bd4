/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a request means, by its Host field (RFC 9110 section 7.2). A web page can let its own name point to our address and
 * then read our answers as if they were its own (DNS rebinding), but it cannot make a browser send another name than that: so
 * a name that nobody can have meant us by is not answered. Pure; any thread.
 */
#ifndef HTTP_HTTP_HOST_H
#define HTTP_HTTP_HOST_H

#include <stdbool.h>
#include <sys/socket.h>

#include "daemon/base/string_list.h"

/*
 * host: the field's value, with or without a port. Ours are the names and addresses of loopback, the address that the
 * connection came in by, the names given, and whatever is in our own DNS zones: a name that we ourselves answer for is nobody
 * else's to point here, and it is how those ask who have found a daemon by SRV.
 */
struct http_names {
    const struct string_list *hosts, *zones;
};

bool http_host_is_ours(const char *host, const struct sockaddr *local, const struct http_names *names);

#endif
