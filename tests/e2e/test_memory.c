/* SPDX-License-Identifier: Apache-2.0 */
/* What a program with the library in it has of memory: little while there is little to know, locked or not. */
#include <ctype.h>
#include <discover/discover.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/large_services.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define SERVICE  "shop/payment"
#define SERVICES 1000 /* of more than 4 KiB each */
#define MIB      1024 /* KiB */

static struct nats nats;
static struct host a;
static struct kv kv;

static void one_host(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"" SERVICE "\"; instance = \"p\"; port = 8080; "
                                                      "address = [\"127.0.0.1\"]; }"});
}

/* A line of a file of /proc/self that begins so, in KiB; of all of them the sum. */
static long sum_kib(const char *path, const char *begin, const char *of_mapping)
{
    FILE *in = fopen(path, "r");
    char line[512];
    bool counts = !of_mapping;
    long sum = 0;
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in)) {
        if (of_mapping && !isupper((unsigned char)line[0]))
            counts = strstr(line, of_mapping) != NULL;
        if (counts && strncmp(line, begin, strlen(begin)) == 0)
            sum += strtol(line + strlen(begin), NULL, 10);
    }
    fclose(in);
    return sum;
}

static long table_kib(void)
{
    return sum_kib("/proc/self/smaps", "Size:", "discoverd-table");
}

/* Address sanitizers reserve terabytes. */
#ifdef __SANITIZE_ADDRESS__
#define LIMIT "true"
#else
#define LIMIT "ulimit -v 30000"
#endif

START_TEST(a_look_up_in_thirty_megabytes)
{
    struct output o;
    one_host();
    ck_assert_int_eq(shell(&o, LIMIT "; DISCOVERD_SOCKET=%s exec %s " SERVICE, a.socket, e2e_binary("lookup")), 0);
    ck_assert_str_eq(o.out, "127.0.0.1:8080\n");
}
END_TEST

/* Exit code of a process that locks its memory, now and in future, and looks up: how many MiB that took; 77: it may not. */
static int look_up_locked(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_MEMLOCK, &all);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
        return 77;
    long before = sum_kib("/proc/self/status", "VmLck:", NULL);
    struct discover *d;
    struct discover_endpoint e[4];
    size_t n;
    if (discover_new(&d) < 0 || discover_set_socket(d, a.socket) < 0 || discover_start(d) < 0 ||
        discover_resolve(d, SERVICE, e, 4, &n) < 0)
        return 99;
    long after = sum_kib("/proc/self/status", "VmLck:", NULL);
    discover_free(d);
    return (int)((after - before) / MIB);
}

START_TEST(locked_memory)
{
    int status;
    one_host();
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(look_up_locked());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        printf("-- locked_memory: may not lock memory here\n");
    else
        ck_assert_int_le(WEXITSTATUS(status), 2);
}
END_TEST

/* It has been given a larger table several times meanwhile, and what it had of those before is gone. */
START_TEST(grows_with_the_catalog)
{
    one_host();
    (void)host_lib(&a);
    ck_assert_int_le(table_kib(), MIB / 2);
    kv_open(&kv, nats.server[0].url);
    large_services_put(&kv, SERVICES);
    (void)wait_until(20000, services_known(&a) == SERVICES + 1, "not all served");
    long most_kib = 4L * MIB * SERVICES / 1000 * 6;
    (void)wait_until(5000, services_known(&a) == SERVICES + 1 && table_kib() <= most_kib, "old tables stay mapped");
    ck_assert_int_ge(table_kib(), 4L * MIB * SERVICES / 1000);
    ck_assert_int_eq(sum_kib("/proc/self/smaps", "Locked:", "discoverd-table"), 0);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("memory", 60, {"a_look_up_in_thirty_megabytes", a_look_up_in_thirty_megabytes},
          {"locked_memory", locked_memory}, {"grows_with_the_catalog", grows_with_the_catalog})
