/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of log lines, and the thread that writes them. */
#include "daemon/base/log_queue.h"

#include <errno.h>
#include <event2/buffer.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/thread.h"
#include "libdiscover/core/clock.h"

#define WAITING_MAX (256 * 1024)
#define LINE_CAP    1024

struct log_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    int fd;
    const char *prefix;
    struct evbuffer *waiting; /* the lines, each with its newline */
    uint64_t lost, lost_reported;
    bool stopping, ended;
};

static void write_line(int fd, const char *text, size_t n)
{
    while (write(fd, text, n) < 0 && errno == EINTR)
        ;
}

/* Held: the lock. What is to be written next, if anything; 0: it is time to end. */
static size_t next_line(struct log_queue *q, char ret_line[static LINE_CAP])
{
    while (evbuffer_get_length(q->waiting) == 0 && q->lost == q->lost_reported && !q->stopping)
        pthread_cond_wait(&q->changed, &q->lock);
    if (evbuffer_get_length(q->waiting) > 0) {
        struct evbuffer_ptr end = evbuffer_search(q->waiting, "\n", 1, NULL);
        return (size_t)evbuffer_remove(q->waiting, ret_line, (size_t)end.pos + 1);
    }
    if (q->lost == q->lost_reported)
        return 0;
    uint64_t since = q->lost - q->lost_reported;
    q->lost_reported = q->lost;
    return (size_t)snprintf(ret_line, LINE_CAP, "%s%llu log lines were lost: nobody took what was written before\n",
                            q->prefix, (unsigned long long)since);
}

static void *writer(void *arg)
{
    struct log_queue *q = arg;
    char line[LINE_CAP];
    pthread_mutex_lock(&q->lock);
    for (size_t n; (n = next_line(q, line)) > 0;) {
        pthread_mutex_unlock(&q->lock);
        write_line(q->fd, line, n);
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
    evbuffer_free(q->waiting);
    free(q);
}

int log_queue_new(int fd, const char *prefix, struct log_queue **ret_q)
{
    struct log_queue *q = calloc(1, sizeof *q);
    if (!q || !(q->waiting = evbuffer_new())) {
        free(q);
        return -ENOMEM;
    }
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
    bool room = n <= LINE_CAP && evbuffer_get_length(q->waiting) + n <= WAITING_MAX;
    bool taken = room && evbuffer_add(q->waiting, line, n) == 0;
    q->lost += !taken;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return taken;
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
