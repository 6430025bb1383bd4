/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads look up and pick over DNS, while one dispatches and answers change: each sees what was answered. */
#include <pthread.h>
#include <stdio.h>

#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/support/wait.h"
#include "tests/unit/lib/dns/dns_script.h"

#define TARGET   "0a000001.addr.shop.discover.internal"
#define THREADS  3
#define SERVICES 20
#define SERVED   60 /* so many questions are answered */

static struct dns_server server;
static struct discover *d;
static struct discover_picker *picker;
static atomic_bool stop;
static _Atomic(const char *) wrong;

/* Instances of service s<i> have ports from 1000 x (i + 1) on. */
static bool is_of(int i, const struct discover_endpoint *endpoints, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (endpoints[k].port / 1000 != i + 1 || endpoints[k].families != DISCOVER_HAS_IPV4)
            return false;
    return true;
}

static void check(bool right, const char *what)
{
    if (!right)
        atomic_store(&wrong, what);
}

static void *look_up(void *arg)
{
    uint32_t random = *(uint32_t *)arg;
    while (!atomic_load(&stop)) {
        struct discover_endpoint endpoints[4];
        char service[32];
        size_t n = 0;
        random = random * 1664525 + 1013904223;
        int i = (int)(random >> 16) % SERVICES;
        snprintf(service, sizeof service, "shop/s%d", i);
        int result = discover_resolve(d, service, endpoints, 4, &n);
        check(result >= 0 ? n > 0 && n <= 4 && is_of(i, endpoints, n)
                          : result == DISCOVER_E_UNSYNCED || result == DISCOVER_E_UNKNOWN,
              "an answer that was never given");
        result = discover_pick(picker, endpoints);
        check(result < 0 || is_of(0, endpoints, 1), "picked of another service");
        if (result >= 0)
            discover_report(picker, endpoints[0].id, 10, DISCOVER_OK);
        (void)discover_age_ms(d);
    }
    return NULL;
}

/* Answers by turns one to four instances, or that there is none. */
static void answer(int turn)
{
    static struct dns_script script;
    int i = 0;
    ck_assert_int_eq(sscanf(server.name, "s%d.", &i), 1);
    bool known = turn % 5 != 0;
    script_begin(&script, server.name, DNS_TYPE_SRV, known ? DNS_NOERROR : DNS_NXDOMAIN);
    for (int k = 0; k < turn % 5; k++)
        script_srv(&script, server.name, 0, 0, 256, (uint16_t)(1000 * (i + 1) + k), TARGET);
    if (!known)
        script_soa(&script, "discover.internal", 0, 0);
    dns_server_send(&server, &script);
}

static bool serve(int *served)
{
    ck_assert_int_ge(discover_dispatch(d), 0);
    while (dns_server_take(&server))
        answer((*served)++);
    return *served >= SERVED;
}

START_TEST(many_threads)
{
    pthread_t threads[THREADS];
    uint32_t seeds[THREADS];
    int served = 0;
    dns_server_open(&server);
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_source(d, DISCOVER_SOURCE_DNS), 0);
    ck_assert_int_eq(discover_set_dns(d, server.list, NULL), 0);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_int_eq(discover_picker_new(d, "shop/s0", &picker), 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, look_up, &seeds[i]), 0);
    }
    (void)wait_until(50000, serve(&served), "too few questions");
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const char *what = atomic_load(&wrong);
    ck_assert_msg(!what, "%s", what);
    discover_picker_free(picker);
    discover_free(d);
    dns_server_close(&server);
}
END_TEST

UNIT_TESTS("DNS, many threads", many_threads)
