/* SPDX-License-Identifier: Apache-2.0 */
/* What a check talks to, and the little HTTP it needs for that. */
#include "daemon/check/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/address_text.h"

#define SCHEME       "http://"
#define DEFAULT_PORT 80

static int set_host(struct target *t, const char *host, size_t n)
{
    if (n == 0 || n >= sizeof t->host)
        return -EINVAL;
    memcpy(t->host, host, n);
    t->host[n] = '\0';
    return 0;
}

static int parse_host_port(const char *text, struct target *t)
{
    const char *host;
    size_t n;
    int err = host_port_parse(text, &host, &n, &t->port);
    if (err == 0 && t->port == 0)
        err = -EINVAL;
    return err < 0 ? err : set_host(t, host, n);
}

/* The part between the scheme and the path: a port may be missing. */
static int parse_authority(const char *text, struct target *t)
{
    const char *after = text[0] == '[' ? strchr(text, ']') : text;
    if (!after)
        return -EINVAL;
    if (strchr(after, ':'))
        return parse_host_port(text, t);
    size_t bracket = text[0] == '[', n = strlen(text);
    t->port = DEFAULT_PORT;
    if (bracket && after[1] != '\0')
        return -EINVAL;
    return set_host(t, text + bracket, n - 2 * bracket);
}

static int parse_url(const char *text, struct target *t)
{
    char authority[sizeof t->host + 16];
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return -EINVAL;
    text += strlen(SCHEME);
    size_t n = strcspn(text, "/?#");
    if (n >= sizeof authority || strlen(text + n) + 1 >= sizeof t->path)
        return -EINVAL;
    memcpy(authority, text, n);
    authority[n] = '\0';
    const char *rest = text + n;
    snprintf(t->path, sizeof t->path, "%s%.*s", rest[0] == '/' ? "" : "/", (int)strcspn(rest, "#"), rest);
    for (const char *p = t->path; *p; p++)
        if (!isgraph((unsigned char)*p))
            return -EINVAL; /* a blank or a line end would end the request's line */
    return parse_authority(authority, t);
}

int target_parse(enum check_kind kind, const char *text, struct target *ret_target)
{
    memset(ret_target, 0, sizeof *ret_target);
    return kind == CHECK_HTTP ? parse_url(text, ret_target) : parse_host_port(text, ret_target);
}

size_t target_http_request(const struct target *t, char ret_request[static HTTP_REQUEST_CAP])
{
    bool ipv6 = strchr(t->host, ':') != NULL;
    return (size_t)snprintf(ret_request, HTTP_REQUEST_CAP,
                            "GET %s HTTP/1.0\r\nHost: %s%s%s:%u\r\nUser-Agent: discoverd\r\nConnection: close\r\n\r\n",
                            t->path, ipv6 ? "[" : "", t->host, ipv6 ? "]" : "", t->port);
}

/* RFC 9112 section 4: "HTTP/1.1 200 OK". */
int target_http_status(const char *bytes, size_t n)
{
    static const char form[] = "HTTP/#.# ###";
    size_t length = sizeof form - 1;
    for (size_t i = 0; i < n && i < length; i++)
        if (form[i] == '#' ? !isdigit((unsigned char)bytes[i]) : bytes[i] != form[i])
            return -EBADMSG;
    if (n <= length)
        return 0;
    if (bytes[length] != ' ' && bytes[length] != '\r' && bytes[length] != '\n')
        return -EBADMSG;
    return (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + (bytes[11] - '0');
}
