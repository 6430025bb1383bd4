/* SPDX-License-Identifier: Apache-2.0 */
/* Asks everything of everybody. */
#include "tests/soak/soak_answers.h"

#include <discover/discover.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/soak/soak_truth.h"
#include "tests/soak/soak_writers.h"
#include "tests/support/dnsq.h"
#include "tests/support/http.h"
#include "tests/support/seen.h"

#define RENEW_EACH 5 /* services: one answer of discoverctl may take half a second */

typedef bool ask_fn(struct host *h, unsigned host, unsigned service, struct soak_set *ret_set);

static bool ask_lib(struct host *h, unsigned host, unsigned service, struct soak_set *ret_set)
{
    struct discover_endpoint all[256];
    size_t n = 0;
    (void)h;
    (void)!discover_dispatch(soak_handle(host));
    int result = discover_resolve(soak_handle(host), soak_service(service), all, 256, &n);
    if (result == DISCOVER_E_NONE || result == DISCOVER_E_UNKNOWN)
        return true;
    for (size_t i = 0; i < n && i < 256; i++)
        soak_set_add(ret_set, all[i].port);
    return result == DISCOVER_FRESH;
}

static bool ask_dns(struct host *h, unsigned host, unsigned service, struct soak_set *ret_set)
{
    static struct dnsq_reply reply;
    char name[DNS_NAME_MAX];
    (void)host;
    dns_name(soak_service(service), name);
    int err = dnsq_udp(h->dns_port, name, DNSQ_SRV, &reply);
    if (err || (reply.rcode != DNSQ_NOERROR && reply.rcode != DNSQ_NXDOMAIN))
        return false;
    for (size_t i = 0; i < reply.n_records; i++)
        if (reply.record[i].section == 0 && reply.record[i].type == DNSQ_SRV)
            soak_set_add(ret_set, reply.record[i].port);
    return true;
}

/* The body of an answer, put together where it came in pieces. */
static char *body_of(char *answer)
{
    char *head_end = strstr(answer, "\r\n\r\n");
    if (!head_end)
        return NULL;
    char *body = head_end + 4, *out = body;
    *head_end = '\0';
    if (!strstr(answer, "chunked"))
        return body;
    for (char *in = body, *data;; in = data + 2) {
        size_t n = strtoul(in, &data, 16);
        data = strstr(data, "\r\n");
        if (!data || n == 0)
            break;
        memmove(out, data + 2, n);
        out += n;
        data += 2 + n;
    }
    *out = '\0';
    return body;
}

static void add_usable(json_t *instances, struct soak_set *ret_set)
{
    size_t i;
    json_t *one;
    json_array_foreach(instances, i, one) if (json_is_true(json_object_get(one, "usable")))
        soak_set_add(ret_set, (unsigned)json_integer_value(json_object_get(one, "port")));
}

static bool ask_http(struct host *h, unsigned host, unsigned service, struct soak_set *ret_set)
{
    static char answer[256 * 1024];
    char path[64];
    (void)host;
    snprintf(path, sizeof path, "/v1/services/%s", soak_service(service));
    int code = http_get(h->http_port, path, answer, sizeof answer);
    if (code == 404)
        return true;
    char *body = code == 200 ? body_of(answer) : NULL;
    json_t *root = body ? json_loads(body, 0, NULL) : NULL;
    bool fresh = root && strcmp(json_string_value(json_object_get(root, "sync")), "live") == 0;
    add_usable(json_object_get(root, "instances"), ret_set);
    json_decref(root);
    return fresh;
}

static bool ask_ctl(struct host *h, unsigned host, unsigned service, struct soak_set *ret_set)
{
    static struct output o;
    (void)host;
    int code = ctl(h, &o, "resolve", soak_service(service), NULL);
    if (code == 3)
        return true;
    for (char *line = strtok(o.out, "\n"); line; line = strtok(NULL, "\n")) {
        char *colon = strchr(line, ':');
        if (colon)
            soak_set_add(ret_set, (unsigned)atoi(colon + 1));
    }
    return code == 0 && !o.err[0];
}

static void ask(struct soak_fleet *fleet, unsigned host, ask_fn *fn, const char *how, struct soak_errors *errors)
{
    for (unsigned service = 0; service < SOAK_SERVICES; service++) {
        struct soak_set set = {0};
        struct soak_errors before = *errors;
        if (service % RENEW_EACH == 0)
            soak_writers_renew(fleet); /* on a busy machine this takes longer than a TTL */
        if (!fn(&fleet->host[host], host, service, &set))
            errors->failed++;
        else
            soak_compare(service, &set, &errors->missing, &errors->ghosts);
        bool wrong = errors->missing + errors->ghosts + errors->failed > before.missing + before.ghosts + before.failed;
        if (wrong && !errors->first[0])
            snprintf(errors->first, sizeof errors->first, "%s of %s by %s: %u missing, %u ghosts",
                     soak_service(service), fleet->host[host].name, how, errors->missing - before.missing,
                     errors->ghosts - before.ghosts);
    }
}

void soak_answers_quick(struct soak_fleet *fleet, struct soak_errors *ret_errors)
{
    *ret_errors = (struct soak_errors){0};
    for (unsigned host = 0; host < SOAK_HOSTS; host++)
        ask(fleet, host, ask_lib, "the library", ret_errors);
}

void soak_answers_all(struct soak_fleet *fleet, unsigned ctl_host, struct soak_errors *ret_errors)
{
    soak_answers_quick(fleet, ret_errors);
    for (unsigned host = 0; host < SOAK_HOSTS; host++) {
        ask(fleet, host, ask_dns, "DNS", ret_errors);
        ask(fleet, host, ask_http, "HTTP", ret_errors);
    }
    ask(fleet, ctl_host, ask_ctl, "discoverctl", ret_errors);
}
