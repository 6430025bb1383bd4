/* SPDX-License-Identifier: Apache-2.0 */
/* Names: DNS labels, and the keys made of them. */
#include "libdiscover/core/label.h"

#include <errno.h>
#include <string.h>

/* A service may not live where the names of hosts and of regions are (<host>.host.<zone>, <region>.region.<zone>). */
static const char *const reserved_domains[] = {"host", "region"};

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool label_valid(const char *s, size_t n)
{
    if (n == 0 || n > LABEL_MAX || !is_alnum(s[0]) || !is_alnum(s[n - 1]))
        return false;
    for (size_t i = 1; i + 1 < n; i++)
        if (!is_alnum(s[i]) && s[i] != '-')
            return false;
    return true;
}

bool label_nearest(const char *s, size_t n, char ret_label[static LABEL_CAP])
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        if (length == LABEL_MAX)
            return false;
        char c = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] - 'A' + 'a' : s[i]);
        if (is_alnum(c))
            ret_label[length++] = c;
        else if (length > 0 && ret_label[length - 1] != '-')
            ret_label[length++] = '-';
    }
    while (length > 0 && ret_label[length - 1] == '-')
        length--;
    ret_label[length] = '\0';
    return length > 0;
}

int label_copy(char dst[static LABEL_CAP], const char *s, size_t n)
{
    if (!label_valid(s, n))
        return -EINVAL;
    memcpy(dst, s, n);
    dst[n] = '\0';
    return 0;
}

static bool domain_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof reserved_domains / sizeof *reserved_domains; i++)
        if (n == strlen(reserved_domains[i]) && memcmp(s, reserved_domains[i], n) == 0)
            return false;
    return label_valid(s, n);
}

static int parse(const char *text, size_t n, char ret_domain[static LABEL_CAP], char ret_service[static LABEL_CAP])
{
    const char *slash = memchr(text, '/', n), *end = text + n;
    if (!slash || !domain_valid(text, (size_t)(slash - text)) || !label_valid(slash + 1, (size_t)(end - slash - 1)))
        return -EINVAL;
    (void)label_copy(ret_domain, text, (size_t)(slash - text));
    (void)label_copy(ret_service, slash + 1, (size_t)(end - slash - 1));
    return 0;
}

int service_parse(const char *text, char ret_domain[static LABEL_CAP], char ret_service[static LABEL_CAP])
{
    return parse(text, strlen(text), ret_domain, ret_service);
}

bool service_nearest(const char *text, char ret_service[static SERVICE_CAP])
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    size_t n = strcspn(text, "/");
    if (!text[n] || strchr(text + n + 1, '/') || !label_nearest(text, n, domain) ||
        !label_nearest(text + n + 1, strlen(text + n + 1), service) || !domain_valid(domain, strlen(domain)))
        return false;
    service_format(domain, service, ret_service);
    return true;
}

int service_ref_parse(const char *text, char ret_domain[static LABEL_CAP], char ret_service[static LABEL_CAP],
                      char ret_region[static LABEL_CAP])
{
    size_t n = strcspn(text, "@");
    if (text[n] && !label_valid(text + n + 1, strlen(text + n + 1)))
        return -EINVAL;
    int err = parse(text, n, ret_domain, ret_service);
    if (!err && text[n])
        (void)label_copy(ret_region, text + n + 1, strlen(text + n + 1));
    else if (!err)
        *ret_region = '\0';
    return err;
}

void service_format(const char *domain, const char *service, char ret_text[static SERVICE_CAP])
{
    stpcpy(stpcpy(stpcpy(ret_text, domain), "/"), service);
}

int instance_key_parse(const char *text, size_t n, struct instance_key *ret_key)
{
    struct instance_key key;
    char *parts[] = {key.domain, key.service, key.host, key.instance};
    const char *end = text + n;
    for (size_t i = 0; i < 4; i++) {
        const char *dot = i < 3 ? memchr(text, '.', (size_t)(end - text)) : end;
        if (!dot || label_copy(parts[i], text, (size_t)(dot - text)) < 0)
            return -EINVAL;
        text = dot + 1;
    }
    if (!domain_valid(key.domain, strlen(key.domain)))
        return -EINVAL;
    *ret_key = key;
    return 0;
}

void instance_key_format(const struct instance_key *key, char ret_text[static KEY_CAP])
{
    char *at = stpcpy(stpcpy(ret_text, key->domain), ".");
    at = stpcpy(stpcpy(at, key->service), ".");
    at = stpcpy(stpcpy(at, key->host), ".");
    stpcpy(at, key->instance);
}
