/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the page: only those that are seen are there, and of these only what changes is written. */

/* Services, each before those of its instances that are looked for; or hosts; or regions with their services. */
let blocks = [], starts = [], count = 0, selected = null, drawn = new Map();

function add(head, members) {
  blocks.push({ head, members });
  starts.push(count);
  count += members.length + 1;
}

/* Of a service, those that are looked for: kept until it, or what is looked for, is another. */
function wanted(s) {
  if (!terms.length) return s.order;
  if (s.shownOf !== s.order || s.shownFor !== terms) {
    s.shown = s.order.filter(i => matches(i.text));
    s.shownOf = s.order;
    s.shownFor = terms;
  }
  return s.shown;
}

function collectServices() {
  let shown = 0;
  for (const s of order()) {
    const members = wanted(s);
    if (!members.length && (s.order.length || !s.answers || !matches(s.name))) continue;
    add({ key: 's:' + s.name, service: s }, members);
    shown += members.length;
  }
  $('count').textContent = terms.length ? shown + ' of ' + many(instances.size, 'instance') : many(instances.size, 'instance') + ', ' + many(services.size, 'service');
}

function collectHosts() {
  for (const h of orderHosts()) if (matches(h.text)) add({ key: 'h:' + h.host, host: h }, []);
  $('count').textContent = terms.length ? count + ' of ' + many(hosts.length, 'host') : many(hosts.length, 'host');
}

function collectRegions() {
  for (const r of regions) {
    const members = r.services.filter(s => matches(s.text));
    if (!terms.length || members.length || matches(r.region)) add({ key: 'r:' + r.region, region: r }, members);
  }
  $('count').textContent = many(regions.length, 'other region');
}

function collect() {
  blocks = [];
  starts = [];
  count = 0;
  if (view === 'services') collectServices();
  else if (view === 'hosts') collectHosts();
  else if (view === 'regions') collectRegions();
  else $('count').textContent = '';
}

const keyOf = member => member.id || member.key;

function lineAt(n) {
  let low = 0, high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= n) low = middle;
    else high = middle;
  }
  const b = blocks[low], m = b.members[n - starts[low] - 1];
  return n === starts[low] ? b.head : m.id ? { key: m.id, instance: m } : { key: m.key, other: m };
}

function lineOf(key) {
  for (let b = 0; b < blocks.length; b++) {
    if (blocks[b].head.key === key) return starts[b];
    const m = blocks[b].members.findIndex(x => keyOf(x) === key);
    if (m >= 0) return starts[b] + 1 + m;
  }
  return -1;
}

/* --- what stands in them --- */

/* The name of a column, and what it is sorted by. */
const column = {
  services: [[['service', 'service'], ['address', 'address']], [['state', 'state']], [['host / instance', 'host'], ['last change', 'changed']], [['zone', 'zone']],
    [['weight', 'weight']], [['tags', 'tags']], [['meta', 'meta']], [['check', 'check']]],
  hosts: [[['host', 'host']], [['state', 'state']], [['instances', 'instances']], [['address', 'address']], [['zone', 'zone']], [['region', 'region']],
    [['version', 'version']], [['lease', 'lease']]],
  regions: [[['region, service']], [['state']], [['usable / all']], [['who answers, and why']]],
};

const sinceChange = s => s.changed ? span((Date.now() - s.changed) / 1000) + ' ago' : '';
const leaseText = l => l.age_ms === undefined ? '' : span((l.age_ms + Date.now() - l.asked) / 1000) + ' old, of ' + span(l.ttl_ms / 1000);
const firstLine = text => text.split('\n', 1)[0];

/* What a check said last is known on its own host alone. */
function checkCell(i) {
  if (i.host !== status.host)
    return i.state !== 'critical' && i.state !== 'warning' ? [''] : ['ask ' + i.host, 'faint', 'what its checks say: discoverctl -H ' + i.host + ' explain ' + i.service + ' ' + i.instance];
  const c = checkText(i);
  if (!c) return ['', 'faint', 'it has no checks'];
  const all = i.checks.map(x => x.name + ': ' + x.state + ' for ' + span(x.since_ms / 1000) + (x.output ? ': ' + x.output : '')).join('\n');
  return [c.name + ' ' + (c.state === 'passing' ? 'ok' : c.state) + (c.output ? ': ' + firstLine(c.output) : ''), 'check ' + c.state, all];
}

const content = {
  service: s => ['service ' + s.cls, [[s.name], [s.usable + ' / ' + s.order.length, 'usable', s.usable + ' of ' + s.order.length + ' usable'],
    [sinceChange(s), 'faint', 'last change: ' + (sinceChange(s) || 'longer ago than is known')],
    [s.answers ? s.word + '; region ' + s.answers + ' answers' : s.word, 'faint']]],
  instance: i => ['instance ' + (i.usable || i.state !== 'passing' ? i.state : 'critical') + (performance.now() - i.fresh < 1500 ? ' new' : ''),
    [[i.where], [i.state === 'passing' && !i.usable ? 'passing, not served' : i.state, 'state'], [i.host + ' / ' + i.instance], [i.zone || i.region, 'faint'],
      [i.weight + (i.priority ? ' / p' + i.priority : ''), 'faint', 'weight ' + i.weight + ', priority ' + i.priority], [i.tags.join(' ')], [pairs(i), 'faint'], checkCell(i)]],
  host: h => ['host ' + (!h.alive ? 'critical' : h.lease.status === 'kept' ? 'warning' : 'passing'),
    [[h.host], [h.lease.status || (h.alive ? 'alive' : 'gone'), 'state'], [many(h.instances, 'instance'), 'faint'], [[h.ipv4, h.ipv6].filter(Boolean).join(' ')],
      [h.zone, 'faint'], [h.region, 'faint'], [h.lease.version || (h.host === status.host ? status.version : ''), 'faint'], [h.host === status.host ? 'this host' : leaseText(h.lease), 'faint']]],
  region: r => ['region ' + r.cls, [[r.region], [r.state, 'state'], [r.usable + ' / ' + r.instances, 'usable', many(r.hosts, 'host') + ', ' + many(r.services.length, 'service')], [r.why, 'faint']]],
  other: s => ['other ' + s.cls, [[s.service], ['', 'state'], [s.usable + ' / ' + s.instances, 'usable'], [s.why, 'faint']]],
};

function writeCell(cell, [text, cls, title]) {
  const t = title || text || '';
  if (cell.text !== (text || '')) cell.node.data = cell.text = text || '';
  if (cell.cls !== cls) cell.e.className = cell.cls = cls;
  if (cell.title !== t) cell.e.title = cell.title = t;
}

function newCell(row) {
  const e = make('span'), node = document.createTextNode('');
  e.setAttribute('role', 'cell');
  if (!row.cells.length) e.append(make('span', '', 'dot'));
  e.append(node);
  row.append(e);
  row.cells.push({ e, node, text: '', cls: undefined, title: '' });
}

function fill(row, line) {
  const kind = line.service ? 'service' : line.instance ? 'instance' : line.host ? 'host' : line.region ? 'region' : 'other';
  const [cls, list] = content[kind](line.service ? judge(line.service) : line[kind]);
  const full = 'row ' + cls + (line.key === selected ? ' selected' : '');
  if (row.cls !== full) row.className = row.cls = full;
  list.forEach((what, n) => {
    if (n === row.cells.length) newCell(row);
    writeCell(row.cells[n], what);
  });
}

/* --- on the screen --- */

function newRow(key) {
  const row = make('div');
  row.setAttribute('role', 'row');
  row.dataset.key = key;
  row.cells = [];
  return row;
}

function place(row, n, height) {
  if (row.at === n && row.high === height) return;
  row.at = n;
  row.high = height;
  row.style.top = n * height + 'px';
  row.setAttribute('aria-rowindex', n + 1);
}

let rowHeight = 28;
const measure = () => { rowHeight = parseInt(getComputedStyle(document.documentElement).getPropertyValue('--row'), 10) || 28; };

function draw() {
  const list = $('list'), height = rowHeight, first = Math.max(0, Math.floor(list.scrollTop / height) - 8);
  const last = Math.min(count, first + Math.ceil(list.clientHeight / height) + 16), seen = new Map();
  let before = null; /* rows stand in their order, for who has them read out */
  $('rows').style.height = count * height + 'px';
  list.setAttribute('aria-rowcount', count);
  for (let n = first; n < last; n++) {
    const line = lineAt(n), row = drawn.get(line.key) || newRow(line.key), next = before ? before.nextSibling : $('rows').firstChild;
    drawn.delete(line.key);
    if (row !== next) $('rows').insertBefore(row, next);
    before = row;
    fill(row, line);
    place(row, n, height);
    row.line = line;
    seen.set(line.key, row);
  }
  for (const row of drawn.values()) row.remove();
  drawn = seen;
}

let pending = false;
function refresh() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    collect();
    draw();
  });
}

/* The heads of the columns sort by them. */
function drawColumns() {
  $('columns').className = 'row columns ' + (view === 'services' ? 'instance' : view.slice(0, -1));
  $('columns').replaceChildren(...(column[view] || []).map(heads => {
    const cell = make('span');
    for (const [text, by] of heads) {
      const head = make(by ? 'button' : 'span', text + (by === sorting.by ? sorting.down ? ' \u25b2' : ' \u25bc' : ''));
      if (by) {
        head.setAttribute('aria-label', 'Sort by ' + text);
        head.setAttribute('aria-pressed', by === sorting.by);
        head.onclick = () => { sortBy(by); writeUrl(); drawColumns(); $('list').scrollTop = 0; refresh(); };
      }
      cell.append(head);
    }
    return cell;
  }));
}
