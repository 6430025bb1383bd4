/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header block of a message as it has arrived, for messages that nats.c had better not take apart: it looks through all
 * earlier lines of a name for each further one, and copies a folded value for each line of it. So a message of 8 KiB that
 * is all lines costs it milliseconds, on the thread of everybody's messages.
 *
 * nats.c keeps subject, reply, headers and value behind one another in one piece of memory, and has no function that gives
 * the block. Where a message does not look like that there is none, and nats.c has to read it. Pure; any thread.
 */
#ifndef BUS_HEADER_BLOCK_H
#define BUS_HEADER_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Lines of headers; a server has some six of its own, and those who trace, or write with a client of NATS, some more. */
#define BUS_HEADER_LINES_MAX 64

struct bus_header_block {
    char *at; /* NULL: none */
    size_t n;
};

/* The block between a message's reply, or its subject where that is NULL, and its value. */
struct bus_header_block bus_header_block_between(const char *subject, const char *reply, const char *value);

/* Whether there is a block, and it has more lines than BUS_HEADER_LINES_MAX. */
bool bus_header_block_is_crowded(const struct bus_header_block *block);

/* The value in the last line of that name, or NULL. It is terminated in place: nats.c must not read the block after that. */
const char *bus_header_block_last(const struct bus_header_block *block, const char *name);

#endif
