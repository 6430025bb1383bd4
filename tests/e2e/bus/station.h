/* SPDX-License-Identifier: Apache-2.0 */
/* A bus in a test: its events kept where assertions can look at them, and the keys of each bucket as it heard them. */
#ifndef E2E_BUS_STATION_H
#define E2E_BUS_STATION_H

#include "daemon/bus/bus.h"
#include "tests/support/nats_server.h"

#define STATION_KEYS_MAX 20000

struct station_bucket {
    unsigned live, gaps, infos, ends, entries;
    struct bus_info info;  /* the last one */
    char lacks[2048];      /* of its settings, as last reported */
    int end_err;           /* of the last snapshot */
    bool in_order;         /* sequences of the snapshot only grew */
    int64_t oldest_age_ns; /* in the snapshot */
    uint64_t last_seq;     /* of the last snapshot entry */
    struct {               /* of the last live message */
        enum kv_kind kind;
        char key[256], value[256];
        size_t n;
        uint64_t seq;
    } last;
};

struct station {
    struct bus *bus;
    unsigned connects, disconnects, moves, problems;
    char server[256], reason[256];
    char problem[2048]; /* all texts, a line each */
    struct station_bucket bucket[BUS_BUCKETS];
    unsigned done, done_ok, done_twice;
    int last_err;
    char last_reason[256];
    int64_t last_rtt_ns;
    uint8_t returned[STATION_KEYS_MAX]; /* how often each token came back */
    char seen[1024];                    /* what station_seen writes */
};

/* The options of a bus as host `host` of region "test" with these servers; the test may change them. */
struct bus_options station_options(const struct nats *nats, const char *host);

/* A file with a password, for options.password_file. */
const char *station_password(const char *password);

void station_start(struct station *s, const struct bus_options *options);
void station_stop(struct station *s);

/* Dispatches what is there. Always true: for the condition of wait_until. */
bool station_pump(struct station *s);

/* What it looks like now, for a failure. */
const char *station_seen(struct station *s);

/* Puts text under a key and waits until it is stored. */
void station_put(struct station *s, enum bus_bucket bucket, const char *key, const char *text);

/* Reads the bucket and waits for the end. */
void station_resync(struct station *s, enum bus_bucket bucket);

/* The same; whether all of it was read. */
bool station_synced(struct station *s, enum bus_bucket bucket);

#endif
