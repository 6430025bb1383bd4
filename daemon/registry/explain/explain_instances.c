/* SPDX-License-Identifier: Apache-2.0 */
/* Explains instances, and values that were refused in their place. */
#include "daemon/registry/explain/explain_instances.h"

#include <string.h>

#include "daemon/catalog/catalog_explain.h"
#include "daemon/catalog/foreign.h"
#include "daemon/documents/documents.h"
#include "daemon/http/page_json.h"
#include "daemon/registry/explain/explain_clients.h"
#include "daemon/registry/explain/explain_regions.h"
#include "daemon/registry/explain/explain_rules.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define EJECTED_MAX    64
#define LINE_MAX_BYTES 256

static bool is_own(const struct explaining *x, const char *host)
{
    return !x->region && strcmp(host, x->reach->config->host) == 0;
}

static int64_t age_at(int64_t now_ns, int64_t then_ns)
{
    return now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

static int64_t age_ms(const struct explaining *x, int64_t then_ns)
{
    return age_at(x->now_ns, then_ns);
}

/* --- facts --- */

static void fill_ejected(const struct explaining *x, const char *service, uint64_t id, struct explain_facts *f)
{
    struct api_ejected all[EJECTED_MAX];
    const struct api *api = x->reach->api;
    size_t n = api ? api_ejected(api, service, x->now_ns, EJECTED_MAX, all) : 0;
    for (size_t i = 0; i < n; i++) {
        if (all[i].id != id || all[i].left_ns <= f->ejected_ns)
            continue;
        f->ejected_ns = all[i].left_ns;
        f->ejected_for_all = all[i].for_all;
        f->ejected_by = all[i].uid;
    }
}

static void fill_place(const struct explaining *x, const char *service, const struct discover_endpoint *e,
                       struct explain_facts *f)
{
    struct discover_endpoint first = {.tier = 0};
    f->n_first = catalog_first_group(x->catalog, service, EXPLAIN_PICK_MAX, &first);
    f->first_tier = (uint8_t)first.tier;
    f->first_priority = first.priority;
    f->tier = (uint8_t)e->tier;
    f->priority = e->priority;
}

static struct explain_facts facts_of(const struct explaining *x, const struct catalog_explained *e)
{
    return (struct explain_facts){.now_ns = x->now_ns,
                                  .host = e->key.host,
                                  .key = &e->key,
                                  .served = e->served,
                                  .facts = e->facts,
                                  .has_address = e->instance.endpoint.families != 0,
                                  .hostname = e->instance.entry.hostname,
                                  .expires_ns = e->expires_ns,
                                  .frozen = e->frozen,
                                  .unreadable = e->unreadable,
                                  .name_conflict = !x->region && x->status->name_taken,
                                  .region = x->region};
}

/* --- as JSON --- */

static const char *owner_text(enum owner_kind kind)
{
    static const char *const texts[] = {
        [OWNER_STATIC] = "configuration",   [OWNER_CONNECTION] = "connection", [OWNER_TTL] = "ttl", [OWNER_PID] = "pid",
        [OWNER_INHERITED] = "earlier life",
    };
    return texts[kind];
}

static void set_explanation(json_t *object, const struct explanation *e)
{
    json_t *notes = json_array();
    for (unsigned i = 0; i < e->n_notes; i++)
        (void)json_array_append_new(notes, document_string(e->notes[i]));
    (void)json_object_update_new(object, json_pack("{s:b, s:s, s:o, s:o}", "in", e->in, "rule", rule_word(e->rule),
                                                   "why", document_string(e->why), "notes", notes));
}

static json_t *owner_json(const struct agent_explained *own)
{
    json_t *owner = json_pack("{s:s, s:I}", "lives_by", owner_text(own->owner), "uid", (json_int_t)own->uid);
    if (own->owner == OWNER_PID)
        (void)json_object_set_new(owner, "pid", json_integer(own->pid));
    if (own->owner == OWNER_TTL)
        (void)json_object_set_new(owner, "left_ms", json_integer(own->ttl_left_ns / NS_PER_MS));
    return owner;
}

/* revision 0: not known; otherwise put_ns says when that revision was put. */
static json_t *record_json(const struct explaining *x, const struct catalog_explained *e, uint64_t revision,
                           int64_t then_ns)
{
    json_t *record = json_pack("{s:s, s:b, s:I, s:I}", "writer", e->key.host, "foreign", e->facts.foreign, "epoch",
                               (json_int_t)e->facts.epoch, "counter", (json_int_t)e->counter);
    if (revision)
        (void)json_object_set_new(record, "revision", json_integer((json_int_t)revision));
    if (then_ns)
        (void)json_object_set_new(record, "age_ms", json_integer(age_ms(x, then_ns)));
    return record;
}

/* --- checks --- */

struct checks_call {
    int64_t now_ns;
    bool whole;
    json_t *list;
};

/* The check's output, or its first line, which is not cut within a character. */
static json_t *output_json(const struct check_view *v, bool whole)
{
    size_t n = whole ? strlen(v->output) : strcspn(v->output, "\n");
    for (bool cut = !whole && n > LINE_MAX_BYTES; cut; cut = ((unsigned char)v->output[n] & 0xc0) == 0x80)
        n = n > LINE_MAX_BYTES ? LINE_MAX_BYTES : n - 1;
    return json_stringn(v->output, n);
}

static bool add_check(void *arg, const struct instance_key *key, const struct check_view *v)
{
    (void)key;
    const struct checks_call *call = arg;
    json_t *check =
        json_pack("{s:o, s:s, s:o, s:s, s:I, s:I, s:o, s:b}", "name", document_string(v->name), "kind", v->kind,
                  "target", document_string(v->target), "state", v->known ? state_word(v->state) : "not run yet",
                  "since_ms", (json_int_t)age_at(call->now_ns, v->since_ns), "failures", (json_int_t)v->failures,
                  "output", output_json(v, call->whole), "flapping", v->flapping);
    if (v->ran_ns)
        (void)json_object_set_new(check, "ran_ms", json_integer(age_at(call->now_ns, v->ran_ns)));
    (void)json_array_append_new(call->list, check);
    return true;
}

json_t *explain_checks(const struct checks *checks, const struct instance_key *key, bool whole, int64_t now_ns)
{
    struct checks_call call = {now_ns, whole, json_array()};
    if (checks)
        (void)checks_each(checks, key, add_check, &call);
    return call.list;
}

static json_t *own_json(const struct explaining *x, const struct catalog_explained *e,
                        const struct agent_explained *own)
{
    json_t *record = record_json(x, e, own->revision, own->put_ns);
    (void)json_object_set_new(record, "confirmed", json_boolean(own->confirmed));
    if (own->rtt_ns)
        (void)json_object_set_new(record, "confirmed_us", json_integer(own->rtt_ns / 1000));
    return json_pack("{s:o, s:o, s:o}", "record", record, "owner", owner_json(own), "checks",
                     explain_checks(x->reach->checks, &e->key, true, x->now_ns));
}

json_t *explain_lease(const struct explaining *x, const char *host)
{
    struct liveness_host l;
    if (liveness_host(inbound_liveness(x->inbound), host, &l) < 0)
        return NULL;
    json_t *lease = page_lease_json(&l, x->now_ns);
    (void)json_object_update_new(lease, json_pack("{s:I, s:I, s:i}", "epoch", (json_int_t)l.lease.epoch, "min_epoch",
                                                  (json_int_t)l.lease.min_epoch, "records", (int)l.lease.records));
    if (host_alive(l.status) && l.deadline_ns > x->now_ns)
        (void)json_object_set_new(lease, "left_ms", json_integer((l.deadline_ns - x->now_ns) / NS_PER_MS));
    return lease;
}

static void set_other(const struct explaining *x, json_t *object, const struct catalog_explained *e)
{
    json_t *record = record_json(x, e, e->revision, e->put_ns);
    if (e->reached_us)
        (void)json_object_update_new(record, json_pack("{s:I, s:I}", "visible_us", (json_int_t)e->reached_us,
                                                       "visible_error_us", (json_int_t)e->reached_error_us));
    (void)json_object_set_new(object, "record", record);
    if (!e->facts.foreign)
        (void)json_object_set_new(object, "lease", explain_lease(x, e->key.host));
}

static json_t *explained_json(const struct explaining *x, const struct catalog_explained *e, const char *service)
{
    struct explain_facts f = facts_of(x, e);
    struct agent_explained own;
    struct liveness_host lease;
    struct explanation explanation;
    json_t *object = page_instance_json(service, &e->instance);
    if (x->region)
        (void)json_object_set_new(object, "of_region", json_string(x->region));
    (void)json_object_set_new(object, "service", json_string(service));
    if (is_own(x, e->key.host) && agent_explain(x->reach->agent, &e->key, x->now_ns, &own) == 0) {
        f.own = &own;
        (void)json_object_update_new(object, own_json(x, e, &own));
    } else {
        if (liveness_host(inbound_liveness(x->inbound), e->key.host, &lease) == 0)
            f.lease = &lease;
        set_other(x, object, e);
    }
    fill_ejected(x, service, e->instance.endpoint.id, &f);
    fill_place(x, service, &e->instance.endpoint, &f);
    const struct region *answering = explain_answering(x, service);
    f.answering = answering ? region_name(answering) : NULL;
    explain_instance(&f, &explanation);
    set_explanation(object, &explanation);
    return object;
}

json_t *explain_known(const struct explaining *x, uint64_t id)
{
    static struct catalog_explained e; /* static because it is too large for the stack */
    char service[SERVICE_CAP];
    if (catalog_explain(x->catalog, id, &e) < 0)
        return NULL;
    service_format(e.key.domain, e.key.service, service);
    return explained_json(x, &e, service);
}

json_t *explain_waiting(const struct explaining *x, const struct instance_key *key)
{
    struct agent_explained own;
    struct explanation explanation;
    if (agent_explain(x->reach->agent, key, x->now_ns, &own) < 0)
        return NULL;
    const struct explain_facts f = {.now_ns = x->now_ns,
                                    .host = key->host,
                                    .key = key,
                                    .served = SERVED,
                                    .hostname = "",
                                    .own = &own,
                                    .name_conflict = x->status->name_taken};
    explain_instance(&f, &explanation);
    json_t *object = json_pack("{s:s, s:s, s:b, s:o}", "host", key->host, "instance", key->instance, "usable", 0,
                               "owner", owner_json(&own));
    set_explanation(object, &explanation);
    return object;
}

/* --- refusals --- */

/* Whether the next token of a key is the wanted one; an asterisk in the key matches any, and so does wanted "". */
static bool token_is(const char **key, const char *wanted)
{
    size_t n = strcspn(*key, ".");
    bool any = !*wanted || (n == 1 && **key == '*');
    bool same = any || (strlen(wanted) == n && memcmp(*key, wanted, n) == 0);
    *key += n + ((*key)[n] == '.');
    return same;
}

static bool is_about(const Discover__V1__Refusal *r, const char *hosts_bucket, const char *domain, const char *service,
                     const char *host)
{
    struct instance_key foreign;
    char text[KEY_CAP];
    const char *key = r->key;
    if (strcmp(r->bucket, hosts_bucket) == 0)
        return !*domain && token_is(&key, host);
    if (foreign_key_parse(key, strlen(key), &foreign) == 0) { /* the short form */
        instance_key_format(&foreign, text);
        key = text;
    }
    return token_is(&key, domain) && token_is(&key, service) && token_is(&key, host);
}

json_t *explain_refused(const struct explaining *x, const char *domain, const char *service, const char *host)
{
    json_t *list = json_array();
    const char *hosts = x->reach->config->registry.hosts_bucket;
    for (size_t i = 0; i < x->status->n_refused; i++) {
        const Discover__V1__Refusal *r = x->status->refused[i];
        if (is_about(r, hosts, domain, service, host))
            (void)json_array_append_new(list,
                                        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "bucket", r->bucket, "key", r->key,
                                                  "rule", rule_word(explain_refusal(r->reason)), "reason", r->reason,
                                                  "count", (json_int_t)r->count, "age_ms", (json_int_t)r->age_ms));
    }
    return list;
}
