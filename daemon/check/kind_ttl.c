/* SPDX-License-Identifier: Apache-2.0 */
/* A check of kind ttl: the program reports its own state, at least once in that time. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/loop.h"
#include "daemon/check/kind.h"

struct ttl {
    const struct check_setup *setup;
    struct loop_timer timer;
};

static void arm(struct ttl *t)
{
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&t->timer, now_ns + t->setup->spec->ttl_ns, now_ns);
}

static void on_time(void *arg)
{
    struct ttl *t = arg;
    check_report_line(t->setup, CHECK_FAIL, true, "nothing was reported for %.3g s",
                      (double)t->setup->spec->ttl_ns / NS_PER_S);
}

void check_ttl_report(void *check, enum check_result result, const char *note, size_t n)
{
    struct ttl *t = check;
    arm(t);
    check_report(t->setup, result, true, note, n);
}

static void ttl_close(void *check)
{
    struct ttl *t = check;
    if (!t)
        return;
    loop_timer_fini(&t->timer);
    free(t);
}

static int ttl_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    struct ttl *t = calloc(1, sizeof *t);
    (void)ret_why;
    if (!t)
        return -ENOMEM;
    t->setup = setup;
    int err = loop_timer_init(&t->timer, setup->tools->base, on_time, t);
    if (err) {
        free(t);
        return err;
    }
    arm(t);
    *ret_check = t;
    return 0;
}

const struct check_kind check_ttl = {.open = ttl_open, .close = ttl_close};
