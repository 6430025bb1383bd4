/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl -H: the documents of another host's daemon, asked over NATS. */
#include "daemon/ctl/ctl_nats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/clock.h"

#define ANSWER_NS (5 * NS_PER_S)

static void print_problem(void *arg, const char *message)
{
    (void)arg;
    ctl_note("%s", message);
}

static const char *file_of(const struct ctl *ctl)
{
    const char *file = ctl->nats ? ctl->nats : getenv("DISCOVER_NATS");
    return file && *file ? file : CTL_NATS_FILE;
}

static struct bus_options options_of(const struct config *c)
{
    return (struct bus_options){.servers = (const char *const *)c->nats.servers.items,
                                .n_servers = c->nats.servers.n,
                                .credentials = c->nats.credentials,
                                .nkey_seed = c->nats.nkey_seed,
                                .user = c->nats.user,
                                .password_file = c->nats.password_file,
                                .tls_ca = c->nats.tls.ca,
                                .tls_cert = c->nats.tls.cert,
                                .tls_key = c->nats.tls.key};
}

struct bus_ask *ctl_nats_open(const struct ctl *ctl, char ret_region[static LABEL_CAP], int *ret_exit)
{
    char why[BUS_WHY_CAP] = "";
    struct config *config;
    struct bus_ask *ask = NULL;
    int err = config_load_alone(file_of(ctl), print_problem, NULL, &config);
    if (err) {
        ctl_note("how NATS is reached is read from %s (--nats, $DISCOVER_NATS)", file_of(ctl));
        *ret_exit = CTL_FAILED;
        return NULL;
    }
    struct bus_options options = options_of(config);
    snprintf(ret_region, LABEL_CAP, "%s", config->region);
    err = bus_ask_open(&options, &ask, why);
    config_free(config);
    if (!err)
        return ask;
    ctl_note("cannot connect to NATS: %s", why);
    *ret_exit = CTL_CANNOT_KNOW;
    return NULL;
}

/* --- -H --- */

static int exit_of_error(int err, const char *why)
{
    if (strncmp(why, "no such service", 15) == 0)
        return CTL_NONE;
    return err == -ENOENT || err == -ETIMEDOUT || err == -ENOTCONN ? CTL_CANNOT_KNOW : CTL_FAILED;
}

/* question: JSON, or NULL: no memory for it. */
static int ask_it(const struct call *call, const char *question)
{
    char region[LABEL_CAP], subject[256], why[BUS_WHY_CAP] = "", *text;
    size_t n;
    int status;
    struct bus_ask *ask = ctl_nats_open(call->ctl, region, &status);
    if (!ask)
        return status;
    snprintf(subject, sizeof subject, "discover.%s.rpc.host.%s.%s", region, call->ctl->host, call->command->document);
    int err = question ? bus_ask(ask, subject, question, ANSWER_NS, &text, &n, why) : -ENOMEM;
    if (err) {
        ctl_note("%s: %s", call->ctl->host, *why ? why : strerror(-err));
        status = exit_of_error(err, why);
    } else {
        status = ctl_print_document(call->ctl, json_loadb(text, n, 0, NULL), call->command->print);
        free(text);
    }
    bus_ask_close(ask);
    return status;
}

int ctl_remote(const struct call *call)
{
    const struct command *c = call->command;
    const char *host = call->ctl->host;
    char what[COMMAND_NAME_CAP], why[OPTIONS_WHY_CAP];
    if (!label_valid(host, strlen(host))) {
        options_refuse_name("--host", host, why);
        return ctl_usage_error("%s", why);
    }
    if (!c->document)
        return ctl_usage_error("%s: only status, explain, resolve, list, hosts and regions are asked of other hosts",
                               c->name);
    if (command_join("", &call->words, what) < 0 || (*what && !c->key))
        return ctl_usage_error("%s %.100s: not with --host", c->name, what);
    json_t *body = *what ? json_pack("{s:o}", c->key, document_string(what)) : json_object();
    char *question = json_dumps(body, JSON_COMPACT);
    int status = ask_it(call, question);
    free(question);
    json_decref(body);
    return status;
}
