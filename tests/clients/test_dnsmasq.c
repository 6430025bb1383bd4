/* SPDX-License-Identifier: Apache-2.0 */
/* dnsmasq as the host's resolver, with examples/dnsmasq/discoverd.conf. */
#include <stdio.h>

#include "tests/clients/forwarder.h"
#include "tests/support/proc.h"

static struct proc dnsmasq;

/* As a careful administrator has it: no private addresses from elsewhere (the example's exception is needed). */
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

int main(void)
{
    static const struct change needed[] = {{"server=/", "# "}, {"rebind-domain-ok", "# "}, {"rev-server", "# "}, {0}};
    return forwarder_main(&(struct forwarder){
        .name = "dnsmasq",
        .start = start,
        .check = "dnsmasq --test -C " SOURCE_DIR "/examples/dnsmasq/discoverd.conf",
        .needed = needed,
    });
}
