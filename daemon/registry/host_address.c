/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the machine's addresses. */
#include "daemon/registry/host_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/address_text.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/host/address_choice.h"
#include "libdiscover/core/clock.h"

/* Changes come in groups (link, address, route), and a host of containers has many that are no concern of ours. */
#define SETTLE_NS     (50 * NS_PER_MS)
#define BETWEEN_NS    (500 * NS_PER_MS)
#define LOOK_AGAIN_NS (10 * NS_PER_S)

struct host_address {
    const struct config *config;
    host_address_fn *fn;
    void *arg;
    int watched; /* descriptor of the rtnetlink socket, or -1 */
    struct loop_watch watch;
    struct loop_timer timer;
    int64_t looked_ns;
    char server[256]; /* "nats://10.0.0.1:4222"; "": not connected */
    struct addresses addresses;
    char why[ADDRESS_CHOICE_WHY_CAP];
    int failed; /* errno of the last reading, which is logged once; 0: it was read */
};

/* Somewhere beyond all networks of one's own: addresses for documentation (RFC 5737, RFC 3849). Nothing is sent. */
static const char *const anywhere[] = {"203.0.113.1", "2001:db8:ffff:ffff:ffff:ffff:ffff:1"};

static int family_of(int i)
{
    return i == 0 ? AF_INET : AF_INET6;
}

static void source_towards(int i, const char *host, struct address_source *ret_source)
{
    uint8_t bytes[16];
    if (inet_pton(family_of(i), host, bytes) == 1 && !address_is_loopback(family_of(i), bytes))
        ret_source->known = interfaces_source(family_of(i), bytes, ret_source->bytes) == 0;
}

/* A server that is given by name is not resolved here: the source towards the default route is taken then. */
static void source_to_server(const char *url, struct address_choice_input *in)
{
    const char *text = strstr(url, "://"), *host;
    char copy[INET6_ADDRSTRLEN];
    size_t n;
    uint16_t port;
    if (!text || host_port_parse(text + 3, &host, &n, &port) < 0 || n >= sizeof copy)
        return;
    memcpy(copy, host, n);
    copy[n] = '\0';
    for (int i = 0; i < 2; i++)
        source_towards(i, copy, &in->to_server[i]);
}

static void choose(struct host_address *h, const struct interface_address *all, size_t n, struct addresses *ret_chosen,
                   char ret_why[static ADDRESS_CHOICE_WHY_CAP])
{
    struct address_choice_input in = {
        .all = all, .n = n, .configured = &h->config->address, .allow_loopback = h->config->allow_loopback};
    source_to_server(h->server[0] ? h->server : h->config->nats.servers.items[0], &in);
    for (int i = 0; i < 2; i++)
        source_towards(i, anywhere[i], &in.to_default[i]);
    address_choice(&in, ret_chosen, ret_why);
}

/* When the addresses cannot be read, those taken before stay: they were right a moment ago. */
static bool look(struct host_address *h)
{
    struct interface_address *all = NULL;
    struct addresses chosen;
    char why[ADDRESS_CHOICE_WHY_CAP];
    size_t n = 0;
    int err = interfaces_read(&all, &n);
    if (err && err != h->failed)
        log_warning("the addresses of this machine cannot be read: %s", strerror(-err));
    h->failed = err;
    if (err && h->addresses.families)
        return false;
    choose(h, all, n, &chosen, why);
    free(all);
    bool changed = !addresses_equal(&chosen, &h->addresses) || !h->why[0];
    if (changed && chosen.families)
        log_notice("this host is reached at %s", why);
    else if (changed)
        log_warning("this host has no address yet (%s): what is registered without one waits", why);
    h->addresses = chosen;
    memcpy(h->why, why, sizeof why);
    return changed;
}

static void look_and_notify(struct host_address *h)
{
    h->looked_ns = clock_now_ns();
    if (look(h))
        h->fn(h->arg);
}

void host_address_set_server(struct host_address *h, const char *url)
{
    snprintf(h->server, sizeof h->server, "%s", url);
    look_and_notify(h);
}

/* A reading asks the kernel some ten times, so it is left to the loop's next turn, whoever wants it. */
void host_address_look_soon(struct host_address *h)
{
    loop_timer_arm(&h->timer, 0, 0);
}

static void on_timer(void *arg)
{
    struct host_address *h = arg;
    look_and_notify(h);
    if (h->watched < 0)
        loop_timer_arm(&h->timer, h->looked_ns + LOOK_AGAIN_NS, h->looked_ns);
}

static void on_change(void *arg)
{
    struct host_address *h = arg;
    int64_t now_ns = clock_now_ns(), next_ns = h->looked_ns + BETWEEN_NS;
    interfaces_watch_drain(h->watched);
    loop_timer_arm(&h->timer, next_ns > now_ns + SETTLE_NS ? next_ns : now_ns + SETTLE_NS, now_ns);
}

int host_address_new(struct event_base *base, const struct config *config, host_address_fn *fn, void *arg,
                     struct host_address **ret_h)
{
    struct host_address *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    *h = (struct host_address){.config = config, .fn = fn, .arg = arg, .watched = interfaces_watch_open()};
    int err = loop_timer_init(&h->timer, base, on_timer, h);
    if (!err && h->watched >= 0)
        err = loop_watch_init(&h->watch, base, h->watched, on_change, h);
    if (err) {
        host_address_free(h);
        return err;
    }
    if (h->watched < 0) {
        log_warning("changes of this machine's addresses are noticed late: %s", strerror(-h->watched));
        loop_timer_arm(&h->timer, clock_now_ns() + LOOK_AGAIN_NS, clock_now_ns());
    }
    h->looked_ns = clock_now_ns();
    (void)look(h);
    *ret_h = h;
    return 0;
}

void host_address_free(struct host_address *h)
{
    if (!h)
        return;
    loop_watch_fini(&h->watch);
    loop_timer_fini(&h->timer);
    if (h->watched >= 0)
        close(h->watched);
    free(h);
}

const struct addresses *host_address_get(const struct host_address *h)
{
    return &h->addresses;
}

const char *host_address_why(const struct host_address *h)
{
    return h->why;
}
