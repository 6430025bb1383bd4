/* SPDX-License-Identifier: Apache-2.0 */
/* One of the bus's own threads, which works off a mailbox. Main thread, but for stopping and progress. */
#ifndef BUS_BUS_THREAD_H
#define BUS_BUS_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/base/mailbox.h"
#include "daemon/base/watchdog.h"

struct bus_thread {
    atomic_bool stopping; /* it looks at that each time it has worked */
    struct progress progress;
    bool started;
    struct watchdog *watchdog;
    pthread_t id;
};

/* A negative errno. watchdog: NULL: nobody watches. */
static inline int bus_thread_start(struct bus_thread *t, const char *name, void *(*main)(void *), void *arg,
                                   struct watchdog *watchdog)
{
    int err = -pthread_create(&t->id, NULL, main, arg);
    if (err)
        return err;
    (void)pthread_setname_np(t->id, name);
    t->started = true;
    t->watchdog = watchdog;
    watchdog_watch(watchdog, &t->progress, name);
    return 0;
}

/* Waits for its end; what else it may wait for, the caller has ended. */
static inline void bus_thread_stop(struct bus_thread *t, struct mailbox *orders)
{
    if (!t->started)
        return;
    t->started = false;
    atomic_store(&t->stopping, true);
    mailbox_wake(orders);
    (void)pthread_join(t->id, NULL);
    watchdog_unwatch(t->watchdog, &t->progress);
}

#endif
