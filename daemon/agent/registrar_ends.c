/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations that end by themselves, however many at a time: with their client, their process, or their time. */
#include <stdlib.h>

#include "daemon/agent/registrar_impl.h"

#define ENDED_AT_ONCE 16 /* each takes away a file, maybe */

/* Ends some of a client that is gone. False: there are more. */
static bool end_some(struct registrar *r, uint64_t client, int64_t now_ns)
{
    struct registration *reg;
    for (unsigned i = 0; i < ENDED_AT_ONCE && (reg = registrations_of_client(r->registrations, client)); i++)
        registrar_end(r, reg, now_ns);
    return !registrations_of_client(r->registrations, client);
}

static bool note_gone(struct registrar *r, uint64_t client)
{
    if (r->n_gone == r->gone_cap) {
        size_t cap = r->gone_cap ? 2 * r->gone_cap : 16;
        uint64_t *gone = realloc(r->gone, cap * sizeof *gone);
        if (!gone)
            return false;
        r->gone = gone;
        r->gone_cap = cap;
    }
    r->gone[r->n_gone++] = client;
    return true;
}

/* A process may have held thousands: what is more goes on at the next ticks, which are due at once. */
void registrar_client_gone(struct registrar *r, uint64_t client, int64_t now_ns)
{
    if (end_some(r, client, now_ns) || note_gone(r, client))
        return;
    while (!end_some(r, client, now_ns)) {
    } /* no memory for anything better */
}

void registrar_pid_gone(struct registrar *r, pid_t pid, int64_t now_ns)
{
    struct registration *reg;
    while ((reg = registrations_of_pid(r->registrations, pid))) {
        registrar_end(r, reg, now_ns);
        r->stats.processes_gone++;
    }
}

void registrar_end_gone(struct registrar *r, int64_t now_ns)
{
    if (r->n_gone > 0 && end_some(r, r->gone[r->n_gone - 1], now_ns))
        r->n_gone--;
}

void registrar_end_expired(struct registrar *r, int64_t until_ns, int64_t now_ns)
{
    struct registration *reg;
    for (unsigned i = 0; i < ENDED_AT_ONCE && (reg = registrations_expired(r->registrations, until_ns)); i++) {
        registrar_end(r, reg, now_ns);
        r->stats.expired++;
    }
}
