/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that reads two other regions, over links that fail in every way we know of, and what it promises:
 *
 *  1. What another region has is never missing because of a link, of that region's NATS, of its own NATS, or of its own rest.
 *  2. What is reported as live has nobody in it who has been gone for longer than a lease.
 *  3. A region that was never synchronised is not known, and one that was is never forgotten.
 *  4. No region touches another's health: it is live when its own way is whole, and stale when that is cut.
 *  5. Another region answers by the policy, and only then.
 *  6. Once everything is quiet, everything is reported as it is.
 *
 * MODEL_SEEDS=n runs so many seeds, from MODEL_FIRST on; MODEL_SEED=s only this one, with a line for each thing that
 * happens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/registry/regions_reader.h"

#define SEEDS   250 /* of each test; there are several, so that none takes long under a sanitizer */
#define FAULTS  (60 * NS_PER_S)
#define QUIET   (90 * NS_PER_S)
#define STEADY  (2 * TTL) /* a host that was left alone for so long must not be missing */
#define GONE    (TTL + 3 * NS_PER_S)
#define SETTLED (20 * NS_PER_S) /* of a way that is whole: until the region behind it is live */
#define KEPT    (80 * NS_PER_S) /* until what a bucket lost has been noticed, and is kept no longer */
#define NOTICED (6 * NS_PER_S)  /* of one that is cut: until it is stale */

static struct {
    uint64_t seed;
    bool verbose, faulty, running;
    int64_t start_ns;
    int64_t whole_ns[REGIONS];  /* since when its way is; 0: it is not */
    int64_t broken_ns[REGIONS]; /* when it was whole last: what came since may come late */
    int64_t cut_ns[REGIONS];    /* since when nothing at all passes; 0: something may */
    int64_t live_ns[REGIONS];   /* since when it is reported as live, and all of it arrives; 0: it is not */
    int64_t lost_ns[REGIONS];   /* when a bucket of it lost its content */
    bool known[REGIONS];        /* it was live in this life, or its file has it, or its mirror was read */
    bool filed[REGIONS];        /* its file has it by the end of this life */
    bool read[REGIONS];         /* all of it was read in this life: only then its file is written */
    unsigned on_disk[REGIONS];  /* hosts in its file, as of the end of the last life that wrote it */
    unsigned seen[REGIONS];     /* hosts in the last answer */
    int at;                     /* who answers */
    int64_t enough_ns;          /* since when the own region has enough; 0: it has not */
    int64_t better_ns[REGIONS]; /* since when that one is live and has any; 0: it is not */
} model;

static double seconds(int64_t ns)
{
    return (double)(ns - model.start_ns) / 1e9;
}

#define say(...)                                                                                                       \
    do {                                                                                                               \
        if (model.verbose) {                                                                                           \
            printf("%9.4f ", seconds(world.now_ns));                                                                   \
            printf(__VA_ARGS__);                                                                                       \
            puts("");                                                                                                  \
            fflush(stdout);                                                                                            \
        }                                                                                                              \
    } while (0)

#define promise(condition, text, ...)                                                                                  \
    must(condition, "seed %llu: after %.4f s, " text, (unsigned long long)model.seed, seconds(world.now_ns),           \
         __VA_ARGS__)

#define LONG_SINCE(ns, time) ((ns) && world.now_ns - (ns) > (time))

static void note(int64_t *since_ns, bool is)
{
    if (!is)
        *since_ns = 0;
    else if (!*since_ns)
        *since_ns = world.now_ns;
}

/* ---- promises ---- */

static bool is_live(enum table_sync sync)
{
    return sync == TABLE_LIVE || sync == TABLE_DEGRADED;
}

static bool serves(int region, int host)
{
    const struct world_host *h = &world.regions[region].hosts[host];
    return h->alive && h->wanted && h->reported;
}

static bool left_alone(int region, int host)
{
    int64_t changed_ns = world.regions[region].hosts[host].changed_ns;
    bool late = !LONG_SINCE(model.whole_ns[region], STEADY); /* what it said while nobody heard it comes only now */
    return serves(region, host) && (late ? model.broken_ns[region] : world.now_ns) - changed_ns > STEADY;
}

static bool gone_for_long(int region, int host)
{
    const struct world_host *h = &world.regions[region].hosts[host];
    return !(h->alive && h->wanted) && world.now_ns - h->changed_ns > GONE;
}

static void watch_content(int r, struct seen now)
{
    note(&model.live_ns[r], now.sync == TABLE_LIVE && model.whole_ns[r]);
    for (int h = 0; h < HOSTS; h++) {
        bool has = now.hosts >> h & 1, had = model.seen[r] >> h & 1;
        if (has != had)
            say("%s: h%d %s (%s)", world_region_name(r), h, has ? "appears" : "vanishes",
                region_state_text(reader_region_state(r)));
        promise(has || !had || !left_alone(r, h), "host %d of %s, which is alive, is missing", h, world_region_name(r));
        promise(!has || !gone_for_long(r, h) || !LONG_SINCE(model.live_ns[r], GONE),
                "host %d of %s is gone, and reported as live", h, world_region_name(r));
    }
    model.seen[r] = now.hosts;
}

static void watch_health(int r, struct seen now)
{
    enum region_state state = reader_region_state(r);
    model.filed[r] |= state == REGION_LIVE;
    model.read[r] |= state == REGION_LIVE;
    model.known[r] |= model.filed[r] || (state != REGION_NEVER && r == MIRRORED);
    promise(model.known[r] || now.sync == TABLE_UNSYNCED, "%s was never heard, and is reported as %d",
            world_region_name(r), now.sync);
    promise(!model.known[r] || state != REGION_NEVER, "%s is forgotten", world_region_name(r));
    promise(is_live(now.sync) == (state == REGION_LIVE) || !model.known[r], "%s is %s, and reported as %d",
            world_region_name(r), region_state_text(state), now.sync);
    bool lost = model.lost_ns[r] && world.now_ns - model.lost_ns[r] < KEPT;
    promise(!LONG_SINCE(model.whole_ns[r], SETTLED) || state == REGION_LIVE || lost, "%s is %s, and its way is whole",
            world_region_name(r), region_state_text(state));
    promise(!LONG_SINCE(model.cut_ns[r], NOTICED) || state != REGION_LIVE, "%s is cut off, and reported as live",
            world_region_name(r));
}

static bool can_answer(int r)
{
    return reader_region_state(r) == REGION_LIVE && reader_usable(r) > 0;
}

static bool any_can_answer(void)
{
    return can_answer(1) || can_answer(2);
}

static void watch_leaving(int to, size_t home)
{
    promise(reader_own_known(), "%s answers, and nobody knows what the own region has", world_region_name(to));
    promise(home < MIN_HOME, "%s answers, and the own region has %zu", world_region_name(to), home);
    promise(model.known[to] && reader_usable(to) > 0, "%s answers, and has nothing", world_region_name(to));
    promise(can_answer(to) || (home == 0 && !any_can_answer()), "%s answers, and is stale", world_region_name(to));
    promise(to == 1 || !can_answer(1), "%s answers, and b could", world_region_name(to));
}

static void watch_move(int from, int to, size_t home)
{
    bool forced = from != 0 && !can_answer(from);
    say("%s answers after %s: %zu here", world_region_name(to), world_region_name(from), home);
    if (from == 0)
        watch_leaving(to, home);
    else if (to == 0)
        promise(forced || (model.enough_ns && world.now_ns - model.enough_ns >= BACK),
                "the own region answers, with %zu", home);
    else
        promise(forced || (to < from && model.better_ns[to] && world.now_ns - model.better_ns[to] >= BACK),
                "%s answers instead of %s", world_region_name(to), world_region_name(from));
}

static void watch_policy(void)
{
    unsigned hosts;
    int at = reader_answers(&hosts);
    size_t home = reader_usable(0);
    note(&model.enough_ns, home >= MIN_HOME);
    for (int r = 1; r < REGIONS; r++)
        note(&model.better_ns[r], can_answer(r));
    if (at != model.at)
        watch_move(model.at, at, home);
    model.at = at;
    promise(at == 0 || reader_own_known(), "%s answers, and nobody knows what the own region has",
            world_region_name(at));
    promise(at != 0 || !reader_own_known() || home > 0 || !any_can_answer(), "nobody answers, and %s could",
            can_answer(1) ? "b" : "c");
    if (at == 0)
        promise((size_t)__builtin_popcount(hosts) == home, "%d hosts answer of %zu", __builtin_popcount(hosts), home);
    else
        promise(hosts == reader_sees(at).hosts, "0x%x answers for %s", hosts, world_region_name(at));
}

static void watch(void)
{
    if (!model.running)
        return;
    for (int r = 1; r < REGIONS; r++) {
        struct seen now = reader_sees(r);
        watch_health(r, now);
        watch_content(r, now);
    }
    promise(!LONG_SINCE(model.whole_ns[0], SETTLED) || is_live(reader_own_sync()), "the own region is %d",
            reader_own_sync());
    promise(!LONG_SINCE(model.cut_ns[0], NOTICED) || !is_live(reader_own_sync()), "the own region is %d",
            reader_own_sync());
    watch_policy();
}

/* What is true of the ways, after anything has happened to them. disturbed: nothing is expected of the time before. */
static void look_at_ways(bool disturbed)
{
    for (int r = 0; r < REGIONS; r++) {
        const struct world_region *w = &world.regions[r];
        bool passes = w->up && w->link == LINK_WHOLE && world.regions[0].up && model.running;
        bool whole = passes && w->drop == 0;
        if (model.whole_ns[r] && !whole)
            model.broken_ns[r] = world.now_ns;
        if (disturbed)
            model.whole_ns[r] = model.cut_ns[r] = 0;
        note(&model.whole_ns[r], whole);
        model.live_ns[r] = model.whole_ns[r] ? model.live_ns[r] : 0;
        note(&model.cut_ns[r], !passes && model.running);
    }
}

static void check_end(void)
{
    for (int r = 1; r < REGIONS; r++) {
        struct seen now = reader_sees(r);
        promise(is_live(now.sync), "%s is %d in the end", world_region_name(r), now.sync);
        for (int h = 0; h < HOSTS; h++) {
            bool has = now.hosts >> h & 1;
            promise(has == serves(r, h) || (has && now.sync == TABLE_DEGRADED), "host %d of %s is %s in the end", h,
                    world_region_name(r), has ? "still there" : "missing");
        }
    }
}

/* ---- what goes wrong ---- */

struct undo {
    int64_t at_ns;
    void (*fn)(int region, int host);
    int region, host;
};

static struct undo undos[256];
static size_t n_undos;

static void later(int64_t in_ns, void (*fn)(int region, int host), int region, int host)
{
    must(n_undos < sizeof undos / sizeof *undos, "too much to undo");
    undos[n_undos++] = (struct undo){world.now_ns + in_ns, fn, region, host};
    world_fault_at(world.now_ns + in_ns);
}

static int64_t a_while(void)
{
    return NS_PER_S / 5 + world_random_ns(world_chance(500) ? 5 * NS_PER_S : 40 * NS_PER_S);
}

static void mend_link(int r, int h)
{
    (void)h;
    say("the link to %s is whole", world_region_name(r));
    world_set_link(r, LINK_WHOLE);
}

static void fault_link(int r, int h)
{
    static const char *const how[] = {"whole", "reset", "a hole", "silent"};
    enum link link = (enum link)(1 + h % 3);
    if (r == 0 || world.regions[r].link != LINK_WHOLE)
        return;
    say("the link to %s is %s", world_region_name(r), how[link]);
    world_set_link(r, link);
    later(a_while(), mend_link, r, h);
}

static void server_returns(int r, int h)
{
    (void)h;
    say("NATS of %s returns", world_region_name(r));
    world_set_up(r, true);
}

static void fault_server(int r, int h)
{
    if (!world.regions[r].up)
        return;
    say("NATS of %s is gone", world_region_name(r));
    world_set_up(r, false);
    later(a_while(), server_returns, r, h);
}

static void network_is_good(int r, int h)
{
    (void)h;
    world.regions[r].drop = 0;
    world.regions[r].delay_ns = 2 * NS_PER_MS;
}

static void fault_network(int r, int h)
{
    if (r == 0)
        return;
    world.regions[r].drop = world_random() % 300;
    world.regions[r].delay_ns = world_random_ns(200 * NS_PER_MS);
    say("the network of %s is bad: %u per mille, %.0f ms", world_region_name(r), world.regions[r].drop,
        (double)world.regions[r].delay_ns / 1e6);
    later(a_while(), network_is_good, r, h);
}

/* What is missing is kept for a while from when the first of it is missed: so one loss at a time. */
static void fault_recreate(int r, int h)
{
    if (r == 0 || (model.lost_ns[r] && world.now_ns - model.lost_ns[r] < KEPT))
        return;
    say("bucket %d of %s is made anew", h % BUS_BUCKETS, world_region_name(r));
    model.lost_ns[r] = world.now_ns;
    world_recreate(r, (enum bus_bucket)(h % BUS_BUCKETS));
}

static void host_starts(int r, int h)
{
    if (world.regions[r].hosts[h].alive)
        return;
    say("h%d of %s starts", h, world_region_name(r));
    world_start(r, h);
}

static void fault_kill(int r, int h)
{
    if (!world.regions[r].hosts[h].alive)
        return;
    say("h%d of %s dies", h, world_region_name(r));
    world_kill(r, h);
    later(NS_PER_S + world_random_ns(60 * NS_PER_S), host_starts, r, h);
}

static void fault_want(int r, int h)
{
    bool wanted = !world.regions[r].hosts[h].wanted;
    say("h%d of %s %s its instance", h, world_region_name(r), wanted ? "wants" : "gives up");
    world_want(r, h, wanted);
}

static void goes_on(int r, int h)
{
    (void)r, (void)h;
}

static int64_t stalled_ns;

static void fault_pause(int r, int h)
{
    int64_t ns = NS_PER_S + world_random_ns(20 * NS_PER_S);
    if (!model.running || stalled_ns)
        return;
    say("the daemon stands still for %.3f s", (double)ns / 1e9);
    world_pause(world.now_ns + ns);
    stalled_ns = ns;
    for (int i = 0; i < REGIONS; i++)
        model.broken_ns[i] = model.whole_ns[i] ? world.now_ns : model.broken_ns[i];
    later(ns, goes_on, r, h);
}

static void daemon_starts(int r, int h)
{
    (void)r, (void)h;
    say("the daemon starts");
    model.running = true;
    model.at = 0;
    model.enough_ns = 0;
    memset(model.better_ns, 0, sizeof model.better_ns);
    memset(model.live_ns, 0, sizeof model.live_ns);
    reader_start();
}

static void fault_restart(int r, int h)
{
    bool leave_files = h != 0;
    if (!model.running || stalled_ns)
        return;
    say("the daemon stops%s", leave_files ? "" : ", and loses its files");
    reader_stop(leave_files);
    model.running = false;
    for (int i = 0; i < REGIONS; i++) {
        model.filed[i] &= leave_files;
        model.known[i] = model.filed[i];
        if (model.read[i])
            model.on_disk[i] = model.seen[i];
        model.seen[i] = model.filed[i] ? model.seen[i] & model.on_disk[i] : 0;
        model.read[i] = false;
    }
    later(NS_PER_S / 10 + world_random_ns(20 * NS_PER_S), daemon_starts, r, h);
}

static const struct {
    void (*fn)(int region, int host);
    unsigned weight;
} kinds[] = {{fault_link, 30}, {fault_server, 10}, {fault_network, 8}, {fault_recreate, 4},
             {fault_kill, 20}, {fault_want, 20},   {fault_restart, 4}, {fault_pause, 4}};

static void any_fault(void)
{
    unsigned total = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        total += kinds[i].weight;
    unsigned at = world_random() % total;
    size_t i = 0;
    for (; at >= kinds[i].weight; i++)
        at -= kinds[i].weight;
    kinds[i].fn((int)(world_random() % REGIONS), (int)(world_random() % HOSTS));
}

/* ---- hooks ---- */

static void note_stall(void)
{
    if (!stalled_ns)
        return;
    say("the daemon goes on");
    reader_stalled(stalled_ns);
    stalled_ns = 0;
    memset(model.live_ns, 0, sizeof model.live_ns);
    look_at_ways(true);
}

static void on_mail(int region, const struct mail *mail)
{
    note_stall();
    if (model.verbose && mail->kind != MAIL_LIVE && mail->kind != MAIL_ENTRY && mail->kind != MAIL_LEASE_PUT)
        say("%s: mail %d of bucket %d: %d, last %llu", world_region_name(region), mail->kind, mail->bucket, mail->err,
            (unsigned long long)mail->last_seq);
    reader_mail(region, mail);
    watch();
}

static void on_turn(void)
{
    note_stall();
    reader_turn();
    watch();
}

static void on_second(void)
{
    note_stall();
    if (model.running)
        reader_second();
    watch();
}

static void undo_one(size_t i)
{
    struct undo undo = undos[i];
    undos[i] = undos[--n_undos];
    undo.fn(undo.region, undo.host);
}

static void on_fault(void)
{
    size_t i = 0;
    while (i < n_undos && undos[i].at_ns > world.now_ns)
        i++;
    if (i < n_undos) {
        undo_one(i);
    } else if (model.faulty) {
        any_fault();
        world_fault_at(world.now_ns + world_random_ns(4 * NS_PER_S));
    }
    look_at_ways(false);
}

static void run_seed(uint64_t seed)
{
    const struct world_hooks hooks = {on_mail, on_turn, on_second, on_fault};
    memset(&model, 0, sizeof model);
    n_undos = 0;
    stalled_ns = 0;
    world_reset(seed, &hooks);
    model.seed = seed;
    model.verbose = getenv("MODEL_SEED") != NULL;
    model.start_ns = world.now_ns;
    if (world_chance(300)) /* a region that is not there from the beginning */
        fault_server(1, 0);
    daemon_starts(0, 0);
    look_at_ways(true);
    world_run(model.start_ns + 5 * NS_PER_S);
    model.faulty = true;
    world_fault_at(world.now_ns);
    world_run(model.start_ns + FAULTS);
    model.faulty = false;
    say("quiet from now on");
    world_run(model.start_ns + FAULTS + QUIET + 60 * NS_PER_S);
    check_end();
    reader_stop(false);
}

static uint64_t number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run_seeds(uint64_t first, uint64_t n)
{
    reader_open();
    for (uint64_t seed = first; seed < first + n; seed++)
        run_seed(seed);
    reader_close();
}

static bool chosen(void)
{
    return getenv("MODEL_SEED") || getenv("MODEL_SEEDS");
}

START_TEST(first_seeds)
{
    if (!chosen())
        run_seeds(1, SEEDS);
}
END_TEST

START_TEST(more_seeds)
{
    if (!chosen())
        run_seeds(1 + SEEDS, SEEDS);
}
END_TEST

START_TEST(even_more_seeds)
{
    if (!chosen())
        run_seeds(1 + 2 * SEEDS, SEEDS);
}
END_TEST

START_TEST(last_seeds)
{
    if (!chosen())
        run_seeds(1 + 3 * SEEDS, SEEDS);
}
END_TEST

START_TEST(chosen_seeds)
{
    uint64_t one = number("MODEL_SEED", 0);
    if (chosen())
        run_seeds(one ? one : number("MODEL_FIRST", 1), one ? 1 : number("MODEL_SEEDS", 0));
}
END_TEST

UNIT_TESTS("regions model", first_seeds, more_seeds, even_more_seeds, last_seeds, chosen_seeds)
