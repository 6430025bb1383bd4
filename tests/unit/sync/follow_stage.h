/* SPDX-License-Identifier: Apache-2.0 */
/* A follower in a test, with a store that holds what it was told: one-letter keys with one-letter values. */
#ifndef UNIT_SYNC_FOLLOW_STAGE_H
#define UNIT_SYNC_FOLLOW_STAGE_H

#include "daemon/sync/follow_impl.h"

#define CREATED 1000 /* of the bucket, unless it is made anew */

struct stage {
    struct follow *f;
    int64_t now_ns;
    struct {
        char value; /* 0: there is none */
        uint64_t seq;
        bool marked;
    } key[128];
    unsigned resyncs, checks, begins, ends, lost;
    char lost_key; /* the last of them */
    enum follow_end end;
    bool synced, doubt_while_applying;
    uint32_t random;
};
extern struct stage t;

/* "down", "waiting", "snapshot" or "live". */
const char *follow_state(const struct follow *f);

void setup(void);
void done(void);

/* Time passes as the daemon lets it: from one deadline to the next. */
void pass(int64_t ns);

/* value 0: deleted. Returns what follow_live does. */
bool live(uint64_t seq, char key, char value);
bool live_unreadable(uint64_t seq, char key);
void entry(uint64_t seq, char key, char value);

void info(uint64_t last_seq);
void info_of(int64_t created, uint64_t last_seq);
void end(int err);
void connect_bus(void);

/* Live, with a=A (1), b=B (2), and 3 as the horizon. */
void get_live(void);

#endif
