/* SPDX-License-Identifier: Apache-2.0 */
/* What is told over NATS, as a part. */
#include "daemon/daemon.h"

static enum events_way events_way(void *arg)
{
    struct daemon *d = arg;
    struct agent_status agent = agent_status(d->agent);
    if (!d->bus || !bus_connected(d->bus) || agent.name == AGENT_NAME_UNKNOWN)
        return EVENTS_SHUT;
    return agent.name == AGENT_NAME_OURS ? EVENTS_OPEN : EVENTS_ENDED;
}

static int say(void *arg, const char *subject, const void *bytes, size_t n)
{
    struct daemon *d = arg;
    return bus_say(d->bus, subject, bytes, n);
}

int events_part_start(struct daemon *d)
{
    const struct events_reach reach = {
        .metrics = d->metrics, .config = d->config, .arg = d, .way = events_way, .say = say};
    return events_new(&reach, &d->events);
}

void events_part_stop(struct daemon *d)
{
    events_free(d->events);
    d->events = NULL;
}
