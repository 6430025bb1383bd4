/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations that end by themselves, however many at a time: with their client, their process, or their time. */
#include "daemon/agent/registrar_impl.h"
#include "daemon/base/array.h"

#define ENDED_AT_ONCE 8 /* registrations that end in one tick, as each may delete a file */

static struct registration *next_of(const struct registrar *r, const struct registrar_gone *gone)
{
    return gone->process ? registrations_of_pid(&r->registrations, (pid_t)gone->id)
                         : registrations_of_client(&r->registrations, gone->id);
}

/* Ends some registrations of a client or a process that is gone. Returns false when there are more. */
static bool end_some(struct registrar *r, const struct registrar_gone *gone, int64_t now_ns)
{
    struct registration *reg;
    for (unsigned i = 0; i < ENDED_AT_ONCE && (reg = next_of(r, gone)); i++) {
        registrar_end(r, reg, now_ns);
        metric_add(&r->metrics->processes_gone, gone->process);
    }
    return !next_of(r, gone);
}

static bool note_gone(struct registrar *r, const struct registrar_gone *gone)
{
    if (array_grow(&r->gone, r->n_gone, &r->gone_cap, sizeof *r->gone) < 0)
        return false;
    r->gone[r->n_gone++] = *gone;
    return true;
}

/* A client may have had thousands of registrations: those left end at the next ticks, which are due at once. */
static void end_of(struct registrar *r, struct registrar_gone gone, int64_t now_ns)
{
    if (end_some(r, &gone, now_ns) || note_gone(r, &gone))
        return;
    while (!end_some(r, &gone, now_ns)) {
    } /* no memory to remember it: all end now */
}

void registrar_client_gone(struct registrar *r, uint64_t client, int64_t now_ns)
{
    end_of(r, (struct registrar_gone){false, client}, now_ns);
}

void registrar_pid_gone(struct registrar *r, pid_t pid, int64_t now_ns)
{
    end_of(r, (struct registrar_gone){true, (uint64_t)pid}, now_ns);
}

static void end_gone(struct registrar *r, int64_t now_ns)
{
    if (r->n_gone > 0 && end_some(r, &r->gone[r->n_gone - 1], now_ns))
        r->n_gone--;
}

static void end_expired(struct registrar *r, int64_t until_ns, int64_t now_ns)
{
    struct registration *reg;
    for (unsigned i = 0; i < ENDED_AT_ONCE && (reg = registrations_expired(&r->registrations, until_ns)); i++) {
        registrar_end(r, reg, now_ns);
        metric_inc(&r->metrics->expired);
    }
}

void registrar_tick(struct registrar *r, int64_t read_ns, int64_t now_ns)
{
    end_expired(r, read_ns < now_ns ? read_ns : now_ns, now_ns);
    end_gone(r, now_ns);
    registrar_end_graces(r, now_ns);
    registrar_round_on(r, now_ns);
}

int64_t registrar_deadline(const struct registrar *r)
{
    int64_t next_ns = deadlines_next_ns(&r->registrations.deadlines), end_ns = r->overrides.next_end_ns;
    if (r->n_gone > 0 || !registrar_round_is_over(r))
        return 0;
    return end_ns < next_ns ? end_ns : next_ns;
}

void registrar_stalled(struct registrar *r, int64_t now_ns)
{
    for (struct registration *reg = r->registrations.by_key; reg; reg = reg->hh.next)
        registrations_heartbeat(&r->registrations, reg, now_ns);
}
