/* SPDX-License-Identifier: Apache-2.0 */
/* What is told and asked over NATS, as parts. */
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

static int document(void *arg, const char *name, char **ret_text, size_t *ret_n)
{
    return daemon_document(arg, name, false, ret_text, ret_n);
}

static int answer(void *arg, const char *reply, int error, const char *text, size_t n)
{
    struct daemon *d = arg;
    return d->bus ? bus_answer(d->bus, reply, error, text, n) : -ENOTCONN;
}

void daemon_rpc_request(void *arg, const struct bus_request *request)
{
    struct daemon *d = arg;
    if (d->rpc)
        rpc_request(d->rpc, request);
}

int rpc_part_start(struct daemon *d)
{
    const struct rpc_reach reach = {.metrics = d->metrics,
                                    .config = d->config,
                                    .version = DAEMON_VERSION,
                                    .catalog = d->catalog,
                                    .arg = d,
                                    .document = document,
                                    .answer = answer};
    return rpc_new(&reach, &d->rpc);
}

void rpc_part_stop(struct daemon *d)
{
    rpc_free(d->rpc);
    d->rpc = NULL;
}
