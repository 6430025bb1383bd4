/* SPDX-License-Identifier: Apache-2.0 */
/* A catalog and a client of it in one process, without a daemon. */
#include "tests/bench/lib/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/frame.h"
#include "proto/api.pb-c.h"

void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

void put_instance(struct catalog *c, size_t i, uint64_t counter)
{
    struct instance_key key = {"shop", "payment", "bench", ""};
    snprintf(key.instance, sizeof key.instance, "p%zu", i);
    struct record r;
    record_init(&r);
    r.epoch = 1;
    r.counter = counter;
    r.port = (uint16_t)(8000 + i);
    check(record_add_address(&r, "10.0.0.1") == 0 && catalog_put(c, &key, &r) == 0, "no instance");
}

struct catalog *make_catalog(size_t n)
{
    const struct catalog_options options = {.host = "bench",
                                            .region = "eu",
                                            .zone = "",
                                            .table_words = 1 << 18,
                                            .hosts_max = 10,
                                            .services_max = 10,
                                            .instances_per_host_max = 2000};
    struct catalog *c;
    check(catalog_new(&options, NULL, NULL, &c) == 0, "no catalog");
    for (size_t i = 0; i < n; i++)
        put_instance(c, i, i + 1);
    (void)catalog_flush(c);
    table_writer_set_sync(catalog_table(c), TABLE_LIVE, 0);
    table_writer_alive(catalog_table(c), clock_now_ns());
    return c;
}

/* What the daemon does for a client that connects: a welcome, with the table. */
static void welcome(int sock, struct catalog *c)
{
    Discover__V1__Welcome body = DISCOVER__V1__WELCOME__INIT;
    body.version = API_VERSION;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = 1;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME;
    msg.welcome = &body;
    uint8_t bytes[256];
    size_t n = discover__v1__server_message__pack(&msg, bytes + FRAME_HEADER);
    frame_header(bytes, n);
    int sent = frame_send_fd(sock, bytes, FRAME_HEADER + n, table_writer_fd(catalog_table(c)));
    check(sent == (int)(FRAME_HEADER + n), "cannot send");
}

/* A time-out of 0: the client does not wait, so that one thread can be both sides. */
struct discover *connect_client(struct catalog *c)
{
    char folder[] = "/tmp/discover-bench-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    check(mkdtemp(folder) != NULL, "no folder");
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0, "no socket");
    struct discover *d;
    check(discover_new(&d) == 0 && discover_set_socket(d, address.sun_path) == 0 && discover_set_timeout(d, 0) == 0 &&
              discover_start(d) == 0,
          "no client");
    welcome(accept(listener, NULL, NULL), c);
    check(discover_dispatch(d) == 0 && discover_connected(d), "not connected");
    unlink(address.sun_path);
    rmdir(folder);
    close(listener);
    return d;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile(double *ns, size_t n, double share)
{
    qsort(ns, n, sizeof *ns, by_value);
    return ns[(size_t)(share * (double)(n - 1))];
}
