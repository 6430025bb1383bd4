/* SPDX-License-Identifier: Apache-2.0 */
/* Options for tests: what a test leaves at 0 gets the default value of the configuration. */
#include "tests/support/options.h"

#include "libdiscover/core/clock.h"

#define OR(given, otherwise) ((given) ? (given) : (otherwise))

struct agent_options agent_complete(struct agent_options o)
{
    o.lease_ttl_ns = OR(o.lease_ttl_ns, 10 * NS_PER_S);
    o.record_ttl_ns = OR(o.record_ttl_ns, 3600 * NS_PER_S);
    o.instances_max = OR(o.instances_max, 10000);
    o.overrides_max = OR(o.overrides_max, 1000);
    o.window_max = OR(o.window_max, 4096);
    o.record_max = OR(o.record_max, RECORD_WIRE_MAX);
    return o; /* restart_grace_ns: 0 is a value */
}

struct api_options api_complete(struct api_options o)
{
    o.clients_max = OR(o.clients_max, 1024);
    o.clients_per_uid_max = OR(o.clients_per_uid_max, 256);
    o.clients_reserve = OR(o.clients_reserve, 64);
    o.watches_max = OR(o.watches_max, 1024);
    o.watches_per_uid_max = OR(o.watches_per_uid_max, 4096);
    o.watches_all_max = OR(o.watches_all_max, 65536);
    o.ejections_max = OR(o.ejections_max, 1024);
    o.output_max = OR(o.output_max, 262144);
    o.frames_per_wakeup = OR(o.frames_per_wakeup, API_FRAMES_PER_WAKEUP);
    o.handshake_timeout_ns = OR(o.handshake_timeout_ns, 5 * NS_PER_S);
    o.group = OR(o.group, "");
    return o;
}

struct http_options http_complete(struct http_options o)
{
    static const struct string_list none;
    o.names.hosts = OR(o.names.hosts, &none);
    o.names.zones = OR(o.names.zones, &none);
    o.dns_listen = OR(o.dns_listen, &none);
    o.connections_max = OR(o.connections_max, 256);
    o.per_user_max = OR(o.per_user_max, 64);
    o.reserve = OR(o.reserve, 16);
    o.timeout_ns = OR(o.timeout_ns, 10 * NS_PER_S);
    o.held_max = OR(o.held_max, 4096);
    o.idle_ns = OR(o.idle_ns, 75 * NS_PER_S);
    o.heartbeat_ns = OR(o.heartbeat_ns, HTTP_HEARTBEAT_NS);
    return o;
}

struct liveness_options liveness_complete(struct liveness_options o)
{
    o.max_hosts = OR(o.max_hosts, 20000);
    o.guard_percent = OR(o.guard_percent, 30);
    o.guard_min = OR(o.guard_min, 3);
    o.guard_ns = OR(o.guard_ns, 300 * NS_PER_S);
    return o;
}
