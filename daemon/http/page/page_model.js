'use strict';
/* SPDX-License-Identifier: Apache-2.0 */
/* What the page knows of the registry, and the search in it. Whatever comes from there is text, never markup. */

const $ = id => document.getElementById(id);
const make = (tag, text, cls) => {
  const e = document.createElement(tag);
  if (text !== undefined && text !== null) e.textContent = text;
  if (cls) e.className = cls;
  return e;
};
const get = async path => {
  const answer = await fetch(path, { signal: AbortSignal.timeout(30000) });
  const body = await answer.text();
  if (!answer.ok) throw new Error(answer.status + ' ' + body.trim());
  return JSON.parse(body);
};
const many = (n, what) => n + ' ' + what + (n === 1 ? '' : 's');
const span = seconds => seconds < 0 ? '' : seconds < 90 ? Math.round(seconds) + ' s' : seconds < 5400 ? Math.round(seconds / 60) + ' min'
  : seconds < 172800 ? Math.round(seconds / 3600) + ' h' : Math.round(seconds / 86400) + ' d';

/* --- what is known --- */

const instances = new Map(), services = new Map();
let hosts = [], regions = [], status = {}, about = { zones: [], dns: [] };
let brokenSince = 0, heardAt = Date.now(), loaded = false;

const worst = { critical: 0, warning: 1, maintenance: 2, draining: 3, passing: 4 };

const haystack = i => [i.service, i.host, i.instance, i.zone, i.region, i.state, i.ipv4, i.ipv6, i.hostname, i.port, ...i.tags,
  ...Object.entries(i.meta).map(([k, v]) => k + '=' + v)].filter(x => x !== undefined && x !== '').join('\n').toLowerCase();

const touched = new Set(); /* services that are to be judged anew */
let ordered = []; /* all services, in the order that is asked for */

function touch(s) {
  s.order = null;
  touched.add(s);
}

function serviceOf(name) {
  let s = services.get(name);
  if (!s) {
    services.set(name, s = { name, members: new Map(), order: null, changed: 0, answers: null });
    ordered.push(s);
  }
  return s;
}

function put(i, live) {
  const before = instances.get(i.id);
  i.text = haystack(i);
  i.where = (i.ipv4 || (i.ipv6 ? '[' + i.ipv6 + ']' : '') || i.hostname || '?') + ':' + i.port;
  i.checks = before && before.checks;
  if (live) i.fresh = performance.now();
  instances.set(i.id, i);
  const s = serviceOf(i.service);
  s.members.set(i.id, i);
  touch(s);
  if (live && (!before || before.state !== i.state || before.where !== i.where || before.usable !== i.usable)) s.changed = Date.now();
}

function drop(id) {
  const i = instances.get(id);
  if (!i) return;
  instances.delete(id);
  const s = services.get(i.service);
  s.members.delete(id);
  touch(s);
  s.changed = Date.now();
  if (s.members.size === 0 && !s.answers) services.delete(s.name);
}

function forget() {
  instances.clear();
  services.clear();
  touched.clear();
  ordered = [];
}

/* --- order --- */

const digits = text => text.replace(/\d+/g, d => d.padStart(5, '0')); /* 10.0.0.9 comes before 10.0.0.10 */
const compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;
const checkText = i => i.checks && i.checks.length ? i.checks.reduce((a, b) => worst[b.state] < worst[a.state] ? b : a) : null;
const pairs = i => Object.entries(i.meta).map(([k, v]) => k + '=' + v).join(' ');

/* What an instance is sorted by, under the columns' names; services come by that of their first. */
const keys = {
  address: i => i.sortable || (i.sortable = digits(i.where)),
  state: i => worst[i.state] * 2 + (i.usable ? 1 : 0),
  host: i => digits(i.host + ' / ' + i.instance),
  zone: i => i.zone || i.region,
  weight: i => -i.weight,
  tags: i => i.tags.join(' ') || '\uffff',
  meta: i => pairs(i) || '\uffff',
  check: i => checkText(i) ? worst[checkText(i).state] : 9,
};
/* And those of services alone, whose instances stand in the order of their states. */
const serviceKeys = { service: s => s.name, state: s => s.rank, changed: s => -s.changed };
const hostKeys = {
  host: h => digits(h.host), state: h => h.alive, instances: h => -h.instances, address: h => digits(h.ipv4 || h.ipv6 || ''), zone: h => h.zone,
  region: h => h.region, version: h => digits(h.lease.version || ''), lease: h => -(h.lease.age_ms || 0),
};

let sorting = { by: 'state', down: false };

function judge(s) {
  if (s.order) return s;
  const key = serviceKeys[sorting.by] ? keys.state : keys[sorting.by] || keys.state, sign = sorting.down && !serviceKeys[sorting.by] ? -1 : 1;
  s.order = [...s.members.values()].sort((a, b) => sign * compare(key(a), key(b)) || compare(a.where, b.where));
  s.usable = s.order.reduce((n, i) => n + (i.usable ? 1 : 0), 0);
  const critical = s.order.some(i => !i.usable && i.state !== 'draining' && i.state !== 'maintenance');
  s.rank = s.usable === 0 ? 0 : critical ? 1 : s.order.some(i => i.state === 'warning') ? 2 : s.usable < s.order.length ? 3 : 4;
  s.cls = ['down', 'critical', 'warning', 'draining', 'passing'][s.rank];
  s.word = ['none usable', 'some not usable', 'warning', 'some taken out', 'all usable'][s.rank];
  s.key = serviceKeys[sorting.by] ? serviceKeys[sorting.by](s) : s.order.length ? key(s.order[0]) : '';
  return s;
}

/* All services in their order; what stands in order already costs next to nothing. */
function order() {
  if (!touched.size) return ordered;
  for (const s of touched) judge(s);
  touched.clear();
  const sign = sorting.down ? -1 : 1;
  return ordered = ordered.filter(s => services.get(s.name) === s).sort((a, b) => sign * compare(a.key, b.key) || compare(a.name, b.name));
}

function orderHosts() {
  const key = hostKeys[sorting.by] || hostKeys.state, sign = sorting.down ? -1 : 1;
  return hosts.sort((a, b) => sign * compare(key(a), key(b)) || compare(a.host, b.host));
}

function sortBy(by) {
  sorting = { by, down: sorting.by === by && !sorting.down };
  for (const s of services.values()) touch(s);
}

/* --- search --- */

let view = 'services', terms = [];
const views = ['services', 'hosts', 'regions', 'daemon'];

function readUrl() {
  const q = new URLSearchParams(location.search);
  $('search').value = q.get('q') || '';
  view = views.includes(q.get('view')) ? q.get('view') : 'services';
  const by = (q.get('sort') || 'state').replace(/^-/, '');
  if (Object.hasOwn(keys, by) || Object.hasOwn(serviceKeys, by) || Object.hasOwn(hostKeys, by)) sorting = { by, down: (q.get('sort') || '')[0] === '-' };
  for (const s of services.values()) touch(s);
}

function writeUrl() {
  const q = new URLSearchParams();
  if ($('search').value) q.set('q', $('search').value);
  if (view !== 'services') q.set('view', view);
  if (sorting.by !== 'state' || sorting.down) q.set('sort', (sorting.down ? '-' : '') + sorting.by);
  history.replaceState(null, '', location.pathname + (q.size ? '?' + q : ''));
}

const readTerms = () => {
  terms = $('search').value.toLowerCase().split(/\s+/).filter(Boolean).map(t => t.length > 1 && t[0] === '-' ? [t.slice(1), false] : [t, true]);
};
const matches = text => terms.every(([t, wanted]) => text.includes(t) === wanted);
