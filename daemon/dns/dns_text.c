/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a reply, as dig prints them. */
#include "daemon/dns/dns_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/dns_wire.h"

#define POINTERS_MAX 64 /* of one name */

/* A line on its way; what does not fit is left out. */
struct line {
    char text[DNS_TEXT_CAP];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, format, args);
    va_end(args);
    l->n += (size_t)n < sizeof l->text - l->n ? (size_t)n : sizeof l->text - 1 - l->n;
}

/* RFC 1035 5.1: dots and backslashes of a label are quoted, and what is not printable is a number. */
static void put_octet(struct line *l, uint8_t c, const char *quoted)
{
    for (const char *q = quoted; *q; q++)
        if (c == (uint8_t)*q) {
            put(l, "\\%c", c);
            return;
        }
    put(l, c > 0x20 && c < 0x7f ? "%c" : "\\%03u", c);
}

static void put_label(struct line *l, const uint8_t *label, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_octet(l, label[i], ".\\\"();@$");
    put(l, ".");
}

/* Reads a name at in, which moves behind it; of the rest of it that is elsewhere, too (RFC 1035 4.1.4). */
static int take_name(struct dns_in *in, const uint8_t *message, const uint8_t *end, struct line *l)
{
    struct dns_in at = *in;
    unsigned jumps = 0, labels = 0;
    for (;;) {
        uint8_t n = dns_take8(&at);
        if (at.cut || labels > DNS_LABELS_MAX)
            return -EBADMSG;
        if (n >= 0xc0) {
            size_t to = (size_t)(n & 0x3f) << 8 | dns_take8(&at);
            if (jumps == 0)
                *in = at;
            if (at.cut || ++jumps > POINTERS_MAX || to >= (size_t)(end - message))
                return -EBADMSG;
            at = (struct dns_in){.at = message + to, .end = end};
            continue;
        }
        if (n == 0)
            break;
        const uint8_t *label = dns_take(&at, n);
        if (!label)
            return -EBADMSG;
        put_label(l, label, n);
        labels++;
    }
    if (labels == 0)
        put(l, ".");
    if (jumps == 0)
        *in = at;
    return 0;
}

static void put_address(struct dns_in *data, int family, size_t n, struct line *l)
{
    char text[INET6_ADDRSTRLEN];
    const uint8_t *bytes = dns_take(data, n);
    put(l, "%s", bytes ? inet_ntop(family, bytes, text, sizeof text) : "?");
}

static void put_strings(struct dns_in *data, struct line *l)
{
    while (data->at < data->end && !data->cut) {
        uint8_t n = dns_take8(data);
        const uint8_t *bytes = dns_take(data, n);
        put(l, "\"");
        for (size_t i = 0; bytes && i < n; i++)
            put_octet(l, bytes[i], "\"\\");
        put(l, data->at < data->end ? "\" " : "\"");
    }
}

static const char *type_text(uint16_t type)
{
    static const char *const texts[] = {
        [DNS_TYPE_A] = "A",     [DNS_TYPE_NS] = "NS",     [DNS_TYPE_SOA] = "SOA", [DNS_TYPE_PTR] = "PTR",
        [DNS_TYPE_TXT] = "TXT", [DNS_TYPE_AAAA] = "AAAA", [DNS_TYPE_SRV] = "SRV",
    };
    return type < sizeof texts / sizeof *texts && texts[type] ? texts[type] : "?";
}

static int put_data(uint16_t type, struct dns_in *data, const uint8_t *message, const uint8_t *end, struct line *l)
{
    switch (type) {
    case DNS_TYPE_A:
        put_address(data, AF_INET, 4, l);
        return 0;
    case DNS_TYPE_AAAA:
        put_address(data, AF_INET6, 16, l);
        return 0;
    case DNS_TYPE_TXT:
        put_strings(data, l);
        return 0;
    case DNS_TYPE_SRV:
        for (int i = 0; i < 3; i++)
            put(l, "%u ", dns_take16(data));
        return take_name(data, message, end, l);
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        return take_name(data, message, end, l);
    default:
        put(l, "\\# %zu", (size_t)(data->end - data->at)); /* RFC 3597 5 */
        return 0;
    }
}

static int take_record(struct dns_in *in, const uint8_t *message, struct line *l)
{
    const uint8_t *end = in->end;
    if (take_name(in, message, end, l) < 0)
        return -EBADMSG;
    uint16_t type = dns_take16(in);
    (void)dns_take16(in); /* the class: there is but one */
    uint32_t ttl = dns_take32(in);
    uint16_t n = dns_take16(in);
    const uint8_t *bytes = dns_take(in, n);
    if (!bytes)
        return -EBADMSG;
    struct dns_in data = {.at = bytes, .end = bytes + n};
    put(l, " %u IN %s ", ttl, type_text(type));
    return put_data(type, &data, message, end, l);
}

const char *dns_rcode_text(uint16_t rcode)
{
    static const char *const texts[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    return rcode < sizeof texts / sizeof *texts ? texts[rcode] : "BADVERS";
}

int dns_text_answers(const uint8_t *message, size_t n, unsigned max, dns_text_fn *fn, void *arg,
                     struct dns_text_head *ret_head)
{
    struct dns_in in = {.at = message, .end = message + n};
    (void)dns_take16(&in);
    uint16_t flags = dns_take16(&in), questions = dns_take16(&in), answers = dns_take16(&in);
    (void)dns_take32(&in);
    if (in.cut)
        return -EBADMSG;
    *ret_head = (struct dns_text_head){n, flags & 0xf, (flags >> 8 & DNS_FLAG_TC) != 0, answers, ""};
    for (unsigned i = 0; i < questions; i++) {
        struct line name = {.n = 0};
        if (take_name(&in, message, in.end, &name) < 0)
            return -EBADMSG;
        strcpy(ret_head->question, name.text);
        (void)dns_take32(&in);
    }
    for (unsigned i = 0; i < answers && i < max; i++) {
        struct line l = {.n = 0};
        if (take_record(&in, message, &l) < 0)
            return -EBADMSG;
        fn(arg, l.text);
    }
    return in.cut ? -EBADMSG : 0;
}
