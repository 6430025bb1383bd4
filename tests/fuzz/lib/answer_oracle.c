/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every answer that was read. */
#include "tests/fuzz/lib/answer_oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/entry.h"
#include "libdiscover/dns/dns_table.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* RFC 1035 3.1, read anew: labels of 1 to 63 octets, the root's zero at the end and nowhere else. */
static void check_name(const struct dns_wire_name *name)
{
    size_t at = 0;
    must(name->n >= 1);
    for (; name->octets[at] != 0; at += 1U + name->octets[at])
        must(name->octets[at] <= DNS_LABEL_MAX && at + 1U + name->octets[at] < name->n);
    must(at == name->n - 1U);
}

static void check_text(const struct dns_wire_name *name)
{
    char text[DNS_TEXT_CAP];
    if (dns_name_text(name, text) == 0)
        must(strlen(text) == name->n - 2U && !strchr(text, ' '));
}

void oracle_target(const struct dns_srv_target *t)
{
    static const uint8_t none[16];
    must((t->addresses.families & ~(DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6)) == 0);
    must(t->addresses.families & DISCOVER_HAS_IPV4 || memcmp(t->addresses.ipv4, none, 4) == 0);
    must(t->addresses.families & DISCOVER_HAS_IPV6 || memcmp(t->addresses.ipv6, none, 16) == 0);
}

/* In the order that resolve promises, each with details that can be read, each id once. */
static void check_view(const struct table_view *v, const struct dns_answer *a)
{
    must(v->kind == TABLE_SERVICE && v->n_first == v->n_total && v->n_total <= a->n_targets);
    for (uint32_t i = 0; i < v->n_total; i++) {
        const struct discover_endpoint *e = table_view_endpoint(v, i);
        const struct discover_endpoint *before = i > 0 ? e - 1 : NULL;
        const uint8_t *bytes;
        size_t n;
        struct entry entry;
        must(e->port != 0 && e->weight != 0 && e->state == DISCOVER_PASSING);
        must(!before || before->priority < e->priority || (before->priority == e->priority && before->id < e->id));
        must(table_view_details(v, i, &bytes, &n) == 0 && entry_read(bytes, n, &entry) == 0);
        must(e->families != 0 || *entry.hostname != '\0');
    }
}

static void check_table(const struct dns_answer *a)
{
    const struct lookup_key key = {.service = ORACLE_SERVICE};
    struct table t;
    struct table_view v;
    table_view_init(&v);
    must(dns_table_make(&key, a, &t) == 0);
    int err = table_view_find(&t, ORACLE_SERVICE, strlen(ORACLE_SERVICE), &v);
    must(err == (a->outcome == DNS_UNKNOWN ? -ENOENT : 0));
    if (!err)
        check_view(&v, a);
    must(dns_table_same(&t, &t));
    table_view_fini(&v);
    table_unmap(&t);
}

void oracle_answer(const struct dns_answer *a)
{
    must((a->outcome == DNS_FOUND) <= (a->n_targets > 0));
    must(a->ttl_s <= INT32_MAX || a->outcome != DNS_FOUND);
    for (size_t i = 0; i < a->n_targets; i++) {
        check_name(&a->targets[i].name);
        check_text(&a->targets[i].name);
        must(a->targets[i].port != 0);
        oracle_target(&a->targets[i]);
    }
    if (a->outcome != DNS_FAILED)
        check_table(a);
}
