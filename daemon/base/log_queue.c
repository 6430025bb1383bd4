/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of log lines, and the thread that writes them. */
#include "daemon/base/log_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/thread.h"
#include "libdiscover/core/clock.h"

#define WAITING_MAX (256 * 1024)
#define LINE_CAP    1024

/* Lines lie one behind the other, so that no more memory is touched than has ever been needed. */
struct line {
    uint16_t n;
    char text[LINE_CAP];
};

struct log_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    int fd;
    const char *prefix;
    size_t begin, end; /* offsets of the lines that wait; both are 0 when there are none */
    uint64_t lost, lost_reported;
    bool stopping, ended;
    uint8_t waiting[WAITING_MAX];
};

static size_t line_bytes(size_t n)
{
    return offsetof(struct line, text) + n;
}

/* Held: the lock. */
static void take_line(struct log_queue *q, struct line *ret_line)
{
    memcpy(&ret_line->n, q->waiting + q->begin, sizeof ret_line->n);
    memcpy(ret_line, q->waiting + q->begin, line_bytes(ret_line->n));
    q->begin += line_bytes(ret_line->n);
    if (q->begin == q->end)
        q->begin = q->end = 0;
}

/* Held: the lock. Whether there is room for a line at the end, once those that wait have moved to the beginning. */
static bool make_room(struct log_queue *q, size_t n)
{
    if (q->end + line_bytes(n) > sizeof q->waiting && q->begin >= sizeof q->waiting / 2) {
        memmove(q->waiting, q->waiting + q->begin, q->end - q->begin);
        q->end -= q->begin;
        q->begin = 0;
    }
    return n <= LINE_CAP && q->end + line_bytes(n) <= sizeof q->waiting;
}

static void write_line(int fd, const char *text, size_t n)
{
    while (write(fd, text, n) < 0 && errno == EINTR)
        ;
}

/* Held: the lock. What is to be written next, if anything; false: it is time to end. */
static bool next_line(struct log_queue *q, struct line *ret_line)
{
    while (q->end == 0 && q->lost == q->lost_reported && !q->stopping)
        pthread_cond_wait(&q->changed, &q->lock);
    if (q->end > 0) {
        take_line(q, ret_line);
        return true;
    }
    if (q->lost == q->lost_reported)
        return false;
    uint64_t since = q->lost - q->lost_reported;
    int n = snprintf(ret_line->text, sizeof ret_line->text,
                     "%s%llu log lines were lost: nobody took what was written before\n", q->prefix,
                     (unsigned long long)since);
    ret_line->n = (uint16_t)n;
    q->lost_reported = q->lost;
    return true;
}

static void *writer(void *arg)
{
    struct log_queue *q = arg;
    struct line line;
    pthread_mutex_lock(&q->lock);
    while (next_line(q, &line)) {
        pthread_mutex_unlock(&q->lock);
        write_line(q->fd, line.text, line.n);
        pthread_mutex_lock(&q->lock);
    }
    q->ended = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static void destroy(struct log_queue *q)
{
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

int log_queue_new(int fd, const char *prefix, struct log_queue **ret_q)
{
    struct log_queue *q = calloc(1, sizeof *q);
    if (!q)
        return -ENOMEM;
    q->fd = fd;
    q->prefix = prefix;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    sigset_t before;
    thread_block_signals(&before);
    int err = -pthread_create(&q->thread, NULL, writer, q);
    thread_restore_signals(&before);
    if (err) {
        destroy(q);
        return err;
    }
    (void)pthread_setname_np(q->thread, "log");
    *ret_q = q;
    return 0;
}

bool log_queue_put(struct log_queue *q, const char *line, size_t n)
{
    pthread_mutex_lock(&q->lock);
    bool room = make_room(q, n);
    if (room) {
        uint16_t length = (uint16_t)n;
        memcpy(q->waiting + q->end, &length, sizeof length);
        memcpy(q->waiting + q->end + offsetof(struct line, text), line, n);
        q->end += line_bytes(n);
    } else {
        q->lost++;
    }
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return room;
}

bool log_queue_stop(struct log_queue *q, int64_t limit_ns)
{
    struct timespec until = thread_in(limit_ns);
    pthread_mutex_lock(&q->lock);
    q->stopping = true;
    pthread_cond_broadcast(&q->changed);
    while (!q->ended && thread_wait(&q->changed, &q->lock, &until) == 0)
        ;
    bool ended = q->ended;
    pthread_mutex_unlock(&q->lock);
    if (!ended)
        return false;
    (void)pthread_join(q->thread, NULL);
    destroy(q);
    return true;
}
