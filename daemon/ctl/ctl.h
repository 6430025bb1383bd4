/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl: what its subcommands have in common. One thread; messages go to stderr, results to stdout. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "discover/discover.h"
#include "libdiscover/core/label.h"

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

struct option_spec;

int ctl_main(int argc, char **argv);

/* "discoverctl: ..." */
void ctl_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with a hint at --help; returns CTL_USAGE. */
int ctl_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A handle, connected or not (it goes on trying), or NULL and the exit status in *ret_exit after a message. */
struct discover *ctl_open(const struct ctl *ctl, int *ret_exit);

/*
 * A setter of options: the trace context of what is asked for, which otherwise is that of the environment (TRACEPARENT,
 * TRACESTATE), as commands that are started have it, too.
 */
int ctl_option_traceparent(const struct option_spec *spec, void *field, const char *value);

/* A handle that is connected, or NULL and the exit status in *ret_exit after a message. */
struct discover *ctl_connect(const struct ctl *ctl, int *ret_exit);

/* The name of the daemon's region. */
int ctl_own_region(struct discover *d, char ret_region[static LABEL_CAP]);

/*
 * What the own region has of a service, even while another one answers for it. Instances are given as of the service. As
 * discover_each_instance.
 */
int ctl_each_own_instance(struct discover *d, const char *service, discover_instance_fn *fn, void *arg);

/* The exit status that belongs to a result of the library. */
enum ctl_exit ctl_exit_of(int result);

/* Says what a failed call was about and what the daemon said to it; returns the exit status. */
int ctl_failed(const struct discover *d, const char *what, int result);

/* The same of a call that may have succeeded: CTL_DONE. */
int ctl_result(const struct discover *d, const char *what, int result);

/* What was printed is out: CTL_DONE, or CTL_FAILED. */
int ctl_flush(void);

/* Whether an instance has the tag. */
bool ctl_has_tag(const struct discover_instance *i, const char *tag);

/* A note when an answer is not fresh. */
void ctl_note_age(struct discover *d, int result);

/* The head of a list's document, from what looking it up returned. service: NULL for none. */
json_t *ctl_head(struct discover *d, int result, const char *service);

/* A document of the daemon, by its name. -EPROTO: it is no JSON; or an error of the library. */
int ctl_document(struct discover *d, const char *name, json_t **ret_document);

/*
 * Prints it, as JSON or by print, and gives it back to jansson. Returns CTL_NONE if it says that what it is about is not known;
 * CTL_FAILED, after a message, if there is none (NULL).
 */
int ctl_print_document(const struct ctl *ctl, json_t *document, void (*print)(const json_t *document, FILE *out));

/* Prints a document and gives it back to jansson. Returns CTL_FAILED if it could not be made or printed. */
int ctl_print_json(json_t *document);

#endif
