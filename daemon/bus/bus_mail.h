/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of the bus post to the main thread, which frees it. Mails that come once in a life of a
 * connection or once an order are forced in; what others can flood with obeys the mailbox's limit.
 */
#ifndef BUS_MAIL_H
#define BUS_MAIL_H

#include "daemon/base/mailbox.h"
#include "daemon/bus/bus.h"
#include "daemon/bus/bus_wire.h"

enum bus_mail_kind {
    BUS_MAIL_CONNECTED,      /* text_mail */
    BUS_MAIL_DISCONNECTED,   /* text_mail */
    BUS_MAIL_MOVED,          /* text_mail */
    BUS_MAIL_PROBLEM,        /* text_mail */
    BUS_MAIL_LIVE,           /* live_mail */
    BUS_MAIL_GAP,            /* bus_mail, part of the feed */
    BUS_MAIL_INFO,           /* info_mail */
    BUS_MAIL_ENTRIES,        /* entries_mail */
    BUS_MAIL_END,            /* text_mail */
    BUS_MAIL_REMEMBERED,     /* entries_mail */
    BUS_MAIL_MIRROR,         /* mirror_mail */
    BUS_MAIL_PUT,            /* bus_put */
    BUS_MAIL_PUBLISH_DENIED, /* text_mail */
    BUS_MAIL_REQUEST,        /* request_mail */
};

struct bus_mail {
    struct mail mail;
    uint8_t kind;   /* enum bus_mail_kind */
    uint8_t bucket; /* enum bus_bucket */
};

struct text_mail {
    struct bus_mail head;
    int err;
    char text[];
};

struct info_mail {
    struct bus_mail head;
    struct bus_info info; /* points into texts */
    char texts[];
};

/* Something about the mirror of a bucket. */
struct mirror_mail {
    struct bus_mail head;
    enum bus_order order; /* which is carried out now; BUS_ORDERS: none, it is only how the mirror was found */
    enum bus_mirror_state state;
    int err;
    int64_t newest_ns;
    char text[BUS_REASON_CAP];
};

struct live_mail {
    struct bus_mail head;
    struct kv_message m; /* points behind itself */
};

struct request_mail {
    struct bus_mail head;
    struct bus_request request; /* points into text */
    char text[];
};

/* From main to the bus thread: something to be published. */
struct publish_mail {
    struct mail mail;
    int error; /* of an answer: Nats-Service-Error-Code; 0: none */
    size_t n;
    const char *bytes; /* behind the subject */
    char subject[];
};

/* Some entries of a snapshot, one behind the other: of each the message, and behind it what it points to. */
struct entries_mail {
    struct bus_mail head;
    size_t count, used;
    size_t read; /* bytes of used */
    _Alignas(struct kv_message) uint8_t bytes[];
};

/* The first entry that was not read; NULL: all were. */
const struct kv_message *entries_next(struct entries_mail *mail);

/* False: no room for it; cap is what bytes can hold. */
bool entries_add(struct entries_mail *mail, size_t cap, const struct kv_message *m);

/* Posts a text. Connected, disconnected and end are forced in; a problem is lost when the mailbox is full. */
void bus_mail_text(struct mailbox *box, enum bus_mail_kind kind, enum bus_bucket bucket, int err, const char *text);

/* The texts are copied; NULL is "". */
void bus_mail_info(struct mailbox *box, enum bus_bucket bucket, const struct bus_info *info);

/* Posts a copy; forced in. */
void bus_mail_mirror(struct mailbox *box, enum bus_bucket bucket, struct mirror_mail news);

/* Posts a copy of a live message; not in a hurry: mailbox_post_later. -ENOBUFS: the mailbox is full; -ENOMEM. */
int bus_mail_live(struct mailbox *box, enum bus_bucket bucket, const struct kv_message *m, bool hurry);

#endif
