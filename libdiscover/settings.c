/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a handle, most of them made before it is started (discover.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/context.h"
#include "libdiscover/dns/dns_channel.h"
#include "libdiscover/dns/dns_question.h"

#define DNS_ENVIRONMENT  "DISCOVERD_DNS"
#define ZONE_ENVIRONMENT "DISCOVERD_ZONE"
#define ZONE_DEFAULT     "discover.internal"

static int check_not_started(struct discover *d)
{
    if (!d)
        return -EINVAL;
    return d->maker.mark ? context_error(d, -EALREADY, "it is to be set before discover_start") : 0;
}

static int set_text(struct discover *d, const char *what, const char *text, size_t cap, char *ret_text)
{
    char why[64];
    int err = text && *text ? check_not_started(d) : -EINVAL;
    if (err == -EINVAL || (!err && strlen(text) >= cap)) {
        snprintf(why, sizeof why, "%s: is empty, or longer than %zu bytes", what, cap - 1);
        err = context_error(d, err ? err : -ENAMETOOLONG, why);
    }
    if (err < 0)
        return err;
    strcpy(ret_text, text);
    return 0;
}

int discover_set_socket(struct discover *d, const char *path)
{
    return d ? set_text(d, "socket", path, sizeof d->socket_path, d->socket_path) : -EINVAL;
}

const char *discover_socket(const struct discover *d)
{
    return d ? d->socket_path : "";
}

int discover_set_trace(struct discover *d, const char *traceparent, const char *tracestate)
{
    struct trace_context context, *copy = NULL;
    const char *why;
    if (!d)
        return -EINVAL;
    if (traceparent && *traceparent) {
        if (trace_context_parse(traceparent, tracestate, &context, &why) != 0)
            return context_error(d, -EINVAL, why);
        copy = malloc(sizeof *copy);
        if (!copy)
            return -ENOMEM;
        *copy = context;
    }
    free(d->trace);
    d->trace = copy;
    return 0;
}

int discover_set_name(struct discover *d, const char *name)
{
    return d ? set_text(d, "name", name, sizeof d->name, d->name) : -EINVAL;
}

int discover_set_source(struct discover *d, enum discover_source source)
{
    int err = check_not_started(d);
    if (err < 0)
        return err;
    if (source < DISCOVER_SOURCE_AUTO || source > DISCOVER_SOURCE_DNS)
        return context_error(d, -EINVAL, "source: none of DISCOVER_SOURCE_AUTO, _DAEMON and _DNS");
    d->source = source;
    return 0;
}

/* Sets both, or neither. Returns what is wrong with them; NULL: nothing. */
static const char *set_dns(struct discover *d, const char *servers, const char *zone)
{
    const char *own_zone = zone && *zone ? zone : ZONE_DEFAULT;
    if (strlen(servers) >= sizeof d->dns_servers || (*servers && !dns_servers_valid(servers)))
        return "not a list of DNS servers such as \"10.0.0.1:8053,[::1]:53\"";
    if (strlen(own_zone) >= sizeof d->dns_zone || !dns_zone_valid(own_zone))
        return "not the name of a DNS zone";
    strcpy(d->dns_servers, servers);
    strcpy(d->dns_zone, own_zone);
    d->dns_problem[0] = '\0';
    return NULL;
}

static void name_dns_problem(const char *servers, const char *zone, const char *wrong, const char *where,
                             char *ret_text)
{
    snprintf(ret_text, LAST_ERROR_CAP, "%s\"%.80s\", zone \"%.80s\": %s", where, servers, zone ? zone : "", wrong);
}

int discover_set_dns(struct discover *d, const char *servers, const char *zone)
{
    if (d && !servers)
        return context_error(d, -EINVAL, "DNS servers: are NULL");
    int err = check_not_started(d);
    if (err < 0)
        return err;
    const char *wrong = set_dns(d, servers, zone);
    if (wrong)
        name_dns_problem(servers, zone, wrong, "DNS servers ", d->last_error);
    return wrong ? -EINVAL : 0;
}

void settings_take_environment(struct discover *d)
{
    const char *servers = secure_getenv(DNS_ENVIRONMENT), *zone = secure_getenv(ZONE_ENVIRONMENT);
    const char *wrong = set_dns(d, servers ? servers : "", zone);
    if (!wrong)
        return;
    name_dns_problem(servers ? servers : "", zone, wrong, "environment " DNS_ENVIRONMENT " ", d->dns_problem);
    strcpy(d->last_error, d->dns_problem);
}

int discover_set_timeout(struct discover *d, int timeout_ms)
{
    if (!d)
        return -EINVAL;
    if (timeout_ms < 0)
        return context_error(d, -EINVAL, "timeout: must not be negative");
    d->timeout_ms = timeout_ms;
    return 0;
}
