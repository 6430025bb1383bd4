/* SPDX-License-Identifier: Apache-2.0 */
/* The disk under a host's state directory is full. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/faults/net.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  9000 /* more than two leases of 4 s */

static struct nats nats;
static struct observe o;

/* In a mount namespace of the test's own: nothing is left behind. */
static void put_on_small_disk(struct observe *at, size_t i)
{
    const char *dir = at->at[i].host.state_dir;

    if (i != 0)
        return;
    ck_assert_msg(unshare(CLONE_NEWNS) == 0, "unshare: %s", strerror(errno));
    ck_assert_msg(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount: %s", strerror(errno));
    ck_assert_msg(mount("small", dir, "tmpfs", 0, "size=256k,mode=0700") == 0, "mount: %s", strerror(errno));
}

static void filler(char ret_path[static 320])
{
    snprintf(ret_path, 320, "%s/filler", o.at[0].host.state_dir);
}

static void fill_disk(void)
{
    char path[320], block[4096] = {1};

    filler(path);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    setbuf(out, NULL);
    while (fwrite(block, sizeof block, 1, out) == 1)
        ;
    ck_assert_int_eq(errno, ENOSPC);
    fclose(out);
}

START_TEST(disk_full)
{
    char path[320];

    observe_start_four(&o, &nats, (struct observe_options){.prepare = put_on_small_disk});
    fill_disk();
    observe_change(&o);
    observe_for(&o, 5000);
    observe_restart(&o, 0);
    observe_change(&o);
    observe_for(&o, 2000);
    observe_change(&o);
    filler(path);
    ck_assert_int_eq(unlink(path), 0);
    observe_end(&o, "disk full under the state directory for 7 s, restart of the daemon included", AGREE_MS, HOLD_MS);
    ck_assert_int_eq(umount2(o.at[0].host.state_dir, MNT_DETACH), 0);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"disk_full", disk_full}};

    if (!net_possible()) {
        printf("-- skipped: a full disk needs root\n");
        return 77;
    }
    return e2e_main("fault of a disk", tests, 1, 120);
}
