/* SPDX-License-Identifier: Apache-2.0 */
/* The instances that live. */
#include "tests/soak/soak_truth.h"

#include <stdio.h>

struct soak_instance soak_all[SOAK_SLOTS];

static unsigned next, n_alive;
static unsigned alive[SOAK_SLOTS], place[SOAK_SLOTS]; /* the slots that live, and where in that list each stands */

const char *soak_service(unsigned service)
{
    static char names[4][24];
    static unsigned turn;
    char *name = names[turn++ % 4];
    snprintf(name, sizeof names[0], "d%u/s%u", service % 7, service);
    return name;
}

unsigned soak_born(enum soak_kind kind, unsigned host, unsigned service)
{
    while (soak_all[next].alive)
        next = (next + 1) % SOAK_SLOTS;
    unsigned slot = next;
    next = (next + 1) % SOAK_SLOTS;
    soak_all[slot] = (struct soak_instance){
        .alive = true, .kind = (uint8_t)kind, .host = (uint8_t)host, .service = (uint16_t)service};
    place[slot] = n_alive;
    alive[n_alive++] = slot;
    return slot;
}

void soak_died(unsigned slot)
{
    soak_all[slot].alive = false;
    unsigned last = alive[--n_alive];
    alive[place[slot]] = last;
    place[last] = place[slot];
}

unsigned soak_alive(void)
{
    return n_alive;
}

unsigned soak_any(uint32_t random)
{
    return n_alive ? alive[random % n_alive] : SOAK_SLOTS;
}

void soak_set_add(struct soak_set *set, unsigned port)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->port[i] == port)
            return;
    if (set->n < sizeof set->port / sizeof *set->port)
        set->port[set->n++] = (uint16_t)port;
}

static bool has(const struct soak_set *set, unsigned port)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->port[i] == port)
            return true;
    return false;
}

void soak_compare(unsigned service, const struct soak_set *answer, unsigned *missing, unsigned *ghosts)
{
    unsigned right = 0;
    for (unsigned i = 0; i < n_alive; i++) {
        if (soak_all[alive[i]].service != service)
            continue;
        bool there = has(answer, SOAK_PORT_0 + alive[i]);
        right += there;
        *missing += !there;
    }
    *ghosts += answer->n - right;
}
