/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a look-up, as one text: a service, and conditions that instances have to meet. Pure; any thread.
 *
 * A key is "domain/service", perhaps with "@region", and behind it conditions that all have to be met, each a space, a
 * sign and a label:
 *
 *     shop/payment
 *     shop/payment@b          of that region alone
 *     shop/payment #canary    with that tag
 *     shop/payment @eu-1      of that zone or region
 *     shop/payment %udp       of that protocol
 *     shop/payment !          with a tag that is no label: nothing that could be asked for over DNS
 */
#ifndef LIBDISCOVER_LOOKUP_LOOKUP_KEY_H
#define LIBDISCOVER_LOOKUP_LOOKUP_KEY_H

#include <stddef.h>

#include "libdiscover/core/label.h"
#include "libdiscover/core/record.h"

#define LOOKUP_CONDITIONS_MAX (RECORD_TAGS_MAX + 2)
#define LOOKUP_KEY_CAP        (SERVICE_REF_CAP + LOOKUP_CONDITIONS_MAX * (LABEL_CAP + 1))

enum lookup_sign { LOOKUP_TAG = '#', LOOKUP_PLACE = '@', LOOKUP_PROTOCOL = '%', LOOKUP_NO_NAME = '!' };

struct lookup_condition {
    enum lookup_sign sign;
    char label[LABEL_CAP];
};

struct lookup_key {
    char service[SERVICE_REF_CAP];
    size_t n;
    struct lookup_condition conditions[LOOKUP_CONDITIONS_MAX];
};

/* -EINVAL. */
int lookup_key_parse(const char *text, struct lookup_key *ret_key);

/* Adds a condition to a key's text; label is valid. -ENOSPC. */
int lookup_key_add(char text[static LOOKUP_KEY_CAP], enum lookup_sign sign, const char *label);

#endif
