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

/* name: the last one of its path. */
static void print_key(const struct config_key *key, const char *name, unsigned depth, FILE *out)
{
    char range[64];
    value_range_text(key, range);
    print_indent(depth, out);
    fprintf(out, "# %s%s%s%s\n", key->help, range[0] ? " (" : "", range, range[0] ? ")" : "");
    print_indent(depth, out);
    /* A text that must not be empty and yet has no preset is found out at the start: only the name of the host. */
    bool open = !key->items_max && value_form(key->kind) == FORM_TEXT && key->min > 0 && !key->preset[0];
    fprintf(out, "%s%s = ", open ? "#" : "", name);
    if (open)
        fputs("\"web-1\"", out);
    else
        config_key_print_preset(key, out);
    fputs(";\n", out);
}

/*
 * Prints the keys from that number on whose paths begin with the same n bytes, those of a group that this one is in; groups in
 * it as groups. Returns the number behind them.
 */
static size_t print_group(size_t i, size_t n, unsigned depth, FILE *out)
{
    const char *group = config_keys.keys[i].path;
    while (i < config_keys.n && strncmp(config_keys.keys[i].path, group, n) == 0) {
        const struct config_key *key = &config_keys.keys[i];
        const char *name = key->path + n, *dot = strchr(name, '.');
        if (dot) {
            fputs(depth == 0 ? "\n" : "", out);
            print_indent(depth, out);
            fprintf(out, "%.*s = {\n", (int)(dot - name), name);
            i = print_group(i, (size_t)(dot + 1 - key->path), depth + 1, out);
            print_indent(depth, out);
            fputs("};\n", out);
            continue;
        }
        if (value_form(key->kind) != FORM_BLOCKS)
            print_key(key, name, depth, out);
        i++;
    }
    return i;
}

void config_print_example(FILE *out)
{
    fputs(head, out);
    (void)print_group(0, 0, 0, out);
    fprintf(out, "\n%s%s", regions_example, services_example);
}
