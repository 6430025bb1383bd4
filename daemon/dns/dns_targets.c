/* SPDX-License-Identifier: Apache-2.0 */
/* Which instances of a service a DNS name selects. */
#include "daemon/dns/dns_targets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/srv_weight.h"
#include "libdiscover/core/table_label.h"

int dns_target_entry(const struct table_view *view, uint32_t number, struct entry *ret_entry)
{
    const uint8_t *bytes;
    size_t n;
    int err = table_view_details(view, number, &bytes, &n);
    return err ? err : entry_read(bytes, n, ret_entry);
}

size_t dns_target_label(const struct discover_endpoint *endpoint, const struct entry *entry,
                        char ret_label[static DNS_LABEL_MAX])
{
    char text[DNS_LABEL_MAX + 1];
    int n = snprintf(text, sizeof text, "%s@%s", entry->instance, entry->host);
    if (n < 0 || n > DNS_LABEL_MAX)
        n = snprintf(text, sizeof text, "%016" PRIx64, endpoint->id);
    memcpy(ret_label, text, (size_t)n);
    return (size_t)n;
}

static bool has_tag(const struct entry *e, struct dns_label tag)
{
    for (size_t i = 0; i < e->n_tags; i++)
        if (dns_label_is(tag, e->tags[i]))
            return true;
    return false;
}

/* The label came in lower case, like all of the name; case does not count in DNS. */
static bool has_label(const struct discover_endpoint *endpoint, const struct entry *e, struct dns_label wanted)
{
    char label[DNS_LABEL_MAX];
    size_t n = dns_target_label(endpoint, e, label);
    return n == wanted.n && memcmp(label, wanted.text, n) == 0;
}

static bool entry_matches(const struct table_view *view, uint32_t number, const struct dns_name *name)
{
    struct entry e;
    if (dns_target_entry(view, number, &e) < 0)
        return false;
    switch (name->kind) {
    case DNS_NAME_TAG:
        return has_tag(&e, name->what);
    case DNS_NAME_PLACE:
        return dns_label_is(name->what, e.zone) || dns_label_is(name->what, e.region);
    case DNS_NAME_ON_HOST:
        return dns_label_is(name->what, e.host);
    case DNS_NAME_INSTANCE:
        return dns_label_is(name->what, e.instance) && dns_label_is(name->host, e.host);
    case DNS_NAME_SD_INSTANCE:
        return has_label(table_view_endpoint(view, number), &e, name->what);
    default:
        return false;
    }
}

static bool matches(const struct table_view *view, uint32_t number, const struct dns_name *name)
{
    const struct discover_endpoint *endpoint = table_view_endpoint(view, number);
    bool by_protocol = name->kind == DNS_NAME_PROTOCOL || name->kind == DNS_NAME_SD_INSTANCE;
    if (by_protocol && endpoint->protocol != name->protocol)
        return false;
    return name->kind == DNS_NAME_SERVICE || name->kind == DNS_NAME_PROTOCOL || entry_matches(view, number, name);
}

/* Of all instances, usable or not, so that weights stay the same when one fails. */
static uint32_t largest_weight(const struct table_view *view)
{
    uint32_t largest = srv_weight_clamp(view->largest_weight);
    for (uint32_t i = 0; i < view->n_total; i++) {
        uint32_t weight = srv_weight_clamp(table_view_endpoint(view, i)->weight);
        if (weight > largest)
            largest = weight;
    }
    return largest;
}

/* Without an address there must be a host name: an SRV record needs a target. */
static bool has_target(const struct table_view *view, uint32_t number, const char **ret_hostname)
{
    struct entry e;
    *ret_hostname = "";
    if (table_view_endpoint(view, number)->families & (DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6))
        return true;
    if (dns_target_entry(view, number, &e) < 0 || !hostname_valid(e.hostname))
        return false;
    *ret_hostname = e.hostname;
    return true;
}

void dns_targets_select(const struct table_view *view, const struct dns_name *name, struct dns_targets *ret_targets)
{
    struct dns_targets *t = ret_targets;
    uint32_t largest = largest_weight(view);
    t->known = name->kind == DNS_NAME_SERVICE || name->kind == DNS_NAME_PROTOCOL;
    t->n = 0;
    for (uint32_t i = 0; i < view->n_first && t->n < DNS_RECORDS_MAX; i++) {
        const struct discover_endpoint *endpoint = table_view_endpoint(view, i);
        const char *hostname;
        if (!matches(view, i, name) || !has_target(view, i, &hostname))
            continue;
        t->target[t->n++] = (struct dns_target){endpoint, hostname, i, srv_weight(endpoint->weight, largest)};
    }
    if (t->n > 0)
        t->known = true;
    for (uint32_t i = view->n_first; i < view->n_total && !t->known; i++)
        t->known = matches(view, i, name);
}

static void want(struct dns_wanted *w, uint64_t hash)
{
    w->filter.labels[w->filter.n_labels++] = hash;
}

static void want_label(struct dns_wanted *w, enum table_label kind, struct dns_label label)
{
    want(w, table_label_hash(kind, label.text, label.n));
}

static void want_instance(struct dns_wanted *w, struct dns_label instance, struct dns_label host)
{
    struct instance_key key;
    const struct dns_name *name = w->name;
    char region[LABEL_CAP] = "";
    memcpy(region, name->region.text ? name->region.text : "", name->region.n);
    if (label_copy(key.domain, name->domain.text, name->domain.n) == 0 &&
        label_copy(key.service, name->service.text, name->service.n) == 0 &&
        label_copy(key.host, host.text, host.n) == 0 && label_copy(key.instance, instance.text, instance.n) == 0)
        want(w, instance_id_in(&key, region));
}

/* "<instance>@<host>", or the id (dns_target_label). */
static void want_browsed(struct dns_wanted *w, struct dns_label label)
{
    const char *at = memchr(label.text, '@', label.n);
    if (at) {
        size_t n = (size_t)(at - label.text);
        want_instance(w, (struct dns_label){label.text, n}, (struct dns_label){at + 1, label.n - n - 1});
    } else if (label.n == 16) {
        char text[17] = "";
        memcpy(text, label.text, label.n);
        want(w, strtoull(text, NULL, 16));
    }
}

static void want_protocol(struct dns_wanted *w)
{
    const char protocol = (char)w->name->protocol;
    want(w, table_label_hash(TABLE_LABEL_PROTOCOL, &protocol, 1));
}

/* Of the unusable ones, which come last, one is enough: it shows that there is such an instance. */
static bool enough(void *arg, const struct table_view *v, uint32_t from)
{
    struct dns_wanted *w = arg;
    const char *hostname;
    if (from == 0) {
        w->usable = 0;
        w->known = w->cut = false;
    }
    for (uint32_t i = from; i < v->n_total; i++) {
        bool usable = i < v->n_first;
        if ((!usable && w->known) || !matches(v, i, w->name))
            continue;
        w->known = true;
        w->usable += usable && has_target(v, i, &hostname);
    }
    w->cut = w->usable >= w->most;
    return w->cut || (w->known && v->n_first < v->n_total);
}

void dns_wanted_init(struct dns_wanted *w, const struct dns_name *name, uint8_t family, size_t most)
{
    *w = (struct dns_wanted){.name = name, .most = most, .filter = {.enough = enough, .arg = w}};
    switch (name->kind) {
    case DNS_NAME_PROTOCOL:
        want_protocol(w);
        break;
    case DNS_NAME_TAG:
        want_label(w, TABLE_LABEL_TAG, name->what);
        break;
    case DNS_NAME_PLACE:
        want_label(w, TABLE_LABEL_PLACE, name->what);
        break;
    case DNS_NAME_ON_HOST:
        want_label(w, TABLE_LABEL_HOST, name->what);
        break;
    case DNS_NAME_INSTANCE:
        want_instance(w, name->what, name->host);
        break;
    case DNS_NAME_SD_INSTANCE:
        want_browsed(w, name->what);
        break;
    default:
        break;
    }
    w->filter.none = name->kind > DNS_NAME_SERVICE && w->filter.n_labels == 0;
    if (family)
        want(w, table_family_hash(family));
}
