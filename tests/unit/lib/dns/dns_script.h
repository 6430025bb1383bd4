/* SPDX-License-Identifier: Apache-2.0 */
/* DNS answers as a test wants them, written with code that is not the library's, and a server that sends them. */
#ifndef LIB_DNS_SCRIPT_H
#define LIB_DNS_SCRIPT_H

#include "daemon/dns/dns_message.h"

enum dns_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

struct dns_script {
    uint8_t bytes[DNS_MESSAGE_MAX];
    struct dns_out out;
};

/* Records follow in the order of their sections. */
void script_begin(struct dns_script *s, const char *name, enum dns_type type, enum dns_rcode rcode);
void script_srv(struct dns_script *s, const char *owner, uint32_t ttl_s, uint16_t priority, uint16_t weight,
                uint16_t port, const char *target);
void script_a(struct dns_script *s, enum dns_section section, const char *owner, uint32_t ttl_s, const char *address);
void script_aaaa(struct dns_script *s, enum dns_section section, const char *owner, uint32_t ttl_s,
                 const char *address);
void script_soa(struct dns_script *s, const char *owner, uint32_t ttl_s, uint32_t minimum_s);
void script_opt(struct dns_script *s, uint8_t upper_rcode, int ede);
size_t script_bytes(const struct dns_script *s);

/* A server on a free port of 127.0.0.1. */
struct dns_server {
    int fd;
    uint16_t port;
    char list[32];  /* "127.0.0.1:PORT" */
    char name[256]; /* of the last query, as text */
    uint16_t type;
    uint16_t id;
    uint8_t from[128];
    unsigned from_n;
};

void dns_server_open(struct dns_server *s);
void dns_server_close(struct dns_server *s);

/* Takes the next query; false: none is there. */
bool dns_server_take(struct dns_server *s);

/* Answers the query that was taken last. */
void dns_server_send(struct dns_server *s, struct dns_script *script);

#endif
