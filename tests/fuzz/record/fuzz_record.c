/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a value of a bucket: what is taken obeys the rules and survives being written again. */
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/foreign.h"
#include "libdiscover/core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_record(const struct record *r)
{
    uint8_t again[RECORD_WIRE_MAX];
    struct record back;
    size_t n;
    const char *why;
    if (record_check(r, &why) < 0 || record_encode(r, again, &n) < 0 || record_decode(again, n, &back, &why) < 0)
        abort();
    if (back.port != r->port || back.n_tags != r->n_tags || back.n_meta != r->n_meta || back.state != r->state)
        abort();
}

static void check_lease(const struct lease *l)
{
    uint8_t again[LEASE_WIRE_MAX];
    struct lease back;
    size_t n;
    const char *why;
    if (lease_encode(l, again, &n) < 0 || lease_decode(again, n, &back, &why) < 0 || back.epoch != l->epoch)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct record r;
    struct lease l;
    struct instance_key key;
    const char *why;
    char text[FOREIGN_WHY_CAP];
    struct foreign_extras extras;
    if (record_decode(bytes, n, &r, &why) == 0)
        check_record(&r);
    if (lease_decode(bytes, n, &l, &why) == 0)
        check_lease(&l);
    if (foreign_is(bytes, n) && foreign_decode(bytes, n, 1, &r, &extras, text) == 0)
        check_record(&r);
    if (instance_key_parse((const char *)bytes, n, &key) == 0 || foreign_key_parse((const char *)bytes, n, &key) == 0) {
        char again[KEY_CAP];
        instance_key_format(&key, again);
        if (instance_key_parse(again, strlen(again), &key) < 0)
            abort();
    }
    return 0;
}
