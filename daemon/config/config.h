/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as a plain structure. Every key stands in one table (config_keys.c); the file's syntax is
 * libconfig's, which nobody outside the config_*.c files sees.
 *
 * Main thread. A struct config belongs to the caller, is complete (no string in it is NULL, every value is within
 * its range) and never changes behind the caller's back.
 *
 * Failure: everything that is wrong with the files is reported, not only the first, as "FILE:LINE: key: reason"
 * through a callback; no configuration comes out then. A file of services_dir is by itself: when something in it is
 * wrong, that is reported as well, and only this file is refused (service_files.h).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/string_list.h"
#include "libdiscover/core/record.h"

#define CONFIG_WHY_CAP 256

/* What becomes of the services of this host when the daemon is told to stop. */
enum on_stop {
    ON_STOP_KEEP, /* their lease runs on, as after a crash */
    ON_STOP_LEAVE,
};

/* Of api.policy: who may register what. */
struct policy_line {
    char *user, *group; /* "": any */
    struct string_list services;
    bool overrides;
    char place[320]; /* "discoverd.conf:12"; cut if longer */
};

/* How NATS is reached. */
struct nats_config {
    struct string_list servers;
    char *credentials, *nkey_seed, *user, *password_file, *js_domain;
    struct {
        char *ca, *cert, *key;
    } tls;
};

#define CONFIG_REGIONS_MAX 64 /* of limits.regions */

/* Another region that is read. */
struct region_config {
    char *name, *js_domain;
    char *mirror; /* of its buckets here: "%s" stands for their names; "": there is none */
    int64_t keep_ns;
    struct nats_config nats; /* without servers: as the own one is reached */
};

/* Which regions answer for a service where the own one has too few instances of it. */
struct failover_service {
    char *name;
    struct string_list regions; /* none: no other answers */
    uint32_t min;
};

#define UNIT_NAME_MAX 255 /* systemd.unit(5) */

/* A service that is registered on this host, and its checks. */
struct service_config {
    struct instance_key key;      /* host: "", this one is meant */
    struct record record;         /* obeys record_check, but may have no address: then the host's is meant */
    struct string_list checks;    /* as texts (check_spec.h), each of which is right */
    char unit[UNIT_NAME_MAX + 1]; /* of systemd, with which it comes and goes; "": none */
};

struct config {
    char *host, *region, *zone;
    struct string_list address; /* of the host: address, "%interface" or network; none: to be found out */
    bool allow_loopback;
    char *state_dir, *services_dir;
    struct {
        uint32_t level; /* LOG_ERR .. LOG_DEBUG */
    } log;
    struct nats_config nats;
    struct {
        char *services_bucket, *hosts_bucket;
        int64_t lease_ttl_ns, record_ttl_ns, restart_grace_ns, guard_duration_ns;
        uint32_t on_stop; /* enum on_stop */
        uint32_t replicas, guard_percent, guard_min, services_max_bytes, hosts_max_bytes;
        bool create;
    } registry;
    struct {
        struct string_list listen, zones, allow;
        int64_t ttl_ns, tcp_idle_ns, tcp_message_ns; /* ttl_ns: whole seconds */
        uint32_t workers, udp_payload, remote_payload, rrl, tcp_clients, tcp_clients_per_address, cache_bytes;
    } dns;
    struct {
        struct string_list servers;
        int64_t min_ttl_ns, max_ttl_ns, denied_grace_ns;
        uint32_t queries;
    } resolver;
    struct {
        char *socket, *register_group;
        struct policy_line *policy;
        size_t n_policy;
        bool exec_checks;
    } api;
    struct {
        bool units;
        char *bus;
    } systemd;
    struct {
        char *listen;
        struct string_list hosts;
    } http;
    struct {
        bool publish;
    } events;
    struct {
        bool answer;
    } requests;
    struct {
        uint32_t hosts, services, services_per_domain, instances, instances_per_service, instances_per_host,
            host_changes, record_bytes, mailbox, puts;
        uint32_t api_clients, api_clients_per_uid, api_watches, api_output_bytes, ejections, hostnames,
            hostnames_per_host, http_clients, overrides;
        uint32_t checks, checks_per_instance, checks_running, check_recoveries;
        uint32_t api_reserve, api_watches_per_uid, api_watches_all;
        uint32_t table_bytes, regions;
        uint32_t http_clients_per_user, http_reserve, http_held;
        uint32_t events, events_waiting, requests, requests_waiting, answer_bytes;
        int64_t snapshot_duration_ns, api_handshake_ns, http_time_ns, http_idle_ns;
    } limits;
    struct {
        char *endpoint, *sample; /* sample: a ratio */
        int64_t timeout_ns, give_up_ns;
        uint32_t queue;
    } trace;
    struct {
        struct string_list regions; /* none: all, in their order */
        uint32_t min;
        int64_t after_ns, back_after_ns;
        bool enabled;
    } failover;
    struct failover_service *failover_services;
    size_t n_failover_services;
    struct region_config *regions; /* nearest first; no two of one name */
    size_t n_regions;
    struct service_config *services; /* no two with the same service and instance */
    size_t n_services;
    struct service_file *service_files; /* of services_dir, by name */
    size_t n_service_files;
};

/* One of services_dir. */
struct service_file {
    char *name; /* "payment.conf" */
    char *text; /* what it says, with what it includes; NULL: refused */
    bool refused;
};

/* message: one line without its newline; lives during the call. */
typedef void config_error_fn(void *arg, const char *message);

/*
 * Reads a file, what it includes, and *.conf of its services_dir. -EINVAL: something in them is wrong, or one of
 * them cannot be read; it was reported. -ENOMEM.
 */
int config_load(const char *path, config_error_fn *fn, void *arg, struct config **ret_config);

/* The same without looking into services_dir: for who only wants to know how NATS is reached. */
int config_load_alone(const char *path, config_error_fn *fn, void *arg, struct config **ret_config);

/* How many files of services_dir were refused. */
size_t config_refused_files(const struct config *config);

/*
 * Stores what the files of services_dir say in state_dir, for the day when one of them is wrong. To be called once the
 * configuration is in force. Blocks on the disk. A negative errno: that of the first that could not be stored.
 */
int config_keep_service_files(const struct config *config);

/* What an empty file would give, without looking into services_dir. -ENOMEM. */
int config_defaults(struct config **ret_config);

/*
 * Sets one key ("dns.ttl") from text ("5s"; the elements of a list are separated by blanks). -ENOENT: no such key;
 * -EINVAL with the reason; -ENOMEM. A value that is refused changes nothing.
 */
int config_set(struct config *c, const char *key, const char *text, char ret_why[static CONFIG_WHY_CAP]);

void config_free(struct config *c);

/* Ends services that are of no configuration (x_discover.h). */
void service_configs_free(struct service_config *services, size_t n);

/* Calls fn for each key whose value differs. Services are not keys. */
typedef void config_change_fn(void *arg, const char *key, bool reloadable);
void config_changes(const struct config *before, const struct config *after, config_change_fn *fn, void *arg);

/*
 * Exchanges what takes effect at SIGHUP, services and their files among it. What takes effect only at a start stays what
 * it is: others may hold pointers to it.
 */
void config_reload(struct config *c, struct config *fresh);

/* Whether both have the same list of groups at that path ("regions"); true if the path is that of no such list. */
bool config_list_equal(const struct config *a, const struct config *b, const char *path);

/* The table for people: a line of key, type, default, range, help for each key, separated by tabs. */
void config_print_keys(FILE *out);

/* A configuration file with every key at its default and what it is for. */
void config_print_example(FILE *out);

#endif
