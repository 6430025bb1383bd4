/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks as people write them. Pure, no name is ever looked up; any thread. -EINVAL otherwise. */
#ifndef BASE_ADDRESS_TEXT_H
#define BASE_ADDRESS_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * address_make makes a socket address of its parts and returns its size; the other one returns the 4 or 16 bytes of
 * its host. Both in network order.
 */
socklen_t address_make(int family, const uint8_t *bytes, uint16_t port, struct sockaddr_storage *ret_address);
uint8_t *address_bytes(struct sockaddr_storage *address);

/* "127.0.0.1:8053", "[::1]:8053". Port 0 is fine. */
int address_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_n);

struct network {
    uint8_t bytes[16]; /* network order, the first 4 for IPv4; no bit set beyond the prefix */
    int family;        /* AF_INET, AF_INET6 */
    unsigned prefix;   /* bits */
};

/* "10.0.0.0/8", "fd00::/8", "10.0.0.1" (a network of one). A bit beyond the prefix is refused: a slip, most likely. */
int network_parse(const char *text, struct network *ret_network);

/* Whether the first so many bits of two addresses are the same; and whether an address, in network order, is in a network. */
bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits);
bool network_has(const struct network *network, int family, const uint8_t *bytes);

/* Splits "host:port", "[::1]:80": the host, without brackets, is ret_host_n bytes from *ret_host. Port 1..65535. */
int host_port_parse(const char *text, const char **ret_host, size_t *ret_host_n, uint16_t *ret_port);

#endif
