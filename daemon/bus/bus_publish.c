/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes messages that nobody acknowledges: events, and answers to requests. Main thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_impl.h"

static int publish(struct bus *b, const char *subject, int error, const void *bytes, size_t n)
{
    size_t subject_len = strlen(subject);
    if (!b->connected)
        return -ENOTCONN;
    if (n > BUS_PUBLISH_MAX)
        return -EMSGSIZE;
    struct publish_mail *mail = malloc(sizeof *mail + subject_len + 1 + n + 1);
    if (!mail)
        return -ENOMEM;
    char *copy = mail->subject + subject_len + 1;
    memcpy(mail->subject, subject, subject_len + 1);
    memcpy(copy, bytes, n);
    copy[n] = '\0';
    mail->error = error;
    mail->n = n;
    mail->bytes = copy;
    int err = bus_publisher_publish(b->publisher, mail);
    if (err < 0)
        free(mail);
    return err;
}

int bus_publish(struct bus *b, const char *subject, const void *bytes, size_t n)
{
    return publish(b, subject, 0, bytes, n);
}

int bus_answer(struct bus *b, const char *reply, int error, const char *text, size_t n)
{
    return publish(b, reply, error, text, n);
}
