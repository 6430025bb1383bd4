/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this process uses the C library's heap (glibc's malloc): so that a daemon which has been through a storm becomes as small again
 * as one that has not.
 */
#ifndef BASE_ALLOCATOR_H
#define BASE_ALLOCATOR_H

/* Before there is a second thread. */
void allocator_init(void);

/* Once a second, on the main thread: gives memory back, now and then. Takes some 0.2 ms. */
void allocator_second(void);

#endif
