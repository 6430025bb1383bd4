/* SPDX-License-Identifier: Apache-2.0 */
/* Checks requests for registrations. */
#include <errno.h>
#include <string.h>

#include "daemon/agent/registrar_impl.h"
#include "libdiscover/core/clock.h"

#define TTL_MIN_NS (100 * NS_PER_MS)
#define TTL_MAX_NS (7 * 24 * 3600 * NS_PER_S)

int registration_check_names(const struct instance_key *key, const char **ret_why)
{
    const char *why = NULL;
    if (!label_valid(key->domain, strlen(key->domain)) || strcmp(key->domain, "host") == 0)
        why = "service: the domain is not a name that may be used";
    else if (!label_valid(key->service, strlen(key->service)))
        why = "service: not a name";
    else if (key->instance[0] && !label_valid(key->instance, strlen(key->instance)))
        why = "instance: a name is of " LABEL_RULE;
    if (why)
        *ret_why = why;
    return why ? -EINVAL : 0;
}

int registration_check_record(const struct agent_options *options, struct record *record, const char **ret_why)
{
    if (!record->addresses.families && !record->hostname[0])
        record_set_at_host(record);
    if (!record_is_at_host(record) && record_unreachable(record, options->allow_loopback)) {
        *ret_why = record_unreachable(record, options->allow_loopback);
        return -EINVAL;
    }
    return record_check(record, ret_why);
}

int registration_check_life(const struct registration_request *request, const char **ret_why)
{
    const char *why = NULL;
    if (request->pid != 0 && request->ttl_ns != 0)
        why = "ttl: not together with a pid";
    else if (request->pid < 0)
        why = "pid: not a process";
    else if (request->ttl_ns != 0 && (request->ttl_ns < TTL_MIN_NS || request->ttl_ns > TTL_MAX_NS))
        why = "ttl: must be 100 ms to 7 days";
    if (why)
        *ret_why = why;
    return why ? -EINVAL : 0;
}

struct owner registration_owner(const struct registration_request *request)
{
    return (struct owner){
        .kind = request->pid      ? OWNER_PID
                : request->ttl_ns ? OWNER_TTL
                                  : OWNER_CONNECTION,
        .client = request->client,
        .uid = request->uid,
        .ttl_ns = request->ttl_ns,
        .pid = request->pid,
        .take_over = request->take_over,
    };
}

const char *registration_refusal(int err)
{
    static const struct {
        int err;
        const char *text;
    } refusals[] = {
        {-EEXIST, "another owner on this host has registered that instance"},
        {-ENOSPC, "this host has as many instances as it may (limits.instances_per_host)"},
        {-EMSGSIZE, "it takes more bytes than a record may (limits.record_bytes)"},
        {-ENOENT, "that instance is not registered on this host"},
        {-EPERM, "that instance belongs to another user, or to the configuration"},
        {-ESRCH, "pid: no such process"},
        {-EINVAL, "that instance has no TTL to be kept alive"},
        {-EIO, "it cannot be stored"},
        {-ESHUTDOWN, "the daemon is stopping"},
        {-ENOMEM, "the daemon has no memory left"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].err == err)
            return refusals[i].text;
    return strerror(-err);
}
