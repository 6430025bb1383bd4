/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discoverctl over NATS: a connection of its own, with an operator's rights, to ask the daemon of another host and to hear
 * events. How NATS is reached stands in a file as discoverd.conf, of which nats and region count.
 */
#ifndef CTL_CTL_NATS_H
#define CTL_CTL_NATS_H

#include "daemon/bus/bus_ask.h"
#include "daemon/ctl/commands.h"
#include "libdiscover/core/label.h"

#define CTL_NATS_FILE "/etc/discoverd/operator.conf"

/* Connected, or NULL and the exit status in *ret_exit after a message. */
struct bus_ask *ctl_nats_open(const struct ctl *ctl, char ret_region[static LABEL_CAP], int *ret_exit);

/* A command that asks the daemon of call->ctl->host instead of the one here. */
int ctl_remote(const struct call *call);

#endif
