/* SPDX-License-Identifier: Apache-2.0 */
/* NULL gets -EINVAL at every public door: each function with NULL for each of its pointers, as the headers have them. */
#include <discover/discover.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tests/support/unit.h"

/* --- a valid value of each type, for the other parameters --- */

static struct discover *d;
static struct discover_picker *p;
static struct discover_query *q;
static struct discover_registration *r;
static struct discover_endpoint endpoint;

static void on_change(void *arg, const struct discover_change *change)
{
    (void)arg, (void)change;
}

static int on_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)arg, (void)service, (void)n_usable, (void)n_total;
    return 0;
}

static int on_instance(void *arg, const struct discover_instance *instance)
{
    (void)arg, (void)instance;
    return 0;
}

static int on_host(void *arg, const struct discover_host *host)
{
    (void)arg, (void)host;
    return 0;
}

static void on_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

static void on_checks(void *arg, const struct discover_checks *checks)
{
    (void)arg, (void)checks;
}

static void on_reload(void *arg, const struct discover_reload_result *result)
{
    (void)arg, (void)result;
}

static void on_document(void *arg, const char *text, size_t n)
{
    (void)arg, (void)text, (void)n;
}

static void on_answer(void *arg, const struct discover_answer *answer)
{
    (void)arg, (void)answer;
}

#define VALID_int                                         0
#define VALID_size_t                                      ((size_t)1)
#define VALID_uint16_t                                    ((uint16_t)1)
#define VALID_int32_t                                     1
#define VALID_uint32_t                                    1
#define VALID_uint64_t                                    1
#define VALID_enum_discover_outcome                       DISCOVER_OK
#define VALID_enum_discover_protocol                      DISCOVER_TCP
#define VALID_enum_discover_source                        DISCOVER_SOURCE_DAEMON
#define VALID_enum_discover_state                         DISCOVER_DRAINING
#define VALID_const_char_pointer                          "shop/payment"
#define VALID_char_pointer                                ((char[64]){0})
#define VALID_const_void_pointer                          "key"
#define VALID_const_uint64_t_pointer                      (&(uint64_t){1})
#define VALID_size_t_pointer                              (&(size_t){0})
#define VALID_socklen_t_pointer                           (&(socklen_t){0})
#define VALID_struct_sockaddr_storage_pointer             (&(struct sockaddr_storage){0})
#define VALID_struct_discover_pointer                     d
#define VALID_const_struct_discover_pointer               d
#define VALID_struct_discover_query_pointer               q
#define VALID_const_struct_discover_query_pointer         q
#define VALID_struct_discover_picker_pointer              p
#define VALID_struct_discover_registration_pointer        r
#define VALID_const_struct_discover_endpoint_pointer      (&endpoint)
#define VALID_struct_discover_endpoint_pointer            (&endpoint)
#define VALID_struct_discover_query_pointerpointer        (&(struct discover_query *){NULL})
#define VALID_struct_discover_picker_pointerpointer       (&(struct discover_picker *){NULL})
#define VALID_struct_discover_watch_pointerpointer        (&(struct discover_watch *){NULL})
#define VALID_struct_discover_call_pointerpointer         NULL
#define VALID_struct_discover_registration_pointerpointer (&(struct discover_registration *){NULL})
#define VALID_discover_watch_fn_pointer                   on_change
#define VALID_discover_service_fn_pointer                 on_service
#define VALID_discover_instance_fn_pointer                on_instance
#define VALID_discover_host_fn_pointer                    on_host
#define VALID_discover_status_fn_pointer                  on_status
#define VALID_discover_checks_fn_pointer                  on_checks
#define VALID_discover_reload_fn_pointer                  on_reload
#define VALID_discover_document_fn_pointer                on_document
#define VALID_discover_answer_fn_pointer                  on_answer

/* --- what may be NULL, by the headers --- */

static const char *const may_be_null[] = {
    "discover_set_trace traceparent",
    "discover_set_trace tracestate",
    "discover_set_dns zone",
    "discover_query_run after",
    "discover_drain r",
    "discover_drain_async r",
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool may_be(const char *function, const char *parameter)
{
    if (ends_with(function, "_async") && (strcmp(parameter, "fn") == 0 || strcmp(parameter, "ret_call") == 0))
        return true;
    for (size_t i = 0; i < sizeof may_be_null / sizeof *may_be_null; i++)
        if (strncmp(may_be_null[i], function, strlen(function)) == 0 &&
            strcmp(may_be_null[i] + strlen(function) + 1, parameter) == 0)
            return true;
    return false;
}

static void check(const char *function, const char *parameter, int64_t result)
{
    if (!may_be(function, parameter))
        ck_assert_msg(result == -EINVAL, "%s(%s = NULL) is %lld", function, parameter, (long long)result);
}

#define INT(function, parameter, call) check(#function, #parameter, call);
#define TEXT(function, parameter, call)                                                                                \
    ck_assert_msg((call) != NULL, "%s(%s = NULL) is no text", #function, #parameter);
#define NOTHING(function, parameter, call) call;

static void setup(void)
{
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_socket(d, "/nonexistent"), 0);
    ck_assert_int_eq(discover_set_source(d, DISCOVER_SOURCE_DAEMON), 0);
    ck_assert_int_eq(discover_query_new("shop/payment", &q), 0);
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
}

static void teardown(void)
{
    discover_picker_free(p);
    discover_query_free(q);
    discover_registration_free(r);
    discover_free(d);
}

START_TEST(before_start){
#include "null_calls.inc"
} END_TEST

    START_TEST(started)
{
    ck_assert_int_eq(discover_start(d), 0);
#include "null_calls.inc"
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "lib_null", before_start, started)
