/* SPDX-License-Identifier: Apache-2.0 */
/* Reads answers to SRV, A and AAAA questions. */
#include "libdiscover/dns/dns_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "discover/discover.h"
#include "libdiscover/core/hex.h"

#define OPTION_EDE 15 /* RFC 8914 2 */

/* The shortest SRV record: owner a pointer, target the root. Bounds how many an answer can have. */
#define SRV_BYTES_MIN 19

/* Where the reading stands. A record's data is read with a cursor of its own, whose names may point anywhere before. */
struct message {
    const uint8_t *start, *end;
    struct dns_in in;
};

struct dns_record {
    struct dns_wire_name owner;
    uint16_t type, class;
    uint32_t ttl_s;
    struct message data;
};

struct header {
    bool whole; /* it is a response, to one question */
    uint16_t rcode, answers, authorities, additionals;
};

static struct message message(const uint8_t *bytes, size_t n)
{
    return (struct message){bytes, bytes + n, {bytes, bytes + n, false}};
}

static bool append_label(struct dns_wire_name *name, struct dns_in *in, uint8_t n)
{
    const uint8_t *label = dns_take(in, n);
    if (!label || (size_t)name->n + 1 + n > DNS_NAME_MAX)
        return false;
    name->octets[name->n++] = n;
    for (uint8_t i = 0; i < n; i++)
        name->octets[name->n++] = dns_lower(label[i]);
    return true;
}

/* RFC 1035 4.1.4. Each pointer leads further back than the one before: there is no loop (RFC 9267 2). */
static void take_name(struct message *m, struct dns_wire_name *ret_name)
{
    struct dns_in in = m->in;
    const uint8_t *behind = NULL;
    size_t before = (size_t)(in.at - m->start);
    uint8_t n = 1;
    ret_name->n = 0;
    while (n != 0) {
        n = dns_take8(&in);
        if ((n & 0xc0) == 0xc0) {
            size_t to = (size_t)(n & 0x3f) << 8 | dns_take8(&in);
            if (!behind)
                behind = in.at;
            in.cut = in.cut || to >= before;
            before = in.cut ? 0 : to;
            in.at = m->start + before;
            in.end = m->end;
        } else if (in.cut || n > DNS_LABEL_MAX || !append_label(ret_name, &in, n)) {
            in.cut = true;
        }
        if (in.cut) {
            m->in.cut = true;
            return;
        }
    }
    m->in.at = behind ? behind : in.at;
}

/* The header, and the question that is answered. */
static struct header take_header(struct message *m, struct dns_wire_name *ret_name)
{
    struct header h = {0};
    (void)dns_take16(&m->in); /* the id, which was checked when it came in */
    uint16_t flags = dns_take16(&m->in);
    bool one_question = dns_take16(&m->in) == 1;
    h.answers = dns_take16(&m->in);
    h.authorities = dns_take16(&m->in);
    h.additionals = dns_take16(&m->in);
    h.rcode = flags & 0xf;
    take_name(m, ret_name);
    (void)dns_take32(&m->in); /* type and class */
    h.whole = !m->in.cut && one_question && flags & DNS_FLAG_QR << 8;
    return h;
}

static bool take_record(struct message *m, struct dns_record *ret_r)
{
    take_name(m, &ret_r->owner);
    ret_r->type = dns_take16(&m->in);
    ret_r->class = dns_take16(&m->in);
    ret_r->ttl_s = dns_take32(&m->in);
    if (ret_r->ttl_s > INT32_MAX) /* RFC 2181 8 */
        ret_r->ttl_s = 0;
    uint16_t n = dns_take16(&m->in);
    const uint8_t *data = dns_take(&m->in, n);
    ret_r->data = *m;
    ret_r->data.in = (struct dns_in){data, data ? data + n : NULL, m->in.cut};
    return !m->in.cut;
}

static void lessen(uint32_t *ttl_s, uint32_t by_s)
{
    if (by_s < *ttl_s)
        *ttl_s = by_s;
}

/*
 * "<hex>.addr.<domain>.<zone>" has its address in the name itself: 8 digits, 32, or 40 for both. So no answer is
 * incomplete because its additional records did not fit, or were lost in a cache.
 */
static void address_from_name(const struct dns_question *q, struct dns_srv_target *t)
{
    static const uint8_t addr[] = {4, 'a', 'd', 'd', 'r'};
    uint8_t digits = t->name.octets[0], ipv4[4], ipv6[16];
    const char *text = (const char *)t->name.octets + 1;
    if (t->name.n != 1 + digits + sizeof addr + (size_t)(q->name.n - q->domain_at) ||
        memcmp(text + digits, addr, sizeof addr) != 0 || !dns_is_below(&t->name, q, q->domain_at))
        return;
    if ((digits == 8 || digits == 40) && hex_read(text, ipv4, 4))
        addresses_set(&t->addresses, DISCOVER_HAS_IPV4, ipv4);
    if ((digits == 32 || digits == 40) && hex_read(text + digits - 32, ipv6, 16))
        addresses_set(&t->addresses, DISCOVER_HAS_IPV6, ipv6);
    t->computed = t->addresses.families != 0;
}

/* The first address of a family counts. */
static bool add_address(struct dns_srv_target *t, const struct dns_record *r)
{
    size_t n = (size_t)(r->data.in.end - r->data.in.at);
    if (r->class != DNS_CLASS_IN)
        return false;
    bool is_ipv4 = r->type == DNS_TYPE_A && n == 4, is_ipv6 = r->type == DNS_TYPE_AAAA && n == 16;
    enum discover_family family = is_ipv4 ? DISCOVER_HAS_IPV4 : DISCOVER_HAS_IPV6;
    if ((!is_ipv4 && !is_ipv6) || t->addresses.families & family)
        return false;
    addresses_set(&t->addresses, family, r->data.in.at);
    return true;
}

/* RFC 2782. Target "." says that there is decidedly no such service. */
static int add_target(const struct dns_question *q, struct dns_record *r, struct dns_answer *a)
{
    struct dns_srv_target t = {0};
    t.priority = dns_take16(&r->data.in);
    t.weight = dns_take16(&r->data.in);
    t.port = dns_take16(&r->data.in);
    take_name(&r->data, &t.name);
    if (r->data.in.cut)
        return -EBADMSG;
    lessen(&a->ttl_s, r->ttl_s);
    if (t.name.n > 1 && t.port != 0) {
        address_from_name(q, &t);
        a->targets[a->n_targets++] = t;
    }
    return 0;
}

static int read_answers(const struct dns_question *q, struct message *m, uint16_t n, struct dns_answer *a)
{
    int err = 0;
    for (uint16_t i = 0; i < n && !err; i++) {
        struct dns_record r;
        if (!take_record(m, &r))
            err = -EBADMSG;
        else if (r.type == DNS_TYPE_SRV && r.class == DNS_CLASS_IN && dns_same_name(&r.owner, &q->name))
            err = add_target(q, &r, a);
    }
    return err;
}

/* RFC 2308 5: what is not there is not there for the lesser of TTL and MINIMUM. */
static bool read_authorities(const struct dns_question *q, struct message *m, uint16_t n, bool *ret_any_soa,
                             struct dns_answer *a)
{
    for (uint16_t i = 0; i < n; i++) {
        struct dns_record r;
        struct dns_wire_name ignored;
        if (!take_record(m, &r))
            return false;
        if (r.type != DNS_TYPE_SOA)
            continue;
        take_name(&r.data, &ignored);
        take_name(&r.data, &ignored);
        (void)dns_take(&r.data.in, 16);
        uint32_t minimum_s = dns_take32(&r.data.in);
        if (r.data.in.cut)
            return false;
        *ret_any_soa = true;
        if (!dns_is_below(&r.owner, q, q->zone_at))
            continue;
        a->from_zone = true;
        lessen(&a->ttl_s, r.ttl_s);
        lessen(&a->ttl_s, minimum_s);
    }
    return true;
}

static void read_options(struct dns_record *opt, struct dns_answer *a)
{
    struct dns_in *in = &opt->data.in;
    while (!in->cut && in->at < in->end) {
        uint16_t code = dns_take16(in), n = dns_take16(in);
        const uint8_t *value = dns_take(in, n);
        uint16_t info = value && code == OPTION_EDE && n >= 2 ? dns_load16(value) : 0;
        a->stale = a->stale || info == DNS_EDE_STALE_ANSWER || info == DNS_EDE_STALE_NXDOMAIN;
    }
}

static void add_to_targets(const struct dns_record *r, struct dns_answer *a)
{
    for (size_t i = 0; i < a->n_targets; i++)
        if (dns_same_name(&a->targets[i].name, &r->owner) && add_address(&a->targets[i], r))
            lessen(&a->ttl_s, r->ttl_s);
}

/* The upper bits of the rcode are where a TTL is elsewhere (RFC 6891 6.1.3). */
static bool read_additionals(struct message *m, uint16_t n, uint16_t *rcode, struct dns_answer *a)
{
    for (uint16_t i = 0; i < n; i++) {
        struct dns_record r;
        const uint8_t *ttl = NULL;
        if (!take_record(m, &r))
            return false;
        if (r.type != DNS_TYPE_OPT) {
            add_to_targets(&r, a);
            continue;
        }
        ttl = r.data.in.at - 6;
        *rcode |= (uint16_t)(ttl[0] << 4);
        read_options(&r, a);
    }
    return true;
}

static enum dns_outcome judge(uint16_t rcode, bool some, bool believed)
{
    if (rcode == DNS_NOERROR && some)
        return DNS_FOUND;
    if (!believed)
        return DNS_FAILED;
    if (rcode == DNS_NXDOMAIN)
        return DNS_UNKNOWN;
    return rcode == DNS_NOERROR ? DNS_NONE : DNS_FAILED;
}

void dns_answer_init(struct dns_answer *a)
{
    memset(a, 0, sizeof *a);
    a->ttl_s = UINT32_MAX;
}

void dns_answer_fini(struct dns_answer *a)
{
    free(a->targets);
    dns_answer_init(a);
}

static int read_sections(const struct dns_question *q, bool heard, struct message *m, struct dns_answer *a)
{
    struct dns_wire_name name;
    bool any_soa = false;
    struct header h = take_header(m, &name);
    if (!h.whole || !dns_same_name(&name, &q->name))
        return -EBADMSG;
    int err = read_answers(q, m, h.answers, a);
    bool some = a->ttl_s != UINT32_MAX;
    if (err || !read_authorities(q, m, h.authorities, &any_soa, a) || !read_additionals(m, h.additionals, &h.rcode, a))
        return err ? err : -EBADMSG;
    a->outcome = judge(h.rcode, some, a->from_zone || (heard && !any_soa));
    if (a->outcome == DNS_FOUND) {
        a->from_zone = true;
        a->outcome = a->n_targets > 0 ? DNS_FOUND : DNS_NONE;
    }
    if (a->ttl_s == UINT32_MAX)
        a->ttl_s = 0;
    return 0;
}

int dns_answer_read(const struct dns_question *q, bool heard, const uint8_t *bytes, size_t n,
                    struct dns_answer *ret_answer)
{
    struct message m = message(bytes, n);
    dns_answer_init(ret_answer);
    ret_answer->targets = calloc(n / SRV_BYTES_MIN + 1, sizeof *ret_answer->targets);
    if (!ret_answer->targets)
        return -ENOMEM;
    int err = read_sections(q, heard, &m, ret_answer);
    if (err < 0)
        dns_answer_fini(ret_answer);
    return err;
}

static bool has_target(const struct dns_answer *a, const struct dns_srv_target *t)
{
    for (size_t i = 0; i < a->n_targets; i++)
        if (a->targets[i].port == t->port && dns_same_name(&a->targets[i].name, &t->name))
            return true;
    return false;
}

void dns_answer_intersect(struct dns_answer *a, const struct dns_answer *other)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->n_targets; i++)
        if (has_target(other, &a->targets[i]))
            a->targets[kept++] = a->targets[i];
    a->n_targets = kept;
    lessen(&a->ttl_s, other->ttl_s);
    a->stale = a->stale || other->stale;
    if (other->outcome == DNS_UNKNOWN)
        a->outcome = DNS_UNKNOWN;
    else if (kept == 0 && a->outcome == DNS_FOUND)
        a->outcome = DNS_NONE;
}

int dns_answer_read_address(const uint8_t *bytes, size_t n, struct dns_srv_target *target, uint32_t *ttl_s)
{
    struct message m = message(bytes, n);
    struct dns_wire_name name;
    struct header h = take_header(&m, &name);
    if (!h.whole)
        return -EBADMSG;
    if (h.rcode != DNS_NOERROR && h.rcode != DNS_NXDOMAIN)
        return -EAGAIN;
    for (uint16_t i = 0; i < h.answers; i++) {
        struct dns_record r;
        if (!take_record(&m, &r))
            return -EBADMSG;
        if (add_address(target, &r))
            lessen(ttl_s, r.ttl_s);
    }
    return 0;
}
