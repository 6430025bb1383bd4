/* SPDX-License-Identifier: Apache-2.0 */
/* Knot DNS and NSD as Debian packages them, serving the same names from a static zone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/dns/server.h"

#define PATH_CAP 256

static char conf_path[PATH_CAP], zone_path[PATH_CAP];

static void write_service(FILE *f, uint32_t service, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = service * n + i;
        unsigned a = number >> 16 & 255, b = number >> 8 & 255, c = number & 255;
        fprintf(f, "s%u.shop SRV 0 256 %u 0a%02x%02x%02x.addr.shop\n", service, 8000 + i, a, b, c);
        fprintf(f, "0a%02x%02x%02x.addr.shop A 10.%u.%u.%u\n", a, b, c, a, b, c);
    }
}

static int write_zone(const struct server_options *o)
{
    FILE *f = fopen(zone_path, "w");
    if (!f)
        return -errno;
    fprintf(f, "$ORIGIN discover.internal.\n$TTL 1\n@ SOA ns hostmaster 1 3600 600 86400 1\n@ NS ns\nns A "
               "127.0.0.1\n");
    for (uint32_t s = 0; s < o->services; s++)
        write_service(f, s, o->instances);
    return fclose(f) == 0 ? 0 : -errno;
}

static void write_knot(FILE *f, const struct server_options *o, int port)
{
    uint32_t workers = o->workers ? o->workers : 1;
    fprintf(f,
            "server:\n    listen: 127.0.0.1@%d\n    rundir: \"%s\"\n    udp-workers: %u\n    tcp-workers: 1\n"
            "    background-workers: 1\n    udp-max-payload: 4096\n"
            "database:\n    storage: \"%s\"\n"
            "template:\n  - id: default\n    storage: \"%s\"\n    zonefile-sync: -1\n"
            "zone:\n  - domain: discover.internal\n    file: \"%s\"\n",
            port, o->folder, workers, o->folder, o->folder, zone_path);
}

static void write_nsd(FILE *f, const struct server_options *o, int port)
{
    uint32_t workers = o->workers ? o->workers : 1;
    fprintf(f,
            "server:\n    ip-address: 127.0.0.1@%d\n    server-count: %u\n    reuseport: %s\n    username: \"\"\n"
            "    zonesdir: \"%s\"\n    database: \"\"\n    pidfile: \"%s/nsd.pid\"\n    xfrdfile: \"%s/xfrd\"\n"
            "    xfrdir: \"%s\"\n    zonelistfile: \"%s/zones\"\n    ipv4-edns-size: 4096\n    "
            "minimal-responses: no\n    rrl-ratelimit: 0\n"
            "remote-control:\n    control-enable: no\n"
            "zone:\n    name: discover.internal\n    zonefile: \"%s\"\n",
            port, workers, workers > 1 ? "yes" : "no", o->folder, o->folder, o->folder, o->folder, o->folder,
            zone_path);
}

int rival_prepare(const struct server_options *o, int port, const char **argv, size_t max)
{
    bool knot = o->kind == SERVER_KNOT;
    snprintf(conf_path, sizeof conf_path, "%s/%s.conf", o->folder, server_name(o->kind));
    snprintf(zone_path, sizeof zone_path, "%s/%s.zone", o->folder, server_name(o->kind));
    int err = write_zone(o);
    FILE *f = err ? NULL : fopen(conf_path, "w");
    if (!f || max < 5)
        return err ? err : -EIO;
    if (knot)
        write_knot(f, o, port);
    else
        write_nsd(f, o, port);
    argv[1] = "-c";
    argv[2] = conf_path;
    argv[3] = knot ? NULL : "-d";
    argv[4] = NULL;
    return fclose(f) == 0 ? 0 : -errno;
}
