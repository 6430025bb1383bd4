/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: their defaults, their life without a daemon, and what a forked child may do with its parent's. */
#include "libdiscover/context.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static void ignore_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

static int ignore_instance(void *arg, const struct discover_instance *instance)
{
    (void)arg, (void)instance;
    return 0;
}

static int ignore_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)arg, (void)service, (void)n_usable, (void)n_total;
    return 0;
}

static struct discover *new_handle(void)
{
    struct discover *d;
    ck_assert_int_eq(discover_new(&d), 0);
    return d;
}

START_TEST(socket_from_the_environment)
{
    ck_assert_int_eq(unsetenv("DISCOVERD_SOCKET"), 0);
    struct discover *d = new_handle();
    ck_assert_str_eq(discover_socket(d), "/run/discoverd/discoverd.sock");
    discover_free(d);
    ck_assert_int_eq(setenv("DISCOVERD_SOCKET", "/tmp/other", 1), 0);
    d = new_handle();
    ck_assert_str_eq(discover_socket(d), "/tmp/other");
    discover_free(d);
    discover_free(NULL);
}
END_TEST

START_TEST(setters_refuse_what_does_not_fit)
{
    char text[200];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct discover *d = new_handle();
    ck_assert_int_eq(discover_set_socket(d, text), -ENAMETOOLONG);
    ck_assert_int_eq(discover_set_name(d, text), -ENAMETOOLONG);
    ck_assert_int_eq(discover_set_socket(d, ""), -EINVAL);
    ck_assert_int_eq(discover_set_name(d, NULL), -EINVAL);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "name: is empty"));
    ck_assert_int_eq(discover_set_timeout(d, -1), -EINVAL);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "timeout: "));
    ck_assert_int_eq(discover_set_source(d, (enum discover_source)99), -EINVAL);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "source: "));
    ck_assert_int_eq(discover_set_dns(d, "nowhere", NULL), -EINVAL);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "not a list of DNS servers"));
    ck_assert_int_eq(discover_set_dns(d, "", "no zone"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "not the name of a DNS zone"));
    discover_free(d);
}
END_TEST

START_TEST(not_started)
{
    struct discover *d = new_handle();
    struct discover_endpoint e[1];
    size_t n;
    ck_assert_int_eq(discover_fd(d), -EBADF);
    ck_assert_int_eq(discover_dispatch(d), -EINVAL);
    ck_assert_int_eq(discover_connected(d), 0);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -EINVAL);
    ck_assert_str_eq(discover_last_error(d), "the handle is not started");
    ck_assert_int_eq(discover_resolve(d, "shop/payment", e, 1, &n), DISCOVER_E_UNSYNCED);
    discover_free(d);
}
END_TEST

START_TEST(without_a_daemon)
{
    struct discover *d = new_handle();
    ck_assert_int_eq(discover_set_socket(d, "/nonexistent/sock"), 0);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_int_eq(discover_start(d), -EALREADY);
    ck_assert_int_eq(discover_set_name(d, "late"), -EALREADY);
    struct discover_endpoint e[1];
    size_t n;
    ck_assert_int_ge(discover_fd(d), 0);
    ck_assert_int_eq(fcntl(discover_fd(d), F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_connected(d), 0);
    ck_assert_int_eq(discover_resolve(d, "shop/payment", e, 1, &n), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_resolve(d, "payment", e, 1, &n), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_each_service(d, ignore_service, NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_each_instance(d, "shop/payment", ignore_instance, NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_status(d, ignore_status, NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_age_ms(d), -1);
    discover_free(d);
}
END_TEST

START_TEST(a_socket_that_may_not_be_used_is_an_error)
{
    if (geteuid() == 0)
        return; /* may use all */
    struct discover *d = new_handle();
    ck_assert_int_eq(discover_set_socket(d, "/root/sock"), 0);
    ck_assert_int_eq(discover_start(d), -EACCES);
    ck_assert_int_eq(discover_fd(d), -EBADF);
    discover_free(d);
}
END_TEST

/* In the child: 0 if all is as promised. */
static int child_of(struct discover *d, struct discover_registration *r)
{
    struct discover_endpoint e[4];
    size_t n;
    int bad = discover_resolve(d, "shop/payment", e, 4, &n) != DISCOVER_FRESH;
    bad |= discover_dispatch(d) != -ECHILD;
    bad |= discover_register(d, r) != -ECHILD;
    bad |= discover_heartbeat(d, "shop/payment", "p1") != -ECHILD;
    discover_free(d);
    discover_registration_free(r);
    return bad;
}

START_TEST(forked_child_leaves_the_connection_alone)
{
    struct stage stage;
    stage_open(&stage);
    struct catalog *c = stage_catalog(1, 8000);
    struct discover *d = stage_client(&stage, stage_table_fd(c));
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    stage_registered(&stage, d->last_id + 1, "shop/payment", "p1");
    ck_assert_int_eq(discover_register(d, r), 0);
    (void)stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_of(d, r));
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_ptr_null(stage_take(&stage)); /* the child said nothing, and the stream lives on */
    stage_ok(&stage, d->last_id + 1);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), 0);
    discover_registration_free(r);
    discover_free(d);
    catalog_free(c);
    stage_close(&stage);
}
END_TEST

START_TEST(freed_by_the_parent_it_ends_whatever_a_child_holds)
{
    struct stage stage;
    stage_open(&stage);
    struct catalog *c = stage_catalog(1, 8000);
    struct discover *d = stage_client(&stage, stage_table_fd(c));
    int hold[2];
    ck_assert_int_eq(pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) { /* holds copies of all descriptors until it is told to go */
        close(hold[1]);
        char byte;
        _exit((int)read(hold[0], &byte, 1));
    }
    discover_free(d);
    ck_assert_int_eq(frame_recv(&stage.in, stage.peer), 0);
    close(hold[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(hold[0]);
    catalog_free(c);
    stage_close(&stage);
}
END_TEST

/* The stage's own descriptors are, too. */
START_TEST(every_descriptor_is_closed_on_exec)
{
    bool open_before[256];
    struct stage stage;
    struct discover_picker *p;
    int opened = 0;
    for (int fd = 0; fd < 256; fd++)
        open_before[fd] = fcntl(fd, F_GETFD) >= 0;
    stage_open(&stage);
    struct catalog *c = stage_catalog(1, 8000);
    struct discover *d = stage_client(&stage, stage_table_fd(c));
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
    ck_assert_int_eq(discover_picker_share(p), 0);
    for (int fd = 0; fd < 256; fd++) {
        int flags = open_before[fd] ? -1 : fcntl(fd, F_GETFD);
        ck_assert_msg(flags < 0 || flags & FD_CLOEXEC, "descriptor %d would be inherited", fd);
        opened += flags >= 0;
    }
    ck_assert_int_ge(opened, 4);
    discover_picker_free(p);
    discover_free(d);
    catalog_free(c);
    stage_close(&stage);
}
END_TEST

UNIT_TESTS("handle", socket_from_the_environment, setters_refuse_what_does_not_fit, not_started, without_a_daemon,
           a_socket_that_may_not_be_used_is_an_error, forked_child_leaves_the_connection_alone,
           freed_by_the_parent_it_ends_whatever_a_child_holds, every_descriptor_is_closed_on_exec)
