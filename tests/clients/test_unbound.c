/* SPDX-License-Identifier: Apache-2.0 */
/* unbound as the host's resolver, with examples/unbound/discoverd.conf. */
#include <stdio.h>

#include "tests/clients/forwarder.h"
#include "tests/support/e2e.h"

static struct proc unbound;

/*
 * As a careful administrator has it: names of mixed case (draft-vixie-dns0x20), signed answers from the root
 * on, no private addresses from elsewhere, so that what the example makes exceptions of is at work. The
 * anchor is the root's.
 */
static const char base[] =
    "server:\n"
    "    interface: 127.0.0.1\n"
    "    port: %d\n"
    "    do-ip6: no\n"
    "    do-daemonize: no\n"
    "    use-syslog: no\n"
    "    chroot: \"\"\n"
    "    username: \"\"\n"
    "    directory: \"%s\"\n"
    "    use-caps-for-id: yes\n"
    "    private-address: 127.0.0.0/8\n"
    "    private-address: 10.0.0.0/8\n"
    "    trust-anchor: \". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\"\n"
    "include: \"%s\"\n";

static void start(const struct stage *s, int port, struct change change)
{
    char example[512], config[512], server[32];

    snprintf(server, sizeof server, "127.0.0.1@%d", s->b.dns_port);
    const struct change changes[] = {{"127.0.0.1@8053", server}, change, {0}};
    stage_example("examples/unbound/discoverd.conf", changes, example, sizeof example);
    snprintf(config, sizeof config, "%s/unbound.conf", e2e_folder());
    FILE *out = fopen(config, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, base, port, e2e_folder(), example);
    fclose(out);
    proc_kill(&unbound);
    proc_start(&unbound, "unbound", (const char *const[]){"unbound", "-d", "-p", "-c", config, NULL}, NULL);
}

int main(void)
{
    static const struct change needed[] = {{"do-not-query-localhost: no", "# "},
                                           {"domain-insecure: \"discover.internal\"", "# "},
                                           {"private-domain: \"discover.internal\"", "# "},
                                           {"local-zone: \"10.in-addr.arpa.\" nodefault", "# "},
                                           {0}};
    return forwarder_main(&(struct forwarder){
        .name = "unbound",
        .start = start,
        .check = "unbound-checkconf " SOURCE_DIR "/examples/unbound/discoverd.conf",
        .needed = needed,
    });
}
