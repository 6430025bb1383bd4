/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl forget: removes from the registry what a host that is gone has left there. */
#include "daemon/ctl/commands.h"

#define TIMEOUT_MS 10000 /* a host may have left thousands of records */

static int run(const struct call *call)
{
    const char *host = call->words.word[0];
    int err = discover_set_timeout(call->d, TIMEOUT_MS);
    if (!err)
        err = discover_forget(call->d, host);
    return ctl_result(call->d, host, err);
}

const struct command forget_command = {
    .name = "forget",
    .summary = "delete what a host that is gone has left in the registry",
    .usage = "forget HOST",
    .help =
        "Deletes what a host that is gone has left in the registry, its records and its lease, so that no host lists\n"
        "it any more. Never one that is alive. Only root and the daemon's user may; NATS must let this host delete\n"
        "another one's keys.\n",
    .takes = {WORD_HOST},
    .run = run,
};
