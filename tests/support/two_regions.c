/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the NATS servers of two regions, with a link between them that a test can cut. */
#include "tests/support/two_regions.h"

#include <stdio.h>

#include "tests/support/port.h"

#define QUICK_PINGS "ping_interval: \"1s\"\nping_max: 2\n"

void two_regions_start(struct two_regions *r)
{
    int leaf_port = port_take();
    cable_start(&r->link, leaf_port);
    /* A server tells those that connect where else it is: there must be no way round the link. */
    snprintf(r->listen, sizeof r->listen,
             QUICK_PINGS "leafnodes { listen: \"127.0.0.1:%d\", advertise: \"127.0.0.1:%d\" }", leaf_port,
             r->link.port);
    snprintf(r->remote, sizeof r->remote,
             QUICK_PINGS "leafnodes { reconnect: 1, remotes: [{ url: \"nats-leaf://127.0.0.1:%d\" }] }", r->link.port);
    nats_init(&r->b, 1);
    r->b.domain = "b";
    r->b.extra = r->listen;
    nats_server_launch(&r->b, 0);
    nats_init(&r->a, 1);
    r->a.domain = "a";
    r->a.extra = r->remote;
    nats_server_launch(&r->a, 0);
    nats_wait_ready(&r->b);
    nats_wait_ready(&r->a);
}

void two_regions_host_a(struct two_regions *r, struct host *h, const char *name)
{
    char extra[512];
    snprintf(extra, sizeof extra,
             "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; mirror = \"%s\"; } );"
             "failover = { back_after = \"2s\"; };",
             r->mirror ? r->mirror : "");
    host_start(h, &(struct host_options){.name = name, .nats = r->a.urls, .extra = extra});
}

void two_regions_host_b(struct two_regions *r, struct host *h, const char *name)
{
    host_start(h, &(struct host_options){.name = name, .nats = r->b.urls, .extra = "region = \"b\";"});
}
