/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of all keys. A key is listed here and nowhere else. */
#include "daemon/config/config_keys.h"

#include "libdiscover/core/clock.h"

#define MS (NS_PER_MS)
#define S  (NS_PER_S)
#define H  (3600 * NS_PER_S)

#define PATH_LEN   4095
#define SOCKET_LEN 107 /* sun_path and its NUL */
#define ZONE_LEN   120 /* leaves room for the names below it: 255 octets in all (RFC 1035 section 2.3.4) */

#define YES true
#define NO  false

#define AT(field) offsetof(struct config, field)

/* clang-format off */

/* path, kind, reloadable, most and least elements of a list, offset, default, min, max, help */
static const struct config_key main_table[] = {
    {"host", VALUE_MACHINE, NO, 0, 0, AT(host), "", 1, LABEL_MAX,
     "Name of this host; default: the first label of the machine's host name"},
    {"region", VALUE_LABEL, NO, 0, 0, AT(region), "local", 1, LABEL_MAX,
     "Region of the host, as large as one NATS cluster"},
    {"zone", VALUE_LABEL, NO, 0, 0, AT(zone), "", 0, LABEL_MAX, "Part of the region the host is in; empty: none"},
    {"address", VALUE_OWN, YES, 8, 0, AT(address), "", 1, 45,
     "At which others reach this host: addresses, interfaces (\"%eth1\") or networks (\"10.0.0.0/8\"), the first that fits "
     "counts for each family; none: found out, by the way to NATS, then by the default route, and followed when it changes"},
    {"allow_loopback", VALUE_BOOLEAN, YES, 0, 0, AT(allow_loopback), "false", 0, 0,
     "Whether loopback addresses may be registered, and are taken for this host's when it has no other: for a fleet on "
     "one machine"},
    {"state_dir", VALUE_PATH, NO, 0, 0, AT(state_dir), "/var/lib/discoverd", 1, PATH_LEN,
     "Folder of what has to survive a restart"},
    {"services_dir", VALUE_PATH, YES, 0, 0, AT(services_dir), "/etc/discoverd/services.d", 0, PATH_LEN,
     "Folder with further services, in files *.conf; it may be missing; empty: none"},
    {"log.level", VALUE_LEVEL, YES, 0, 0, AT(log.level), "info", 0, 0,
     "What is logged: error, warning, notice, info or debug"},

    {"nats.servers", VALUE_NATS_URL, YES, 32, 1, AT(nats.servers), "nats://127.0.0.1:4222", 1, 300,
     "Servers of the region's cluster, nats:// or tls://"},
    {"nats.credentials", VALUE_PATH, YES, 0, 0, AT(nats.credentials), "", 0, PATH_LEN,
     "Credentials file (.creds), not readable by others"},
    {"nats.nkey_seed", VALUE_PATH, YES, 0, 0, AT(nats.nkey_seed), "", 0, PATH_LEN, "File with an nkey seed"},
    {"nats.user", VALUE_TEXT, YES, 0, 0, AT(nats.user), "", 0, 255, "User; needs password_file"},
    {"nats.password_file", VALUE_PATH, YES, 0, 0, AT(nats.password_file), "", 0, PATH_LEN,
     "File with the user's password, not readable by others"},
    {"nats.tls.ca", VALUE_PATH, YES, 0, 0, AT(nats.tls.ca), "", 0, PATH_LEN,
     "Certificates to check the servers by"},
    {"nats.tls.cert", VALUE_PATH, YES, 0, 0, AT(nats.tls.cert), "", 0, PATH_LEN, "Our certificate; needs key"},
    {"nats.tls.key", VALUE_PATH, YES, 0, 0, AT(nats.tls.key), "", 0, PATH_LEN, "Our private key; needs cert"},
    {"nats.js_domain", VALUE_TOKEN, NO, 0, 0, AT(nats.js_domain), "", 0, 255,
     "JetStream domain; empty: the default"},

    {"registry.services_bucket", VALUE_TOKEN, NO, 0, 0, AT(registry.services_bucket), "SERVICES", 1, 64,
     "Bucket of the instances"},
    {"registry.hosts_bucket", VALUE_TOKEN, NO, 0, 0, AT(registry.hosts_bucket), "HOSTS", 1, 64,
     "Bucket of the hosts' leases"},
    {"registry.lease_ttl", VALUE_DURATION, NO, 0, 0, AT(registry.lease_ttl_ns), "10s", 100 * MS, H,
     "How long this host counts as alive after its last sign of life, sent every third of it"},
    {"registry.record_ttl", VALUE_DURATION, NO, 0, 0, AT(registry.record_ttl_ns), "1h", S, 168 * H,
     "How long the bucket keeps the instances of a host that never comes back"},
    {"registry.restart_grace", VALUE_DURATION, NO, 0, 0, AT(registry.restart_grace_ns), "5s", 0, 60 * S,
     "After a restart: how long programs have to register again before their instances are gone"},
    {"registry.on_stop", VALUE_ON_STOP, YES, 0, 0, AT(registry.on_stop), "keep", 0, 0,
     "keep: when the daemon is told to stop, the lease runs on, and a start within it shows nowhere; leave: good-bye"},
    {"registry.replicas", VALUE_NUMBER, NO, 0, 0, AT(registry.replicas), "1", 1, 5,
     "Servers that keep a copy of a bucket that is made here"},
    {"registry.services_max_bytes", VALUE_NUMBER, NO, 0, 0, AT(registry.services_max_bytes), "268435456", 4096, UINT32_MAX,
     "What fits into the bucket of the instances when it is made here, in bytes: 200,000 of usual size need a third"},
    {"registry.hosts_max_bytes", VALUE_NUMBER, NO, 0, 0, AT(registry.hosts_max_bytes), "16777216", 4096, UINT32_MAX,
     "What fits into the bucket of the leases when it is made here, in bytes: 10,000 of them need a quarter"},
    {"registry.create", VALUE_BOOLEAN, NO, 0, 0, AT(registry.create), "true", 0, 0,
     "Make the buckets if they are missing; if not, discoverd --init has to be run once"},
    {"registry.guard_percent", VALUE_NUMBER, NO, 0, 0, AT(registry.guard_percent), "30", 1, 100,
     "When more hosts than this share vanish at once, they are kept, marked as stale; 100: never"},
    {"registry.guard_min", VALUE_NUMBER, NO, 0, 0, AT(registry.guard_min), "3", 1, 1000,
     "Fewer than so many are never a mass; 1: the only other host, too, is kept when it falls silent"},
    {"registry.guard_duration", VALUE_DURATION, NO, 0, 0, AT(registry.guard_duration_ns), "5m", S, 24 * H,
     "How long hosts that vanished in a mass are kept at most"},

    {"dns.listen", VALUE_ENDPOINT, NO, 16, 0, AT(dns.listen), "127.0.0.1:8053", 1, 64,
     "Where DNS is served, UDP and TCP; none: nowhere"},
    {"dns.zones", VALUE_ZONE, NO, 16, 1, AT(dns.zones), "discover.internal", 1, ZONE_LEN,
     "Zones to answer for; 10.in-addr.arpa and the like answer reverse look-ups"},
    {"dns.ttl", VALUE_SECONDS, NO, 0, 0, AT(dns.ttl_ns), "1s", 0, H, "TTL of answers, whole seconds"},
    {"dns.workers", VALUE_NUMBER, NO, 0, 0, AT(dns.workers), "1", 1, 64, "UDP threads for each address"},
    {"dns.udp_payload", VALUE_NUMBER, NO, 0, 0, AT(dns.udp_payload), "16384", 512, 16384,
     "Largest UDP answer on loopback, where nothing fragments, to clients that take it (EDNS)"},
    {"dns.remote_payload", VALUE_NUMBER, NO, 0, 0, AT(dns.remote_payload), "1232", 512, 4096,
     "Largest UDP answer off loopback"},
    {"dns.allow", VALUE_NETWORK, NO, 64, 0, AT(dns.allow), "", 1, 64,
     "Networks that may ask besides this host itself; none: whoever reaches an address of listen"},
    {"dns.rrl", VALUE_NUMBER, NO, 0, 0, AT(dns.rrl), "1000", 0, 1000000,
     "UDP answers per second to one client network off loopback; 0: no limit"},
    {"dns.tcp_clients", VALUE_NUMBER, NO, 0, 0, AT(dns.tcp_clients), "512", 1, 65536, "TCP connections at once; the idlest makes room for another one"},
    {"dns.tcp_clients_per_address", VALUE_NUMBER, NO, 0, 0, AT(dns.tcp_clients_per_address), "128", 1, 65536,
     "TCP connections at once from one address; all of loopback are one"},
    {"dns.tcp_idle", VALUE_DURATION, NO, 0, 0, AT(dns.tcp_idle_ns), "10s", 100 * MS, H,
     "A TCP connection without a query for so long is closed"},
    {"dns.tcp_message", VALUE_DURATION, NO, 0, 0, AT(dns.tcp_message_ns), "5s", 100 * MS, H,
     "How long a query over TCP may take to arrive, or its answer to be taken, once begun"},
    {"dns.cache_bytes", VALUE_NUMBER, NO, 0, 0, AT(dns.cache_bytes), "33554432", 1 << 20, 1 << 30,
     "Memory for prepared answers, of each thread, in bytes; only what is needed is used"},

    {"resolver.servers", VALUE_ENDPOINT, NO, 8, 0, AT(resolver.servers), "", 1, 64,
     "DNS servers to ask for host names that instances have instead of addresses; none: those of the system"},
    {"resolver.min_ttl", VALUE_DURATION, NO, 0, 0, AT(resolver.min_ttl_ns), "5s", 100 * MS, H,
     "A host name is not asked for more often than this, however short its TTL"},
    {"resolver.max_ttl", VALUE_DURATION, NO, 0, 0, AT(resolver.max_ttl_ns), "1h", S, 24 * H,
     "A host name is asked for again after this, however long its TTL"},
    {"resolver.denied_grace", VALUE_DURATION, NO, 0, 0, AT(resolver.denied_grace_ns), "5m", 0, 24 * H,
     "How long the last address of a host name is kept when servers say that it has none any more"},
    {"resolver.queries", VALUE_NUMBER, NO, 0, 0, AT(resolver.queries), "32", 1, 1024,
     "Questions for host names under way at once"},

    {"api.socket", VALUE_PATH, NO, 0, 0, AT(api.socket), "/run/discoverd/discoverd.sock", 1, SOCKET_LEN,
     "Unix socket of libdiscover and discoverctl"},
    {"api.register_group", VALUE_TEXT, YES, 0, 0, AT(api.register_group), "discover", 0, 255,
     "Group whose members may register services, besides root and our own user; empty: none"},
    {"api.exec_checks", VALUE_BOOLEAN, NO, 0, 0, AT(api.exec_checks), "false", 0, 0,
     "Whether whoever may register may have commands run as checks: by the daemon, as its user"},
    {"api.policy", VALUE_BLOCKS, YES, 0, 0, 0, "( )", 0, 0,
     "Who may register what, instead of register_group: the first line for a user counts; root and our own user may all"},
    {"systemd.units", VALUE_BOOLEAN, NO, 0, 0, AT(systemd.units), "false", 0, 0,
     "Whether units of systemd register services by a section [X-Discover] of their own (Service=shop/payment, Port=8080)"},
    {"systemd.bus", VALUE_TEXT, NO, 0, 0, AT(systemd.bus), "system", 1, 255,
     "Where systemd is asked for its units: system, or the address of its own socket, as unix:path=/run/systemd/private"},
    {"http.listen", VALUE_ENDPOINT, NO, 0, 0, AT(http.listen), "127.0.0.1:8054", 0, 64,
     "Where metrics and the read-only HTTP interface are ([::] takes IPv4 as well); empty: nowhere"},
    {"http.hosts", VALUE_ADDRESS, NO, 32, 0, AT(http.hosts), "", 1, RECORD_HOSTNAME_CAP - 1,
     "Names by which it may be asked for, besides those of loopback, names in dns.zones and the address it is reached at; "
     "others are refused"},
    {"events.publish", VALUE_BOOLEAN, NO, 0, 0, AT(events.publish), "true", 0, 0,
     "Whether what happens to this host and its instances, and to hosts that are lost, is published over NATS"},
    {"requests.answer", VALUE_BOOLEAN, NO, 0, 0, AT(requests.answer), "true", 0, 0,
     "Whether requests over NATS are answered: the tools of NATS for its micro services, and discoverctl --host"},

    {"trace.endpoint", VALUE_HTTP_URL, NO, 0, 0, AT(trace.endpoint), "", 0, PATH_LEN,
     "Collector of OpenTelemetry that spans are sent to, by OTLP over HTTP (\"http://127.0.0.1:4318\"); without a path: "
     "/v1/traces; empty: nowhere, and trace contexts are handed on all the same"},
    {"trace.sample", VALUE_RATIO, NO, 0, 0, AT(trace.sample), "0.01", 1, 20,
     "How many of the operations that come without a trace context begin a trace, 0 to 1; those that come with one are "
     "recorded if its sampled flag says so"},
    {"trace.queue", VALUE_NUMBER, NO, 0, 0, AT(trace.queue), "2048", 1, 1000000,
     "Spans that wait to be sent, and trace contexts of changes that wait to be seen"},
    {"trace.timeout", VALUE_DURATION, NO, 0, 0, AT(trace.timeout_ns), "10s", 100 * MS, H,
     "How long a request to the collector may take"},
    {"trace.give_up", VALUE_DURATION, NO, 0, 0, AT(trace.give_up_ns), "1m", S, H,
     "How long spans are offered to a collector that is away or overloaded; then they are dropped"},

    {"failover.enabled", VALUE_BOOLEAN, NO, 0, 0, AT(failover.enabled), "true", 0, 0,
     "Whether another region answers for a service of which the own one has too few usable instances"},
    {"failover.regions", VALUE_LABEL, NO, 64, 0, AT(failover.regions), "", 1, LABEL_MAX,
     "Those that may, the first that has any first; none: all of regions, in their order"},
    {"failover.min", VALUE_NUMBER, NO, 0, 0, AT(failover.min), "1", 1, 1000000, "Usable instances that are enough"},
    {"failover.after", VALUE_DURATION, NO, 0, 0, AT(failover.after_ns), "0s", 0, H,
     "How long there must have been too few: checks are slow enough by themselves"},
    {"failover.back_after", VALUE_DURATION, NO, 0, 0, AT(failover.back_after_ns), "30s", 0, H,
     "How long there must have been enough again; up to a fifth more, which is each host's own, and twice as long each time "
     "that it did not last"},

    {"limits.hosts", VALUE_NUMBER, NO, 0, 0, AT(limits.hosts), "20000", 1, 1000000, "Hosts in the catalog"},
    {"limits.services", VALUE_NUMBER, NO, 0, 0, AT(limits.services), "100000", 1, 10000000,
     "Services in the catalog"},
    {"limits.services_per_domain", VALUE_NUMBER, NO, 0, 0, AT(limits.services_per_domain), "10000", 1, 10000000,
     "Services of one domain; those of this host are taken all the same"},
    {"limits.instances", VALUE_NUMBER, NO, 0, 0, AT(limits.instances), "1000000", 1, 10000000,
     "Instances of other hosts in the catalog"},
    {"limits.instances_per_service", VALUE_NUMBER, NO, 0, 0, AT(limits.instances_per_service), "50000", 1, 1000000,
     "Instances of one service; those of this host are taken all the same"},
    {"limits.instances_per_host", VALUE_NUMBER, NO, 0, 0, AT(limits.instances_per_host), "10000", 1, 1000000,
     "Instances of one host, this one too"},
    {"limits.table_bytes", VALUE_NUMBER, NO, 0, 0, AT(limits.table_bytes), "262144", 1 << 16, 1 << 30,
     "Smallest size of the shared table, in bytes; it grows with what is in it"},
    {"limits.host_changes", VALUE_NUMBER, YES, 0, 0, AT(limits.host_changes), "1000", 1, 1000000,
     "Changes of one host per second, over ten seconds, above which log and status say that it floods, and its "
     "records are read later while messages of others wait"},
    {"limits.record_bytes", VALUE_NUMBER, NO, 0, 0, AT(limits.record_bytes), "8192", 512, RECORD_WIRE_MAX,
     "Largest instance in the bucket, in bytes"},
    {"limits.mailbox", VALUE_NUMBER, NO, 0, 0, AT(limits.mailbox), "16384", 256, 1048576,
     "Messages from NATS that wait to be worked off"},
    {"limits.puts", VALUE_NUMBER, NO, 0, 0, AT(limits.puts), "8192", 64, 1048576,
     "Changes of this host that wait for NATS to confirm them"},
    {"limits.snapshot_duration", VALUE_DURATION, NO, 0, 0, AT(limits.snapshot_duration_ns), "60s", S, H,
     "How long reading a whole bucket may take"},
    {"limits.api_clients", VALUE_NUMBER, NO, 0, 0, AT(limits.api_clients), "1024", 1, 65536,
     "Connections to the Unix socket at once"},
    {"limits.api_clients_per_uid", VALUE_NUMBER, NO, 0, 0, AT(limits.api_clients_per_uid), "256", 1, 65536,
     "Connections to the Unix socket by one user other than root and ours"},
    {"limits.api_reserve", VALUE_NUMBER, NO, 0, 0, AT(limits.api_reserve), "64", 1, 65536,
     "Of these, kept for root and our own user; at most half"},
    {"limits.ejections", VALUE_NUMBER, NO, 0, 0, AT(limits.ejections), "1024", 4, 65536,
     "Ejections that programs share at once; a user who may not register has a quarter of them"},
    {"limits.hostnames", VALUE_NUMBER, NO, 0, 0, AT(limits.hostnames), "10000", 0, 1000000,
     "Host names that are kept resolved"},
    {"limits.hostnames_per_host", VALUE_NUMBER, NO, 0, 0, AT(limits.hostnames_per_host), "1000", 0, 1000000,
     "Host names that the instances of one host may have, this one too; 0: as many as limits.hostnames"},
    {"limits.api_watches", VALUE_NUMBER, NO, 0, 0, AT(limits.api_watches), "1024", 1, 1000000,
     "Services that one connection to the Unix socket may watch"},
    {"limits.api_watches_per_uid", VALUE_NUMBER, NO, 0, 0, AT(limits.api_watches_per_uid), "4096", 1, 1000000,
     "Services that one user who may not register may watch"},
    {"limits.api_watches_all", VALUE_NUMBER, NO, 0, 0, AT(limits.api_watches_all), "65536", 2, 10000000,
     "Services that all users together may watch; half of it is for those who may register"},
    {"limits.api_output_bytes", VALUE_NUMBER, NO, 0, 0, AT(limits.api_output_bytes), "262144", 65536, 1 << 30,
     "What may wait for a connection that does not read, in bytes; more, and it is closed"},
    {"limits.api_handshake", VALUE_DURATION, NO, 0, 0, AT(limits.api_handshake_ns), "5s", 100 * MS, H,
     "How long a new connection to the Unix socket may take to say what it is"},
    {"limits.checks", VALUE_NUMBER, YES, 0, 0, AT(limits.checks), "20000", 0, 1000000, "Checks on this host"},
    {"limits.checks_per_instance", VALUE_NUMBER, YES, 0, 0, AT(limits.checks_per_instance), "8", 0, CHECKS_MAX,
     "Checks of one instance"},
    {"limits.checks_running", VALUE_NUMBER, YES, 0, 0, AT(limits.checks_running), "1000", 1, 65536,
     "Checks under way at once; others that are due wait"},
    {"limits.check_recoveries", VALUE_NUMBER, YES, 0, 0, AT(limits.check_recoveries), "6", 1, 10000,
     "How often in a minute an instance's checks may make its state better; one that flaps more stays as bad as it was"},
    {"limits.overrides", VALUE_NUMBER, NO, 0, 0, AT(limits.overrides), "1000", 1, 100000,
     "States that operators set (discoverctl drain, maintenance)"},
    {"limits.http_clients", VALUE_NUMBER, NO, 0, 0, AT(limits.http_clients), "256", 1, 65536,
     "HTTP connections at once"},
    {"limits.http_clients_per_user", VALUE_NUMBER, NO, 0, 0, AT(limits.http_clients_per_user), "64", 1, 65536,
     "Of these, of one user of this machine other than root and ours, or of one address"},
    {"limits.http_reserve", VALUE_NUMBER, NO, 0, 0, AT(limits.http_reserve), "16", 1, 65536,
     "Of these, kept for root and our own user; at most half"},
    {"limits.http_held", VALUE_NUMBER, NO, 0, 0, AT(limits.http_held), "4096", 2, 65536,
     "HTTP requests and event streams at once that wait for a change, beside these; of one user or address half of them"},
    {"limits.http_time", VALUE_DURATION, NO, 0, 0, AT(limits.http_time_ns), "10s", 100 * MS, H,
     "How long an HTTP request may take to arrive, and each part of its answer to be taken"},
    {"limits.http_idle", VALUE_DURATION, NO, 0, 0, AT(limits.http_idle_ns), "75s", 100 * MS, H,
     "How long an HTTP connection is kept for the next request"},
    {"limits.events", VALUE_NUMBER, NO, 0, 0, AT(limits.events), "100", 1, 100000,
     "Events that are published in a second"},
    {"limits.events_waiting", VALUE_NUMBER, NO, 0, 0, AT(limits.events_waiting), "1024", 1, 1000000,
     "Events that wait for their turn, or for NATS; more are dropped, and counted"},
    {"limits.requests", VALUE_NUMBER, NO, 0, 0, AT(limits.requests), "100", 1, 100000,
     "Requests over NATS that are answered in a second"},
    {"limits.requests_waiting", VALUE_NUMBER, NO, 0, 0, AT(limits.requests_waiting), "64", 1, 65536,
     "Requests over NATS that wait for that; more are not answered, and counted"},
    {"limits.answer_bytes", VALUE_NUMBER, NO, 0, 0, AT(limits.answer_bytes), "16000", 1024, 65000,
     "Largest answer over NATS, in bytes; less than what NATS lets this host send at once (max_payload)"},

    {"limits.regions", VALUE_NUMBER, NO, 0, 0, AT(limits.regions), "8", 1, 64,
     "Other regions that are read; limits.hosts, services, instances and the like count for each of them"},

    {"failover_services", VALUE_BLOCKS, NO, 0, 0, 0, "( )", 0, 0, "Services with a failover of their own"},
    {"regions", VALUE_BLOCKS, NO, 0, 0, 0, "( )", 0, 0, "Other regions to read, nearest first"},
    {"services", VALUE_BLOCKS, YES, 0, 0, 0, "( )", 0, 0, "Services to register on this host"},
};

#undef AT
#define AT(field) offsetof(struct policy_line, field)

static const struct config_key policy_table[] = {
    {"user", VALUE_TEXT, YES, 0, 0, AT(user), "", 0, 255, "A user by name, or ..."},
    {"group", VALUE_TEXT, YES, 0, 0, AT(group), "", 0, 255, "... the members of a group; with neither, everybody"},
    {"services", VALUE_PATTERN, YES, 64, 0, AT(services), "", 1, SERVICE_CAP - 1,
     "What they may register: services, in which * stands for anything; none: nothing"},
    {"overrides", VALUE_BOOLEAN, YES, 0, 0, AT(overrides), "false", 0, 0,
     "Whether they may set and end states over the programs' (drain, maintenance) for these services; with \"*\", for the host"},
};

#undef AT
#define AT(field) offsetof(struct service_block, field)

static const struct config_key service_table[] = {
    {"name", VALUE_SERVICE, YES, 0, 0, AT(name), NULL, 1, SERVICE_CAP - 1, "Domain and service"},
    {"instance", VALUE_LABEL, YES, 0, 0, AT(instance), "", 0, LABEL_MAX,
     "Default: service and port, \"payment-8080\""},
    {"unit", VALUE_UNIT, YES, 0, 0, AT(unit), "", 0, UNIT_NAME_MAX,
     "The systemd unit it is: registered while that is active, draining while it stops (systemd.bus)"},
    {"port", VALUE_NUMBER, YES, 0, 0, AT(port), NULL, 1, 65535, "Where it is served"},
    {"address", VALUE_ADDRESS, YES, 2, 0, AT(address), "", 1, RECORD_HOSTNAME_CAP - 1,
     "An IPv4 address, an IPv6 address or both, or a host name; none: the host's"},
    {"proto", VALUE_PROTOCOL, YES, 0, 0, AT(proto), "tcp", 0, 0, "tcp or udp"},
    {"weight", VALUE_NUMBER, YES, 0, 0, AT(weight), "1", 1, 65535, "Share of the load, among equal priorities"},
    {"priority", VALUE_NUMBER, YES, 0, 0, AT(priority), "0", 0, 65535, "Lower ones are used first"},
    {"tags", VALUE_TAG, YES, RECORD_TAGS_MAX, 0, AT(tags), "", 1, RECORD_TAG_CAP - 1, "For look-ups by tag: free text; those that are names such as canary have names in DNS, too"},
    {"meta", VALUE_PAIRS, YES, 0, 0, 0, "{ }", 0, 0, "For whoever looks it up"},
    {"exported", VALUE_BOOLEAN, YES, 0, 0, AT(exported), "true", 0, 0,
     "Whether other regions may fail over to it; if not, only who asks there for this region gets its instances"},
    {"checks", VALUE_BLOCKS, YES, 0, 0, 0, "( )", 0, 0,
     "Its state is the worst of theirs; a critical one is not served. Each has one of tcp, http, grpc, exec, ttl, unit and pid"},
};

#undef AT
#define AT(field) offsetof(struct check_spec, field)

static const struct config_key check_table[] = {
    {"name", VALUE_LABEL, YES, 0, 0, AT(name), "", 0, LABEL_MAX, "What it is called; default: its kind"},
    {"tcp", VALUE_TARGET, YES, 0, 0, AT(tcp), "", 1, CHECK_TEXT_LEN, "A connection must be accepted there"},
    {"http", VALUE_HTTP_URL, YES, 0, 0, AT(http), "", 1, CHECK_TEXT_LEN,
     "Or: an http or https URL, whose answer must have one of the codes; 429 is a warning"},
    {"grpc", VALUE_GRPC, YES, 0, 0, AT(grpc), "", 1, CHECK_TEXT_LEN,
     "Or: grpc.health.v1 must say that the server, or the service named behind a slash, is serving"},
    {"exec", VALUE_PATH, YES, 0, 0, AT(exec), "", 1, PATH_LEN,
     "Or: a command, which ends with 0 (passing), 1 (warning) or anything else (critical); the environment says what is "
     "checked (DISCOVER_SERVICE, DISCOVER_INSTANCE, DISCOVER_HOST, DISCOVER_PORT, DISCOVER_CHECK)"},
    {"args", VALUE_ARGUMENT, YES, CHECK_ARGS_MAX, 0, AT(args), "", 0, CHECK_TEXT_LEN, "Arguments of the command"},
    {"ttl", VALUE_DURATION, YES, 0, 0, AT(ttl_ns), "0", 0, 168 * H,
     "Or: the program itself reports, at least once in that time (discover_report_check, discoverctl check)"},
    {"unit", VALUE_UNIT, YES, 0, 0, AT(unit), "", 1, 255, "Or: a unit of systemd must be active"},
    {"pid", VALUE_PROCESS, YES, 0, 0, AT(pid), "", 1, PATH_LEN,
     "Or: a process must live, given by its number or by a file that has it"},
    {"method", VALUE_METHOD, YES, 0, 0, AT(method), "", 0, 16, "http: default GET; with a body, POST"},
    {"headers", VALUE_HEADER, YES, CHECK_HEADERS_MAX, 0, AT(headers), "", 1, CHECK_TEXT_LEN, "http: headers to send"},
    {"body", VALUE_TEXT, YES, 0, 0, AT(body), "", 0, CHECK_TEXT_LEN, "http: what to send"},
    {"codes", VALUE_CODES, YES, CHECK_CODES_MAX, 0, AT(codes), "200-299", 1, 7, "http: codes that pass"},
    {"match", VALUE_TEXT, YES, 0, 0, AT(match), "", 0, CHECK_TEXT_LEN,
     "http: a text that must stand within the first 64 KB of the answer"},
    {"redirects", VALUE_BOOLEAN, YES, 0, 0, AT(redirects), "false", 0, 0, "http: follow up to 5 of them"},
    {"socket", VALUE_PATH, YES, 0, 0, AT(socket), "", 1, SOCKET_LEN, "http: a Unix socket to ask, instead of the URL's host"},
    {"tls.on", VALUE_BOOLEAN, YES, 0, 0, AT(tls.on), "false", 0, 0, "grpc: over TLS; http has it by its URL"},
    {"tls.ca", VALUE_PATH, YES, 0, 0, AT(tls.ca), "", 1, PATH_LEN,
     "Certificates to check the server's by; default: those of the system"},
    {"tls.cert", VALUE_PATH, YES, 0, 0, AT(tls.cert), "", 1, PATH_LEN, "Our certificate; needs key"},
    {"tls.key", VALUE_PATH, YES, 0, 0, AT(tls.key), "", 1, PATH_LEN, "Our private key; needs cert"},
    {"tls.server_name", VALUE_HOST, YES, 0, 0, AT(tls.server_name), "", 1, 253,
     "The name to ask for and to be proven by the certificate; default: the host that is asked"},
    {"tls.verify", VALUE_BOOLEAN, YES, 0, 0, AT(tls.verify), "true", 0, 0, "Whether the certificate must be right"},
    {"interval", VALUE_DURATION, YES, 0, 0, AT(interval_ns), "5s", 100 * MS, H, "From one run to the next"},
    {"timeout", VALUE_DURATION, YES, 0, 0, AT(timeout_ns), "2s", 10 * MS, H, "At most the interval"},
    {"fall", VALUE_NUMBER, YES, 0, 0, AT(fall), "3", 1, 100, "Failures in a row until it is critical"},
    {"warn", VALUE_NUMBER, YES, 0, 0, AT(warn), "0", 0, 100, "Failures in a row until it is a warning; 0: none are"},
    {"rise", VALUE_NUMBER, YES, 0, 0, AT(rise), "2", 1, 100, "Successes in a row until it passes again"},
    {"initial", VALUE_INITIAL, YES, 0, 0, AT(initial), "passing", 0, 0, "Its state until it is known"},
    {"start_period", VALUE_DURATION, YES, 0, 0, AT(start_period_ns), "0", 0, 24 * H,
     "Failures do not count so long after the registration, unless it has passed by then"},
    {"deregister_after", VALUE_DURATION, YES, 0, 0, AT(deregister_after_ns), "0", 0, 168 * H,
     "Critical for so long, the instance is deregistered; one of the configuration, until that is read again; 0: never"},
};

#undef AT
#define AT(field) offsetof(struct region_config, field)

static const struct config_key region_table[] = {
    {"name", VALUE_LABEL, NO, 0, 0, AT(name), NULL, 1, LABEL_MAX, "What its daemons have as region"},
    {"js_domain", VALUE_TOKEN, NO, 0, 0, AT(js_domain), "", 0, 255,
     "Its JetStream domain, as it is reached through leaf nodes; may be left out only with nats.servers"},
    {"mirror", VALUE_TEXT, NO, 0, 0, AT(mirror), "", 0, 128,
     "Streams of this region that mirror its buckets, whose names are %s in it, \"MIRROR_%s\": snapshots are read from them; discoverd --init makes them"},
    {"keep", VALUE_DURATION, NO, 0, 0, AT(keep_ns), "24h", 60 * S, 8760 * H, "How long its mirrors keep what is not renewed"},
    {"nats.servers", VALUE_NATS_URL, NO, 32, 0, AT(nats.servers), "", 1, 300,
     "Servers to read it from; none: those of the own region, by all that the group nats says"},
    {"nats.credentials", VALUE_PATH, NO, 0, 0, AT(nats.credentials), "", 0, PATH_LEN, "Credentials file (.creds)"},
    {"nats.nkey_seed", VALUE_PATH, NO, 0, 0, AT(nats.nkey_seed), "", 0, PATH_LEN, "File with an nkey seed"},
    {"nats.user", VALUE_TEXT, NO, 0, 0, AT(nats.user), "", 0, 255, "User; needs password_file"},
    {"nats.password_file", VALUE_PATH, NO, 0, 0, AT(nats.password_file), "", 0, PATH_LEN,
     "File with the user's password"},
    {"nats.tls.ca", VALUE_PATH, NO, 0, 0, AT(nats.tls.ca), "", 0, PATH_LEN, "Certificates to check the servers by"},
    {"nats.tls.cert", VALUE_PATH, NO, 0, 0, AT(nats.tls.cert), "", 0, PATH_LEN, "Our certificate; needs key"},
    {"nats.tls.key", VALUE_PATH, NO, 0, 0, AT(nats.tls.key), "", 0, PATH_LEN, "Our private key; needs cert"},
};

#undef AT
#define AT(field) offsetof(struct failover_service, field)

static const struct config_key failover_table[] = {
    {"name", VALUE_SERVICE, NO, 0, 0, AT(name), NULL, 1, SERVICE_CAP - 1, "Domain and service"},
    {"regions", VALUE_LABEL, NO, 64, 0, AT(regions), "", 1, LABEL_MAX, "As failover.regions; none: no other answers for it"},
    {"min", VALUE_NUMBER, NO, 0, 0, AT(min), "1", 1, 1000000, "As failover.min"},
};

/* clang-format on */

#define TABLE(rows, prefix)                                                                                            \
    {                                                                                                                  \
        rows, sizeof rows / sizeof *rows, prefix                                                                       \
    }

const struct config_table config_keys = TABLE(main_table, "");
const struct config_table policy_keys = TABLE(policy_table, "api.policy[].");
const struct config_table service_keys = TABLE(service_table, "services[].");
const struct config_table check_keys = TABLE(check_table, "services[].checks[].");
const struct config_table region_keys = TABLE(region_table, "regions[].");
const struct config_table failover_keys = TABLE(failover_table, "failover_services[].");
