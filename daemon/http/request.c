/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP request. */
#include "daemon/http/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {421, "Misdirected Request"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "";
}

/* What lies between two blanks of a line. */
struct word {
    const char *at;
    size_t n;
};

static struct word next_word(const char **at, const char *end)
{
    const char *start = *at, *blank = memchr(start, ' ', (size_t)(end - start));
    *at = blank ? blank + 1 : end;
    return (struct word){start, (size_t)((blank ? blank : end) - start)};
}

static bool is(struct word w, const char *text)
{
    return w.n == strlen(text) && memcmp(w.at, text, w.n) == 0;
}

static bool is_token(struct word w)
{
    for (size_t i = 0; i < w.n; i++)
        if (!isalnum((unsigned char)w.at[i]) && !strchr("!#$%&'*+-.^_`|~", w.at[i]))
            return false;
    return w.n > 0;
}

static int take_path(struct word target, struct request *r)
{
    const char *query = memchr(target.at, '?', target.n);
    size_t n = query ? (size_t)(query - target.at) : target.n;
    for (size_t i = 0; i < target.n; i++)
        if (!isgraph((unsigned char)target.at[i]))
            return 400;
    if (n == 0 || target.at[0] != '/')
        return 400;
    if (n >= sizeof r->path)
        return 414;
    memcpy(r->path, target.at, n);
    r->path[n] = '\0';
    return 200;
}

static int take_version(struct word version, struct request *r)
{
    if (version.n != 8 || memcmp(version.at, "HTTP/", 5) != 0 || !isdigit((unsigned char)version.at[5]) ||
        version.at[6] != '.' || !isdigit((unsigned char)version.at[7]))
        return 400;
    r->chunks = version.at[7] != '0';
    return version.at[5] == '1' ? 200 : 505;
}

static int take_line(const char *at, const char *end, struct request *r)
{
    struct word method = next_word(&at, end), target = next_word(&at, end), version = next_word(&at, end);
    if (at != end || !is_token(method))
        return 400;
    int status = take_version(version, r);
    if (status == 200)
        status = take_path(target, r);
    if (status != 200)
        return status;
    r->head_only = is(method, "HEAD");
    return r->head_only || is(method, "GET") ? 200 : 405;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9112 section 3.2: one, and no more. */
static int take_host(const char *at, const char *end, struct request *r)
{
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    size_t n = (size_t)(end - at);
    if (r->host[0] || n == 0 || n >= sizeof r->host)
        return 400;
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)at[i]))
            return 400;
    memcpy(r->host, at, n);
    r->host[n] = '\0';
    return 200;
}

static bool is_field(struct word name, const char *text)
{
    return name.n == strlen(text) && strncasecmp(name.at, text, name.n) == 0;
}

/* A body is never wanted; refusing it is simpler than reading past it. */
static int take_field(const char *at, const char *end, struct request *r)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    struct word name = {at, colon ? (size_t)(colon - at) : 0};
    if (!colon || !is_token(name))
        return 400;
    if (is_field(name, "host"))
        return take_host(colon + 1, end, r);
    if (is_field(name, "transfer-encoding"))
        return 413;
    if (!is_field(name, "content-length"))
        return 200;
    for (const char *c = colon + 1; c < end; c++)
        if (!is_blank(*c) && *c != '0')
            return 413;
    return 200;
}

/* The end of the line that begins at `at`, and where the next one begins; NULL: it has not come yet. */
static const char *line_end(const char *at, const char *end, const char **ret_next)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline)
        return NULL;
    *ret_next = newline + 1;
    return newline > at && newline[-1] == '\r' ? newline - 1 : newline;
}

int request_parse(const char *bytes, size_t n, struct request *ret_request)
{
    const char *at = bytes, *end = bytes + n, *next, *stop = line_end(at, end, &next);
    struct request r = {.host = ""};
    if (!stop)
        return n > REQUEST_HEAD_MAX ? 414 : 0;
    int status = take_line(at, stop, &r);
    for (at = next; status == 200; at = next) {
        stop = line_end(at, end, &next);
        if (!stop)
            return n > REQUEST_HEAD_MAX ? 431 : 0;
        if (stop == at) {
            if (r.chunks && !r.host[0]) /* HTTP/1.1 must have it */
                return 400;
            *ret_request = r;
            return 200;
        }
        status = take_field(at, stop, &r);
    }
    return status;
}
