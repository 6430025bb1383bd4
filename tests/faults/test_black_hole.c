/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the servers that a host is to use, some swallow what is sent to them: one takes the connection and never
 * says a word, one does not even answer the first packet. The one that works is restarted. All others are
 * back at once, and give the host no longer than its lease: within that it has to get past the others.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/faults/net.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  7000
#define RESTARTS 5 /* the order in which servers are tried is random */

static struct net net;
static struct nats nats;
static struct observe o;

static void launch(struct observe *at, size_t i)
{
    bool far = i + 1 == 4;

    if (far)
        net_enter_far(&net);
    host_launch(&at->at[i].host);
    if (far)
        net_leave_far(&net);
}

/* The kernel takes the connections; nobody ever does anything with them. */
static int silent_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    int port = port_take(), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)port);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    return port;
}

START_TEST(black_holes)
{
    char everywhere[64], near[64], far[256];

    net_start(&net);
    nats_init(&nats, 1);
    snprintf(everywhere, sizeof everywhere, "listen: 0.0.0.0:%d", nats.server[0].port);
    nats.extra = everywhere;
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    snprintf(near, sizeof near, "\"nats://" NET_NEAR ":%d\"", nats.server[0].port);
    snprintf(far, sizeof far, "\"nats://" NET_NOWHERE ":4222\", \"nats://" NET_NEAR ":%d\", %s", silent_server(), near);
    observe_start(&o,
                  &(struct observe_options){
                      .nats = near, .last_nats = far, .n_hosts = 4, .each = 5, .lease_ttl = "3s", .launch = launch});
    for (int i = 0; i < RESTARTS; i++) {
        nats_server_kill(&nats, 0);
        observe_for(&o, 1000);
        nats_server_launch(&nats, 0);
        observe_change(&o);
        observe_for(&o, 7000);
    }
    observe_change(&o);
    observe_end(&o, "nats-server restarted 5 times; one of 4 hosts has two servers more, which hang", AGREE_MS,
                HOLD_MS);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"black_holes", black_holes}};

    if (!net_possible()) {
        printf("-- skipped: servers that hang need root and iproute2\n");
        return 77;
    }
    return e2e_main("faults of connecting", tests, 1, 150);
}
