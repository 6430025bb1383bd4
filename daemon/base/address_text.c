/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks as people write them. */
#include "daemon/base/address_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Digits alone, without a sign, at most max. */
static int number_parse(const char *text, unsigned max, unsigned *ret_number)
{
    size_t n = strspn(text, "0123456789");
    unsigned number = 0;
    if (n == 0 || n > 5 || text[n] != '\0')
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        number = number * 10 + (unsigned)(text[i] - '0');
    if (number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

int host_port_parse(const char *text, const char **ret_host, size_t *ret_host_n, uint16_t *ret_port)
{
    bool bracket = text[0] == '[';
    const char *host = text + bracket, *end = strchr(host, bracket ? ']' : ':');
    unsigned port;
    if (!end || end == host || end[bracket] != ':')
        return -EINVAL;
    if (number_parse(end + bracket + 1, UINT16_MAX, &port) < 0)
        return -EINVAL;
    *ret_host = host;
    *ret_host_n = (size_t)(end - host);
    *ret_port = (uint16_t)port;
    return 0;
}

static int ip_parse(const char *text, size_t n, int *ret_family, uint8_t ret_bytes[static 16])
{
    char copy[INET6_ADDRSTRLEN];
    if (n >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    int family = memchr(copy, ':', n) ? AF_INET6 : AF_INET;
    if (inet_pton(family, copy, ret_bytes) != 1)
        return -EINVAL;
    *ret_family = family;
    return 0;
}

socklen_t address_make(int family, const uint8_t *bytes, uint16_t port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)ret_address;
    memset(ret_address, 0, sizeof *ret_address);
    ret_address->ss_family = (sa_family_t)family;
    in->sin_port = htons(port); /* sin6_port is at the same place */
    memcpy(address_bytes(ret_address), bytes, family == AF_INET ? 4 : 16);
    return family == AF_INET ? sizeof *in : sizeof(struct sockaddr_in6);
}

uint8_t *address_bytes(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET ? (uint8_t *)&((struct sockaddr_in *)address)->sin_addr
                                         : (uint8_t *)&((struct sockaddr_in6 *)address)->sin6_addr;
}

int address_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_n)
{
    const char *host;
    size_t host_n;
    uint16_t port;
    int family;
    uint8_t bytes[16];
    if (host_port_parse(text, &host, &host_n, &port) < 0 || ip_parse(host, host_n, &family, bytes) < 0)
        return -EINVAL;
    if ((family == AF_INET6) != (text[0] == '['))
        return -EINVAL;
    *ret_n = address_make(family, bytes, port, ret_address);
    return 0;
}

static bool bits_beyond(const uint8_t *bytes, unsigned prefix, unsigned bits)
{
    for (unsigned bit = prefix; bit < bits; bit++)
        if (bytes[bit / 8] & 0x80 >> bit % 8)
            return true;
    return false;
}

int network_parse(const char *text, struct network *ret_network)
{
    struct network net = {.family = 0};
    size_t n = strcspn(text, "/");
    if (ip_parse(text, n, &net.family, net.bytes) < 0)
        return -EINVAL;
    unsigned bits = net.family == AF_INET ? 32 : 128;
    net.prefix = bits;
    if (text[n] == '/' && number_parse(text + n + 1, bits, &net.prefix) < 0)
        return -EINVAL;
    if (bits_beyond(net.bytes, net.prefix, bits))
        return -EINVAL;
    *ret_network = net;
    return 0;
}

bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool network_has(const struct network *network, int family, const uint8_t *bytes)
{
    return network->family == family && prefix_equal(network->bytes, bytes, network->prefix);
}
