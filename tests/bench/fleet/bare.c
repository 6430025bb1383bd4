/* SPDX-License-Identifier: Apache-2.0 */
/* Bare nats.c beside the daemon, and what processes cost. */
#include "tests/bench/fleet/bare.h"

#include <check.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"

int64_t bare_snapshot(const char *url, const char *stream, uint64_t messages)
{
    natsConnection *nc;
    jsCtx *js;
    natsSubscription *sub;
    jsSubOptions options;
    char subject[64];
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(natsConnection_ConnectTo(&nc, url), NATS_OK);
    ck_assert_int_eq(natsConnection_JetStream(&js, nc, NULL), NATS_OK);
    jsSubOptions_Init(&options);
    options.Ordered = true;
    options.Stream = stream;
    options.Config.DeliverPolicy = js_DeliverLastPerSubject;
    snprintf(subject, sizeof subject, "$KV.%s.>", stream + strlen("KV_"));
    ck_assert_int_eq(js_SubscribeSync(&sub, js, subject, NULL, &options, NULL), NATS_OK);
    natsSubscription_SetPendingLimits(sub, -1, -1);
    for (uint64_t i = 0; i < messages; i++) {
        natsMsg *msg;
        ck_assert_int_eq(natsSubscription_NextMsg(&msg, sub, 10000), NATS_OK);
        natsMsg_Destroy(msg);
    }
    int64_t took_ns = clock_now_ns() - start_ns;
    natsSubscription_Unsubscribe(sub);
    natsConnection_Flush(nc);
    natsSubscription_Destroy(sub);
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
    return took_ns;
}

static void ignore(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
    (void)nc, (void)sub, (void)arg;
    natsMsg_Destroy(msg);
}

pid_t bare_subscriber(const char *url)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    natsConnection *nc;
    natsSubscription *sub;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (natsConnection_ConnectTo(&nc, url) != NATS_OK ||
        natsConnection_Subscribe(&sub, nc, "discover.local.>", ignore, NULL) != NATS_OK)
        _exit(1);
    for (;;)
        pause();
}

int64_t process_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec ts;
    ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &ts), 0);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t process_rss(pid_t pid)
{
    char path[64], line[256];
    long long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %lld kB", &kb) == 1)
            break;
    fclose(f);
    ck_assert_int_ge(kb, 0);
    return kb * 1024;
}
