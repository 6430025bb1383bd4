/* SPDX-License-Identifier: Apache-2.0 */
/* What a host can try with its own password, message by message; for test_attacks.c alone. */
#ifndef E2E_ATTACKS_H
#define E2E_ATTACKS_H

#include <stddef.h>

#define RECORD "shop.pay.web-2.p1"
#define OWN    "#SERVICES.x.y.web-1.z" /* what web-1 may write */
#define PULL   "{\"batch\":1,\"no_wait\":true}"
#define FIRST  "{\"seq\":1,\"next_by_subj\":\">\"}"
#define PUSH(bucket, subject)                                                                                          \
    "{\"stream_name\":\"KV_" bucket "\",\"config\":{\"ack_policy\":\"none\",\"deliver_policy\":\"all\","               \
    "\"deliver_subject\":\"" subject "\"}}"
#define PULLED(bucket)                                                                                                 \
    "{\"stream_name\":\"KV_" bucket "\",\"config\":{\"durable_name\":\"evil\",\"ack_policy\":\"none\","                \
    "\"deliver_policy\":\"all\",\"filter_subject\":\"$KV." bucket ".>\"}}"

/* "@" stands for "$JS.API." and "$JS.registry.API.", "#" for "$KV." with and without the latter: all combinations. */
struct attack {
    const char *name;
    struct {
        const char *subject, *reply, *headers, *value;
    } send[4];
};

/*
 * It cannot replace or delete another's lease or record; get anything into the live feed or the inbox of others; delete,
 * empty or change a bucket, or make streams and consumers; make a daemon that starts read less, or something else, than
 * is stored (which check_cold_start sees behind all of them).
 */
static const struct attack attacks[] = {
    {"the status of an empty pull deletes a bucket",
     {{"@CONSUMER.DURABLE.CREATE.KV_HOSTS.evil", "_INBOX.web-1.x", NULL, PULLED("HOSTS")},
      {"@CONSUMER.MSG.NEXT.KV_HOSTS.evil", "@STREAM.DELETE.KV_HOSTS", NULL, PULL},
      {"@CONSUMER.MSG.NEXT.KV_SERVICES.evil", "@STREAM.DELETE.KV_SERVICES", NULL, PULL}}},
    {"the status of an empty get deletes a bucket",
     {{"@DIRECT.GET.KV_HOSTS", "@STREAM.DELETE.KV_HOSTS", NULL, "{\"seq\":999999999,\"next_by_subj\":\">\"}"},
      {"@DIRECT.GET.KV_SERVICES.$KV.SERVICES.no.such.key.x", "@STREAM.DELETE.KV_SERVICES", NULL, ""}}},
    {"an acknowledgement empties a bucket",
     {{OWN, "@STREAM.PURGE.KV_SERVICES", NULL, "x"}, {OWN, "@STREAM.PURGE.KV_HOSTS", NULL, "x"}}},
    {"an acknowledgement replaces another's lease and record",
     {{OWN, "#HOSTS.web-2", NULL, "x"},
      {OWN, "#SERVICES." RECORD, NULL, "x"},
      {"#HOSTS.web-1", "#HOSTS.web-2", NULL, "x"}}},
    {"the answer to a request replaces another's lease",
     {{"@STREAM.INFO.KV_HOSTS", "#HOSTS.web-2", NULL, ""},
      {"@DIRECT.GET.KV_SERVICES", "#HOSTS.web-2", NULL, FIRST},
      {"@STREAM.MSG.GET.KV_SERVICES", "#SERVICES." RECORD, NULL, FIRST}}},
    {"a pull is stored in the other bucket",
     {{"@CONSUMER.DURABLE.CREATE.KV_SERVICES.evil", "_INBOX.web-1.x", NULL, PULLED("SERVICES")},
      {"@CONSUMER.MSG.NEXT.KV_SERVICES.evil", "#HOSTS.web-2", NULL, PULL}}},
    {"a pull goes into the live feed of others",
     {{"@CONSUMER.DURABLE.CREATE.KV_SERVICES.evil2", "_INBOX.web-1.x", NULL, PULLED("SERVICES")},
      {"@CONSUMER.MSG.NEXT.KV_SERVICES.evil2", "discover.local.services." RECORD, NULL, PULL}}},
    {"an answer goes into the live feed of others",
     {{OWN, "discover.local.hosts.web-2", NULL, "x"},
      {"@DIRECT.GET.KV_SERVICES", "discover.local.services." RECORD, NULL, FIRST},
      {"@STREAM.INFO.KV_SERVICES", "discover.local.services." RECORD, NULL, ""}}},
    {"an answer goes to the inbox of another",
     {{OWN, "_INBOX.web-2.known", NULL, "x"}, {"@DIRECT.GET.KV_SERVICES", "_INBOX.web-2.known", NULL, FIRST}}},
    {"a consumer pushes into the live feed",
     {{"@CONSUMER.CREATE.KV_SERVICES", "_INBOX.web-1.x", NULL, PUSH("SERVICES", "discover.local.services.x")}}},
    {"a consumer pushes into keys and into the API",
     {{"@CONSUMER.CREATE.KV_SERVICES", "_INBOX.web-1.x", NULL, PUSH("SERVICES", "$KV.HOSTS.web-2")},
      {"@CONSUMER.CREATE.KV_HOSTS", "_INBOX.web-1.x", NULL, PUSH("HOSTS", "$JS.API.STREAM.DELETE.KV_HOSTS")}}},
    {"a message is published for another",
     {{"#SERVICES." RECORD, "_INBOX.web-1.x", NULL, "x"},
      {"#HOSTS.web-2", NULL, NULL, "x"},
      {"discover.local.services." RECORD, NULL,
       "NATS/1.0\r\nNats-Subject: $KV.SERVICES." RECORD "\r\nNats-Sequence: 99\r\n\r\n", "x"},
      {"_INBOX.web-2.known", NULL, NULL, "x"}}},
    {"a bucket is changed",
     {{"@STREAM.DELETE.KV_SERVICES", "_INBOX.web-1.x", NULL, ""},
      {"@STREAM.PURGE.KV_HOSTS", "_INBOX.web-1.x", NULL, ""},
      {"@STREAM.MSG.DELETE.KV_SERVICES", "_INBOX.web-1.x", NULL, "{\"seq\":1}"},
      {"@STREAM.UPDATE.KV_SERVICES", "_INBOX.web-1.x", NULL, "{\"name\":\"KV_SERVICES\",\"subjects\":[\"x\"]}"}}},
    {"a bucket is rolled up",
     {{OWN, "_INBOX.web-1.x", "NATS/1.0\r\nNats-Rollup: all\r\n\r\n", "x"},
      {OWN, "_INBOX.web-1.x", "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n", "x"}}},
    {"a request has another request for its reply, which ended servers that rename by imports",
     {{"@STREAM.INFO.KV_SERVICES", "#SERVICES.x.y.web-1.z", NULL, ""},
      {"@DIRECT.GET.KV_SERVICES", "#SERVICES.x.y.web-1.z", NULL, FIRST},
      {"@DIRECT.GET.KV_SERVICES", "@DIRECT.GET.KV_SERVICES", NULL, FIRST},
      {OWN, OWN, NULL, "x"}}},
    {"headers of the server, forged",
     {{OWN, "_INBOX.web-1.x",
       "NATS/1.0\r\nNats-Stream: KV_HOSTS\r\nNats-Subject: $KV.SERVICES." RECORD
       "\r\nNats-Sequence: 999999999\r\nNats-Time-Stamp: 2099-01-01T00:00:00Z\r\nNats-Num-Pending: 9\r\n\r\n",
       "x"},
      {"#SERVICES.x.y.web-1.status", "_INBOX.web-1.x", "NATS/1.0 404 Message Not Found\r\n\r\n", ""},
      {"#SERVICES.x.y.web-1.nobody", "_INBOX.web-1.x", "NATS/1.0 503\r\n\r\n", ""},
      {"#SERVICES.x.y.web-1.batch", "_INBOX.web-1.x", "NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n", ""}}},
    {"the trace of a message goes to another",
     {{OWN, "_INBOX.web-1.x", "NATS/1.0\r\nNats-Trace-Dest: discover.local.services." RECORD "\r\n\r\n", "x"},
      {OWN, NULL, "NATS/1.0\r\nNats-Trace-Dest: $KV.HOSTS.web-2\r\nNats-Trace-Only: true\r\n\r\n", "x"},
      {"@STREAM.INFO.KV_HOSTS", "_INBOX.web-1.x", "NATS/1.0\r\nNats-Trace-Dest: $JS.API.STREAM.DELETE.KV_HOSTS\r\n\r\n",
       ""},
      {OWN, NULL, "NATS/1.0\r\nNats-Trace-Dest: _INBOX.web-2.known\r\n\r\n", "x"}}},
    {"headers that newer servers act upon",
     {{OWN, "_INBOX.web-1.x",
       "NATS/1.0\r\nNats-Schedule: @at 2020-01-01T00:00:00Z\r\nNats-Schedule-Target: $KV.HOSTS.web-2\r\n\r\n", "x"},
      {OWN, "_INBOX.web-1.x", "NATS/1.0\r\nNats-Batch-Id: b\r\nNats-Batch-Sequence: 1\r\nNats-Batch-Commit: 1\r\n\r\n",
       "x"},
      {OWN, "_INBOX.web-1.x", "NATS/1.0\r\nNats-TTL: never\r\nNats-Marker-Reason: MaxAge\r\n\r\n", "x"},
      {OWN, "_INBOX.web-1.x", "NATS/1.0\r\nNats-Incr: +1\r\nKV-Operation: PURGE\r\n\r\n", ""}}},
    {"headers that cannot be read",
     {{"#SERVICES.x.y.web-1.h1", "_INBOX.web-1.x",
       "NATS/1.0\r\nNats-Subject: $KV.SERVICES." RECORD "\r\n\r\nfoo\r\n\r\n", "x"},
      {"#SERVICES.x.y.web-1.h2", "_INBOX.web-1.x", "xxxx", "x"},
      {"#SERVICES.x.y.web-1.h3", "_INBOX.web-1.x", "NATS/1.0\r\n A: 5\r\n\r\n", "x"},
      {"#SERVICES.x.y.web-1.h4", "_INBOX.web-1.x", "NATS/1.0\r\nfoo", "x"}}},
    {"values that are empty",
     {{"#SERVICES.x.y.web-1.e1", "_INBOX.web-1.x", NULL, ""},
      {"#SERVICES.x.y.web-1.e2", "_INBOX.web-1.x", NULL, ""},
      {"#SERVICES.x.y.web-1.e3", "_INBOX.web-1.x", NULL, ""}}},
};

#endif
