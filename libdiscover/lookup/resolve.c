/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups (discover.h): one copy out of the shared table. Any thread; no allocation, no system call. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "libdiscover/context.h"
#include "libdiscover/core/table_find.h"
#include "libdiscover/core/table_label.h"
#include "libdiscover/lookup/verdict.h"

/* The slow way, for a name that is no key of the table: it may be of another region, or not there at all. */
static int look_up_again(struct mapping *mapping, const char *service, int err, size_t n,
                         struct discover_endpoint *ret_endpoints, size_t cap, size_t *ret_n)
{
    if (err < 0 && err != -ENOENT)
        return verdict_unreadable(err);
    int result = verdict_of(mapping, service, !err, err ? 0 : n);
    if (result == VERDICT_OWN_REGION) {
        err = table_endpoints(&mapping->table, service, strcspn(service, "@"), ret_endpoints, cap, &n);
        if (err < 0 && err != -ENOENT)
            return verdict_unreadable(err);
        result = err ? verdict_missing(mapping, service) : verdict_found(mapping, n);
    }
    if (result >= 0)
        *ret_n = n;
    return result;
}

/*
 * Keys of the table are valid names: so only a name that is not found needs to be checked, and only that can be of
 * another region. The verdict comes first: it is worked out while the processor waits for the table.
 */
static inline int look_up(struct mapping *mapping, const char *service, size_t length, uint64_t hash,
                          struct discover_endpoint *ret_endpoints, size_t cap, size_t *ret_n)
{
    int verdict = verdict_quick(mapping), err = 0;
    size_t n = 0;
    if (!table_endpoints_at_once(&mapping->table, service, length, hash, ret_endpoints, cap, &n))
        err = table_endpoints(&mapping->table, service, length, ret_endpoints, cap, &n);
    if (err || n == 0 || cap == 0 || ret_endpoints[0].tier == DISCOVER_ELSEWHERE)
        return look_up_again(mapping, service, err, n, ret_endpoints, cap, ret_n);
    *ret_n = n;
    return verdict;
}

/*
 * The service is hashed before the table is entered, since to enter is a locked instruction, which keeps waiting what
 * follows it. If the table was just replaced the hash may be of the one before: then table_endpoints hashes again.
 */
int discover_resolve(struct discover *d, const char *service, struct discover_endpoint *ret_endpoints, size_t cap,
                     size_t *ret_n)
{
    if (!d || !service || (cap > 0 && !ret_endpoints) || !ret_n)
        return -EINVAL;
    size_t length = strlen(service);
    uint64_t hash = table_hash_seeded(mappings_seed(&d->mappings), service, length);
    struct mapping *mapping = context_enter(d, service);
    if (!mapping)
        return verdict_missing(NULL, service);
    int result = look_up(mapping, service, length, hash, ret_endpoints, cap, ret_n);
    mapping_leave(mapping);
    return result;
}

int64_t discover_age_ms(struct discover *d)
{
    if (!d)
        return -EINVAL;
    struct mapping *mapping = mapping_enter(&d->mappings);
    int64_t age_ns = mapping ? verdict_age_ns(&mapping->table) : -1;
    if (mapping)
        mapping_leave(mapping);
    else if (d->dns)
        age_ns = dns_age_ns(d->dns);
    return age_ns <= 0 ? age_ns : (age_ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* That a daemon is synchronised shows in shared memory only, which wakes nobody: so it is looked at this often. */
#define WAIT_STEP_MS 10

static int wait_step(struct discover *d, int64_t left_ns)
{
    struct pollfd poll_fd = {.fd = d->set.epoll, .events = POLLIN};
    int64_t left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
    (void)poll(&poll_fd, 1, left_ms < WAIT_STEP_MS ? (int)left_ms : WAIT_STEP_MS);
    return discover_dispatch(d); /* also if nothing came: what was waited for may not be ours any more */
}

/* Whether a result is what the caller waits for: an answer, or one with instances. */
static bool is_settled(int result, bool usable)
{
    if (usable)
        return result >= 0 || result == DISCOVER_E_NAME;
    return result != DISCOVER_E_UNSYNCED && result != DISCOVER_E_BUSY;
}

static int wait_for(struct discover *d, const char *service, int timeout_ms, bool usable)
{
    int err = !d || !service || timeout_ms < 0 ? -EINVAL : context_check(d);
    int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
    while (!err) {
        size_t n;
        int result = discover_resolve(d, service, NULL, 0, &n);
        int64_t left_ns = deadline_ns - clock_now_ns();
        if (is_settled(result, usable) || left_ns <= 0)
            return result;
        err = wait_step(d, left_ns);
    }
    return err;
}

int discover_wait(struct discover *d, const char *service, int timeout_ms)
{
    return wait_for(d, service, timeout_ms, false);
}

int discover_wait_usable(struct discover *d, const char *service, int timeout_ms)
{
    return wait_for(d, service, timeout_ms, true);
}
