/* SPDX-License-Identifier: Apache-2.0 */
/* A registration as the caller describes it. */
#include "libdiscover/session/registration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libdiscover/core/entropy.h"

#define WEIGHT_MAX 65535

int discover_registration_new(const char *service, uint16_t port, struct discover_registration **ret_r)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (!service || !ret_r)
        return -EINVAL;
    if (service_parse(service, domain, name) < 0)
        return DISCOVER_E_NAME;
    if (port == 0)
        return -EINVAL;
    struct discover_registration *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->serial = entropy_64(); /* unique enough without a counter that all threads would have to share */
    service_format(domain, name, r->service);
    record_init(&r->record);
    r->record.port = port;
    *ret_r = r;
    return 0;
}

void discover_registration_free(struct discover_registration *r)
{
    free(r);
}

int discover_registration_set_instance(struct discover_registration *r, const char *id)
{
    if (!r || !id)
        return -EINVAL;
    return label_copy(r->instance, id, strlen(id)) < 0 ? DISCOVER_E_NAME : 0;
}

int discover_registration_add_address(struct discover_registration *r, const char *text)
{
    const char *why;
    return r && text ? record_add_endpoint(&r->record, text, &why) : -EINVAL;
}

int discover_registration_set_protocol(struct discover_registration *r, enum discover_protocol protocol)
{
    if (!r || (protocol != DISCOVER_TCP && protocol != DISCOVER_UDP))
        return -EINVAL;
    r->record.protocol = (uint8_t)protocol;
    return 0;
}

int discover_registration_set_weight(struct discover_registration *r, uint32_t weight)
{
    if (!r || weight == 0 || weight > WEIGHT_MAX)
        return -EINVAL;
    r->record.weight = weight;
    return 0;
}

int discover_registration_set_priority(struct discover_registration *r, uint16_t priority)
{
    if (!r)
        return -EINVAL;
    r->record.priority = priority;
    return 0;
}

int discover_registration_set_exported(struct discover_registration *r, int exported)
{
    if (!r)
        return -EINVAL;
    r->record.unexported = !exported;
    return 0;
}

int discover_registration_set_state(struct discover_registration *r, enum discover_state state)
{
    if (!r || state < DISCOVER_PASSING || state > DISCOVER_DRAINING)
        return -EINVAL;
    r->record.state = (uint8_t)state;
    return 0;
}

int discover_registration_add_tag(struct discover_registration *r, const char *tag)
{
    if (!r || !tag)
        return -EINVAL;
    int err = record_add_tag(&r->record, tag);
    return err == -EINVAL ? DISCOVER_E_NAME : err;
}

int discover_registration_set_meta(struct discover_registration *r, const char *key, const char *value)
{
    return r && key && value ? record_set_meta(&r->record, key, value) : -EINVAL;
}

int discover_registration_set_ttl(struct discover_registration *r, uint32_t ttl_ms)
{
    if (!r || ttl_ms == 0)
        return -EINVAL;
    r->ttl_ms = ttl_ms;
    return 0;
}

int discover_registration_set_pid(struct discover_registration *r, int32_t pid)
{
    if (!r || pid <= 0)
        return -EINVAL;
    r->pid = pid;
    return 0;
}

int discover_registration_set_take_over(struct discover_registration *r, int on)
{
    if (!r)
        return -EINVAL;
    r->take_over = on != 0;
    return 0;
}

static bool is_text(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && (unsigned char)text[i] >= 0x20 && text[i] != 0x7f)
        i++;
    return i == n;
}

int discover_registration_add_check(struct discover_registration *r, const char *spec)
{
    size_t n = r && spec ? strlen(spec) : 0;
    if (n == 0 || !is_text(spec, n))
        return -EINVAL;
    if (r->n_checks == REGISTRATION_CHECKS_MAX || n + 1 > sizeof r->checks - r->checks_n)
        return -E2BIG;
    memcpy(r->checks + r->checks_n, spec, n + 1);
    r->checks_n += n + 1;
    r->n_checks++;
    return 0;
}

const char *discover_registration_instance(const struct discover_registration *r)
{
    return r ? r->instance : "";
}

/* The one way to encode a record is core's; the message wants it as a structure again. */
int registration_message(struct discover_registration *r, Discover__V1__Register *ret_msg)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    int err = record_encode(&r->record, bytes, &n);
    if (err < 0)
        return err;
    Discover__V1__Instance *record = discover__v1__instance__unpack(NULL, n, bytes);
    if (!record)
        return -ENOMEM;
    discover__v1__register__init(ret_msg);
    ret_msg->service = r->service;
    ret_msg->instance = r->instance;
    ret_msg->record = record;
    ret_msg->ttl_ms = r->ttl_ms;
    ret_msg->pid = r->pid;
    ret_msg->take_over = r->take_over;
    char *text = r->checks;
    for (size_t i = 0; i < r->n_checks; i++, text += strlen(text) + 1)
        r->check_texts[i] = text;
    ret_msg->n_checks = r->n_checks;
    ret_msg->checks = r->check_texts;
    return 0;
}

int registration_pidfd(const struct discover_registration *r)
{
    return r->pid > 0 ? (int)syscall(SYS_pidfd_open, r->pid, 0) : -1; /* Linux 5.3 */
}

void registration_message_fini(Discover__V1__Register *msg)
{
    discover__v1__instance__free_unpacked(msg->record, NULL);
}
