/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl -H: the documents of another host's daemon, asked over NATS. */
#include "daemon/ctl/ctl_nats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/ctl/explain_text.h"
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

typedef void print_fn(const json_t *document, FILE *out);

static void print_resolved(const json_t *document, FILE *out)
{
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(document, "instances"), i, e)
    {
        const char *v4 = json_string_value(json_object_get(e, "ipv4"));
        const char *v6 = json_string_value(json_object_get(e, "ipv6"));
        const char *name = json_string_value(json_object_get(e, "hostname"));
        if (!json_is_true(json_object_get(e, "usable")))
            continue;
        fprintf(out, v4 || !v6 ? "%s:%lld %lld %s %s/%s\n" : "[%s]:%lld %lld %s %s/%s\n",
                v4   ? v4
                : v6 ? v6
                     : name,
                (long long)json_integer_value(json_object_get(e, "port")),
                (long long)json_integer_value(json_object_get(e, "weight")),
                json_string_value(json_object_get(e, "state")), json_string_value(json_object_get(e, "host")),
                json_string_value(json_object_get(e, "instance")));
    }
}

static const struct remote {
    const char *command, *document;
    const char *key; /* of what the command names, in the request; NULL: it names nothing */
    bool optional;
    print_fn *print; /* NULL: as JSON */
} remotes[] = {
    {"status", "status", NULL, false, NULL},
    {"explain", "explain", "name", true, NULL},
    {"resolve", "resolve", "service", false, print_resolved},
    {"list", "services", NULL, false, NULL},
    {"hosts", "hosts", NULL, false, NULL},
    {"regions", "regions", NULL, false, NULL},
    {NULL, NULL, NULL, false, NULL},
};

static int exit_of_error(int err)
{
    return err == -ENOENT || err == -ETIMEDOUT || err == -ENOTCONN ? CTL_CANNOT_KNOW : CTL_FAILED;
}

static print_fn *printer_of(const struct remote *r, const char *what)
{
    if (strcmp(r->command, "explain") != 0)
        return r->print;
    return !*what ? explain_all_text : strchr(what, '/') ? explain_service_text : explain_host_text;
}

static int print_answer(const struct ctl *ctl, print_fn *print, const char *text, size_t n)
{
    json_t *document = json_loadb(text, n, 0, NULL);
    bool unknown = json_is_false(json_object_get(document, "known"));
    if (ctl->json || !print || !document)
        return ctl_print_json(document);
    print(document, stdout);
    json_decref(document);
    return fflush(stdout) != 0 ? CTL_FAILED : unknown ? CTL_NONE : CTL_DONE;
}

static int ask_it(const struct ctl *ctl, const struct remote *r, const char *what)
{
    char region[LABEL_CAP], subject[256], why[BUS_WHY_CAP] = "", *text;
    size_t n;
    int status;
    struct bus_ask *ask = ctl_nats_open(ctl, region, &status);
    if (!ask)
        return status;
    snprintf(subject, sizeof subject, "discover.%s.rpc.host.%s.%s", region, ctl->host, r->document);
    json_t *body = *what ? json_pack("{s:s}", r->key, what) : json_object();
    char *question = json_dumps(body, JSON_COMPACT);
    int err = question ? bus_ask(ask, subject, question, ANSWER_NS, &text, &n, why) : -ENOMEM;
    if (err) {
        ctl_note("%s: %s", ctl->host, *why ? why : strerror(-err));
        status = strncmp(why, "no such service", 15) == 0 ? CTL_NONE : exit_of_error(err);
    } else {
        status = print_answer(ctl, printer_of(r, what), text, n);
        free(text);
    }
    free(question);
    json_decref(body);
    bus_ask_close(ask);
    return status;
}

/* "shop/payment" "web-1/p1" -> "shop/payment/web-1/p1" */
static int join(char **words, char *ret_what, size_t cap)
{
    size_t used = 0;
    ret_what[0] = '\0';
    for (; *words && used < cap; words++)
        used += (size_t)snprintf(ret_what + used, cap - used, "%s%s", used ? "/" : "", *words);
    return used < cap ? 0 : -EINVAL;
}

int ctl_remote(const struct ctl *ctl, char **argv)
{
    char what[512];
    const struct remote *r = remotes;
    if (!label_valid(ctl->host, strlen(ctl->host)))
        return ctl_usage_error("%s: not the name of a host", ctl->host);
    while (r->command && strcmp(r->command, *argv) != 0)
        r++;
    if (!r->command)
        return ctl_usage_error("%s: only status, explain, resolve, list, hosts and regions are asked of other hosts",
                               *argv);
    if (join(argv + 1, what, sizeof what) < 0 || (*what && (!r->key || what[0] == '-')))
        return ctl_usage_error("%s: not with --host", what);
    if (r->key && !r->optional && !*what)
        return ctl_usage_error("%s: which service?", r->command);
    return ask_it(ctl, r, what);
}
