/* SPDX-License-Identifier: Apache-2.0 */
/* dnsmasq as the host's resolver, with examples/dnsmasq/discoverd.conf. */
#include <stdio.h>

#include "tests/clients/forwarder.h"
#include "tests/support/e2e.h"

static struct proc dnsmasq;

/* As a careful administrator has it: no private addresses from elsewhere (the example's exception is needed).
 */
static void start(const struct stage *s, int port, struct change change)
{
    char config[512], listen[32], server[32];

    snprintf(server, sizeof server, "127.0.0.1#%d", s->b.dns_port);
    const struct change changes[] = {{"127.0.0.1#8053", server}, change, {0}};
    stage_example("examples/dnsmasq/discoverd.conf", changes, config, sizeof config);
    snprintf(listen, sizeof listen, "--port=%d", port);
    proc_kill(&dnsmasq);
    proc_start(&dnsmasq, "dnsmasq",
               (const char *const[]){"dnsmasq", "--keep-in-foreground", "--log-facility=-", "-C", config, listen,
                                     "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
                                     "--user=root", "--pid-file=", "--stop-dns-rebind", NULL},
               NULL);
}

START_TEST(configuration_as_shipped)
{
    (void)stage_output("dnsmasq --test -C " SOURCE_DIR "/examples/dnsmasq/discoverd.conf");
}
END_TEST

START_TEST(follows)
{
    forwarder_follows(start);
}
END_TEST

START_TEST(asked_too_early)
{
    forwarder_asked_too_early(start);
}
END_TEST

START_TEST(sixty)
{
    forwarder_sixty(start);
}
END_TEST

START_TEST(reverse)
{
    forwarder_reverse(start);
}
END_TEST

START_TEST(daemon_down)
{
    forwarder_daemon_down(start);
}
END_TEST

START_TEST(without_nats)
{
    forwarder_without_nats(start);
}
END_TEST

START_TEST(every_line_is_needed)
{
    static const struct change changes[] = {{"server=/", "# "}, {"rebind-domain-ok", "# "}, {"rev-server", "# "}, {0}};

    forwarder_needs(start, changes);
}
END_TEST

E2E_TESTS("dnsmasq", 60, {"configuration_as_shipped", configuration_as_shipped}, {"follows", follows},
          {"asked_too_early", asked_too_early}, {"sixty", sixty}, {"reverse", reverse}, {"daemon_down", daemon_down},
          {"without_nats", without_nats}, {"every_line_is_needed", every_line_is_needed})
