/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NATS client that sends what no library would: any reply subject, any bytes for headers. Fails the test when it
 * cannot connect, or is not answered within 10 s. Thread: the test's main thread only.
 */
#ifndef SUPPORT_RAW_NATS_H
#define SUPPORT_RAW_NATS_H

#include <stdbool.h>
#include <stddef.h>

#define RAW_MESSAGES_MAX 4096

struct raw_message {
    unsigned sid;
    char subject[256];
    char headers[1024]; /* the whole block, "" without */
    char value[2048];   /* cut to that length; terminated */
    size_t n;
};

struct raw_nats {
    int fd;
    bool closed;     /* by the server */
    char error[256]; /* the last -ERR */
    unsigned last_sid;
    size_t n_messages;
    struct raw_message *messages; /* what has come, RAW_MESSAGES_MAX at most */
    size_t n_in;
    char in[128 * 1024]; /* not parsed yet */
};

void raw_open(struct raw_nats *raw, int port, const char *user, const char *password);
void raw_close(struct raw_nats *raw);

/* Returns the number that its messages will have. */
unsigned raw_subscribe(struct raw_nats *raw, const char *subject);

/* reply and headers may be NULL; headers is the whole block, "NATS/1.0\r\n...\r\n\r\n" or whatever else. */
void raw_publish(struct raw_nats *raw, const char *subject, const char *reply, const char *headers, const void *value,
                 size_t n);

/* Waits until the server has taken everything that was sent. False: it has closed the connection. */
bool raw_flush(struct raw_nats *raw);

/* Takes what is there, without waiting. Always true: for the condition of wait_until. */
bool raw_pump(struct raw_nats *raw);

/* The first message with that text in its subject, or in its value, or NULL. */
const struct raw_message *raw_find(const struct raw_nats *raw, const char *subject);
const struct raw_message *raw_find_value(const struct raw_nats *raw, const char *text);

#endif
