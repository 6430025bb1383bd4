/* SPDX-License-Identifier: Apache-2.0 */
/* A Python program with examples/bindings/python/discover.py: all that it does, and that it takes along what it registered. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a;
static struct proc program;

START_TEST(python)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    proc_start(&program, "python",
               (const char *const[]){"python3", "-B", SOURCE_DIR "/tests/clients/python_binding.py", a.socket,
                                     SOURCE_DIR "/libdiscover/include/discover", NULL},
               (const char *const[]){"PYTHONPATH=" SOURCE_DIR "/examples/bindings/python", "LIBDISCOVER=" LIBRARY,
                                     "PYTHONDEVMODE=1", NULL});
    (void)wait_until(20000, !proc_running(&program) || seen_by_lib(&a, "shop/last") == 1, a.seen);
    ck_assert_msg(proc_running(&program), "it has failed");
    /* What was registered by a handle that was closed, or by a child, is gone; the rest ends with the process. */
    ck_assert_int_eq(seen_by_lib(&a, "shop/many"), 0);
    ck_assert_int_eq(seen_by_lib(&a, "shop/child"), 0);
    proc_signal(&program, SIGKILL);
    (void)wait_until(5000, seen_by_lib(&a, "shop/last") == 0, a.seen);
}
END_TEST

E2E_TESTS("python_binding", 60, {"python", python})
