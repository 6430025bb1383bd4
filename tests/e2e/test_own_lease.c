/* SPDX-License-Identifier: Apache-2.0 */
/* A host's lease is deleted by somebody, or overwritten with an older one: it is put again at once, not only
 * at the next beat. */
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define LEASE     "30s" /* a beat comes each 8 to 10 s */
#define SOON_MS   6000  /* at the earliest an eighth of that after the one before */
#define BYTES_MAX 1024

static struct nats nats;
static struct host a, b;
static struct kv kv;

struct value {
    uint8_t bytes[BYTES_MAX];
    int n;
};

static struct value lease(void)
{
    struct value v;

    v.n = kv_get(&kv, "HOSTS", "a", v.bytes, sizeof v.bytes);
    return v;
}

static bool is(const struct value *v)
{
    struct value now = lease();

    return now.n == v->n && memcmp(now.bytes, v->bytes, (size_t)now.n) == 0;
}

static void start(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .lease_ttl = LEASE,
                                          .services = "{ name = \"shop/fixed\"; instance = \"f1\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = LEASE});
    (void)wait_until(3000, seen_by_all(&b, "shop/fixed", 1), b.seen);
    kv_open(&kv, nats.server[0].url);
}

START_TEST(deleted)
{
    start();
    kv_delete(&kv, "HOSTS", "a");
    int64_t took_ns = wait_until(SOON_MS, lease().n > 0, "no lease");
    measured("a lease deleted by a client is there again after", took_ns);
    (void)wait_until(1000, seen_by_all(&b, "shop/fixed", 1), b.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(overwritten_with_an_older_one)
{
    start();
    struct value old = lease();
    ck_assert_int_gt(old.n, 0);
    kv_delete(&kv, "HOSTS", "a"); /* so that there soon is a newer one */
    (void)wait_until(SOON_MS, lease().n > 0, "no lease");
    ck_assert(!is(&old));
    kv_put(&kv, "HOSTS", "a", old.bytes, (size_t)old.n);
    int64_t took_ns = wait_until(SOON_MS, !is(&old), "the old lease");
    measured("a lease overwritten by an older one is put right after", took_ns);
    ck_assert_msg(seen_by_all(&b, "shop/fixed", 1), "%s", b.seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("own lease", 60, {"deleted", deleted}, {"overwritten_with_an_older_one", overwritten_with_an_older_one})
