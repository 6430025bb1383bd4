/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon tells of itself and of what it knows, by HTTP and by the socket: the documents reach all its parts. */
#include "daemon/daemon.h"
#include "daemon/registry/document_requests.h"

static struct dns *dns_of(void *arg)
{
    const struct daemon *d = arg;
    return d->dns;
}

static const struct api *api_of(void *arg)
{
    const struct daemon *d = arg;
    return d->api;
}

static struct document_reach reach_of(struct daemon *d)
{
    return (struct document_reach){.metrics = d->metrics,
                                   .explain = {.config = d->config,
                                               .catalog = d->catalog,
                                               .agent = d->agent,
                                               .inbound = d->inbound,
                                               .arg = d,
                                               .dns = dns_of,
                                               .api = api_of,
                                               .status = daemon_status}};
}

int daemon_document(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n)
{
    struct document_reach reach = reach_of(arg);
    return document_text(&reach, name, is_operator, ret_text, ret_n);
}

int daemon_explain(void *arg, const char *what, json_t **ret_document)
{
    struct document_reach reach = reach_of(arg);
    return explain_document(&reach.explain, what, ret_document);
}
