/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration names is registered; what was in the way is waited for. */
#include "daemon/registry/services/services.h"

#include "daemon/base/loop.h"
#include "daemon/registry/services/reload_report.h"
#include "tests/unit/agent/life.h"
#include "tests/unit/base/folder.h"

static struct event_base *base;
static struct metrics *metrics;
static struct config *config;
static struct services *services;

static void unexpected(void *arg, const char *message)
{
    (void)arg;
    ck_abort_msg("%s", message);
}

static void ignore_turn(void *arg)
{
    (void)arg;
}

static void begin(const char *text)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "state_dir = \"%s\"; %s", folder_enter(), text);
    folder_write("c", whole);
    ck_assert_int_eq(config_load("c", unexpected, NULL, &config), 0);
    base = loop_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    now_ns = clock_now_ns();
    const struct checking_reach reach = {
        .base = base, .metrics = metrics, .config = config, .registrar = registrar(), .turn = ignore_turn};
    ck_assert_int_eq(services_new(&reach, NULL, &services), 0);
}

static void end(void)
{
    services_free(services);
    teardown();
    metrics_free(metrics);
    loop_free(base);
    config_free(config);
    folder_remove();
}

/* And all that follows from it. */
static void second(void)
{
    services_second(services);
    while (event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK) == 0) {
    }
}

#define ONE                                                                                                            \
    "host = \"web-1\"; services_dir = \"\"; \n"                                                                        \
    "services = ( { name = \"shop/payment\"; instance = \"a\"; port = 80; address = [\"10.0.0.1\"]; } );"

START_TEST(what_the_configuration_names_is_registered)
{
    begin(ONE);
    services_set_now(services);
    ck_assert_uint_eq(agent_status(a).registrations, 1);
    ck_assert_uint_eq(bucket->n_local, 1);
    config->n_services = 0; /* a reload has taken it out */
    services_set_now(services);
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    config->n_services = 1;
}
END_TEST

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

/* Whatever is in the configuration: nobody waits for more than a slice of it. */
START_TEST(many_are_taken_in_slices)
{
    enum { MANY = 2000 };
    struct reload_report report = {0};
    unsigned done = 0, turns = 0;
    begin(ONE);
    struct service_config one = config->services[0];
    config->services = realloc(config->services, MANY * sizeof one);
    ck_assert_ptr_nonnull(config->services);
    for (size_t i = 0; i < MANY; i++) {
        config->services[i] = one;
        snprintf(config->services[i].key.instance, LABEL_CAP, "i%zu", i % 20);
    }
    config->n_services = MANY;
    for (int round = 0; round < 2; round++) { /* they come, and go */
        services_set(services, &report, count, &done);
        while (done <= (unsigned)round) {
            ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
            turns++;
        }
        ck_assert_uint_eq(agent_status(a).registrations, round ? 0 : 20);
        config->n_services = 0;
    }
    ck_assert_uint_gt(turns, 2);
    reload_report_fini(&report);
}
END_TEST

START_TEST(a_name_that_is_taken_is_had_once_it_is_free)
{
    begin(ONE);
    struct instance_key key = bucket_key(A);
    add("a", 7);
    services_set_now(services);
    second(); /* nothing has gone yet */
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 7, 1000, clock_now_ns()), 0);
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    second(); /* nor does it know */
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    services_registration_gone(services, &key);
    second();
    ck_assert_uint_eq(agent_status(a).registrations, 1);
}
END_TEST

UNIT_TESTS_IN(setup, end, "services", what_the_configuration_names_is_registered, many_are_taken_in_slices,
              a_name_that_is_taken_is_had_once_it_is_free)
