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
let hosts = [], status = {}, about = { zones: [], dns: [] };
let brokenSince = 0, heardAt = Date.now(), loaded = false;

const worst = { critical: 0, warning: 1, maintenance: 2, draining: 3, passing: 4 };

const haystack = i => [i.service, i.host, i.instance, i.zone, i.region, i.state, i.ipv4, i.ipv6, i.hostname, i.port, ...i.tags,
  ...Object.entries(i.meta).map(([k, v]) => k + '=' + v)].filter(x => x !== undefined && x !== '').join('\n').toLowerCase();

function serviceOf(name) {
  let s = services.get(name);
  if (!s) services.set(name, s = { name, members: new Map(), order: null, changed: 0 });
  return s;
}

function put(i, live) {
  const before = instances.get(i.id);
  i.text = haystack(i);
  i.where = (i.ipv4 || (i.ipv6 ? '[' + i.ipv6 + ']' : '') || i.hostname || '?') + ':' + i.port;
  if (live) i.fresh = performance.now();
  instances.set(i.id, i);
  const s = serviceOf(i.service);
  s.members.set(i.id, i);
  s.order = null;
  if (live && (!before || JSON.stringify([before.state, before.where, before.usable]) !== JSON.stringify([i.state, i.where, i.usable])))
    s.changed = Date.now();
}

function drop(id) {
  const i = instances.get(id);
  if (!i) return;
  instances.delete(id);
  const s = services.get(i.service);
  s.members.delete(id);
  s.order = null;
  s.changed = Date.now();
  if (s.members.size === 0) services.delete(s.name);
}

function judge(s) {
  if (s.order) return s;
  s.order = [...s.members.values()].sort((a, b) => worst[a.state] - worst[b.state] || a.usable - b.usable || (a.where < b.where ? -1 : 1));
  s.usable = s.order.reduce((n, i) => n + (i.usable ? 1 : 0), 0);
  const critical = s.order.some(i => !i.usable && i.state !== 'draining' && i.state !== 'maintenance');
  s.rank = s.usable === 0 ? 0 : critical ? 1 : s.order.some(i => i.state === 'warning') ? 2 : s.usable < s.order.length ? 3 : 4;
  s.cls = ['down', 'critical', 'warning', 'draining', 'passing'][s.rank];
  s.word = ['none usable', 'some not usable', 'warning', 'some taken out', 'all usable'][s.rank];
  return s;
}

/* --- search --- */

let view = 'services', terms = [];

function readUrl() {
  const q = new URLSearchParams(location.search);
  $('search').value = q.get('q') || '';
  view = ['services', 'hosts', 'daemon'].includes(q.get('view')) ? q.get('view') : 'services';
}

function writeUrl() {
  const q = new URLSearchParams();
  if ($('search').value) q.set('q', $('search').value);
  if (view !== 'services') q.set('view', view);
  history.replaceState(null, '', location.pathname + (q.size ? '?' + q : ''));
}

const readTerms = () => {
  terms = $('search').value.toLowerCase().split(/\s+/).filter(Boolean).map(t => t.length > 1 && t[0] === '-' ? [t.slice(1), false] : [t, true]);
};
const matches = text => terms.every(([t, wanted]) => text.includes(t) === wanted);
