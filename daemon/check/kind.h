/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of check is to those who run it: a row of the table in check.c. Main thread; nothing blocks.
 *
 * open makes one of a check's description, to be run again and again: start begins a run, of which one result is reported,
 * perhaps within start itself; cancel ends it before that, and nothing is reported of it. A kind without start is not
 * scheduled: it reports whenever there is something to report, first as soon as it knows.
 */
#ifndef CHECK_KIND_H
#define CHECK_KIND_H

#include <event2/dns.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/check/tally.h"
#include "daemon/config/check_spec.h"
#include "libdiscover/core/label.h"

#define CHECK_OUTPUT_MAX 4096 /* bytes of a check's output that are kept */

struct check_units;
struct curl_loop;
struct reaper;

/* What all checks share; stays the owner's. */
struct check_tools {
    struct event_base *base;
    struct evdns_base *dns;
    struct curl_loop *curl;
    struct reaper *reaper;
    const struct check_units *units; /* NULL: there is no systemd to ask */
};

/* The instance that is checked. */
struct check_subject {
    struct instance_key key;
    uint16_t port;
};

/* What a check is made of, and reports with. Outlives it, but for subject. */
struct check_setup {
    const struct check_tools *tools;
    const struct check_spec *spec;
    const struct check_subject *subject; /* for open alone */
};

struct check_kind {
    /* Makes a check. -EINVAL with *ret_why, -ENOMEM. */
    int (*open)(const struct check_setup *setup, void **ret_check, const char **ret_why);
    void (*start)(void *check); /* NULL: the kind is not scheduled */
    /*
     * Ends a run. Returns what was under way, for people, valid until the next call. NULL: start reports before it
     * returns, so no run is ever under way.
     */
    const char *(*cancel)(void *check);
    void (*close)(void *check); /* also in the middle of a run; NULL is fine */
};

/*
 * Reports a result. output: n bytes, for people. certain: it counts at once, whatever `fall` and `rise` say. Never frees the
 * check. check_report_line: one line, made as by printf.
 */
void check_report(const struct check_setup *setup, enum check_result result, bool certain, const char *output,
                  size_t n);
void check_report_line(const struct check_setup *setup, enum check_result result, bool certain, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Gives the program's own report to a check of kind ttl. */
void check_ttl_report(void *check, enum check_result result, const char *note, size_t n);

extern const struct check_kind check_tcp, check_http, check_grpc, check_exec, check_ttl, check_unit, check_pid;

#endif
