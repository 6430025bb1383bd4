/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/client.h"

struct server s;

static void w_local_put(void *arg, const struct instance_key *key, const struct record *record)
{
    (void)arg, (void)key, (void)record;
    s.n_local++;
}

static void w_local_remove(void *arg, const struct instance_key *key)
{
    (void)arg, (void)key;
    s.n_local--;
}

static int w_publish(void *arg, const char *key, const uint8_t *bytes, size_t n, uint64_t token)
{
    (void)arg, (void)key, (void)bytes, (void)n, (void)token;
    return 0;
}

static int w_unpublish(void *arg, const char *key, uint64_t token)
{
    (void)arg, (void)key, (void)token;
    return 0;
}

static int w_publish_lease(void *arg, const struct lease *lease, uint64_t token)
{
    (void)arg, (void)lease, (void)token;
    return 0;
}

static int w_watch(void *arg, pid_t pid, uint64_t *start)
{
    (void)arg;
    *start = 1;
    return pid == getpid() ? 0 : -ESRCH;
}

static void w_unwatch(void *arg, pid_t pid)
{
    (void)arg, (void)pid;
}

static int w_store(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    (void)arg, (void)name, (void)bytes, (void)n;
    return 0;
}

static int w_forget(void *arg, const char *name)
{
    (void)arg, (void)name;
    return 0;
}

static void w_note(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    (void)arg, (void)name, (void)bytes, (void)n;
}

static uint64_t w_random(void *arg)
{
    (void)arg;
    return 4;
}

static void w_rival(void *arg, const struct lease *lease, bool stand_down)
{
    (void)arg, (void)lease, (void)stand_down;
}

static int o_register(void *arg, struct registration_request *request, const struct api_checks *checks,
                      const char **ret_why)
{
    (void)arg, (void)checks;
    return registrar_register(agent_registrar(s.agent), request, 0, ret_why);
}

static int o_deregister(void *arg, const struct instance_key *key, uint64_t client, uid_t uid, const char **ret_why)
{
    (void)arg, (void)ret_why;
    return registrar_deregister(agent_registrar(s.agent), key, client, uid, 0);
}

static int o_override(void *arg, const struct override *override, bool on, const char **ret_why)
{
    (void)arg, (void)ret_why;
    return registrar_override(agent_registrar(s.agent), override, on, 0);
}

static int o_heartbeat(void *arg, const struct instance_key *key, uint64_t client, uid_t uid)
{
    (void)arg;
    return registrar_heartbeat(agent_registrar(s.agent), key, client, uid, 0);
}

static void o_client_gone(void *arg, uint64_t client)
{
    (void)arg;
    s.clients_gone++;
    registrar_client_gone(agent_registrar(s.agent), client, 0);
}

void server_status(void *arg, Discover__V1__Status *ret_status)
{
    (void)arg;
    for (int64_t until_ns = clock_now_ns() + s.status_takes_ns; clock_now_ns() < until_ns;)
        ;
    ret_status->host = (char *)"web-1";
    ret_status->registrations = agent_status(s.agent).registrations;
}

static uint64_t o_epoch(void *arg)
{
    (void)arg;
    return agent_status(s.agent).epoch;
}

static int o_table_fd(void *arg)
{
    (void)arg;
    return s.table_fd;
}

static uint64_t o_reload(void *arg)
{
    (void)arg;
    return ++s.reloads;
}

static void o_leave(void *arg)
{
    (void)arg;
    s.leaves++;
}

static void server_agent(void)
{
    const struct agent_ops ops = {NULL,        w_local_put,     w_local_remove, w_local_remove, w_publish,
                                  w_unpublish, w_publish_lease, w_watch,        w_unwatch,      w_store,
                                  w_forget,    w_note,          w_random,       w_rival,        NULL};
    struct agent_options options = {.host = "web-1",
                                    .wall_ms = 1000,
                                    .instances_max = 5,
                                    .addresses = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 0}}};
    options = agent_complete(options);
    ck_assert_int_eq(agent_new(&options, &ops, 0, &s.agent), 0);
}

int server_listen(struct api_options options)
{
    const struct api_ops ops = {.register_instance = o_register,
                                .deregister_instance = o_deregister,
                                .override = o_override,
                                .heartbeat = o_heartbeat,
                                .client_gone = o_client_gone,
                                .epoch = o_epoch,
                                .table_fd = o_table_fd,
                                .daemon = {.status = server_status, .reload = o_reload, .leave = o_leave}};
    options.path = s.path;
    options.version = "0.1.0";
    options.host = "web-1";
    options = api_complete(options);
    return api_new(s.base, &options, &ops, s.metrics, &s.api);
}

void server_prepare(void)
{
    memset(&s, 0, sizeof s);
    strcpy(s.dir, "/tmp/discover-api-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s.dir));
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    snprintf(s.path, sizeof s.path, "%s/sock", s.dir);
    s.base = event_base_new();
    ck_assert_ptr_nonnull(s.base);
    ck_assert_int_eq(metrics_new(&s.metrics), 0);
    s.table_fd = memfd_create("table", MFD_CLOEXEC);
    server_agent();
}

void server_start(struct api_options options)
{
    server_prepare();
    ck_assert_int_eq(server_listen(options), 0);
}

void server_stop(void)
{
    api_free(s.api);
    agent_free(s.agent);
    metrics_free(s.metrics);
    event_base_free(s.base);
    close(s.table_fd);
    ck_assert_int_ne(access(s.path, F_OK), 0); /* it cleans up behind itself */
    ck_assert_int_eq(rmdir(s.dir), 0);
}

struct wanted_counter {
    const char *name;
    uint64_t value;
};

static void find_counter(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    struct wanted_counter *wanted = arg;
    if (strcmp(metric->name, wanted->name) == 0)
        wanted->value = value;
}

uint64_t counter(const char *name)
{
    struct wanted_counter wanted = {name, UINT64_MAX};
    metrics_each(s.metrics, find_counter, &wanted);
    return wanted.value;
}

void turn(void)
{
    ck_assert_int_ge(event_base_loop(s.base, EVLOOP_NONBLOCK), 0);
}

struct test_client dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct test_client c = {.sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    strcpy(address.sun_path, s.path);
    ck_assert_int_eq(connect(c.sock, (struct sockaddr *)&address, sizeof address), 0);
    frame_reader_init(&c.reader);
    turn();
    return c;
}

void hang_up(struct test_client *c)
{
    frame_reader_fini(&c->reader);
    close(c->sock);
}

void send_bytes(struct test_client *c, const void *bytes, size_t n)
{
    ck_assert_int_eq(send(c->sock, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

void send_message(struct test_client *c, const Discover__V1__ClientMessage *m)
{
    uint8_t bytes[8192];
    size_t n = discover__v1__client_message__pack(m, bytes + FRAME_HEADER);
    frame_header(bytes, n);
    send_bytes(c, bytes, FRAME_HEADER + n);
}

Discover__V1__ServerMessage *receive(struct test_client *c)
{
    int64_t give_up_ns = clock_now_ns() + 5 * NS_PER_S;
    while (clock_now_ns() < give_up_ns) {
        const uint8_t *payload;
        size_t n;
        turn();
        if (frame_next(&c->reader, &payload, &n) == 1) {
            Discover__V1__ServerMessage *m = discover__v1__server_message__unpack(NULL, n, payload);
            ck_assert_ptr_nonnull(m);
            return m;
        }
        int got = frame_recv(&c->reader, c->sock);
        if (got == 0 || got == -ECONNRESET)
            return NULL;
        ck_assert(got > 0 || got == -EAGAIN);
    }
    ck_abort_msg("nothing came");
    return NULL;
}

void release(Discover__V1__ServerMessage *m)
{
    discover__v1__server_message__free_unpacked(m, NULL);
}

void expect_closed(struct test_client *c)
{
    ck_assert_ptr_null(receive(c));
}

void expect_error(struct test_client *c, Discover__V1__Error__Code code, const char *text)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR);
    ck_assert_msg(m->error->code == code && strstr(m->error->reason, text), "got %d: %s", m->error->code,
                  m->error->reason);
    release(m);
}

void send_hello(struct test_client *c, uint32_t min, uint32_t max)
{
    Discover__V1__Hello hello = DISCOVER__V1__HELLO__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    hello.version_min = min;
    hello.version_max = max;
    m.id = 7;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO;
    m.hello = &hello;
    send_message(c, &m);
}

struct test_client dial_and_greet(void)
{
    struct test_client c = dial();
    send_hello(&c, 1, 1);
    Discover__V1__ServerMessage *m = receive(&c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME);
    release(m);
    return c;
}

struct test_client dial_as(uid_t uid, gid_t extra_group)
{
    ck_assert_int_eq(setgroups(1, &extra_group), 0);
    ck_assert_int_eq(setegid(1000), 0);
    ck_assert_int_eq(seteuid(uid), 0);
    struct test_client c = dial();
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(setegid(0), 0);
    return c;
}

void expect_ok(struct test_client *c)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_OK);
    ck_assert_uint_eq(m->id, 9);
    release(m);
}

void send_register(struct test_client *c, const char *service, const char *instance, uint32_t port, uint32_t ttl_ms,
                   int32_t pid)
{
    Discover__V1__Instance record = DISCOVER__V1__INSTANCE__INIT;
    Discover__V1__Register reg = DISCOVER__V1__REGISTER__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    record.port = port;
    reg.service = (char *)service;
    reg.instance = (char *)instance;
    reg.record = &record;
    reg.ttl_ms = ttl_ms;
    reg.pid = pid;
    m.id = 8;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER;
    m.register_ = &reg;
    send_message(c, &m);
}

void expect_registered(struct test_client *c, const char *instance)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    if (m->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR)
        ck_abort_msg("%s", m->error->reason);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED);
    ck_assert_uint_eq(m->id, 8);
    ck_assert_str_eq(m->registered->instance, instance);
    release(m);
}

void go_round(void)
{
    ck_assert_int_ge(event_base_loop(s.base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
}

void ask_status(struct test_client *c)
{
    Discover__V1__StatusRequest request = DISCOVER__V1__STATUS_REQUEST__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS;
    m.status = &request;
    send_message(c, &m);
}

void expect_status(struct test_client *c)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS);
    release(m);
}

void ask_watch(struct test_client *c, const char *service)
{
    Discover__V1__Watch watch = DISCOVER__V1__WATCH__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    watch.service = (char *)service;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH;
    m.watch = &watch;
    send_message(c, &m);
}

void expect_reported(struct test_client *c)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED);
    release(m);
}
