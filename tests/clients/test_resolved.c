/* SPDX-License-Identifier: Apache-2.0 */
/* systemd-resolved as the host's resolver, with systemd/resolved.conf as its drop-in; without systemd and
 * D-Bus. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/clients/forwarder.h"
#include "tests/clients/machine.h"
#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

static char program[512];
static struct proc resolved;
static struct stage s;
static struct dnsq_reply reply;

static void write_to(const char *path, const char *mode, const char *text)
{
    FILE *out = fopen(path, mode);

    ck_assert_msg(out && fputs(text, out) >= 0 && fclose(out) == 0, "%s cannot be written", path);
}

/* The account it goes over to comes with the package. */
static void add_user(void)
{
    char path[512];

    if (getpwnam("systemd-resolve"))
        return;
    snprintf(path, sizeof path, "%s/passwd", e2e_folder());
    (void)stage_output("cp /etc/passwd %s", path);
    write_to(path, "a", "systemd-resolve:x:65533:65533::/:/usr/sbin/nologin\n");
    machine_file("/etc/passwd", path);
}

/* It does not answer while there is no link but loopback. A link's server stands where systemd-networkd would
 * write it. */
static void begin(void)
{
    machine_start();
    machine_folder("/run");
    machine_folder("/etc/systemd");
    add_user();
    (void)stage_output("ip link add near type veth peer name far && ip link set far up && ip link set near up && "
                       "ip address add 192.0.2.10/24 dev near && ip route add default via 192.0.2.1 && "
                       "mkdir -p /etc/systemd/resolved.conf.d /run/systemd/netif/links");
}

/* As the example has it, and one more address to ask at: 127.0.0.53 is not where the test's DNS client asks.
 */
static void start(const struct stage *of, int port, struct change change)
{
    const struct change changes[] = {{"127.0.0.1:8053", stage_endpoint(of->b.dns_port)}, change, {0}};
    char example[512], extra[128];

    stage_example("systemd/resolved.conf", changes, example, sizeof example);
    (void)stage_output("cp %s /etc/systemd/resolved.conf.d/discoverd.conf", example);
    snprintf(extra, sizeof extra, "[Resolve]\nDNSStubListenerExtra=127.0.0.1:%d\n", port);
    write_to("/etc/systemd/resolved.conf.d/test.conf", "w", extra);
    proc_kill(&resolved);
    proc_start(&resolved, "resolved", (const char *const[]){program, NULL}, NULL);
}

/* discoverd is asked for them as well, and its REFUSED harms nothing. */
START_TEST(other_names)
{
    int port;

    begin();
    machine_other_names();
    (void)stage_output("printf 'ADMIN_STATE=configured\\nOPER_STATE=routable\\nDNS=192.0.2.53\\n' "
                       ">/run/systemd/netif/links/$(ip -o link show near | cut -d: -f1)");
    stage_start(&s, stage_services(1, 1001), NULL);
    port = port_take();
    start(&s, port, (struct change){0});
    (void)wait_until(10000, dnsq_udp(port, "www.example.com", DNSQ_A, &reply) == 0 && reply.n_answers == 1,
                     "www.example.com");
    ck_assert_str_eq(reply.record[0].data, "192.0.2.80");
    (void)wait_until(5000, dnsq_udp(port, "none.example.com", DNSQ_A, &reply) == 0 && reply.rcode == DNSQ_NXDOMAIN,
                     "none.example.com");
    (void)wait_until(5000,
                     dnsq_udp(port, "payment.shop.discover.internal", DNSQ_A, &reply) == 0 && reply.n_answers == 1,
                     "payment.shop");
}
END_TEST

static bool fetched(void)
{
    FILE *in = popen(SOURCE_DIR "/tests/clients/fetch-resolved " BUILD_DIR "/resolved", "r");
    bool ok = in && fscanf(in, "%511s", program) == 1;

    if (in)
        ok = pclose(in) == 0 && ok;
    if (!ok)
        printf("-- skipped: systemd-resolved cannot be had\n");
    return ok;
}

int main(void)
{
    const struct e2e_test own[] = {{"other_names", other_names}};

    if (!machine_possible() || !fetched())
        return 77;
    return forwarder_main(&(struct forwarder){
        .name = "systemd-resolved", .prepare = begin, .start = start, .own = own, .n_own = sizeof own / sizeof *own});
}
