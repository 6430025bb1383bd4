/* SPDX-License-Identifier: Apache-2.0 */
/* DNS answers as a test wants them. */
#include "tests/unit/lib/dns/dns_script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"

static void put_name(struct dns_out *out, const char *text)
{
    while (*text && strcmp(text, ".") != 0) {
        size_t n = strcspn(text, ".");
        dns_put_label(out, text, n);
        text += n + (text[n] == '.');
    }
    dns_put8(out, 0);
}

void script_begin(struct dns_script *s, const char *name, enum dns_type type, enum dns_rcode rcode)
{
    const uint8_t header[DNS_HEADER_BYTES] = {0, 0, DNS_FLAG_QR, (uint8_t)rcode, 0, 1};
    s->out = dns_out(s->bytes, sizeof s->bytes);
    dns_put(&s->out, header, sizeof header);
    put_name(&s->out, name);
    dns_put16(&s->out, (uint16_t)type);
    dns_put16(&s->out, DNS_CLASS_IN);
}

/* Returns where the length of the data goes. */
static uint8_t *begin_record(struct dns_script *s, enum dns_section section, const char *owner, uint16_t type,
                             uint16_t class, uint32_t ttl_s)
{
    uint8_t *count = s->bytes + 6 + 2 * section;
    dns_store16(count, (uint16_t)(dns_load16(count) + 1));
    put_name(&s->out, owner);
    dns_put16(&s->out, type);
    dns_put16(&s->out, class);
    dns_put32(&s->out, ttl_s);
    dns_put16(&s->out, 0);
    return s->out.at - 2;
}

static void end_record(struct dns_script *s, uint8_t *length)
{
    ck_assert(!s->out.full);
    dns_store16(length, (uint16_t)(s->out.at - length - 2));
}

void script_srv(struct dns_script *s, const char *owner, uint32_t ttl_s, uint16_t priority, uint16_t weight,
                uint16_t port, const char *target)
{
    uint8_t *length = begin_record(s, SECTION_ANSWER, owner, DNS_TYPE_SRV, DNS_CLASS_IN, ttl_s);
    dns_put16(&s->out, priority);
    dns_put16(&s->out, weight);
    dns_put16(&s->out, port);
    put_name(&s->out, target);
    end_record(s, length);
}

static void put_address(struct dns_script *s, enum dns_section section, const char *owner, uint32_t ttl_s, int family,
                        const char *text)
{
    uint8_t address[16];
    enum dns_type type = family == AF_INET ? DNS_TYPE_A : DNS_TYPE_AAAA;
    uint8_t *length = begin_record(s, section, owner, type, DNS_CLASS_IN, ttl_s);
    ck_assert_int_eq(inet_pton(family, text, address), 1);
    dns_put(&s->out, address, family == AF_INET ? 4 : 16);
    end_record(s, length);
}

void script_a(struct dns_script *s, enum dns_section section, const char *owner, uint32_t ttl_s, const char *address)
{
    put_address(s, section, owner, ttl_s, AF_INET, address);
}

void script_aaaa(struct dns_script *s, enum dns_section section, const char *owner, uint32_t ttl_s, const char *address)
{
    put_address(s, section, owner, ttl_s, AF_INET6, address);
}

void script_soa(struct dns_script *s, const char *owner, uint32_t ttl_s, uint32_t minimum_s)
{
    uint8_t *length = begin_record(s, SECTION_AUTHORITY, owner, DNS_TYPE_SOA, DNS_CLASS_IN, ttl_s);
    put_name(&s->out, "ns.example");
    put_name(&s->out, "admin.example");
    for (int i = 0; i < 4; i++)
        dns_put32(&s->out, 1);
    dns_put32(&s->out, minimum_s);
    end_record(s, length);
}

void script_opt(struct dns_script *s, uint8_t upper_rcode, int ede)
{
    uint8_t *length = begin_record(s, SECTION_ADDITIONAL, ".", DNS_TYPE_OPT, 1232, (uint32_t)upper_rcode << 24);
    if (ede >= 0) {
        dns_put16(&s->out, 15);
        dns_put16(&s->out, 2);
        dns_put16(&s->out, (uint16_t)ede);
    }
    end_record(s, length);
}

size_t script_bytes(const struct dns_script *s)
{
    return dns_out_bytes(&s->out);
}

void dns_server_open(struct dns_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    memset(s, 0, sizeof *s);
    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(s->fd, 0);
    ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&address, &n), 0);
    s->port = ntohs(address.sin_port);
    snprintf(s->list, sizeof s->list, "127.0.0.1:%d", s->port);
}

void dns_server_close(struct dns_server *s)
{
    close(s->fd);
}

bool dns_server_take(struct dns_server *s)
{
    uint8_t query[512];
    socklen_t from_n = sizeof s->from;
    ssize_t n = recvfrom(s->fd, query, sizeof query, 0, (struct sockaddr *)s->from, &from_n);
    if (n < DNS_HEADER_BYTES)
        return false;
    size_t at = DNS_HEADER_BYTES, out = 0;
    for (; query[at] != 0; at += 1U + query[at]) {
        memcpy(s->name + out, query + at + 1, query[at]);
        out += query[at];
        s->name[out++] = '.';
    }
    s->name[out ? out - 1 : 0] = '\0';
    s->type = dns_load16(query + at + 1);
    s->id = dns_load16(query);
    s->from_n = from_n;
    return true;
}

void dns_server_send(struct dns_server *s, struct dns_script *script)
{
    size_t n = script_bytes(script);
    dns_store16(script->bytes, s->id);
    ck_assert_int_eq(sendto(s->fd, script->bytes, n, 0, (struct sockaddr *)s->from, s->from_n), (int)n);
}
