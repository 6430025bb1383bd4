/* SPDX-License-Identifier: Apache-2.0 */
/* Two hosts, instances that come and go, and configurations from examples/. */
#include "tests/clients/stage.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

void stage_start(struct stage *s, const char *services, const struct host_options *b)
{
    struct host_options options = b ? *b : (struct host_options){0};

    nats_start(&s->nats, 1);
    host_start(&s->a, &(struct host_options){.name = "a", .nats = s->nats.urls, .services = services});
    options.name = "b";
    options.nats = s->nats.urls;
    host_start(&s->b, &options);
}

void stage_register(const struct host *h, struct proc *ret_holder, const char *instance, int port, int weight)
{
    char port_text[16], weight_text[16];

    snprintf(port_text, sizeof port_text, "%d", port);
    snprintf(weight_text, sizeof weight_text, "%d", weight);
    ctl_start(h, ret_holder, instance, "register", "shop/payment", "--instance", instance, "--address", "127.0.0.1",
              "--port", port_text, "--weight", weight_text, "--tag", "metrics", NULL);
}

const char *stage_services(int n, int first_port)
{
    static char text[32 * 1024];
    size_t used = 0;

    for (int i = 0; i < n; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "{ name = \"shop/payment\"; instance = \"i%d\"; address = [\"127.0.0.%d\"]; "
                                 "port = %d; }%s",
                                 i + 1, i + 1, first_port + i, i + 1 < n ? ", " : "");
        ck_assert_uint_lt(used, sizeof text);
    }
    return text;
}

void stage_forget(struct stage *s)
{
    char path[512];

    nats_server_kill(&s->nats, 0);
    host_kill(&s->b);
    snprintf(path, sizeof path, "%s/catalog.snap", s->b.state_dir);
    (void)remove(path); /* it may not have been written yet */
    host_launch(&s->b);
    host_wait_up(&s->b);
    (void)wait_until(5000, seen_by_dns(&s->b, "shop/payment") == CANNOT_KNOW, s->b.seen);
}

void stage_remember(struct stage *s)
{
    nats_server_launch(&s->nats, 0);
    host_wait_live(&s->b);
}

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = calloc(1, 64 * 1024);

    ck_assert_msg(in && text, "%s cannot be read", path);
    size_t n = fread(text, 1, 64 * 1024 - 1, in);
    ck_assert_msg(feof(in), "%s is too large: %zu", path, n);
    fclose(in);
    return text;
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_msg(out && fputs(text, out) >= 0 && fclose(out) == 0, "%s cannot be written", path);
}

/* The text with each occurrence replaced, which is freed. */
static char *replaced(char *text, const struct change *c, const char *file)
{
    char *ret = NULL, *from = text;
    size_t n;
    FILE *out = open_memstream(&ret, &n);

    ck_assert_ptr_nonnull(out);
    ck_assert_msg(strstr(text, c->from), "%s has no %s", file, c->from);
    for (char *at; (at = strstr(from, c->from)); from = at + strlen(c->from))
        fprintf(out, "%.*s%s", (int)(at - from), from, c->to);
    fputs(from, out);
    fclose(out);
    free(text);
    return ret;
}

void stage_example(const char *file, const struct change *changes, char *ret_path, size_t cap)
{
    char source[512];
    const char *name = strrchr(file, '/');

    snprintf(source, sizeof source, SOURCE_DIR "/%s", file);
    char *text = read_file(source);
    for (; changes->from; changes++)
        text = replaced(text, changes, file);
    snprintf(ret_path, cap, "%s/%s", e2e_folder(), name ? name + 1 : file);
    write_file(ret_path, text);
    free(text);
}

const char *stage_endpoint(int port)
{
    static char text[8][32];
    static unsigned next;
    char *ret = text[next++ % 8];

    snprintf(ret, sizeof text[0], "127.0.0.1:%d", port);
    return ret;
}

const char *stage_output(const char *format, ...)
{
    static struct output o;
    char line[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ck_assert_msg(shell(&o, "%s", line) == 0, "%s: exit %d: %s%s", line, o.code, o.out, o.err);
    return o.out;
}

void stage_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
}
