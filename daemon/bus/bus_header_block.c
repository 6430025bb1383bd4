/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a message's header block from its end, where the server's lines are. */
#include "daemon/bus/bus_header_block.h"

#include <string.h>

#define BEGINS    "NATS/"
#define ENDS      "\n\r\n"   /* of the last line the \r may be gone: there its value was terminated */
#define BYTES_MAX (64 << 20) /* no server takes a larger message */

struct bus_header_block bus_header_block_between(const char *subject, const char *reply, const char *value)
{
    static const struct bus_header_block none = {NULL, 0};
    const char *behind_subject = subject + strlen(subject) + 1;
    if (!value || (reply && reply != behind_subject))
        return none;
    const char *at = reply ? reply + strlen(reply) + 1 : behind_subject;
    if (value <= at || value - at > BYTES_MAX)
        return none;
    size_t n = (size_t)(value - at) - 1; /* a NUL stands behind it */
    if (n < strlen(BEGINS) + strlen(ENDS) || memcmp(at, BEGINS, strlen(BEGINS)) != 0 ||
        memcmp(at + n - strlen(ENDS), ENDS, strlen(ENDS) + 1) != 0)
        return none;
    return (struct bus_header_block){(char *)at, n};
}

bool bus_header_block_is_crowded(const struct bus_header_block *block)
{
    const char *at = block->at, *end = block->at + block->n;
    size_t lines = 0;
    while (at && lines <= BUS_HEADER_LINES_MAX && (at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        lines++;
    }
    return lines > BUS_HEADER_LINES_MAX;
}

static char *value_of(char *line, const char *end, const char *name)
{
    size_t n = strlen(name);
    if ((size_t)(end - line) <= n || memcmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    char *value = line + n + 1, *stop;
    while (value < end && *value == ' ')
        value++;
    for (stop = value; stop < end && *stop && *stop != '\r' && *stop != '\n';)
        stop++;
    *stop = '\0'; /* at the end of the block at the latest, which is terminated anyway */
    return value;
}

const char *bus_header_block_last(const struct bus_header_block *block, const char *name)
{
    const char *end = block->at + block->n;
    while (end > block->at) {
        char *newline = memrchr(block->at, '\n', (size_t)(end - block->at));
        const char *value = newline ? value_of(newline + 1, end, name) : NULL;
        if (value || !newline)
            return value;
        end = newline;
    }
    return NULL;
}
