/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of work on a thread, whose end the loop learns by an eventfd. */
#include "daemon/base/background.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/thread.h"

static void join(struct background *b)
{
    if (b->running)
        pthread_join(b->thread, NULL);
    b->running = false;
}

static void end(struct background *b)
{
    b->busy = false;
    b->done(b->arg);
}

static void on_done(void *arg)
{
    struct background *b = arg;
    eventfd_t one;
    if (eventfd_read(b->done_fd, &one) < 0)
        return;
    join(b);
    end(b);
}

void background_finish(struct background *b)
{
    eventfd_t one;
    if (!b->busy)
        return;
    join(b);
    (void)eventfd_read(b->done_fd, &one);
    end(b);
}

int background_init(struct background *b, struct event_base *base)
{
    *b = (struct background){.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (b->done_fd < 0)
        return -errno;
    int err = loop_watch_init(&b->watch, base, b->done_fd, on_done, b);
    if (err < 0) {
        close(b->done_fd);
        *b = (struct background){.done_fd = -1};
    }
    return err;
}

void background_fini(struct background *b)
{
    join(b);
    if (b->watch.event)
        close(b->done_fd);
    loop_watch_fini(&b->watch);
    *b = (struct background){.done_fd = -1};
}

static void *run(void *arg)
{
    struct background *b = arg;
    b->work(b->arg);
    (void)eventfd_write(b->done_fd, 1);
    return NULL;
}

void background_run(struct background *b, loop_fn *work, loop_fn *done, void *arg)
{
    sigset_t before;
    b->work = work;
    b->done = done;
    b->arg = arg;
    b->busy = true;
    thread_block_signals(&before);
    b->running = pthread_create(&b->thread, NULL, run, b) == 0;
    thread_restore_signals(&before);
    if (!b->running)
        (void)run(b);
}
