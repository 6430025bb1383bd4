/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and makes the keys of look-ups. */
#include "libdiscover/lookup/lookup_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int take_condition(const char *text, size_t n, struct lookup_condition *ret_condition)
{
    if (n < 2 || (*text != LOOKUP_TAG && *text != LOOKUP_PLACE && *text != LOOKUP_PROTOCOL))
        return -EINVAL;
    ret_condition->sign = (enum lookup_sign) * text;
    return label_copy(ret_condition->label, text + 1, n - 1);
}

int lookup_key_parse(const char *text, struct lookup_key *ret_key)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    size_t n = strcspn(text, " ");
    ret_key->n = 0;
    if (n >= sizeof ret_key->service)
        return -EINVAL;
    memcpy(ret_key->service, text, n);
    ret_key->service[n] = '\0';
    int err = service_ref_parse(ret_key->service, domain, name, region);
    for (text += n; !err && *text == ' '; text += n) {
        n = strcspn(++text, " ");
        err =
            ret_key->n == LOOKUP_CONDITIONS_MAX ? -EINVAL : take_condition(text, n, &ret_key->conditions[ret_key->n++]);
    }
    return err;
}

int lookup_key_add(char text[static LOOKUP_KEY_CAP], enum lookup_sign sign, const char *label)
{
    size_t at = strlen(text);
    if (at + strlen(label) + 3 > LOOKUP_KEY_CAP)
        return -ENOSPC;
    snprintf(text + at, LOOKUP_KEY_CAP - at, " %c%s", sign, label);
    return 0;
}
