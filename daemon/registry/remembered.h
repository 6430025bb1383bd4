/* SPDX-License-Identifier: Apache-2.0 */
/* What the last life left in catalog.snap, from its loading until NATS is heard. Main thread only. */
#ifndef REGISTRY_REMEMBERED_H
#define REGISTRY_REMEMBERED_H

#include "daemon/daemon.h"

/* Its registrations of this host, once there is an agent. */
void remembered_registrations(struct daemon *d);

void remembered_connected(struct daemon *d, int64_t now_ns);
void remembered_disconnected(struct daemon *d);

/* All leases that there are have been read. */
void remembered_hosts_synced(struct daemon *d);

#endif
