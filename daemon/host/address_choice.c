/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the host's address: for each family the first candidate in order that will stay. */
#include "daemon/host/address_choice.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/address_text.h"

struct choice_of_family {
    const struct address_choice_input *in;
    int family;
    uint8_t bytes[16]; /* chosen */
    char why[ADDRESS_CHOICE_WHY_CAP / 2 - 2];
};

static size_t size_of(int family)
{
    return family == AF_INET ? 4 : 16;
}

static bool stays(const struct interface_address *a)
{
    return a->up && a->global && !a->loopback && !a->passing && !address_useless(a->family, a->bytes);
}

static bool take(struct choice_of_family *c, const uint8_t *bytes, const char *of, const char *reason)
{
    char text[INET6_ADDRSTRLEN];
    memcpy(c->bytes, bytes, size_of(c->family));
    snprintf(c->why, sizeof c->why, "%s (%s%s%s)", inet_ntop(c->family, bytes, text, sizeof text), of,
             *of && *reason ? ", " : "", reason);
    return true;
}

static bool take_of_interface(struct choice_of_family *c, const char *name)
{
    for (size_t i = 0; i < c->in->n; i++) {
        const struct interface_address *a = &c->in->all[i];
        bool fits = a->family == c->family && strcmp(a->name, name) == 0;
        if (fits && (stays(a) || (a->loopback && a->up && address_is_loopback(a->family, a->bytes))))
            return take(c, a->bytes, name, "configured");
    }
    return false;
}

static bool take_in_network(struct choice_of_family *c, const char *text)
{
    struct network net;
    if (network_parse(text, &net) < 0 || net.family != c->family)
        return false;
    for (size_t i = 0; i < c->in->n; i++)
        if (stays(&c->in->all[i]) && network_has(&net, c->in->all[i].family, c->in->all[i].bytes))
            return take(c, c->in->all[i].bytes, c->in->all[i].name, text);
    return false;
}

static bool take_configured(struct choice_of_family *c)
{
    for (size_t i = 0; i < c->in->configured->n; i++) {
        const char *text = c->in->configured->items[i];
        uint8_t bytes[16];
        bool taken = *text == '%'        ? take_of_interface(c, text + 1)
                     : strchr(text, '/') ? take_in_network(c, text)
                                         : inet_pton(c->family, text, bytes) == 1 && take(c, bytes, "", "configured");
        if (taken)
            return true;
    }
    return false;
}

static const struct interface_address *find(const struct choice_of_family *c, const uint8_t *bytes)
{
    for (size_t i = 0; i < c->in->n; i++)
        if (c->in->all[i].family == c->family && memcmp(c->in->all[i].bytes, bytes, size_of(c->family)) == 0)
            return &c->in->all[i];
    return NULL;
}

/* The kernel may prefer a temporary address for sending: then another one of that interface is meant. */
static bool take_source(struct choice_of_family *c, const struct address_source *source, const char *reason)
{
    const struct interface_address *from = source->known ? find(c, source->bytes) : NULL;
    if (!from || from->loopback)
        return false;
    if (stays(from))
        return take(c, from->bytes, from->name, reason);
    for (size_t i = 0; i < c->in->n; i++) {
        const struct interface_address *a = &c->in->all[i];
        if (a->family == c->family && a->index == from->index && stays(a))
            return take(c, a->bytes, a->name, reason);
    }
    return false;
}

static bool take_any(struct choice_of_family *c)
{
    for (size_t i = 0; i < c->in->n; i++)
        if (c->in->all[i].family == c->family && stays(&c->in->all[i]))
            return take(c, c->in->all[i].bytes, c->in->all[i].name, "the first there is");
    return false;
}

static bool choose(struct choice_of_family *c)
{
    int i = c->family == AF_INET6;
    if (c->in->configured->n > 0)
        return take_configured(c);
    return take_source(c, &c->in->to_server[i], "the way to NATS") ||
           take_source(c, &c->in->to_default[i], "the default route") || take_any(c);
}

void address_choice(const struct address_choice_input *in, struct addresses *ret_addresses,
                    char ret_why[static ADDRESS_CHOICE_WHY_CAP])
{
    static const uint8_t localhost[] = {127, 0, 0, 1};
    struct choice_of_family v4 = {.in = in, .family = AF_INET}, v6 = {.in = in, .family = AF_INET6};
    struct addresses chosen = {.families = 0};
    if (choose(&v4))
        addresses_set(&chosen, DISCOVER_HAS_IPV4, v4.bytes);
    if (choose(&v6))
        addresses_set(&chosen, DISCOVER_HAS_IPV6, v6.bytes);
    if (!chosen.families && in->allow_loopback && in->configured->n == 0 &&
        take(&v4, localhost, "lo", "allow_loopback"))
        addresses_set(&chosen, DISCOVER_HAS_IPV4, v4.bytes);
    if (!chosen.families)
        snprintf(ret_why, ADDRESS_CHOICE_WHY_CAP, "none: %s",
                 in->configured->n ? "no interface has what `address` names"
                                   : "no interface that is up has an address that others could reach");
    else
        snprintf(ret_why, ADDRESS_CHOICE_WHY_CAP, "%s%s%s", v4.why, v4.why[0] && v6.why[0] ? ", " : "", v6.why);
    *ret_addresses = chosen;
}
