/* SPDX-License-Identifier: Apache-2.0 */
/* A discoverd as a host of its own. */
#include "tests/support/host.h"

#include <check.h>
#include <discover/discover.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

#define UP_TIMEOUT_MS   10000
#define LIVE_TIMEOUT_MS 20000
#define STOP_TIMEOUT_MS 10000
#define CTL_ARGS_MAX    64

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static void write_config(const struct host *h, const struct host_options *o)
{
    FILE *out = fopen(h->config, "w");
    char nowhere[48];

    ck_assert_ptr_nonnull(out);
    snprintf(nowhere, sizeof nowhere, "\"nats://127.0.0.1:%d\"", port_take());
    fprintf(out, "host = \"%s\";\nstate_dir = \"%s\";\nservices_dir = \"%s\";\n", o->host ? o->host : h->name,
            h->state_dir, h->services_dir);
    fprintf(out, "nats = { servers = [%s]; %s };\n", o->nats ? o->nats : nowhere, or_empty(o->bus));
    fprintf(out, "registry = { lease_ttl = \"%s\"; %s };\n", o->lease_ttl ? o->lease_ttl : "3s", or_empty(o->registry));
    fprintf(out, "dns = { listen = [\"127.0.0.1:%d\"]; %s };\n", h->dns_port, or_empty(o->dns));
    fprintf(out, "api = { socket = \"%s\"; %s };\n", h->socket, or_empty(o->api));
    fprintf(out, "http = { listen = \"127.0.0.1:%d\"; %s };\n", h->http_port, or_empty(o->http));
    fprintf(out, "allow_loopback = %s;\n", o->apart ? "false" : "true");
    fprintf(out, "services = ( %s );\n%s\n", or_empty(o->services), or_empty(o->extra));
    fclose(out);
}

void host_init(struct host *h, const struct host_options *options)
{
    memset(h, 0, sizeof *h);
    snprintf(h->name, sizeof h->name, "%s", options->name ? options->name : "a");
    snprintf(h->folder, sizeof h->folder, "%s/%s", e2e_folder(), h->name);
    snprintf(h->config, sizeof h->config, "%s/discoverd.conf", h->folder);
    snprintf(h->socket, sizeof h->socket, "%s/socket", h->folder);
    snprintf(h->state_dir, sizeof h->state_dir, "%s/state", h->folder);
    snprintf(h->services_dir, sizeof h->services_dir, "%s/services.d", h->folder);
    h->dns_port = options->dns_port ? options->dns_port : port_take();
    h->http_port = options->http_port ? options->http_port : port_take();
    ck_assert_int_eq(mkdir(h->folder, 0755), 0);
    ck_assert_int_eq(mkdir(h->state_dir, 0700), 0);
    ck_assert_int_eq(mkdir(h->services_dir, 0755), 0);
    write_config(h, options);
}

/* What a test leaves running has to end well, so that no crash or leak at the end goes unseen. */
static void at_end(void *arg)
{
    struct host *h = arg;

    discover_free(h->lib);
    h->lib = NULL;
    if (proc_running(&h->proc))
        host_stop(h);
}

void host_launch(struct host *h)
{
    const char *argv[] = {e2e_binary("discoverd"), "-c", h->config, NULL};
    char name[80];

    snprintf(name, sizeof name, "discoverd-%s", h->name);
    proc_start(&h->proc, name, argv, NULL);
}

static bool connects(const void *address, socklen_t n)
{
    const struct sockaddr *sa = address;
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    bool ok = connect(fd, sa, n) == 0;
    close(fd);
    return ok;
}

static bool port_answers(int port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connects(&sa, sizeof sa);
}

static bool socket_answers(const struct host *h)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    ck_assert_msg(strlen(h->socket) < sizeof sa.sun_path, "TMPDIR is too long for a socket: %s", h->socket);
    memcpy(sa.sun_path, h->socket, strlen(h->socket));
    return connects(&sa, sizeof sa);
}

/* A program that the test has there does not stand still meanwhile: its registrations are inherited for a time only. */
static bool is_up(struct host *h)
{
    if (h->lib)
        (void)host_lib(h);
    return socket_answers(h) && port_answers(h->dns_port) && port_answers(h->http_port);
}

static bool died(struct host *h)
{
    snprintf(h->seen, sizeof h->seen, "discoverd %s", proc_running(&h->proc) ? "runs" : "has ended");
    ck_assert_msg(proc_running(&h->proc), "%s has ended while starting", h->proc.name);
    return false;
}

void host_wait_up(struct host *h)
{
    (void)wait_until(UP_TIMEOUT_MS, is_up(h) || died(h), h->seen);
}

struct status_of {
    struct host *h;
    bool live;
    const char *counter;
    int64_t value;
};

/* A name without labels stands for all series of its family. */
static bool is_of(const char *series, const char *name)
{
    size_t n = strlen(name);
    return strncmp(series, name, n) == 0 && (series[n] == '\0' || series[n] == '{');
}

static void on_status(void *arg, const struct discover_status *status)
{
    struct status_of *of = arg;

    of->live = strcmp(status->sync, "live") == 0;
    snprintf(of->h->seen, sizeof of->h->seen, "sync %s, bus %s (%s), %u hosts, %u instances, %u unacknowledged",
             status->sync, status->bus_connected ? "connected" : "not connected", status->bus_error, status->hosts,
             status->instances, status->unacknowledged);
    for (size_t i = 0; of->counter && i < status->n_counters; i++)
        if (is_of(status->counters[i].name, of->counter))
            of->value = (of->value < 0 ? 0 : of->value) + (int64_t)status->counters[i].value;
}

static int ask_status(struct host *h, struct status_of *ret_status)
{
    int error = host_lib(h) ? discover_status(h->lib, on_status, ret_status) : -1;

    if (error < 0)
        snprintf(h->seen, sizeof h->seen, "status: %s", discover_strerror(error));
    return error;
}

static bool is_live(struct host *h)
{
    struct status_of of = {.h = h};

    return ask_status(h, &of) >= 0 && of.live;
}

void host_wait_live(struct host *h)
{
    (void)wait_until(LIVE_TIMEOUT_MS, is_live(h), h->seen);
}

int64_t host_counter(struct host *h, const char *name)
{
    struct status_of of = {.h = h, .counter = name, .value = -1};

    return ask_status(h, &of) >= 0 ? of.value : -1;
}

void host_run_offline(struct host *h)
{
    host_launch(h);
    e2e_at_end(at_end, h);
    host_wait_up(h);
}

void host_run(struct host *h)
{
    host_run_offline(h);
    host_wait_live(h);
}

void host_start(struct host *h, const struct host_options *options)
{
    host_init(h, options);
    if (options->nats)
        host_run(h);
    else
        host_run_offline(h);
}

void host_kill(struct host *h)
{
    proc_kill(&h->proc);
}

void host_stop(struct host *h)
{
    int code = proc_stop(&h->proc, STOP_TIMEOUT_MS);

    ck_assert_msg(code == 0, "discoverd on host %s ended with %d", h->name, code);
}

void host_leave(struct host *h)
{
    struct output o;
    int code = ctl(h, &o, "leave", NULL);

    ck_assert_msg(code == 0, "leave: %d %s", code, o.err);
    code = proc_wait(&h->proc, STOP_TIMEOUT_MS);
    ck_assert_msg(code == 0, "discoverd on host %s ended with %d", h->name, code);
}

struct discover *host_lib(struct host *h)
{
    if (!h->lib) {
        ck_assert_int_eq(discover_new(&h->lib), 0);
        ck_assert_int_eq(discover_set_source(h->lib, DISCOVER_SOURCE_DAEMON), 0);
        ck_assert_int_eq(discover_set_socket(h->lib, h->socket), 0);
        ck_assert_int_ge(discover_start(h->lib), 0);
    }
    int error = discover_dispatch(h->lib);
    if (error < 0) /* no failure by itself: the daemon may be down on purpose, and look-ups must go on */
        snprintf(h->seen, sizeof h->seen, "dispatch: %s", discover_strerror(error));
    return h->lib;
}

/* discoverctl -s SOCKET and the arguments of a call. */
static void ctl_argv(const struct host *h, va_list args, const char *ret_argv[static CTL_ARGS_MAX])
{
    size_t n = 0;

    ret_argv[n++] = e2e_binary("discoverctl");
    ret_argv[n++] = "-s";
    ret_argv[n++] = h->socket;
    do {
        ck_assert_uint_lt(n, CTL_ARGS_MAX);
        ret_argv[n] = va_arg(args, const char *);
    } while (ret_argv[n++]);
}

int ctl(const struct host *h, struct output *ret_output, ...)
{
    const char *argv[CTL_ARGS_MAX];
    va_list args;

    va_start(args, ret_output);
    ctl_argv(h, args, argv);
    va_end(args);
    return run(ret_output, argv);
}

void ctl_start(const struct host *h, struct proc *ret_proc, const char *name, ...)
{
    const char *argv[CTL_ARGS_MAX];
    va_list args;

    va_start(args, name);
    ctl_argv(h, args, argv);
    va_end(args);
    proc_start(ret_proc, name, argv, NULL);
}
