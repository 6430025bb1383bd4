/* SPDX-License-Identifier: Apache-2.0 */
/* `traceparent` and `tracestate` of the W3C. */
#include "libdiscover/core/trace_context.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "libdiscover/core/hex.h"

#define PARENT_LEN      (TRACE_PARENT_CAP - 1)
#define STATE_MEMBERS   32
#define STATE_KEY_MAX   256
#define STATE_VALUE_MAX 256

/* --- traceparent --- */

static bool zeros(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return !any;
}

/* Of a version that is not known yet, what version 00 has is read, and more may follow (section 4.3). */
static bool length_fits(const char *parent, uint8_t version)
{
    size_t n = strnlen(parent, PARENT_LEN + 1);
    return n == PARENT_LEN || (n > PARENT_LEN && version > 0 && parent[PARENT_LEN] == '-');
}

/* Capital letters are refused (section 3.2.2). */
static const char *read_parent(const char *parent, struct trace_context *c)
{
    uint8_t version, flags;
    if (strnlen(parent, PARENT_LEN) < PARENT_LEN || !hex_read(parent, &version, 1) || version == 0xff ||
        !length_fits(parent, version))
        return "traceparent: not \"00-<trace id>-<parent id>-<flags>\"";
    if (parent[2] != '-' || parent[35] != '-' || parent[52] != '-' ||
        !hex_read(parent + 3, c->trace_id, TRACE_ID_SIZE) || !hex_read(parent + 36, c->span_id, SPAN_ID_SIZE) ||
        !hex_read(parent + 53, &flags, 1))
        return "traceparent: ids and flags are digits and small letters a to f, with \"-\" between them";
    if (zeros(c->trace_id, TRACE_ID_SIZE))
        return "traceparent: the trace id is all zeros";
    if (zeros(c->span_id, SPAN_ID_SIZE))
        return "traceparent: the parent id is all zeros";
    c->flags = flags & (TRACE_SAMPLED | TRACE_RANDOM);
    return NULL;
}

/* --- tracestate (section 3.3.1) --- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_number(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_of_key(char c)
{
    return is_lower(c) || is_number(c) || c == '_' || c == '-' || c == '*' || c == '/';
}

/* "vendor", or "tenant@vendor". */
static bool key_valid(const char *key, size_t n)
{
    bool begins = n > 0 && (is_lower(key[0]) || is_number(key[0])), at = false;
    if (n > STATE_KEY_MAX)
        return false;
    for (size_t i = 0; i < n && begins; i++) {
        bool separates = key[i] == '@' && i > 0 && !at && i + 1 < n && is_lower(key[i + 1]);
        if (!separates && !is_of_key(key[i]))
            return false;
        at |= separates;
    }
    return begins;
}

static bool value_valid(const char *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (value[i] < 0x20 || value[i] > 0x7e || value[i] == ',' || value[i] == '=')
            return false;
    return n > 0 && n <= STATE_VALUE_MAX && value[n - 1] != ' ';
}

static bool member_valid(const char *member, size_t n)
{
    const char *is = memchr(member, '=', n);
    return is && key_valid(member, (size_t)(is - member)) && value_valid(is + 1, n - (size_t)(is + 1 - member));
}

/* Blanks around a member are none of it. */
static size_t trim(const char **member, size_t n)
{
    while (n > 0 && (**member == ' ' || **member == '\t'))
        (*member)++, n--;
    while (n > 0 && ((*member)[n - 1] == ' ' || (*member)[n - 1] == '\t'))
        n--;
    return n;
}

/* Whether a member before this one has its key, and the "=" behind it. */
static bool stands_before(const char *state, const char *member)
{
    size_t n = strcspn(member, "=") + 1;
    for (const char *at = state; at < member; at += strcspn(at, ",") + 1) {
        at += strspn(at, " \t");
        if (at < member && strncmp(at, member, n) == 0)
            return true;
    }
    return false;
}

static const char *read_state(const char *state, struct trace_context *c)
{
    size_t members = 0, length = strnlen(state, TRACE_STATE_CAP);
    if (length == TRACE_STATE_CAP)
        return "tracestate: longer than 512 characters";
    for (const char *at = state; at < state + length; at += strcspn(at, ",") + 1) {
        const char *member = at;
        size_t n = trim(&member, strcspn(at, ","));
        if (n > 0 && !member_valid(member, n))
            return "tracestate: not a list of key=value";
        if (n > 0 && stands_before(state, member))
            return "tracestate: a key stands twice";
        if (n > 0 && ++members > STATE_MEMBERS)
            return "tracestate: more than 32 members";
    }
    memcpy(c->state, state, length + 1);
    return NULL;
}

int trace_context_parse(const char *parent, const char *state, struct trace_context *ret_context, const char **ret_why)
{
    struct trace_context c = {.flags = 0};
    const char *why = read_parent(parent, &c);
    if (why) {
        *ret_why = why;
        return -EINVAL;
    }
    why = state ? read_state(state, &c) : NULL;
    *ret_context = c;
    if (!why)
        return 0;
    *ret_why = why;
    return 1;
}

void trace_context_format(const struct trace_context *context, char ret_parent[static TRACE_PARENT_CAP])
{
    char *at = ret_parent;
    memcpy(at, "00-", 3);
    at = hex_write(at + 3, context->trace_id, TRACE_ID_SIZE);
    *at++ = '-';
    at = hex_write(at, context->span_id, SPAN_ID_SIZE);
    *at++ = '-';
    at = hex_write(at, &context->flags, 1);
    *at = '\0';
}
