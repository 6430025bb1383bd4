/* SPDX-License-Identifier: Apache-2.0 */
/* A handle for fuzz targets. */
#include "tests/fuzz/lib/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/frame.h"

#define SERVICE "shop/pay"

static struct catalog *catalog; /* read only once it is made */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int table_fd(void)
{
    const struct catalog_options options = {.host = "web-1",
                                            .region = "eu",
                                            .zone = "eu-1",
                                            .table_words = 1 << 12,
                                            .hosts_max = 10,
                                            .services_max = 10,
                                            .instances_per_host_max = 10};
    const struct instance_key key = {"shop", "pay", "web-1", "p1"};
    struct record r;
    if (catalog)
        return table_writer_fd(catalog_table(catalog));
    record_init(&r);
    r.epoch = r.counter = 1;
    r.port = 80;
    must(record_add_address(&r, "10.0.0.1") == 0 && catalog_new(&options, NULL, NULL, &catalog) == 0);
    must(catalog_set_host(catalog, "web-1", &(struct lease){.ttl_ms = 1000}, true, 1) == 0);
    must(catalog_put(catalog, &key, &r) == 0 && catalog_flush(catalog) > 0);
    table_writer_alive(catalog_table(catalog), clock_now_ns());
    table_writer_set_sync(catalog_table(catalog), TABLE_LIVE, 0);
    return table_writer_fd(catalog_table(catalog));
}

static void on_change(void *arg, const struct discover_change *change)
{
    must(arg && change->n_differences <= 2 * change->n + 1000);
}

/* As discover_start does, but over a pair of sockets and without a path to come back by. */
static void connect_pair(struct client *c)
{
    int pair[2];
    must(discover_set_socket(c->d, "/nonexistent/socket") == 0 && discover_start(c->d) == 0);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    known_fd_note(&c->d->connection.sock, pair[0]);
    must(connection_enter_set(&c->d->connection) == 0);
    c->d->link = LINK_GREETING;
    c->daemon = pair[1];
}

static void greet(struct client *c)
{
    static const uint8_t welcome[] = {6, 0, 0, 0, 8, 1, 0x12, 2, 8, API_VERSION};
    must(frame_send_fd(c->daemon, welcome, sizeof welcome, table_fd()) == sizeof welcome);
    must(discover_dispatch(c->d) == 0 && discover_connected(c->d));
}

void client_open(struct client *c, bool greeted)
{
    c->begun = c->reported = 0;
    must(discover_new(&c->d) == 0 && discover_set_timeout(c->d, 0) == 0);
    must(discover_set_source(c->d, DISCOVER_SOURCE_DAEMON) == 0); /* nobody's resolver is asked */
    must(discover_picker_new(c->d, SERVICE, &c->picker) == 0 && discover_picker_share(c->picker) == 0);
    must(discover_watch(c->d, SERVICE, on_change, c, &c->watch) == 0);
    must(discover_registration_new(SERVICE, 80, &c->registration) == 0);
    must(discover_query_new(SERVICE, &c->query) == 0 && discover_query_add_tag(c->query, "canary") == 0);
    for (enum discover_state state = DISCOVER_PASSING; state <= DISCOVER_DRAINING; state++)
        must(discover_query_add_state(c->query, state) == 0);
    connect_pair(c);
    if (greeted)
        greet(c);
}

void client_close(struct client *c)
{
    discover_registration_free(c->registration);
    discover_picker_free(c->picker);
    discover_query_free(c->query);
    discover_unwatch(c->watch);
    discover_free(c->d);
    must(c->reported == c->begun);
    close(c->daemon);
}

void client_hear(struct client *c, const uint8_t *bytes, size_t n)
{
    if (n > 0)
        (void)frame_send_fd(c->daemon, bytes, n, bytes[n / 2] & 1 ? table_fd() : -1);
}

static void on_status(void *arg, const struct discover_status *status)
{
    must(arg && strlen(status->host) + strlen(status->bus_error) < FRAME_MAX);
}

static void on_answer(void *arg, const struct discover_answer *answer)
{
    struct client *c = arg;
    c->reported++;
    must(answer->result <= 0 && strlen(answer->error) + strlen(answer->instance) < FRAME_MAX);
    if (answer->status)
        on_status(c, answer->status);
    must(discover_dispatch(c->d) <= 0);
}

static void begun(struct client *c, int result)
{
    must(result <= 0);
    c->begun += result == 0;
}

/* Those have time; what is not answered is told when the handle is freed. */
static void begin_calls(struct client *c)
{
    struct discover_call *call = NULL;
    must(discover_set_timeout(c->d, 60000) == 0);
    begun(c, discover_register_async(c->d, c->registration, on_answer, c, NULL));
    begun(c, discover_status_async(c->d, on_answer, c, NULL));
    begun(c, discover_drain_async(c->d, NULL, on_answer, c, NULL));
    begun(c, discover_reload_async(c->d, on_answer, c, NULL));
    begun(c, discover_drain_async(c->d, NULL, on_answer, c, &call));
    discover_cancel(call);
    must(discover_set_timeout(c->d, 0) == 0);
}

void client_call(struct client *c)
{
    must(discover_register(c->d, c->registration) <= 0);
    must(discover_status(c->d, on_status, c) <= 0);
    must(discover_heartbeat(c->d, SERVICE, "p1") <= 0);
    begin_calls(c);
    client_look_up(c);
    must(discover_dispatch(c->d) <= 0);
}

static int on_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    must(arg && strlen(service) <= TABLE_KEY_MAX);
    return n_usable > n_total && n_total == UINT32_MAX;
}

static int on_instance(void *arg, const struct discover_instance *i)
{
    size_t n = strlen(i->host) + strlen(i->instance) + strlen(i->hostname) + strlen(i->zone) + strlen(i->region);
    for (size_t t = 0; t < i->n_tags; t++)
        n += strlen(i->tags[t]);
    for (size_t m = 0; m < i->n_meta; m++)
        n += strlen(i->meta[m].key) + strlen(i->meta[m].value);
    must(arg && n < 65536);
    return 0;
}

static int on_host(void *arg, const struct discover_host *host)
{
    must(arg && strlen(host->name) + strlen(host->region) + strlen(host->zone) < 1024);
    return 0;
}

void client_look_up(struct client *c)
{
    struct discover_endpoint e[8];
    size_t n;
    uint64_t tried[2] = {0, 1};
    (void)(discover_resolve(c->d, SERVICE, e, 8, &n) + discover_each_service(c->d, on_service, c) +
           discover_each_instance(c->d, SERVICE, on_instance, c) + discover_each_host(c->d, on_host, c) +
           discover_age_ms(c->d));
    for (int i = 0; i < 4; i++)
        if (discover_pick(c->picker, &e[0]) >= 0)
            discover_report(c->picker, e[0].id, 10, DISCOVER_UNREACHABLE);
    (void)(discover_pick_key(c->picker, "k", 1, e) + discover_pick_retry(c->picker, tried, 2, e));
    if (discover_query_run(c->d, c->query, NULL, e, 2, &n) >= 0 && n > 2)
        must(discover_query_run(c->d, c->query, &e[1], e, 2, &n) >= DISCOVER_E_PROTOCOL);
}
