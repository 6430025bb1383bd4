/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys for people: as lines, and as a configuration file. */
#include "daemon/config/config_keys.h"

#include <string.h>

void config_print_keys(FILE *out)
{
    config_table_print(&config_keys, out);
    config_table_print(&policy_keys, out);
    config_table_print(&service_keys, out);
    config_table_print(&check_keys, out);
    config_table_print(&region_keys, out);
    config_table_print(&failover_keys, out);
}

static const char head[] = "# discoverd.conf: every key, at its default. What is left out has its default as well.\n"
                           "#\n"
                           "# Times are whole numbers with a unit: 500ms, 10s, 2m, 1h.\n"
                           "# @include \"FILE\" takes in another file, relative to this one.\n"
                           "# \"discoverd -t -c FILE\" prints what is wrong with a file.\n\n";

static const char regions_example[] =
    "# Other regions to read, nearest first. Nothing is ever written to them.\n"
    "#regions = (\n"
    "#    { name = \"eu-2\"; js_domain = \"eu-2\"; },    # through leaf nodes, in our account\n"
    "#    {\n"
    "#        name = \"us-1\";\n"
    "#        nats = {                           # or by a connection of its own; as the group nats\n"
    "#            servers = [\"nats://127.0.0.1:4222\"];\n"
    "#            user = \"reader\";\n"
    "#            password_file = \"/etc/discoverd/us-1.password\";\n"
    "#        };\n"
    "#    }\n"
    "#);\n\n"
    "# Services that are not to be answered for by all of them, or not so soon.\n"
    "#failover_services = (\n"
    "#    { name = \"shop/ledger\"; regions = []; },      # never by another region\n"
    "#    { name = \"shop/payment\"; regions = [\"us-1\"]; min = 2; }\n"
    "#);\n\n";

/* The groups of `services` have no defaults to show, so there is a real one. */
static const char services_example[] =
    "# Services to register on this host. The same list may stand in files *.conf of services_dir.\n"
    "#services = (\n"
    "#    {\n"
    "#        name = \"shop/payment\";             # domain and service\n"
    "#        port = 8080;\n"
    "#        # From here on everything may be left out.\n"
    "#        instance = \"p1\";                   # default: \"payment-8080\"\n"
    "#        address = [\"10.0.1.22\"];           # IPv4, IPv6 or both, or a host name; default: this host\n"
    "#        proto = \"tcp\";                     # or \"udp\"\n"
    "#        weight = 1;                        # share of the load: 1..65535\n"
    "#        priority = 0;                      # lower ones are used first: 0..65535\n"
    "#        tags = [\"canary\"];\n"
    "#        meta = { version = \"1.4\"; };\n"
    "#        exported = true;                   # other regions may fail over to it\n"
    "#        # Each check is of one kind. Beside each kind stands what is for it alone; interval, timeout, fall, warn "
    "and\n"
    "#        # rise are for all that is run again and again, the rest for all.\n"
    "#        checks = (\n"
    "#            { tcp = \"127.0.0.1:8080\"; interval = \"5s\"; timeout = \"2s\"; fall = 3; warn = 0; rise = 2;\n"
    "#              name = \"port\"; initial = \"passing\"; start_period = \"0\"; deregister_after = \"0\"; },\n"
    "#            { http = \"https://127.0.0.1:8443/healthz\"; method = \"POST\"; headers = [\"Accept: text/plain\"];\n"
    "#              body = \"ping\"; codes = [\"200-299\", \"304\"]; match = \"pong\"; redirects = false;\n"
    "#              tls = { ca = \"/etc/ssl/shop/ca.pem\"; cert = \"/etc/ssl/shop/c.pem\"; key = "
    "\"/etc/ssl/shop/k.pem\";\n"
    "#                      server_name = \"payment.example.com\"; verify = true; }; },\n"
    "#            { http = \"http://localhost/healthz\"; socket = \"/run/payment.sock\"; },\n"
    "#            { grpc = \"127.0.0.1:50051/shop.Payment\"; tls = { on = true; }; },\n"
    "#            { exec = \"/usr/local/bin/check-payment\"; args = [\"--quick\"]; timeout = \"5s\"; },\n"
    "#            { ttl = \"30s\"; },\n"
    "#            { pid = \"/run/payment.pid\"; }         # or: { unit = \"payment.service\"; }\n"
    "#        );\n"
    "#    }\n"
    "#);\n";

static void print_indent(unsigned depth, FILE *out)
{
    fprintf(out, "%*s", (int)(4 * depth), "");
}

/* Bytes of a path before its last name and dot: "nats.tls" of "nats.tls.ca". */
static size_t group_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

/* Whether the group of n bytes at g is outer, or is within it. */
static bool is_within(const char *g, size_t n, const char *outer, size_t outer_n)
{
    return outer_n == 0 || (n >= outer_n && memcmp(g, outer, outer_n) == 0 && (n == outer_n || g[outer_n] == '.'));
}

struct place {
    const char *group; /* not terminated */
    size_t n;
    unsigned depth;
};

static void leave_to(struct place *at, const char *group, size_t n, FILE *out)
{
    while (!is_within(group, n, at->group, at->n)) {
        at->depth--;
        print_indent(at->depth, out);
        fputs("};\n", out);
        while (at->n > 0 && at->group[at->n - 1] != '.')
            at->n--;
        at->n -= at->n > 0;
    }
}

static void enter(struct place *at, const char *group, size_t n, FILE *out)
{
    at->group = group;
    while (at->n < n) {
        size_t start = at->n + (at->n > 0), length = strcspn(group + start, ".");
        if (length > n - start)
            length = n - start;
        fputs(at->depth == 0 ? "\n" : "", out);
        print_indent(at->depth, out);
        fprintf(out, "%.*s = {\n", (int)length, group + start);
        at->n = start + length;
        at->depth++;
    }
}

static void print_key(const struct config_key *key, const struct place *at, FILE *out)
{
    char range[64];
    value_range_text(key, range);
    print_indent(at->depth, out);
    fprintf(out, "# %s%s%s%s\n", key->help, range[0] ? " (" : "", range, range[0] ? ")" : "");
    print_indent(at->depth, out);
    /* A text that must not be empty and yet has no preset is found out at the start: only the name of the host. */
    bool open = !key->items_max && value_form(key->kind) == FORM_TEXT && key->min > 0 && !key->preset[0];
    fprintf(out, "%s%s = ", open ? "#" : "", key->path + at->n + (at->n > 0));
    if (open)
        fputs("\"web-1\"", out);
    else
        config_key_print_preset(key, out);
    fputs(";\n", out);
}

void config_print_example(FILE *out)
{
    struct place at = {"", 0, 0};
    fputs(head, out);
    for (size_t i = 0; i < config_keys.n; i++) {
        const struct config_key *key = &config_keys.keys[i];
        size_t n = group_length(key->path);
        if (value_form(key->kind) == FORM_BLOCKS)
            continue;
        leave_to(&at, key->path, n, out);
        enter(&at, key->path, n, out);
        print_key(key, &at, out);
    }
    leave_to(&at, "", 0, out);
    fprintf(out, "\n%s%s", regions_example, services_example);
}
