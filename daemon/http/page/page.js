/* SPDX-License-Identifier: Apache-2.0 */
/* What the page says and does; page_model.js and page_rows.js stand before it. */

/* --- how far it can be trusted --- */

const words = { live: 'live', stale: 'stale', degraded: 'degraded', unsynced: 'not synchronised', 'read-only': 'read only' };

function why() {
  if (brokenSince) return 'the stream from the daemon broke ' + span((Date.now() - brokenSince) / 1000) + ' ago; what is shown is as old as that';
  const parts = [];
  if (status.sync === 'stale' || status.sync === 'unsynced') parts.push('for ' + span(status.stale_ms / 1000) + (status.bus && status.bus.error ? ': ' + status.bus.error : ''));
  for (const p of status.problems || []) parts.push(p.text);
  return parts.join('; ');
}

function banner() {
  const sync = brokenSince ? 'broken' : status.sync || 'unsynced';
  $('banner').className = sync;
  $('sync').textContent = brokenSince ? 'not connected' : status.sync ? words[status.sync] || status.sync : 'connecting';
  if ($('why').textContent !== why()) $('why').textContent = why();
  $('about').textContent = status.host ? status.host + ' · discoverd ' + status.version + ' · ' + many(status.hosts, 'host') : '';
  document.title = (sync === 'live' ? '' : '(' + $('sync').textContent + ') ') + (status.host ? status.host + ' · ' : '') + 'discoverd';
}

async function askStatus() {
  try {
    status = await get('/v1/status');
    if (view === 'daemon') showDaemon();
  } catch (e) {
    if (!brokenSince) brokenSince = heardAt;
  }
  banner();
}

/* --- the daemon itself --- */

const SVG = 'http://www.w3.org/2000/svg';

function chart(title, unit, values, seconds) {
  const f = make('figure'), caption = make('figcaption'), svg = document.createElementNS(SVG, 'svg'), path = document.createElementNS(SVG, 'path');
  const known = values.filter(v => v !== null), top = Math.max(...known, 0) || 1, last = known.length ? known[known.length - 1] : null;
  const text = v => v === null ? 'none yet' : (v < 10 ? v.toFixed(2) : Math.round(v)) + ' ' + unit;
  caption.append(make('span', title), make('span', text(last) + ', at most ' + text(known.length ? top : null)));
  svg.setAttribute('viewBox', '0 0 ' + Math.max(values.length - 1, 1) + ' 100');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title + ' in the last ' + span(seconds) + ': ' + caption.lastChild.textContent);
  let d = '', pen = false;
  values.forEach((v, n) => {
    if (v !== null) d += (pen ? 'L' : 'M') + n + ' ' + (97 - 94 * v / top).toFixed(1);
    pen = v !== null;
  });
  path.setAttribute('d', d);
  svg.append(path);
  f.append(caption, svg);
  return f;
}

async function showDaemon() {
  $('status').replaceChildren(make('h3', 'Status'), tree(status));
  try {
    const h = await get('/v1/history'), step = h.step_ms / 1000;
    $('charts').replaceChildren(chart('Propagation', 'ms', h.propagation_ms, step * h.propagation_ms.length),
      chart('Changes', '/s', h.changes.map(n => n === null ? null : n / step), step * h.changes.length), chart('DNS queries', '/s', h.queries.map(n => n === null ? null : n / step), step * h.queries.length));
  } catch (e) {
    $('charts').replaceChildren(make('p', 'No history: ' + e.message));
  }
}

/* --- the stream --- */

let loading = null;

async function load() {
  const early = [];
  loading = early;
  try {
    const [all, list] = await Promise.all([get('/v1/instances'), get('/v1/recent')]);
    if (loading !== early) return;
    forget();
    for (const i of all.instances) put(i, false);
    for (const s of list.recent) if (services.has(s.service)) services.get(s.service).changed = Date.now() - s.changed_ms;
    loading = null;
    loaded = true;
    for (const apply of early) apply();
    performance.mark('loaded');
    askChecks();
    askRegions();
  } catch (e) {
    if (loading !== early) return;
    loading = null;
    if (!brokenSince) brokenSince = Date.now();
    setTimeout(load, 1000);
  }
  banner();
  refresh();
}

async function loadHosts() {
  try {
    const [{ hosts: list }, { leases }] = await Promise.all([get('/v1/hosts'), get('/v1/leases')]);
    const of = new Map(leases.map(l => [l.host, l])), asked = Date.now();
    for (const h of list) h.lease = { ...of.get(h.host), asked };
    for (const h of list) h.text = [h.host, h.zone, h.region, h.ipv4, h.ipv6, h.lease.version, h.lease.status].filter(Boolean).join('\n').toLowerCase();
    hosts = list;
    refresh();
  } catch (e) { /* the banner says what is wrong */ }
}

/* What the checks of this host say; of other hosts', theirs alone know. */
async function askChecks() {
  if (document.hidden) return;
  try {
    for (const c of (await get('/v1/checks')).checks) {
      const i = instances.get(c.id);
      if (!i) continue;
      const before = checkText(i);
      i.checks = c.checks;
      if (sorting.by === 'check' && (before && before.state) !== (checkText(i) && checkText(i).state)) touch(serviceOf(i.service));
    }
    refresh();
  } catch (e) { /* the banner says what is wrong */ }
}

/* How a region is, and who answers for its services. */
function tellRegion(r, list, answering) {
  const here = new Map(answering.map(f => [f.service, f]));
  r.cls = r.state === 'live' ? 'passing' : r.state === 'never' ? 'down' : 'warning';
  r.why = [r.reason, r.stale_ms > 0 ? 'what is known of it may be ' + span(r.stale_ms / 1000) + ' old' : '', r.server ? 'read at ' + r.server : '', r.error].filter(Boolean).join('; ');
  r.services = list.map(s => {
    const f = here.get(s.service), own = services.get(s.service);
    s.key = 'o:' + r.region + ':' + s.service;
    s.text = (r.region + '\n' + s.service).toLowerCase();
    s.cls = s.usable === 0 ? 'down' : s.usable < s.instances ? 'draining' : 'passing';
    s.why = !f ? own ? 'the own region answers, with ' + judge(own).usable + ' usable' : 'asked for by the name of the region'
      : f.at === r.region ? 'this region answers' + (f.at_ms >= 0 ? ', for ' + span(f.at_ms / 1000) : '') + (f.forced ? ': an operator says so' : '')
        : f.at === status.region ? 'the own region answers' : 'region ' + f.at + ' answers';
    return s;
  });
}

async function askRegions() {
  try {
    const answer = await get('/v1/regions'), failovers = answer.failovers || [];
    for (const r of answer.regions) {
      const { services: list } = await get('/v1/services?region=' + encodeURIComponent(r.region));
      tellRegion(r, list, failovers);
    }
    regions = answer.regions;
    const answers = new Map(failovers.filter(f => f.at !== answer.region).map(f => [f.service, f.at]));
    for (const s of [...services.values(), ...[...answers.keys()].map(serviceOf)]) {
      const by = answers.get(s.name) || null;
      if (s.answers === by) continue;
      s.answers = by;
      touch(s);
      if (!by && !s.members.size) services.delete(s.name);
    }
    $('tab-regions').hidden = !regions.length && view !== 'regions';
    refresh();
  } catch (e) { /* the same */ }
}

let hostsTimer = 0;
const hostsChanged = () => {
  if (view === 'hosts' && !hostsTimer) hostsTimer = setTimeout(() => { hostsTimer = 0; loadHosts(); }, 500);
};

function heard() {
  heardAt = Date.now();
  if (brokenSince) {
    brokenSince = 0;
    askStatus();
  }
}

function apply(change) {
  if (loading) loading.push(change);
  else {
    change();
    refresh();
  }
}

function listen() {
  const stream = new EventSource('/v1/events');
  stream.addEventListener('begin', e => {
    heard();
    if (!JSON.parse(e.data).resumed || !loaded) load();
    loadHosts();
  });
  stream.addEventListener('instance', e => {
    heard();
    const i = JSON.parse(e.data);
    apply(() => put(i, true));
  });
  stream.addEventListener('gone', e => {
    heard();
    const { id } = JSON.parse(e.data);
    apply(() => drop(id));
  });
  stream.addEventListener('hosts', () => {
    heard();
    hostsChanged();
  });
  stream.addEventListener('status', () => {
    heard();
    askStatus();
  });
  stream.onerror = () => {
    if (!brokenSince) brokenSince = Date.now();
    banner();
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

/* --- hands --- */

function show(which) {
  view = which;
  for (const v of views) $('tab-' + v).setAttribute('aria-selected', v === view);
  $('list').hidden = $('columns').hidden = view === 'daemon';
  $('daemon').hidden = view !== 'daemon';
  drawColumns();
  $('list').setAttribute('aria-label', { hosts: 'Hosts', regions: 'Other regions and their services' }[view] || 'Services and their instances');
  $('list').scrollTop = 0;
  if (view === 'hosts') loadHosts();
  if (view === 'regions') askRegions();
  if (view === 'daemon') showDaemon();
  writeUrl();
  refresh();
}

function select(step) {
  const next = Math.min(count - 1, Math.max(0, lineOf(selected) + step)), height = rowHeight, list = $('list');
  if (!count) return;
  selected = lineAt(next).key;
  if (next * height < list.scrollTop) list.scrollTop = next * height;
  if ((next + 1) * height > list.scrollTop + list.clientHeight) list.scrollTop = (next + 1) * height - list.clientHeight;
  draw();
}

for (const v of views) $('tab-' + v).onclick = () => show(v);
$('search').oninput = () => {
  readTerms();
  writeUrl();
  $('list').scrollTop = 0;
  refresh();
};
$('list').addEventListener('scroll', draw, { passive: true });
addEventListener('resize', () => { measure(); draw(); });
$('rows').onclick = e => {
  const row = e.target.closest('.row');
  if (!row) return;
  selected = row.line.key;
  draw();
  open(row.line);
};
$('panel-close').onclick = close;
document.addEventListener('keydown', e => {
  const typing = e.target === $('search');
  if (e.key === 'Escape' && !$('panel').hidden) close();
  else if (e.key === '/' && !typing) { e.preventDefault(); $('search').focus(); }
  else if (e.key === 'Escape' && typing) { $('search').value = ''; $('search').oninput(); }
  else if (typing && e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
  else if ((e.key === 'ArrowDown' || e.key === 'j') && $('panel').hidden) { e.preventDefault(); select(1); }
  else if ((e.key === 'ArrowUp' || e.key === 'k') && $('panel').hidden) { e.preventDefault(); select(-1); }
  else if (e.key === 'PageDown' && $('panel').hidden) { e.preventDefault(); select(20); }
  else if (e.key === 'PageUp' && $('panel').hidden) { e.preventDefault(); select(-20); }
  else if (e.key === 'Enter' && $('panel').hidden && e.target === $('list')) {
    const at = lineOf(selected);
    e.preventDefault(); /* or the button that gets the focus takes it as well */
    if (at >= 0) open(lineAt(at));
  }
});
addEventListener('popstate', () => { readUrl(); readTerms(); show(view); });
setInterval(() => { banner(); if (view !== 'daemon') draw(); }, 1000);
setInterval(askStatus, 5000);
setInterval(() => { if (view === 'services') askChecks(); }, 5000);
setInterval(() => { if (view === 'hosts') loadHosts(); else if (regions.length) askRegions(); }, 10000);

measure();
readUrl();
readTerms();
show(view);
get('/v1/about').then(a => { about = a; }).catch(() => {});
askStatus();
listen();
