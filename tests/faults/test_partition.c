/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts cut off from NATS by a cable that is pulled, for longer than their lease: packets vanish, nothing is
 * refused. */
#include <stdio.h>

#include "tests/faults/net.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  5000

static struct net net;
static struct nats nats;
static struct observe o;
static size_t first_far; /* this host and the ones after it are on the far side */

static void launch(struct observe *at, size_t i)
{
    if (i >= first_far)
        net_enter_far(&net);
    host_launch(&at->at[i].host);
    if (i >= first_far)
        net_leave_far(&net);
}

static void start(size_t n_hosts, size_t n_far)
{
    char everywhere[64], url[64];

    net_start(&net);
    nats_init(&nats, 1);
    snprintf(everywhere, sizeof everywhere, "listen: 0.0.0.0:%d", nats.server[0].port);
    nats.extra = everywhere;
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    first_far = n_hosts - n_far;
    snprintf(url, sizeof url, "\"nats://" NET_NEAR ":%d\"", nats.server[0].port);
    observe_start(&o, &(struct observe_options){.nats = url, .n_hosts = n_hosts, .each = 5, .launch = launch});
}

START_TEST(one_host)
{
    start(4, 1);
    observe_excuse(&o, 3, 0x7); /* the others are right to let it go; it must keep them all, and itself */
    net_cut();
    observe_change(&o);
    observe_for(&o, 10000);
    ck_assert_msg(observe_count(&o, 0, 3) == 0, "its lease has run out: %s", observe_text(&o));
    net_heal();
    observe_end(&o, "one of 4 hosts partitioned for 10 s, lease 2 s", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(half_of_the_hosts)
{
    start(10, 5);
    net_cut();
    observe_change(&o);
    observe_for(&o, 10000);
    net_heal();
    observe_end(&o, "5 of 10 hosts partitioned for 10 s, lease 2 s", AGREE_MS, HOLD_MS);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"one_host", one_host}, {"half_of_the_hosts", half_of_the_hosts}};

    if (!net_possible()) {
        printf("-- skipped: partitions need root and iproute2\n");
        return 77;
    }
    return e2e_main("faults of the network", tests, sizeof tests / sizeof *tests, 120);
}
