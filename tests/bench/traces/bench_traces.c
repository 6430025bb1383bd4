/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change of a registration costs its daemon, in time of the processor, from the socket to NATS's acknowledgement: without
 * a trace context, with one that is handed on, and with one whose span is made, too, in turns.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "discover/discover.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define REGISTRATIONS 500
#define ROUNDS        20
#define TARGET        1.5
#define NOT_RECORDED  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
#define RECORDED      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct nats nats;
static struct host a;
static struct discover_registration *all[REGISTRATIONS];

/* Of all its threads. */
static int64_t cpu_ns(pid_t pid)
{
    char path[300];
    long long sum = 0, ns;
    (void)!snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        (void)!snprintf(path, sizeof path, "/proc/%d/task/%.16s/schedstat", (int)pid, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file && fscanf(file, "%lld", &ns) == 1)
            sum += ns;
        if (file)
            (void)fclose(file);
    }
    (void)closedir(folder);
    return sum;
}

static void on_answer(void *arg, const struct discover_answer *answer)
{
    ck_assert_int_eq(answer->result, 0);
    --*(int *)arg;
}

static void note_behind(void *arg, const struct discover_status *status)
{
    *(bool *)arg = status->unacknowledged > 0;
}

static bool behind(void)
{
    bool is = false;
    ck_assert_int_eq(discover_status(a.lib, note_behind, &is), 0);
    return is;
}

/* The time of the daemon for all of them. */
static int64_t change_all(const char *traceparent)
{
    static uint32_t weight;
    struct discover_call *call;
    int left = REGISTRATIONS;
    weight = weight % 1000 + 1;
    ck_assert_int_eq(discover_set_trace(a.lib, traceparent, NULL), 0);
    int64_t before_ns = cpu_ns(a.proc.pid);
    for (size_t i = 0; i < REGISTRATIONS; i++) {
        ck_assert_int_eq(discover_registration_set_weight(all[i], weight), 0);
        ck_assert_int_eq(discover_register_async(a.lib, all[i], on_answer, &left, &call), 0);
    }
    (void)wait_until(20000, discover_dispatch(a.lib) == 0 && left == 0, "answers");
    (void)wait_until(20000, !behind(), "acknowledgements");
    return cpu_ns(a.proc.pid) - before_ns;
}

static void print(const char *name, int64_t ns, int64_t floor_ns)
{
    double us = (double)ns / 1000 / ROUNDS / REGISTRATIONS, floor_us = (double)floor_ns / 1000 / ROUNDS / REGISTRATIONS;
    if (floor_ns)
        printf(
            "{\"name\":\"traces/%s\",\"value\":%.2f,\"unit\":\"us/change\",\"p99\":null,\"floor\":%.2f,\"ratio\":%.2f,"
            "\"target\":%.1f,\"ok\":%s}\n",
            name, us, floor_us, us / floor_us, TARGET, us / floor_us <= TARGET ? "true" : "false");
    else
        printf(
            "{\"name\":\"traces/%s\",\"value\":%.2f,\"unit\":\"us/change\",\"p99\":null,\"floor\":null,\"ratio\":null,"
            "\"target\":null,\"ok\":null}\n",
            name, us);
    fflush(stdout);
}

START_TEST(a_change)
{
    int64_t plain_ns = 0, handed_on_ns = 0, recorded_ns = 0;
    nats_start(&nats, 1);
    host_start(
        &a, &(struct host_options){.nats = nats.urls,
                                   .extra = getenv("BENCH_UNTRACED")
                                                ? ""
                                                : "trace = { endpoint = \"http://127.0.0.1:9\"; sample = \"0\"; };"});
    (void)host_lib(&a);
    for (size_t i = 0; i < REGISTRATIONS; i++)
        ck_assert_int_eq(discover_registration_new("bench/traces", (uint16_t)(1000 + i), &all[i]), 0);
    (void)change_all(NULL);
    for (int i = 0; i < ROUNDS; i++) {
        plain_ns += change_all(NULL);
        handed_on_ns += change_all(NOT_RECORDED);
        recorded_ns += change_all(RECORDED);
    }
    print("change", plain_ns, 0);
    print("change-with-a-context", handed_on_ns, plain_ns);
    print("change-that-is-recorded", recorded_ns, plain_ns);
}
END_TEST

E2E_TESTS("traces", 120, {"a_change", a_change})
