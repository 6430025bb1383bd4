/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl forget: what a host that is gone has left in the registry goes, too. */
#include <stdio.h>

#include "daemon/ctl/ctl.h"

#define TIMEOUT_MS 10000 /* a host may have left thousands of records */

static int forget(struct discover *d, const char *host)
{
    int err = discover_set_timeout(d, TIMEOUT_MS);
    if (!err)
        err = discover_forget(d, host);
    return err < 0 ? ctl_failed(d, host, err) : CTL_DONE;
}

int cmd_forget(const struct ctl *ctl, char **argv)
{
    int status;
    if (ctl_wants_help(argv)) {
        fputs("Usage: discoverctl forget HOST\n\n"
              "Deletes what a host that is gone has left in the registry, its records and its lease, so that no host "
              "lists\n"
              "it any more. Never one that is alive. Only root and the daemon's user may; NATS must let this host "
              "delete\n"
              "another one's keys.\n",
              stdout);
        return CTL_DONE;
    }
    if (!argv[0] || argv[1])
        return ctl_usage_error("forget needs one host");
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    status = forget(d, argv[0]);
    discover_free(d);
    return status;
}
