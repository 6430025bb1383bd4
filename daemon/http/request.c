/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the head of an HTTP request. */
#include "daemon/http/request.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/query_string.h"

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
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

/* A part of a line, between two blanks. */
struct word {
    const char *at;
    size_t n;
};

/* What is known of a request while its fields are read. */
struct reading {
    struct request request;
    bool get;        /* it is GET or HEAD */
    bool has_host;   /* there was a Host field */
    bool has_length; /* there was a Content-Length */
    bool body;       /* a length that is not 0 */
    bool chunked;    /* there was a Transfer-Encoding, whichever */
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

/* Names of fields, and values that are words, are compared without case. */
static bool is_field(struct word w, const char *text)
{
    return w.n == strlen(text) && strncasecmp(w.at, text, w.n) == 0;
}

static bool is_token(struct word w)
{
    for (size_t i = 0; i < w.n; i++)
        if (!isalnum((unsigned char)w.at[i]) && !memchr("!#$%&'*+-.^_`|~", w.at[i], 15))
            return false;
    return w.n > 0;
}

static bool is_graph(struct word w)
{
    for (size_t i = 0; i < w.n; i++)
        if (!isgraph((unsigned char)w.at[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies the word. Returns false if it does not fit. */
static bool copy(struct word w, char *ret_text, size_t cap)
{
    if (w.n >= cap)
        return false;
    memcpy(ret_text, w.at, w.n);
    ret_text[w.n] = '\0';
    return true;
}

/*
 * RFC 9112 section 3.2.2: a URI is a target like its path, and its authority goes before the Host field. A user in it
 * is an error (RFC 9110 section 4.2.4). *target becomes the path and what follows it.
 */
static int take_authority(struct word *target, struct request *r)
{
    static const char scheme[] = "http://";
    size_t n = sizeof scheme - 1;
    struct word authority = {target->at + n, 0};
    if (target->n <= n || strncasecmp(target->at, scheme, n) != 0)
        return 400;
    while (n + authority.n < target->n && !memchr("/?", authority.at[authority.n], 2))
        authority.n++;
    *target = (struct word){authority.at + authority.n, target->n - n - authority.n};
    if (authority.n == 0 || memchr(authority.at, '@', authority.n))
        return 400;
    return copy(authority, r->host, sizeof r->host) ? 200 : 414;
}

static int take_path(struct word target, struct request *r)
{
    const char *mark = memchr(target.at, '?', target.n), *end = target.at + target.n;
    struct word query = {mark ? mark + 1 : end, mark ? (size_t)(end - mark - 1) : 0};
    int err = percent_decode(target.at, (size_t)((mark ? mark : end) - target.at), r->path, sizeof r->path);
    if (err)
        return err == -E2BIG ? 414 : 400;
    if (!r->path[0])
        memcpy(r->path, "/", 2);
    return copy(query, r->query, sizeof r->query) ? 200 : 414;
}

static int take_target(struct word target, struct request *r)
{
    int status = 200;
    if (target.n == 0 || !is_graph(target))
        return 400;
    if (target.at[0] != '/')
        status = take_authority(&target, r);
    return status == 200 ? take_path(target, r) : status;
}

static int take_version(struct word version, struct request *r)
{
    if (version.n != 8 || memcmp(version.at, "HTTP/", 5) != 0 || !isdigit((unsigned char)version.at[5]) ||
        version.at[6] != '.' || !isdigit((unsigned char)version.at[7]))
        return 400;
    r->keep = r->chunks = version.at[7] != '0';
    return version.at[5] == '1' ? 200 : 505;
}

static int take_line(const char *at, const char *end, struct reading *reading)
{
    struct word method = next_word(&at, end), target = next_word(&at, end), version = next_word(&at, end);
    if (at != end || !is_token(method))
        return 400;
    int status = take_version(version, &reading->request);
    if (status == 200)
        status = take_target(target, &reading->request);
    reading->request.head_only = is(method, "HEAD");
    reading->get = reading->request.head_only || is(method, "GET");
    return status;
}

/* --- fields --- */

/* RFC 9112 section 3.2: exactly one Host field is allowed. A host in the target goes before it. */
static int take_host(struct word value, struct reading *reading)
{
    struct request *r = &reading->request;
    if (reading->has_host || value.n == 0 || !is_graph(value))
        return 400;
    reading->has_host = true;
    return r->host[0] || copy(value, r->host, sizeof r->host) ? 200 : 400;
}

/* RFC 9112 section 6.3: a length that is no number, or several that differ, may hide a second request. */
static int take_length(struct word value, struct reading *reading)
{
    bool body = false;
    if (value.n == 0 || reading->has_length)
        return 400;
    for (size_t i = 0; i < value.n; i++) {
        if (!isdigit((unsigned char)value.at[i]))
            return 400;
        body |= value.at[i] != '0';
    }
    reading->has_length = true;
    reading->body = body;
    return 200;
}

static int take_encoding(struct word value, struct reading *reading)
{
    (void)value;
    reading->chunked = true;
    return 200;
}

static int take_expect(struct word value, struct reading *reading)
{
    (void)reading;
    return is_field(value, "100-continue") ? 200 : 417;
}

static int take_connection(struct word value, struct reading *reading)
{
    const char *at = value.at, *end = value.at + value.n;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        while (at < stop && is_blank(*at))
            at++;
        const char *last = stop;
        while (last > at && is_blank(last[-1]))
            last--;
        struct word option = {at, (size_t)(last - at)};
        if (is_field(option, "close"))
            reading->request.keep = false;
        else if (is_field(option, "keep-alive") && !reading->request.chunks)
            reading->request.keep = true;
        at = comma ? comma + 1 : end;
    }
    return 200;
}

static int take_none_match(struct word value, struct reading *reading)
{
    (void)copy(value, reading->request.none_match, sizeof reading->request.none_match);
    return 200;
}

static int take_last_event(struct word value, struct reading *reading)
{
    (void)copy(value, reading->request.last_event, sizeof reading->request.last_event);
    return 200;
}

static const struct {
    const char *name;
    int (*take)(struct word value, struct reading *reading);
} fields[] = {
    {"host", take_host},
    {"connection", take_connection},
    {"if-none-match", take_none_match},
    {"last-event-id", take_last_event},
    {"content-length", take_length},
    {"transfer-encoding", take_encoding},
    {"expect", take_expect},
};

static int take_field(const char *at, const char *end, struct reading *reading)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    struct word name = {at, colon ? (size_t)(colon - at) : 0};
    if (!colon || !is_token(name) || memchr(at, '\0', (size_t)(end - at)))
        return 400;
    for (at = colon + 1; at < end && is_blank(*at);)
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (is_field(name, fields[i].name))
            return fields[i].take((struct word){at, (size_t)(end - at)}, reading);
    return 200;
}

/* Decides on the request when all fields were read. */
static int judge(const struct reading *reading)
{
    if (reading->request.chunks && !reading->has_host) /* HTTP/1.1 requires it */
        return 400;
    if (reading->chunked)
        return reading->has_length ? 400 : 411;
    if (!reading->get)
        return 405;
    return reading->body ? 413 : 200;
}

/* The end of the line that begins at `at`, and the beginning of the next one; NULL: the end has not arrived yet. */
static const char *line_end(const char *at, const char *end, const char **ret_next)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline)
        return NULL;
    *ret_next = newline + 1;
    return newline > at && newline[-1] == '\r' ? newline - 1 : newline;
}

/* RFC 9112 section 2.2: an empty line may stand before a request, as some clients end a body with one. */
static const char *skip_empty_line(const char *at, const char *end)
{
    const char *next, *stop = line_end(at, end, &next);
    return stop == at && stop ? next : at;
}

int request_parse(const char *bytes, size_t n, struct request *ret_request, size_t *ret_used)
{
    const char *end = bytes + n, *at = skip_empty_line(bytes, end), *next, *stop = line_end(at, end, &next);
    struct reading reading = {.get = false};
    if (!stop)
        return n > REQUEST_HEAD_MAX ? 414 : 0;
    int status = take_line(at, stop, &reading);
    for (at = next; status == 200; at = next) {
        stop = line_end(at, end, &next);
        if (!stop)
            return n > REQUEST_HEAD_MAX ? 431 : 0;
        if (stop == at) {
            status = judge(&reading);
            if (status == 200) {
                *ret_request = reading.request;
                *ret_used = (size_t)(next - bytes);
            }
            return status;
        }
        status = take_field(at, stop, &reading);
    }
    return status;
}

/* --- entity tags --- */

/* The field is a list of quoted texts, each perhaps with W/ before it; our tags have no quotes within. */
bool request_has_tag(const struct request *r, const char *tag)
{
    size_t n = strlen(tag);
    if (strcmp(r->none_match, "*") == 0)
        return true;
    for (const char *at = r->none_match; (at = strstr(at, tag)); at += n)
        if (at > r->none_match && at[-1] == '"' && at[n] == '"')
            return true;
    return false;
}
