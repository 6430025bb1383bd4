/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that looks all the time at what a daemon of region a answers of b's service, and knows which of b's hosts live: none
 * of these may ever be missing, whatever happens to the link or to b, and none that is dead may be shown as fresh for longer
 * than its lease after b can be asked again. One at a time. Functions are the test's main thread's and fail the test when
 * they fail. A row of the table each:
 *
 *     | fault | false removals | answers that were fresh and had a dead one | stale after | fresh again after its end |
 */
#ifndef FAULTS_REGION_EYE_H
#define FAULTS_REGION_EYE_H

#include <discover/discover.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/support/host.h"

#define EYE_HOSTS  6
#define EYE_TTL_MS 3000 /* of host.h */

/* Host "b<i>" of region b, which has an instance of "shop/all". nats, registry: as in host_options. */
void region_eye_host(struct host *h, size_t i, const char *nats, const char *registry);

/* Waits until a's daemon answers with hosts 0..n-1, freshly; looks from then on. */
void region_eye_start(struct host *a, size_t n);

/* That one is dead from now on; lives again. */
void region_eye_dies(size_t host);
void region_eye_lives(size_t host);

/* What the last answer was: that verdict, and nobody missing; and nobody too many; what it was. */
bool region_eye_reported(int verdict);
bool region_eye_agrees(void);
bool region_eye_clean(void); /* no false removal so far */
const char *region_eye_text(void);

/* The fault is over: waits until all is well again, and for another lease's time; then the row. */
void region_eye_end(const char *fault, int64_t stale_ns);

#endif
