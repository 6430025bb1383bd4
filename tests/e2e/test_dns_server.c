/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS side of a whole daemon: sockets that systemd hands over, and a serial that never goes back. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define PAYMENT "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; }"

static struct nats nats;
static struct host a;

/* Bound where the configuration would bind; not closed by exec. Returns the descriptor, which is a given one.
 */
static void bound(int type, int port, int fd)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, type, 0);
    ck_assert_int_eq(bind(s, (const struct sockaddr *)&at, sizeof at), 0);
    if (type == SOCK_STREAM)
        ck_assert_int_eq(listen(s, 16), 0);
    ck_assert_int_eq(dup2(s, fd), fd);
    close(s);
}

/* As a socket unit passes them, from 3 on. What it cannot bind itself, because it is bound already, the
 * daemon uses. */
START_TEST(sockets_from_systemd)
{
    char script[600];
    struct dnsq_reply r;
    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls, .services = PAYMENT});
    bound(SOCK_DGRAM, a.dns_port, 100);
    bound(SOCK_STREAM, a.dns_port, 101);
    snprintf(script, sizeof script,
             "exec 3<&100 4<&101 100<&- 101<&-; export LISTEN_FDS=2 LISTEN_PID=$$; exec %s -c %s",
             e2e_binary("discoverd"), a.config);
    proc_start(&a.proc, "discoverd-a", (const char *const[]){"bash", "-c", script, NULL}, NULL);
    host_wait_live(&a);
    (void)wait_until(3000, seen_by_dns(&a, "shop/payment") == 1, a.seen);
    ck_assert_int_eq(dnsq_tcp(a.dns_port, "payment.shop.discover.internal", DNSQ_SRV, &r), 0);
    ck_assert_uint_eq(r.n_answers, 1);
    host_stop(&a);
    close(100);
    close(101);
}
END_TEST

static unsigned long serial(void)
{
    struct output o;
    ck_assert_int_eq(shell(&o, "dig @127.0.0.1 -p %d +short discover.internal SOA | cut -d' ' -f3", a.dns_port), 0);
    return strtoul(o.out, NULL, 10);
}

/* After a good-bye and after a crash, with changes before it: what a cache has seen is never ahead of what
 * comes. */
START_TEST(the_serial_never_goes_back)
{
    struct output o;
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .services = PAYMENT});
    for (int life = 0; life < 4; life++) {
        unsigned long first = serial();
        ck_assert_uint_gt(first, 1000000000);
        for (int i = 0; i < 20; i++)
            ck_assert_int_eq(ctl(&a, &o, "register", "shop/other", "--port", i % 2 ? "1" : "2", "--instance", "o1",
                                 "--ttl", "1m", NULL),
                             0);
        unsigned long last = serial();
        ck_assert_uint_ge(last, first + 20);
        if (life % 2)
            host_stop(&a);
        else
            host_kill(&a);
        host_run(&a);
        ck_assert_msg(serial() > last, "%lu after %lu", serial(), last);
    }
}
END_TEST

E2E_TESTS("DNS server", 60, {"sockets_from_systemd", sockets_from_systemd},
          {"the_serial_never_goes_back", the_serial_never_goes_back})
