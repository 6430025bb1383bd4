/* SPDX-License-Identifier: Apache-2.0 */
/* Services by name: found, added and removed, by many threads at once. */
#include <pthread.h>
#include <stdio.h>

#include "libdiscover/dns/dns_names.h"
#include "tests/support/unit.h"

static struct dns_names names;

static bool add(const char *service)
{
    bool added = false;
    uint32_t entered = dns_names_enter(&names);
    struct dns_service *s = dns_names_add(&names, service, &added);
    ck_assert(!s || dns_names_find(&names, service) == s);
    dns_names_leave(&names, entered);
    return added;
}

static size_t all(void)
{
    size_t n = 0;
    for (struct dns_service *s = NULL; (s = dns_names_next(&names, s));)
        n++;
    return n;
}

static void fill(const char *domain, size_t n)
{
    char service[64];
    for (size_t i = 0; i < n; i++) {
        snprintf(service, sizeof service, "%s/s%zu", domain, i);
        ck_assert_int_eq(add(service), all() <= DNS_SERVICES_MAX && i < DNS_SERVICES_MAX);
    }
}

static void remove_all(void)
{
    for (struct dns_service *s = NULL; (s = dns_names_next(&names, s));)
        dns_names_remove(&names, s);
}

START_TEST(each_is_there_once)
{
    ck_assert(add("shop/payment"));
    ck_assert(!add("shop/payment"));
    ck_assert(add("shop/order"));
    ck_assert_ptr_null(dns_names_find(&names, "shop/other"));
    ck_assert_uint_eq(all(), 2);
    dns_names_fini(&names);
}
END_TEST

START_TEST(there_are_never_too_many)
{
    fill("shop", DNS_SERVICES_MAX + 10);
    ck_assert_uint_eq(all(), DNS_SERVICES_MAX);
    remove_all();
    ck_assert(!dns_names_reclaim(&names));
    ck_assert_uint_eq(all(), 0);
    fill("other", DNS_SERVICES_MAX);
    dns_names_fini(&names);
}
END_TEST

START_TEST(what_is_read_is_not_freed)
{
    (void)add("shop/payment");
    uint32_t entered = dns_names_enter(&names);
    struct dns_service *s = dns_names_find(&names, "shop/payment");
    dns_names_remove(&names, s);
    ck_assert(dns_names_reclaim(&names));
    ck_assert_str_eq(s->key, "shop/payment");
    ck_assert_ptr_null(dns_names_find(&names, "shop/payment"));
    dns_names_leave(&names, entered);
    ck_assert(!dns_names_reclaim(&names));
    dns_names_fini(&names);
}
END_TEST

/* Some look up and add what one removes; what anybody has found stays whole until he leaves. */
#define THREADS 3
#define ROUNDS  20000

static atomic_bool stop;

static void *look_up(void *arg)
{
    uint32_t random = *(uint32_t *)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char service[32];
        bool added;
        random = random * 1664525 + 1013904223;
        snprintf(service, sizeof service, "shop/s%u", random >> 16 & 127);
        uint32_t entered = dns_names_enter(&names);
        struct dns_service *s = dns_names_add(&names, service, &added);
        if (!s || strcmp(s->key, service) != 0 || mapping_enter(&s->mappings))
            atomic_store(&stop, true);
        dns_names_leave(&names, entered);
    }
    return NULL;
}

static void remove_some(int *turn)
{
    for (struct dns_service *s = NULL; (s = dns_names_next(&names, s));)
        if (++*turn % 3 == 0)
            dns_names_remove(&names, s);
}

START_TEST(many_threads)
{
    pthread_t threads[THREADS];
    uint32_t seeds[THREADS];
    int turn = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, look_up, &seeds[i]), 0);
    }
    for (int i = 0; i < 2000; i++) {
        remove_some(&turn);
        (void)dns_names_reclaim(&names);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(!atomic_load(&stop));
    remove_all();
    ck_assert(!dns_names_reclaim(&names));
    ck_assert_uint_eq(atomic_load(&names.n), 0);
    dns_names_fini(&names);
}
END_TEST

UNIT_TESTS("DNS names", each_is_there_once, there_are_never_too_many, what_is_read_is_not_freed, many_threads)
