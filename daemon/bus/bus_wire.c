/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of JetStream's texts. */
#include "daemon/bus/bus_wire.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libdiscover/core/clock.h"

/*
 * "$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<nth>.<time>.<pending>", or with more in it:
 * "$JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>.<seq>.<nth>.<time>.<pending>[.<random>]"
 */
#define ACK_PREFIX       "$JS.ACK."
#define ACK_TOKENS_SHORT 7
#define ACK_TOKENS_LONG  9
#define ACK_TOKENS_MAX   12

/* Splits at dots; a text with more than max tokens gives max + 1. */
static size_t split(const char *text, size_t max, const char *ret_token[])
{
    size_t n = 0;
    for (const char *p = text; p; p = strchr(p, '.')) {
        if (n > 0)
            p++;
        if (n == max)
            return max + 1;
        ret_token[n++] = p;
    }
    return n;
}

static bool number_token(const char *text, uint64_t *ret_number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return errno == 0 && (*end == '.' || *end == '\0');
}

int wire_delivery(const char *reply, struct wire_delivery *ret_delivery)
{
    if (!reply || strncmp(reply, ACK_PREFIX, strlen(ACK_PREFIX)) != 0)
        return -EINVAL;
    const char *token[ACK_TOKENS_MAX];
    size_t n = split(reply + strlen(ACK_PREFIX), ACK_TOKENS_MAX, token);
    if (n > ACK_TOKENS_MAX || n < ACK_TOKENS_SHORT || n == ACK_TOKENS_SHORT + 1)
        return -EINVAL;
    const char **t = n == ACK_TOKENS_SHORT ? token : token + (ACK_TOKENS_LONG - ACK_TOKENS_SHORT);
    struct wire_delivery d = {.consumer = t[1], .consumer_len = (size_t)(t[2] - 1 - t[1])};
    uint64_t time;
    if (!number_token(t[3], &d.seq) || !number_token(t[4], &d.nth) || !number_token(t[5], &time) ||
        !number_token(t[6], &d.pending) || time > INT64_MAX)
        return -EINVAL;
    d.time_ns = (int64_t)time;
    *ret_delivery = d;
    return 0;
}

static int error_of(int64_t code, const char *description)
{
    switch (code) {
    case 10059: /* stream not found */
        return -ENOENT;
    case 10058: /* stream name already in use with a different configuration */
        return -EEXIST;
    case 10039: /* JetStream not enabled for account */
    case 10076: /* JetStream not enabled */
    case 10004: /* incomplete results: not every server of the cluster answered */
    case 10005: /* no suitable peers for placement: too few servers have been found, or are up */
    case 10006: /* JetStream not in clustered mode: it is still starting */
    case 10008: /* JetStream system temporarily unavailable: no leader */
    case 10009: /* cluster not leader */
        return -ENODEV;
    case 10109: /* invalid operation on sealed stream */
        return -EROFS;
    case 10054: /* message size exceeds maximum allowed */
        return -EMSGSIZE;
    case 10002: /* resource limits exceeded for account */
    case 10026: /* maximum number of streams reached */
        return -EDQUOT;
    case 10023: /* insufficient resources */
    case 10028: /* insufficient memory resources available */
    case 10047: /* insufficient storage resources available */
        return -ENOSPC;
    case 10077: /* the store failed: whatever it said */
        return strstr(description, "maximum") || strstr(description, "no space") ? -ENOSPC : -EIO;
    default:
        return -EIO;
    }
}

int wire_api_error(int64_t code, const char *description, char ret_reason[static BUS_REASON_CAP])
{
    const char *text = description && *description ? description : "refused without a description";
    snprintf(ret_reason, BUS_REASON_CAP, "%s (error %lld)", text, (long long)code);
    return error_of(code, text);
}

static int ack_of(json_t *root, uint64_t *ret_seq, char ret_reason[static BUS_REASON_CAP])
{
    json_t *error = json_object_get(root, "error");
    if (error)
        return wire_api_error(json_integer_value(json_object_get(error, "err_code")),
                              json_string_value(json_object_get(error, "description")), ret_reason);
    json_t *seq = json_object_get(root, "seq");
    if (!json_is_integer(seq) || json_integer_value(seq) <= 0)
        return -EBADMSG;
    *ret_seq = (uint64_t)json_integer_value(seq);
    return 0;
}

int wire_put_ack(const char *json, size_t n, uint64_t *ret_seq, char ret_reason[static BUS_REASON_CAP])
{
    json_t *root = json_loadb(json, n, 0, NULL);
    int err = json_is_object(root) ? ack_of(root, ret_seq, ret_reason) : -EBADMSG;
    json_decref(root);
    return err;
}

bool wire_denied_put(const char *text, char *ret_subject, size_t cap, bool *ret_cut)
{
    const char *p = strstr(text, "for Publish to \"");
    if (!p)
        return false;
    p += strlen("for Publish to \"");
    size_t n = strcspn(p, "\"");
    if (n == 0 || n >= cap)
        return false;
    memcpy(ret_subject, p, n);
    ret_subject[n] = '\0';
    *ret_cut = p[n] != '"';
    return true;
}

void wire_api_prefix(const char *domain, char ret_prefix[static BUS_PREFIX_CAP])
{
    snprintf(ret_prefix, BUS_PREFIX_CAP, *domain ? "$JS.%s.API" : "$JS%s.API", domain);
}

const char *wire_key_of(const char *subject, const char *pattern)
{
    size_t n = strlen(pattern) - 1;
    return subject && strncmp(subject, pattern, n) == 0 && subject[n] != '\0' ? subject + n : NULL;
}

bool wire_key_valid(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=/-.";
    size_t n = strspn(key, allowed);
    return n > 0 && n <= BUS_KEY_MAX && key[n] == '\0' && key[0] != '.' && key[n - 1] != '.' && !strstr(key, "..");
}

bool wire_number(const char *text, int base, uint64_t *ret_number)
{
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
    if (!text || *text == '\0' || text[strspn(text, digits)] != '\0')
        return false;
    errno = 0;
    uint64_t v = strtoull(text, NULL, base);
    if (errno != 0)
        return false;
    *ret_number = v;
    return true;
}

/* The fraction of a second, ".5" or ".015486079" or nothing; what must follow is the Z of UTC. */
static bool fraction(const char *text, int64_t *ret_ns)
{
    int64_t ns = 0, unit = NS_PER_S;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9' && unit > 1; text++)
            ns += (*text - '0') * (unit /= 10);
    *ret_ns = ns;
    return strcmp(text, "Z") == 0;
}

bool wire_time(const char *text, int64_t *ret_ns)
{
    struct tm tm = {0};
    int64_t ns;
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!rest || !fraction(rest, &ns) || tm.tm_year < 70 || tm.tm_year > 300)
        return false;
    *ret_ns = (int64_t)timegm(&tm) * NS_PER_S + ns;
    return true;
}

/* *text moves behind the unit. 0: it is none. */
static int64_t unit_ns(const char **text)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ns", 1},       {"us", NS_PER_US},    {"ms", NS_PER_MS},
                 {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strncmp(*text, units[i].name, strlen(units[i].name)) == 0) {
            *text += strlen(units[i].name);
            return units[i].ns;
        }
    return 0;
}

bool wire_ttl(const char *text, int64_t *ret_ns)
{
    int64_t sum_ns = 0;
    uint64_t seconds;
    if (wire_number(text, 10, &seconds)) {
        *ret_ns = seconds < INT64_MAX / NS_PER_S ? (int64_t)seconds * NS_PER_S : INT64_MAX;
        return seconds > 0;
    }
    while (text && *text >= '0' && *text <= '9') {
        char *end;
        int64_t number = strtoll(text, &end, 10);
        text = end;
        int64_t unit = unit_ns(&text);
        if (unit == 0 || number > (INT64_MAX - sum_ns) / unit)
            return false;
        sum_ns += number * unit;
    }
    if (!text || *text || sum_ns == 0)
        return false;
    *ret_ns = sum_ns;
    return true;
}

/* Host and port of a URL, with neither scheme nor user. */
static const char *authority(const char *url)
{
    const char *start = strstr(url, "://"), *at;
    start = start ? start + 3 : url;
    at = strrchr(start, '@');
    return at ? at + 1 : start;
}

static void swap(const char **a, const char **b)
{
    const char *kept = *a;
    *a = *b;
    *b = kept;
}

/* What follows the first n tokens of a subject; NULL: it has fewer. */
static const char *behind_tokens(const char *subject, int n)
{
    for (; subject && n > 0; n--) {
        subject = strchr(subject, '.');
        subject = subject ? subject + 1 : NULL;
    }
    return subject;
}

static const char *behind(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text && strncmp(text, prefix, n) == 0 && text[n] ? text + n : NULL;
}

bool wire_inbox_valid(const char *reply, const char *host)
{
    const char *inner = behind(reply, "_GR_.") ? behind_tokens(reply, 3) : reply;
    const char *name = behind(inner, "_INBOX.");
    size_t host_n = strlen(host);
    if (!name && !behind(inner, "_R_."))
        return false;
    if (strlen(reply) > BUS_REASON_CAP || strpbrk(reply, "*> \t\r\n") || strstr(reply, ".."))
        return false;
    return !name || strncmp(name, host, host_n) != 0 || name[host_n] != '.';
}

void wire_order_servers(const char **urls, size_t n, const char *last, uint64_t random)
{
    for (size_t i = n; i > 1; i--) {
        swap(&urls[i - 1], &urls[random % i]);
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        random ^= random >> 29;
    }
    size_t others = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(authority(urls[i]), authority(last)) != 0)
            swap(&urls[others++], &urls[i]);
}
