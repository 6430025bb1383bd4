/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to NATS. The only module that knows nats.c; it makes no decisions: it connects for ever, subscribes the
 * live feeds, publishes, and reads streams when asked to. daemon/sync decides.
 *
 * Threads: every function here is the main thread's and none blocks (except bus_stop, at shutdown).
 * All events are called from bus_dispatch. Inside, the reader thread makes the requests that block, the bus thread connects
 * and publishes, nats.c's threads call back; all of them only post copies to one bounded mailbox.
 *
 * When the mailbox is full, the reader of a snapshot waits, and the live feed drops and says so (gap). Results of
 * puts are never dropped; their number is bounded by max_puts.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "daemon/base/watchdog.h"
#include "daemon/sync/message.h"

#define BUS_WHY_CAP         512
#define BUS_INFO_TIMEOUT_NS (3 * NS_PER_S) /* as long as any other request may take */
#define BUS_NAME_CAP        256            /* of a stream */

struct bus;
struct metrics;

enum bus_bucket { BUS_SERVICES, BUS_HOSTS, BUS_BUCKETS };

/* How a mirror of another region's bucket was found (bus_mirror.h). */
enum bus_mirror_state {
    BUS_MIRROR_NONE, /* none is configured, or it was not looked at yet */
    BUS_MIRROR_VALID,
    BUS_MIRROR_BEHIND,     /* it has not got all that its origin has */
    BUS_MIRROR_OTHER_LIFE, /* its origin was made anew since, or it is none of ours: never read */
    BUS_MIRROR_MISSING,
    BUS_MIRROR_UNREADABLE,
};

const char *bus_mirror_text(enum bus_mirror_state state); /* static; "" for the first */

/*
 * host, region, js_domain and mirror_region outlive the bus; everything else is looked at by bus_new alone. NULL or ""
 * where there is none.
 */
struct bus_options {
    const char *const *servers; /* URLs */
    size_t n_servers;
    const char *credentials; /* file */
    const char *nkey_seed;   /* file */
    const char *user, *password_file;
    const char *tls_ca, *tls_cert, *tls_key; /* files; any of them switches TLS on */
    const char *js_domain;
    const char *buckets[BUS_BUCKETS]; /* names */
    const char *region;
    const char *mirrors[BUS_BUCKETS]; /* streams that mirror these buckets here, where they are another region's */
    const char *mirror_domain;        /* the JetStream domain that these are in */
    const char *mirror_region;        /* the own region, where these are */
    bool create_mirrors;              /* make one that is missing */
    int64_t keep_ns;                  /* MaxAge of one that is made */
    const char *host; /* name of the connection, and the inbox prefix "_INBOX.<host>" that permissions refer to */
    bool create;      /* make a bucket that is missing */
    int replicas;     /* of a bucket that is made */
    int64_t max_bytes[BUS_BUCKETS];      /* of a bucket that is made: of everything in it */
    int64_t record_ttl_ns, lease_ttl_ns; /* MaxAge of SERVICES, a third of MaxAge of HOSTS; of a bucket that is made */
    size_t mailbox;                      /* mails waiting for main, at most */
    size_t max_puts;                     /* puts without a result, at most */
    size_t max_value;                    /* bytes of a value, at most; larger ones arrive as KV_REFUSED */
    int64_t snapshot_timeout_ns;         /* of a snapshot as a whole */
    int64_t info_timeout_ns;             /* of STREAM.INFO: BUS_INFO_TIMEOUT_NS, or less where nobody waits for puts */
    size_t max_requests; /* requests of others that wait to be answered, at most; 0: none is listened for */
};

struct bus_put_result {
    uint64_t token;
    enum bus_bucket bucket;
    int err; /* 0: stored. Not known: -ENOTCONN, -ETIMEDOUT. Refused: -EACCES (not permitted), -ENODEV (nobody
                           serves the bucket), -ENOSPC (full), -EROFS (sealed), -EMSGSIZE, -EDQUOT (a limit of the
                           account), -EIO (anything else) */
    const char *reason; /* "" when stored; lives during the call */
    uint64_t seq;       /* in the stream, when stored */
    int64_t rtt_ns;     /* from bus_put to the acknowledgement */
};

struct bus_info {
    bool check;         /* the answer to BUS_CHECK, not a part of BUS_RESYNC */
    int err;            /* 0 or a negative errno. -ENOENT: there is no such bucket, and it may not or could not be made;
                           -ENOTSUP: there is, and its settings are dangerous */
    const char *reason; /* "" when err is 0; lives during the call */
    int64_t created;    /* identifies the bucket's incarnation */
    uint64_t last_seq;
    uint64_t messages, bytes;
    int64_t max_messages, max_bytes; /* what fits into it; -1: no limit */
    int64_t newest_ns; /* when the newest message was stored, on the server's clock (since 1970); 0: there is none */
    const char
        *lacks; /* settings that are not as they should be: sentences, each ended by '\n'; lives during the call */
};

#define BUS_REQUEST_MAX   4096        /* bytes of one */
#define BUS_REQUEST_QUEUE "discoverd" /* of those of whom one answers for all */

/* What somebody asks under $SRV.>, discover.<region>.rpc.resolve (one of all daemons hears it) or ...rpc.host.<host>.>. */
struct bus_request {
    const char *subject, *reply; /* as all here, only during the call */
    const char *text;            /* n bytes, and a NUL */
    size_t n;
};

/*
 * All on the main thread, from bus_dispatch. They may call bus_put, bus_order and so on. live, gap and moved may be NULL, and
 * those that answer what is never asked for.
 */
struct bus_events {
    /* Also after each reconnect, always after a disconnected. The live feeds are subscribed. */
    void (*connected)(void *arg, const char *server);
    void (*disconnected)(void *arg, const char *reason);
    /* Something an operator should know; denials name the subject, bad bucket settings the setting. */
    void (*problem)(void *arg, const char *text);
    void (*live)(void *arg, enum bus_bucket bucket, const struct kv_message *m);
    void (*gap)(void *arg, enum bus_bucket bucket); /* live messages were dropped here, because main was too slow */
    void (*info)(void *arg, enum bus_bucket bucket, const struct bus_info *info);
    void (*snapshot_entry)(void *arg, enum bus_bucket bucket, const struct kv_message *m);
    void (*snapshot_end)(void *arg, enum bus_bucket bucket, int err, const char *reason);
    void (*put_done)(void *arg, const struct bus_put_result *result);
    /*
     * Connected to another server, because the last one is about to stop, or anew, because bus_set_access has set what
     * is new (reloaded): nothing was lost.
     */
    void (*moved)(void *arg, const char *server, bool reloaded);
    /* A request of somebody, which bus_publish may answer at any time. NULL: requests are not listened for. */
    void (*request)(void *arg, const struct bus_request *request);
    /* What bus_publish published was denied on this connection, where nothing more is said; once in a life. */
    void (*publish_denied)(void *arg, const char *text);

    /* What a mirror has of a bucket that does not answer: entries of any order, then the end;
       newest_ns: when the newest was put, on the origin's clock (since 1970). */
    void (*remembered)(void *arg, enum bus_bucket bucket, const struct kv_message *m);
    void (*remembered_end)(void *arg, enum bus_bucket bucket, int err, int64_t newest_ns);
    void (*mirror_made)(void *arg, enum bus_bucket bucket, int err, const char *text);
};

/* -EINVAL with the reason when the options cannot work; -ENOMEM. events is copied. */
int bus_new(const struct bus_options *options, const struct bus_events *events, void *arg, struct bus **ret_bus,
            char ret_why[static BUS_WHY_CAP]);

/*
 * The servers of options, and what they say of credentials, nkey, user, password and TLS, with what is in those files now;
 * nothing else of them counts. As bus_new. Any thread; blocks on the disk. The caller frees it (NULL is fine), or gives it
 * to bus_set_access.
 */
struct bus_access;
int bus_access_read(const struct bus_options *options, struct bus_access **ret_access,
                    char ret_why[static BUS_WHY_CAP]);
void bus_access_free(struct bus_access *access);

/*
 * Takes access over, by which all further connections are made. When it differs from what the present connection was
 * made with, another one is made at once, and the present one serves until that stands. Returns whether anything
 * differs from the last call.
 */
bool bus_set_access(struct bus *b, struct bus_access *access);

/* Starts the threads; NATS need not be there. watchdog sees whether they get on, and outlives the bus; or NULL. */
int bus_start(struct bus *b, struct watchdog *watchdog);

/* Ends the threads and the connection; takes at most a request's time-out. No events after it. */
void bus_stop(struct bus *b);
void bus_free(struct bus *b);

/* Readable when bus_dispatch has work. */
int bus_fd(const struct bus *b);
void bus_dispatch(struct bus *b);

/*
 * Puts a value, with a trace context among the headers; NULL: none. The token comes back exactly once, in put_done, whatever
 * happens. -ENOBUFS: max_puts are out; -EMSGSIZE: larger than max_value; -EINVAL: not a key; -ENOMEM: then it does not come
 * back.
 */
struct trace_context;
int bus_put(struct bus *b, enum bus_bucket bucket, const char *key, const void *value, size_t n, uint64_t token,
            const struct trace_context *trace);

/* Deletes a key (a marker takes its place). As bus_put. */
int bus_delete(struct bus *b, enum bus_bucket bucket, const char *key, uint64_t token);

/* What can be asked of a bucket. Orders are carried out one after the other, in the order in which they are given. */
enum bus_order {
    /*
     * Reads the whole bucket: info, entries in any order, info again (how far it has come meanwhile), and exactly one end. If
     * the first info has an error, there is only the end behind it, with an error too. Makes the bucket if there is none and
     * it may.
     */
    BUS_RESYNC,
    BUS_CHECK, /* one info alone; makes the bucket as well */

    /* Only where a mirror is configured, else -ENOENT. */
    BUS_REMEMBER, /* reads what the mirror has: the bucket does not answer, and nothing is known of it; ends with remembered_end */
    BUS_LOOK_AT_MIRROR, /* looks how the mirror is (bus_mirror_found), and makes one that is missing, where it may */
    BUS_MAKE_MIRROR,    /* makes the mirror, also in the place of one of another life; answered by mirror_made */
    BUS_ORDERS,
};

/* Gives an order. -EBUSY: the same one is under way for that bucket. */
int bus_order(struct bus *b, enum bus_order order, enum bus_bucket bucket);

/*
 * Publishes something that nobody confirms: an event, or the answer to a request, under the subject of its reply. error: 0,
 * or a code of which the bytes are the reason, as micro services of NATS do (headers Nats-Service-Error and -Code); then the
 * body is empty. It waits behind puts, none of them waits for it, and what is lost with a connection is only counted.
 * -ENOTCONN; -ENOBUFS: too many wait to be written; -EMSGSIZE: more than NATS takes here, or than BUS_PUBLISH_MAX; -ENOMEM.
 */
#define BUS_PUBLISH_MAX (512 * 1024)
int bus_publish(struct bus *b, const char *subject, int error, const void *bytes, size_t n);

/* How the bucket's mirror was when a snapshot was last read from it, or it was last looked at. */
enum bus_mirror_state bus_mirror_found(const struct bus *b, enum bus_bucket bucket);
uint64_t bus_mirror_snapshots(const struct bus *b); /* number of snapshots that were read from mirrors */

bool bus_connected(const struct bus *b);

/* Shows what it counts. -ENOMEM. The bus must live as long as m. */
int bus_add_metrics(struct bus *b, struct metrics *m);

#endif
