/* SPDX-License-Identifier: Apache-2.0 */
/* Finds addresses of the configuration to listen on that this host does not have (yet). */
#include "daemon/registry/listen_problems.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/listen_address.h"
#include "daemon/base/log.h"
#include "daemon/dns/dns.h"

#define PROBLEMS_MAX (DNS_LISTEN_MAX + 1)
#define PROBLEM_CAP  256

struct problems {
    char text[PROBLEMS_MAX][PROBLEM_CAP];
    size_t n;
};

static void look(struct problems *p, const char *key, const char *address)
{
    const char *why = NULL;
    int err = listen_address_look(address);
    if (err == -EADDRNOTAVAIL)
        why = "this host does not have the address; it is served as soon as it has";
    else if (err == -EAFNOSUPPORT)
        why = "this host has no IPv6; it takes a restart when that is switched on";
    if (why && p->n < PROBLEMS_MAX)
        snprintf(p->text[p->n++], PROBLEM_CAP, "%s %s: %s", key, address, why);
}

static void look_at_all(const struct config *c, bool http_inherited, struct problems *ret_problems)
{
    ret_problems->n = 0;
    for (size_t i = 0; i < c->dns.listen.n; i++)
        look(ret_problems, "dns.listen", c->dns.listen.items[i]);
    if (c->http.listen[0] && !http_inherited)
        look(ret_problems, "http.listen", c->http.listen);
}

void listen_problems_log(const struct config *config, bool http_inherited)
{
    struct problems p;
    look_at_all(config, http_inherited, &p);
    for (size_t i = 0; i < p.n; i++)
        log_warning("%s", p.text[i]);
}

void listen_problems_status(const struct config *config, bool http_inherited, Discover__V1__Status *ret_status)
{
    static struct problems p;
    static char *pointers[PROBLEMS_MAX];
    look_at_all(config, http_inherited, &p);
    for (size_t i = 0; i < p.n; i++)
        pointers[i] = p.text[i];
    ret_status->n_listen_problems = p.n;
    ret_status->listen_problems = pointers;
}
