/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl: what its subcommands have in common. One thread; messages go to stderr, results to stdout. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>

#include "discover/discover.h"

/* Scripts rely on these. */
enum ctl_exit {
    CTL_DONE = 0,
    CTL_FAILED = 1,
    CTL_USAGE = 2,
    CTL_NONE = 3,        /* no such service, or no usable instance */
    CTL_CANNOT_KNOW = 4, /* not synchronised, or no daemon */
};

struct ctl {
    const char *socket; /* NULL: the library's default */
    const char *host;   /* whose daemon is asked, over NATS; NULL: the one here */
    const char *nats;   /* the file that says how NATS is reached; NULL: the default */
    bool json;
};

/* A subcommand: argv starts behind its name and ends with NULL. Returns the exit status. */
typedef int command_fn(const struct ctl *ctl, char **argv);
command_fn cmd_register, cmd_deregister, cmd_resolve, cmd_watch, cmd_list, cmd_hosts, cmd_status, cmd_drain, cmd_check,
    cmd_checks, cmd_undrain, cmd_maintenance, cmd_reload, cmd_leave, cmd_explain, cmd_completion, cmd_monitor,
    cmd_debug, cmd_forget, cmd_events, cmd_regions, cmd_failover;

int ctl_main(int argc, char **argv);

/* "discoverctl: ..." */
void ctl_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with a hint at --help; returns CTL_USAGE. */
int ctl_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether the first word asks for help. */
bool ctl_wants_help(char **argv);

/* A handle, connected or not (it goes on trying), or NULL and the exit status in *ret_exit after a message. */
struct discover *ctl_open(const struct ctl *ctl, int *ret_exit);

/*
 * For tables of options: the trace context of what is asked for, which otherwise is that of the environment (TRACEPARENT,
 * TRACESTATE), as commands that are started have it, too.
 */
int ctl_option_traceparent(void *arg, const char *value);

/* A handle that is connected, or NULL and the exit status in *ret_exit after a message. */
struct discover *ctl_connect(const struct ctl *ctl, int *ret_exit);

/* CTL_DONE, or CTL_USAGE after a message. */
int ctl_check_service(const char *service);

/* The same of the name of an instance or a region; none is fine. */
int ctl_check_name(const char *what, const char *name);

/* The same of one to look up, which may have "@region" behind it. */
int ctl_check_lookup(const char *service);

/*
 * What the own region has of a service, even while another one answers for it. Instances are told as of the service. As
 * discover_each_instance.
 */
int ctl_each_own_instance(struct discover *d, const char *service, discover_instance_fn *fn, void *arg);

/* The exit status that belongs to a result of the library. */
enum ctl_exit ctl_exit_of(int result);

/* Says what a failed call was about and what the daemon said to it; returns the exit status. */
int ctl_failed(const struct discover *d, const char *what, int result);

/* A note when an answer is not fresh. */
void ctl_note_age(struct discover *d, int result);

/* The head of a list's document, from what looking it up returned. service: NULL for none. */
json_t *ctl_head(struct discover *d, int result, const char *service);

/* Prints a document and gives it back to jansson. Returns CTL_FAILED if it could not be made or printed. */
int ctl_print_json(json_t *document);

#endif
