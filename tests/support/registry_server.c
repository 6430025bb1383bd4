/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a nats-server with the accounts and rights of examples/nats. */
#include "tests/support/registry_server.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/debian_package.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define READY_MS 20000

static struct output o;

/* Only what would clash on one machine is another: where it listens, where it stores. */
static void copy_example(struct registry_server *r)
{
    snprintf(r->config, sizeof r->config, "%s/registry.conf", e2e_folder());
    snprintf(r->list, sizeof r->list, "%s/hosts.txt", e2e_folder());
    ck_assert_msg(shell(&o,
                        "cp %s/nats/hosts.txt %s && sed -e 's|127.0.0.1:4222|127.0.0.1:%d|' -e 's|/var/lib/nats|%s|' "
                        "%s/nats/registry.conf >%s",
                        EXAMPLES_DIR, r->list, r->nats.server[0].port, r->nats.server[0].store, EXAMPLES_DIR,
                        r->config) == 0,
                  "%s", o.err);
    if (r->batches)
        ck_assert_int_eq(shell(&o,
                               "sed -i 's|DIRECT.GET.KV_[A-Z]*\" }$|&, response_type: stream, response_threshold: "
                               "\"5s\" }|; s|\" }, response|\", response|' %s",
                               r->config),
                         0);
}

static void write_password(const char *name, char ret_path[static 512])
{
    snprintf(ret_path, 512, "%s/%s.password", e2e_folder(), name);
    FILE *file = fopen(ret_path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert(fchmod(fileno(file), 0600) == 0 && fprintf(file, "%s-secret\n", name) > 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_buckets(struct registry_server *r)
{
    char path[512], config[512];
    write_password("admin", path);
    snprintf(config, sizeof config, "%s/admin.conf", e2e_folder());
    FILE *file = fopen(config, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "nats = { servers = [\"%s\"]; user = \"admin\"; password_file = \"%s\"; };\n", r->nats.server[0].url,
            path);
    fprintf(file, "registry = { lease_ttl = \"%s\"; %s };\n", r->lease_ttl ? r->lease_ttl : "3s",
            r->registry ? r->registry : "");
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(shell(&o, "%s -c %s --init", e2e_binary("discoverd"), config) == 0, "%s", o.err);
}

void registry_server_start(struct registry_server *r)
{
    struct nats_server *s = &r->nats.server[0];
    nats_init(&r->nats, 1);
    copy_example(r);
    const char *program = r->program ? r->program : nats_server_program();
    proc_start(&s->proc, s->name, (const char *const[]){program, "-c", r->config, NULL}, NULL);
    snprintf(r->admin_url, sizeof r->admin_url, "nats://admin:admin-secret@127.0.0.1:%d", s->port);
    (void)wait_until(READY_MS, proc_running(&s->proc) && kv_server_ready(r->admin_url), s->name);
    make_buckets(r);
}

void registry_server_add(struct registry_server *r, const char *line)
{
    ck_assert_msg(shell(&o, "echo '%s' >>%s && %s/nats/accounts --reload %d %s %s", line, r->list, EXAMPLES_DIR,
                        (int)r->nats.server[0].proc.pid, r->config, r->list) == 0,
                  "%s", o.err);
}

void registry_server_host(struct registry_server *r, struct host *h, const char *name)
{
    char path[512], bus[1024];
    write_password(name, path);
    snprintf(bus, sizeof bus, "user = \"%s\"; password_file = \"%s\"; js_domain = \"registry\";", name, path);
    host_start(
        h,
        &(struct host_options){
            .name = name, .nats = r->nats.urls, .lease_ttl = r->lease_ttl, .registry = "create = false;", .bus = bus});
}

const char *registry_server_program(const char *suite)
{
    return debian_package_file(suite, "nats-server", "usr/sbin/nats-server");
}
