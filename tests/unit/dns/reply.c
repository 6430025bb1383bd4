/* SPDX-License-Identifier: Apache-2.0 */
/* Reading replies. */
#include "tests/unit/dns/reply.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static uint16_t get16(const uint8_t *b)
{
    return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static size_t label_text(const uint8_t *label, size_t n, char *text)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)(isgraph(label[i]) && label[i] != '.' ? sprintf(text + at, "%c", label[i])
                                                            : sprintf(text + at, "\\%03u", label[i]));
    return at;
}

/* Pointers must point back, to before the name that they are in (RFC 1035 4.1.4): so this ends. */
bool read_name(const uint8_t *bytes, size_t n, size_t *at, char text[static 1024])
{
    size_t i = *at, before = *at, end = 0, used = 0, octets = 1;
    for (;;) {
        if (i >= n)
            return false;
        if (bytes[i] >= 0xc0) {
            if (i + 1 >= n)
                return false;
            size_t to = get16(bytes + i) & 0x3fff;
            if (!end)
                end = i + 2;
            if (to >= before)
                return false;
            i = before = to;
            continue;
        }
        if (bytes[i] > 63 || i + 1 + bytes[i] > n)
            return false;
        if (bytes[i] == 0)
            break;
        octets += 1u + bytes[i];
        if (octets > 255)
            return false;
        if (used)
            text[used++] = '.';
        used += label_text(bytes + i + 1, bytes[i], text + used);
        i += 1u + bytes[i];
    }
    text[used] = '\0';
    *at = end ? end : i + 1;
    return true;
}

static bool read_opt(const struct record_seen *record, struct reply *r)
{
    if (r->opt || record->owner[0] || record->section != 2)
        return false;
    r->opt = true;
    r->payload = record->class;
    r->rcode |= (uint16_t)(record->ttl >> 24 << 4);
    r->dnssec_ok = record->ttl & 0x8000;
    if (record->ttl & 0xff7fff) /* version 0, no flag but DO */
        return false;
    for (size_t at = 0; at < record->data_bytes;) {
        if (record->data_bytes - at < 4 || record->data_bytes - at - 4 < get16(record->data + at + 2))
            return false;
        if (get16(record->data + at) == 15) {
            r->ede = get16(record->data + at + 4);
            snprintf(r->ede_text, sizeof r->ede_text, "%.*s", get16(record->data + at + 2) - 2,
                     (const char *)record->data + at + 6);
        }
        r->opt_options++;
        at += 4u + get16(record->data + at + 2);
    }
    return true;
}

/* Names within data: false unless they end where the data does. */
static bool read_data(const uint8_t *bytes, size_t at, struct record_seen *s)
{
    size_t end = at + s->data_bytes, n = end;
    char mailbox[1024];
    switch (s->type) {
    case A:
        return s->data_bytes == 4 && inet_ntop(AF_INET, s->data, s->address, sizeof s->address);
    case AAAA:
        return s->data_bytes == 16 && inet_ntop(AF_INET6, s->data, s->address, sizeof s->address);
    case NS:
    case PTR:
        return read_name(bytes, n, &at, s->target) && at == end;
    case SRV:
        if (s->data_bytes < 7)
            return false;
        s->priority = get16(s->data);
        s->weight = get16(s->data + 2);
        s->port = get16(s->data + 4);
        at += 6;
        return read_name(bytes, n, &at, s->target) && at == end;
    case SOA:
        if (!read_name(bytes, n, &at, s->target) || !read_name(bytes, n, &at, mailbox) || at + 20 != end)
            return false;
        s->serial = get32(bytes + at);
        s->minimum = get32(bytes + at + 16);
        return true;
    default:
        return true;
    }
}

static bool read_record(const uint8_t *bytes, size_t n, size_t *at, struct record_seen *s)
{
    memset(s, 0, sizeof *s);
    if (!read_name(bytes, n, at, s->owner) || n - *at < 10)
        return false;
    s->type = get16(bytes + *at);
    s->class = get16(bytes + *at + 2);
    s->ttl = get32(bytes + *at + 4);
    s->data_bytes = get16(bytes + *at + 8);
    *at += 10;
    if (n - *at < s->data_bytes)
        return false;
    s->data = bytes + *at;
    if (!read_data(bytes, *at, s))
        return false;
    *at += s->data_bytes;
    return true;
}

static bool read_records(const uint8_t *bytes, size_t n, size_t at, struct reply *r)
{
    for (uint8_t section = 0; section < 3; section++) {
        for (unsigned i = 0; i < r->counts[section]; i++) {
            struct record_seen *s = &r->records[r->n_records];
            if (r->n_records == RECORDS_MAX || !read_record(bytes, n, &at, s))
                return false;
            s->section = section;
            if (s->type == OPT && !read_opt(s, r))
                return false;
            r->n_records += s->type != OPT;
        }
    }
    return at == n;
}

bool read_reply(const uint8_t *bytes, size_t n, struct reply *r)
{
    size_t at = 12;
    if (n < 12)
        return false;
    r->n = n;
    r->id = get16(bytes);
    r->flags = get16(bytes + 2);
    r->rcode = r->flags & 15;
    r->aa = r->flags & 0x0400;
    r->tc = r->flags & 0x0200;
    r->rd = r->flags & 0x0100;
    r->questions = get16(bytes + 4);
    for (int i = 0; i < 3; i++)
        r->counts[i] = get16(bytes + 6 + 2 * i);
    r->opt = r->dnssec_ok = false;
    r->ede = -1;
    r->ede_text[0] = '\0';
    r->opt_options = r->n_records = 0;
    r->question[0] = '\0';
    if (r->questions > 1)
        return false;
    if (r->questions == 1) {
        if (!read_name(bytes, n, &at, r->question) || n - at < 4)
            return false;
        at += 4;
    }
    r->question_at_end = at;
    return read_records(bytes, n, at, r);
}

size_t count(const struct reply *r, int section, uint16_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_records; i++)
        n += r->records[i].section == section && (type == 0 || r->records[i].type == type);
    return n;
}
