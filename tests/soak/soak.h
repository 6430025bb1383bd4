/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet of the soak. */
#ifndef SOAK_H
#define SOAK_H

#include "tests/support/host.h"
#include "tests/support/nats_server.h"

#define SOAK_HOSTS    6
#define SOAK_LASTING  2 /* the first so many daemons live throughout */
#define SOAK_SERVICES 300

struct soak_fleet {
    struct nats nats;
    struct host host[SOAK_HOSTS];
    bool stopped[SOAK_HOSTS]; /* by a fault: it is not to be waited for */
};

/* "d3/s123": the name of a service; static, of the last four calls. */
const char *soak_service(unsigned service);

#endif
