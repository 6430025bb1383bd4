/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the form of texts in a configuration; the table of the kinds of values names the check of each. */
#include "daemon/config/config_syntax.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/address_text.h"
#include "daemon/config/config_value.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/record.h"
#include "libdiscover/core/utf8.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define HOST_MAX (RECORD_HOSTNAME_CAP - 1)

static bool made_of(const char *text, size_t n, const char *set)
{
    return strspn(text, set) >= n;
}

static bool is_ip(const char *text)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Whether the n bytes are labels with dots between. */
static bool is_dotted(const char *text, size_t n, bool (*label)(const char *s, size_t n))
{
    const char *end = text + n;
    for (;;) {
        const char *dot = memchr(text, '.', (size_t)(end - text));
        if (!label(text, (size_t)((dot ? dot : end) - text)))
            return false;
        if (!dot)
            return true;
        text = dot + 1;
    }
}

/* A label of a machine's name that we connect to: looser than our own, since others make those names. */
static bool is_host_label(const char *s, size_t n)
{
    return n > 0 && n <= LABEL_MAX && made_of(s, n, LOWER UPPER DIGITS "-_");
}

/* "10.0.0.300" is a slip, not a name: no top-level domain is a number (RFC 1123 section 2.1). */
static bool ends_in_number(const char *text, size_t n)
{
    size_t last = n;
    while (last > 0 && text[last - 1] != '.')
        last--;
    return made_of(text + last, n - last, DIGITS);
}

/* An address or a host name. Brackets have been removed by the caller, who lets only IPv6 addresses stand in them. */
static bool is_host(const char *text, size_t n)
{
    char copy[HOST_MAX + 1];
    if (n == 0 || n > HOST_MAX)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return is_ip(copy) || (is_dotted(copy, n, is_host_label) && !ends_in_number(copy, n));
}

static const char *syntax_label(const char *text)
{
    return label_valid(text, strlen(text)) ? NULL : "must be a name: " LABEL_RULE;
}

static bool nearest_label(const char *text, char ret_text[static SERVICE_CAP])
{
    return label_nearest(text, strlen(text), ret_text);
}

static bool nearest_machine(const char *text, char ret_text[static SERVICE_CAP])
{
    return label_nearest(text, strcspn(text, "."), ret_text);
}

static const char *syntax_service(const char *text)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    if (strncmp(text, "host/", 5) == 0)
        return "cannot be: the domain \"host\" is reserved";
    if (strncmp(text, "region/", 7) == 0)
        return "cannot be: the domain \"region\" is reserved";
    return service_parse(text, domain, service) == 0 ? NULL
                                                     : "must be DOMAIN/SERVICE, names of a-z, 0-9 and '-' inside";
}

static const char *syntax_token(const char *text)
{
    return made_of(text, strlen(text), LOWER UPPER DIGITS "-_") ? NULL : "must be made of letters, digits, '-' and '_'";
}

static const char *syntax_tag(const char *text)
{
    return tag_valid(text) ? NULL : "must be UTF-8 without control characters, 1..255 bytes";
}

static const char *syntax_text(const char *text)
{
    /* It goes into messages and JSON, where nothing else has a place. */
    return utf8_is_text(text, strlen(text)) ? NULL : "must be UTF-8 without control characters";
}

static const char *syntax_path(const char *text)
{
    return text[0] == '/' ? syntax_text(text) : "must be an absolute path";
}

/* What follows the scheme, up to a path: a host, or a host and a port. */
static bool is_authority(const char *text, size_t n)
{
    char copy[HOST_MAX + sizeof "[]:65535"];
    const char *host;
    size_t host_n;
    uint16_t port;
    if (n == 0 || n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (host_port_parse(copy, &host, &host_n, &port) == 0)
        return port != 0 && is_host(host, host_n);
    if (copy[0] == '[' && copy[n - 1] == ']')
        return memchr(copy, ':', n) && is_host(copy + 1, n - 2);
    return !strchr(copy, ':') && is_host(copy, n);
}

static const char *after(const char *text, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncmp(text, scheme, n) == 0 ? text + n : NULL;
}

static const char *syntax_nats_url(const char *text)
{
    const char *rest = after(text, "nats://");
    if (!rest)
        rest = after(text, "tls://");
    if (rest && strchr(rest, '@'))
        return "must not contain a user: use nats.user and nats.password_file";
    return rest && is_authority(rest, strlen(rest)) ? NULL : "must be a URL such as \"nats://127.0.0.1:4222\"";
}

static const char *syntax_http_url(const char *text)
{
    const char *rest = after(text, "http://");
    if (!rest)
        rest = after(text, "https://");
    bool ok = rest && is_authority(rest, strcspn(rest, "/?#"));
    for (const char *c = text; *c && ok; c++)
        ok = *c > 0x20 && *c < 0x7f && *c != '#';
    return ok ? NULL : "must be a URL such as \"http://127.0.0.1:8080/healthz\"";
}

/* RFC 9110 section 5.6.2 */
static bool is_http_token(const char *text, size_t n)
{
    return n > 0 && made_of(text, n, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~");
}

static const char *syntax_http_header(const char *text)
{
    const char *colon = strchr(text, ':');
    bool ok = colon && is_http_token(text, (size_t)(colon - text)) && !syntax_text(text);
    return ok ? NULL : "must be a header such as \"Accept: text/plain\"";
}

/* "1", "0.25" */
static const char *syntax_ratio(const char *text)
{
    const char *dot = text + strspn(text, DIGITS);
    size_t behind = *dot == '.' ? strspn(dot + 1, DIGITS) : 0, n = (size_t)(dot - text) + (*dot == '.') + behind;
    bool number = n == strlen(text) && dot > text && (*dot != '.' || behind > 0);
    return number && strtod(text, NULL) <= 1 ? NULL : "must be a ratio from 0 to 1 such as \"0.01\"";
}

/* "200", "200-299" */
static const char *syntax_http_codes(const char *text)
{
    const char *const must = "must be a code or a range of codes such as \"200-299\"";
    size_t n = strlen(text);
    bool one = n == 3, range = n == 7 && text[3] == '-';
    if ((!one && !range) || !made_of(text, 3, DIGITS) || *text < '1' || *text > '5')
        return must;
    if (range && (!made_of(text + 4, 3, DIGITS) || text[4] > '5' || strncmp(text, text + 4, 3) > 0))
        return must;
    return NULL;
}

static const char *syntax_http_method(const char *text)
{
    return made_of(text, strlen(text), UPPER) ? NULL : "must be a method such as \"HEAD\"";
}

static const char *syntax_endpoint(const char *text)
{
    struct sockaddr_storage address;
    socklen_t n;
    return address_parse(text, &address, &n) == 0 ? NULL : "must be an address and a port such as \"127.0.0.1:8053\"";
}

static const char *syntax_target(const char *text)
{
    const char *host;
    size_t n;
    uint16_t port;
    bool ok = host_port_parse(text, &host, &n, &port) == 0 && port != 0 && is_host(host, n);
    return ok ? NULL : "must be a host and a port such as \"127.0.0.1:8080\"";
}

/* The service is a name of the program's own: "shop.Payment". */
static const char *syntax_grpc(const char *text)
{
    char target[HOST_MAX + sizeof "[]:65535"];
    size_t n = strcspn(text, "/");
    bool named = text[n] && text[n + 1], ok = n < sizeof target;
    if (ok) {
        memcpy(target, text, n);
        target[n] = '\0';
        ok = !syntax_target(target) && (!text[n] || (named && !syntax_text(text + n)));
    }
    return ok ? NULL : "must be a host and a port, and may name a service, such as \"127.0.0.1:50051/shop.Payment\"";
}

/* systemd.unit(5) */
static const char *syntax_unit(const char *text)
{
    static const char *const types[] = {".service", ".socket", ".target", ".mount", ".timer", ".path", ".scope"};
    const char *type = strrchr(text, '.');
    bool ok = false;
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        ok |= type > text && strcmp(type, types[i]) == 0;
    ok = ok && made_of(text, strlen(text), LOWER UPPER DIGITS ":-_.\\@");
    return ok ? NULL : "must be the name of a unit such as \"payment.service\"";
}

static const char *syntax_process(const char *text)
{
    size_t n = strlen(text);
    bool number = n < 8 && made_of(text, n, DIGITS) && strspn(text, "0") < n;
    return number || (*text == '/' && !syntax_text(text))
               ? NULL
               : "must be the number of a process or the absolute path of a file that has it";
}

static const char *syntax_host(const char *text)
{
    return is_host(text, strlen(text)) ? NULL : "must be the name of a host";
}

static const char *useless(const char *text)
{
    uint8_t bytes[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    return inet_pton(family, text, bytes) == 1 ? address_useless(family, bytes) : NULL;
}

static const char *syntax_own_address(const char *text)
{
    size_t n = strlen(text);
    struct network network;
    bool interface = *text == '%' && n > 1 && n <= IF_NAMESIZE && !strpbrk(text, " /") && !syntax_text(text);
    if (interface || (strchr(text, '/') && network_parse(text, &network) == 0))
        return NULL;
    return is_ip(text)
               ? useless(text)
               : "must be an address, an interface or a network such as \"10.0.1.22\", \"%eth1\" or \"10.0.0.0/8\"";
}

static const char *syntax_address(const char *text)
{
    return is_ip(text)              ? useless(text)
           : hostname_valid(text)   ? NULL
           : hostname_but_for(text) ? hostname_but_for(text)
                                    : "must be an address or a host name such as \"10.0.1.22\" or \"db.example.com\"";
}

static const char *syntax_network(const char *text)
{
    struct network network;
    return network_parse(text, &network) == 0 ? NULL : "must be a network such as \"10.0.0.0/8\"";
}

static const char *syntax_zone(const char *text)
{
    size_t n = strlen(text);
    if (!is_dotted(text, n, label_valid))
        return "must be a domain name in lower case such as \"discover.internal\", without a dot at the end";
    /* reserved by RFC 6762 section 3 */
    if (strcmp(text, "local") == 0 || (n > 6 && strcmp(text + n - 6, ".local") == 0))
        return "cannot be: \"local\" belongs to multicast DNS, resolvers would never ask";
    return NULL;
}

/* A pattern of services: only what can match some name is let through. */
static const char *syntax_pattern(const char *text)
{
    const char *slash = strchr(text, '/');
    bool ok = text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-*/")] == '\0' &&
              (strcmp(text, "*") == 0 || (slash && slash != text && slash[1] && !strchr(slash + 1, '/')));
    return ok ? NULL : "must be services such as \"shop/payment\", \"shop/*\", \"*/web-*\" or \"*\"";
}

const struct value_rules value_kinds[] = {
    [VALUE_LABEL] = {"name", "names", STORE_TEXT, syntax_label, nearest_label},
    [VALUE_MACHINE] = {"name", "names", STORE_TEXT, syntax_label, nearest_machine},
    [VALUE_TAG] = {"text", "texts", STORE_TEXT, syntax_tag},
    [VALUE_SERVICE] = {"domain/service", "services", STORE_TEXT, syntax_service, service_nearest},
    [VALUE_PATTERN] = {"service pattern", "service patterns", STORE_TEXT, syntax_pattern},
    [VALUE_TOKEN] = {"word", "words", STORE_TEXT, syntax_token},
    [VALUE_TEXT] = {"text", "texts", STORE_TEXT, syntax_text},
    [VALUE_PATH] = {"path", "paths", STORE_TEXT, syntax_path},
    [VALUE_NATS_URL] = {"URL", "URLs", STORE_TEXT, syntax_nats_url},
    [VALUE_HTTP_URL] = {"URL", "URLs", STORE_TEXT, syntax_http_url},
    [VALUE_HEADER] = {"header", "headers", STORE_TEXT, syntax_http_header},
    [VALUE_RATIO] = {"ratio", "ratios", STORE_TEXT, syntax_ratio},
    [VALUE_CODES] = {"code", "codes", STORE_TEXT, syntax_http_codes},
    [VALUE_METHOD] = {"method", "methods", STORE_TEXT, syntax_http_method},
    [VALUE_GRPC] = {"host:port/service", "host:port/service", STORE_TEXT, syntax_grpc},
    [VALUE_ARGUMENT] = {"text", "texts", STORE_TEXT, syntax_text},
    [VALUE_UNIT] = {"unit", "units", STORE_TEXT, syntax_unit},
    [VALUE_PROCESS] = {"process", "processes", STORE_TEXT, syntax_process},
    [VALUE_HOST] = {"host name", "host names", STORE_TEXT, syntax_host},
    [VALUE_ENDPOINT] = {"address:port", "address:port", STORE_TEXT, syntax_endpoint},
    [VALUE_TARGET] = {"host:port", "host:port", STORE_TEXT, syntax_target},
    [VALUE_OWN] = {"address", "addresses", STORE_TEXT, syntax_own_address},
    [VALUE_ADDRESS] = {"address", "addresses", STORE_TEXT, syntax_address},
    [VALUE_NETWORK] = {"network", "networks", STORE_TEXT, syntax_network},
    [VALUE_ZONE] = {"domain name", "domain names", STORE_TEXT, syntax_zone},
    [VALUE_NUMBER] = {"number", NULL, STORE_NUMBER},
    [VALUE_LEVEL] = {"level", NULL, STORE_WORD},
    [VALUE_PROTOCOL] = {"protocol", NULL, STORE_WORD},
    [VALUE_ON_STOP] = {"keep or leave", NULL, STORE_WORD},
    [VALUE_INITIAL] = {"passing or critical", NULL, STORE_WORD},
    [VALUE_DURATION] = {"duration", NULL, STORE_NS},
    [VALUE_SECONDS] = {"duration", NULL, STORE_NS},
    [VALUE_BOOLEAN] = {"true or false", NULL, STORE_BOOL},
    [VALUE_BLOCKS] = {"list of groups", NULL, STORE_BLOCKS},
    [VALUE_PAIRS] = {"group of texts", NULL, STORE_PAIRS},
};
