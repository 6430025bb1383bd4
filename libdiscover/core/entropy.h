/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from the kernel: for jitter, seeds and names, not for secrets. Never waits. Any thread. */
#ifndef CORE_ENTROPY_H
#define CORE_ENTROPY_H

#include <stdint.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/*
 * Without a kernel that can say anything yet, early after boot: what differs between two processes and two machines
 * all the same, spread over all bits. Hosts that start together must not come at the same number.
 */
static inline uint64_t entropy_of_clocks(void)
{
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    uint64_t x = (uint64_t)wall.tv_sec << 30 ^ (uint64_t)wall.tv_nsec;
    x ^= ((uint64_t)boot.tv_sec << 30 ^ (uint64_t)boot.tv_nsec) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)&x; /* where the stack is differs as well */
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static inline uint64_t entropy_64(void)
{
    uint64_t value;
    return getrandom(&value, sizeof value, GRND_NONBLOCK) == (ssize_t)sizeof value ? value : entropy_of_clocks();
}

#endif
