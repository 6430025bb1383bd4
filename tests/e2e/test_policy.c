/* SPDX-License-Identifier: Apache-2.0 */
/* Who may register what (api.policy), by users other than root; a refusal says which line refused, and a reload changes it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct host a;

/* discoverctl as a user and group of their own: 1 is daemon, 2 is bin on every Debian. Its exit code. */
static int as(int uid, int gid, struct output *ret_output, const char *command)
{
    return shell(ret_output, "timeout 5 setpriv --reuid=%d --regid=%d --clear-groups -- %s -s %s %s", uid, gid,
                 e2e_binary("discoverctl"), a.socket, command);
}

static bool refused(int uid, int gid, const char *command, const char *by)
{
    struct output o;
    int code = as(uid, gid, &o, command);

    ck_assert_msg(code != 0 && (strstr(o.err, by) || strstr(o.out, by)), "%s as %d: exit %d, %s%s", command, uid, code,
                  o.err, o.out);
    return true;
}

static bool allowed(int uid, int gid, const char *command)
{
    struct output o;
    int code = as(uid, gid, &o, command);

    ck_assert_msg(code == 0, "%s as %d: exit %d, %s", command, uid, code, o.err);
    return true;
}

#define REGISTER(service) "register " service " --port 1 --address 10.0.0.1 -- true"

static void start(const char *policy)
{
    ck_assert_int_eq(chmod(e2e_folder(), 0755), 0);
    host_init(&a, &(struct host_options){.name = "a", .api = policy});
    host_run_offline(&a);
}

START_TEST(the_first_line_counts)
{
    if (geteuid() != 0) {
        printf("-- skipped: policy: needs root, to be other users\n");
        return;
    }
    start("policy = ( { user = \"daemon\"; services = [\"shop/*\"]; overrides = true; },\n"
          "{ group = \"bin\"; services = [\"inventory/stock\"]; },\n"
          "{ user = \"daemon\"; services = [\"*\"]; overrides = true; } );");
    allowed(1, 1, REGISTER("shop/payment"));
    refused(1, 1, REGISTER("inventory/stock"),
            "may not register inventory/stock: the line of api.policy for user daemon");
    refused(1, 1, REGISTER("inventory/stock"), "discoverd.conf:");
    allowed(1000, 2, REGISTER("inventory/stock"));
    refused(1000, 2, REGISTER("shop/payment"), "the line of api.policy for group bin");
    refused(1000, 1000, REGISTER("shop/payment"), "no line of api.policy is for that user");

    allowed(1, 1, "drain shop/payment");
    refused(1, 1, "drain inventory/stock", "may not set states of inventory/stock");
    refused(1, 1, "drain", "may not set states of this host");
    refused(1000, 2, "drain inventory/stock", "the line of api.policy for group bin");
    allowed(1, 1, "undrain shop/payment");
    refused(1, 1, "failover shop/payment auto", "no other region is read here");
    refused(1, 1, "failover inventory/stock auto", "may not set states of inventory/stock");
    allowed(0, 0, "drain");
    allowed(0, 0, "undrain");
}
END_TEST

START_TEST(a_reload_takes_it)
{
    struct output o;
    if (geteuid() != 0)
        return;
    start("policy = ( { user = \"daemon\"; services = [\"shop/*\"]; } );");
    refused(1, 1, REGISTER("inventory/stock"), "does not allow it");
    ck_assert_int_eq(shell(&o, "sed -i 's|shop/\\*|inventory/*|' %s", a.config), 0);
    allowed(0, 0, "reload");
    allowed(1, 1, REGISTER("inventory/stock"));
    refused(1, 1, REGISTER("shop/payment"), "does not allow it");

    /* What is wrong with one is told, and nothing changes. */
    ck_assert_int_eq(shell(&o, "sed -i 's|inventory/\\*|inventory|' %s", a.config), 0);
    refused(0, 0, "reload", "api.policy[0].services[0]: ");
    allowed(1, 1, REGISTER("inventory/stock"));
}
END_TEST

E2E_TESTS("policy", 60, {"the_first_line_counts", the_first_line_counts}, {"a_reload_takes_it", a_reload_takes_it})
