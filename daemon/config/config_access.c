/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of a group nats need each other, or exclude each other. */
#include "daemon/config/config_access.h"

#include <stdbool.h>
#include <stddef.h>

static const struct pair {
    const char *key, *other;
    bool together; /* key needs other; false: they exclude each other */
} pairs[] = {
    {"nats.nkey_seed", "nats.credentials", false}, {"nats.user", "nats.credentials", false},
    {"nats.user", "nats.nkey_seed", false},        {"nats.user", "nats.password_file", true},
    {"nats.password_file", "nats.user", true},     {"nats.tls.cert", "nats.tls.key", true},
    {"nats.tls.key", "nats.tls.cert", true},
};

/* Whether the file says something there, be it right or wrong: what is wrong has been reported already. */
static bool given(const config_setting_t *setting)
{
    return setting && (config_setting_type(setting) != CONFIG_TYPE_STRING || *config_setting_get_string(setting));
}

void config_check_access(struct config_source *s, const config_setting_t *group)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct pair *p = &pairs[i];
        const config_setting_t *setting = config_source_find(group, p->key);
        if (given(setting) && given(config_source_find(group, p->other)) != p->together)
            config_complain(s, setting, "%s %s", p->together ? "needs" : "not together with", p->other);
    }
}
