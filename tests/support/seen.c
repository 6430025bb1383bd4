/* SPDX-License-Identifier: Apache-2.0 */
/* What a host answers to a look-up, through each of its interfaces. */
#include "tests/support/seen.h"

#include <check.h>
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/dnsq.h"

#define ENDPOINTS_MAX 256

const struct leg legs[] = {
    {"DNS", seen_by_dns},
    {"libdiscover", seen_by_lib},
    {"discoverctl", seen_by_ctl},
    {NULL, NULL},
};

void dns_name(const char *service, char ret_name[static DNS_NAME_MAX])
{
    const char *slash = strchr(service, '/');

    ck_assert_msg(slash, "not domain/service: %s", service);
    int n = snprintf(ret_name, DNS_NAME_MAX, "%s.%.*s.discover.internal", slash + 1, (int)(slash - service), service);
    ck_assert(n > 0 && n < DNS_NAME_MAX);
}

int seen_by_dns(struct host *h, const char *service)
{
    char name[DNS_NAME_MAX];
    struct dnsq_reply reply;

    dns_name(service, name);
    int error = dnsq_udp(h->dns_port, name, DNSQ_SRV, &reply);
    if (error < 0) {
        snprintf(h->seen, sizeof h->seen, "%s SRV on %s: %s", name, h->name, strerror(-error));
        return NO_ANSWER;
    }
    snprintf(h->seen, sizeof h->seen, "%s SRV on %s: rcode %d, %zu answers, tc %d, ede %d", name, h->name, reply.rcode,
             reply.n_answers, reply.tc, reply.ede);
    if (reply.rcode == DNSQ_NOERROR || reply.rcode == DNSQ_NXDOMAIN)
        return (int)reply.n_answers;
    return reply.rcode == DNSQ_SERVFAIL ? CANNOT_KNOW : NO_ANSWER;
}

int seen_by_lib(struct host *h, const char *service)
{
    struct discover_endpoint endpoints[ENDPOINTS_MAX];
    size_t n = 0;
    int result = discover_resolve(host_lib(h), service, endpoints, ENDPOINTS_MAX, &n);

    snprintf(h->seen, sizeof h->seen, "resolve %s on %s: %s, %zu endpoints", service, h->name,
             discover_strerror(result), n);
    if (result >= 0)
        return (int)n;
    if (result == DISCOVER_E_NONE || result == DISCOVER_E_UNKNOWN)
        return 0;
    return result == DISCOVER_E_UNSYNCED ? CANNOT_KNOW : NO_ANSWER;
}

static int count_lines(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

int seen_by_ctl(struct host *h, const char *service)
{
    struct output o;
    int code = ctl(h, &o, "resolve", service, NULL);

    snprintf(h->seen, sizeof h->seen, "discoverctl resolve %s on %s: exit %d, %.300s%.300s", service, h->name, code,
             o.out, o.err);
    if (code == 0)
        return count_lines(o.out);
    return code == 3 ? 0 : code == 4 ? CANNOT_KNOW : NO_ANSWER;
}

bool seen_by_all(struct host *h, const char *service, int n)
{
    for (const struct leg *leg = legs; leg->name; leg++)
        if (leg->seen(h, service) != n)
            return false;
    return true;
}
