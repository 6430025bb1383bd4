/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of discoverd. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/allocator.h"
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/preflight.h"

#define DEFAULT_CONFIG "/etc/discoverd/discoverd.conf"
#define EXIT_USAGE     2

static const char usage[] =
    "usage: discoverd [-c FILE] [-t [--user NAME] | --init | --dev | --keys | --metrics]\n"
    "  -c, --config FILE  configuration [" DEFAULT_CONFIG "]\n"
    "  -t, --test         check the configuration, and the files, ports and folders that it names, and exit:\n"
    "                     0, or 2 and what is wrong where\n"
    "      --user NAME    with -t, as root: what this user finds [" PREFLIGHT_USER ", if there is one]\n"
    "      --init         make the buckets in NATS and exit\n"
    "      --dev          try it: a private nats-server, everything in a temporary folder\n"
    "      --keys         list the keys of the configuration\n"
    "      --metrics      list the metrics\n"
    "      --example      print a configuration with every key at its default\n"
    "  -V, --version\n"
    "  -h, --help\n";

/* Also the values of the options that choose them. */
enum mode { RUN, INIT, DEV, KEYS, METRICS, EXAMPLE, TEST = 't' };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"test", no_argument, NULL, TEST},
    {"init", no_argument, NULL, INIT},
    {"dev", no_argument, NULL, DEV},
    {"keys", no_argument, NULL, KEYS},
    {"example", no_argument, NULL, EXAMPLE},
    {"metrics", no_argument, NULL, METRICS},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {"user", required_argument, NULL, 'u'},
    {NULL, 0, NULL, 0},
};

static void print_error(void *arg, const char *message)
{
    (void)arg;
    fprintf(stderr, "%s\n", message);
}

static void print_metric(void *arg, const struct metric *metric)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    (void)arg;
    printf("%s\t%s\t%s\n", metric->name, types[metric->type], metric->help ? metric->help : "");
}

static int test(const char *path, const char *user)
{
    struct config *config;
    if (preflight_take_user(user, &user) < 0 || config_load(path, print_error, NULL, &config) < 0)
        return EXIT_USAGE;
    bool good = preflight(config, user) && config_refused_files(config) == 0;
    if (good)
        printf("%s: good%s%s\n", path, user ? " for user " : "", user ? user : "");
    config_free(config);
    return good ? EXIT_SUCCESS : EXIT_USAGE;
}

static int run(enum mode mode, const char *path)
{
    struct config *config;
    if (config_load(path, print_error, NULL, &config) < 0)
        return EXIT_USAGE;
    log_set_level(config->log.level);
    return mode == INIT ? init_run(config) : daemon_run(config, path);
}

struct command {
    enum mode mode;
    const char *path, *user;
};

#define GO_ON (-1)

/* GO_ON, or what to exit with: all that was asked for is done, or it is none. */
static int take_option(int option, struct command *c)
{
    switch (option) {
    case TEST:
    case INIT:
    case DEV:
    case KEYS:
    case METRICS:
    case EXAMPLE:
        c->mode = (enum mode)option;
        return GO_ON;
    case 'c':
        c->path = optarg;
        return GO_ON;
    case 'u':
        c->user = optarg;
        return GO_ON;
    case 'V':
        printf("discoverd %s\n", DISCOVER_VERSION);
        return EXIT_SUCCESS;
    case 'h':
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    default:
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
}

static int take_arguments(int argc, char **argv, struct command *c)
{
    int option, code = GO_ON;
    while (code == GO_ON && (option = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1)
        code = take_option(option, c);
    if (code != GO_ON)
        return code;
    if (optind < argc) {
        fprintf(stderr, "discoverd: unexpected argument \"%s\"\n%s", argv[optind], usage);
        return EXIT_USAGE;
    }
    if (c->user && c->mode != TEST) {
        fprintf(stderr, "discoverd: --user goes with -t alone\n%s", usage);
        return EXIT_USAGE;
    }
    return GO_ON;
}

int main(int argc, char **argv)
{
    struct command c = {.mode = RUN, .path = DEFAULT_CONFIG};
    allocator_init();
    int code = take_arguments(argc, argv, &c);
    if (code != GO_ON)
        return code;
    if (c.mode == TEST)
        return test(c.path, c.user);
    if (c.mode == KEYS)
        config_print_keys(stdout);
    else if (c.mode == METRICS)
        metrics_listed(print_metric, NULL);
    else if (c.mode == EXAMPLE)
        config_print_example(stdout);
    else
        return c.mode == DEV ? dev_run() : run(c.mode, c.path);
    return EXIT_SUCCESS;
}
