/* SPDX-License-Identifier: Apache-2.0 */
/* The panel beside the rows: why something is in the answers or is not, and what to type. */

/* Whatever it is, by its keys. */
function tree(value) {
  if (value === null || typeof value !== 'object') return document.createTextNode(String(value));
  if (Array.isArray(value) && value.every(v => typeof v !== 'object')) return document.createTextNode(value.join(', ') || 'none');
  const dl = make('dl');
  for (const [k, v] of Object.entries(value)) {
    const dd = make('dd');
    dd.append(tree(v));
    dl.append(make('dt', Array.isArray(value) ? Number(k) + 1 : k), dd);
  }
  if (!dl.firstChild) return document.createTextNode(Array.isArray(value) ? 'none' : '');
  return dl;
}

function copyLine(text) {
  const line = make('div', null, 'line'), button = make('button', 'Copy');
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch (e) {
      getSelection().selectAllChildren(line.firstChild);
      button.textContent = 'Selected';
    }
  };
  line.append(make('code', text), button);
  return line;
}

function commands(service, instance, host) {
  const [domain, name] = service.split('/'), box = make('div');
  const zone = about.zones[0] || 'discover.internal', at = about.dns[0] || '127.0.0.1:8053', port = at.slice(at.lastIndexOf(':') + 1);
  const dnsHost = at.slice(0, at.lastIndexOf(':')).replace(/^\[|\]$/g, ''), dns = name + '.' + domain + '.' + zone;
  box.append(make('h3', 'To look it up'), copyLine(dns), copyLine('dig @' + dnsHost + ' -p ' + port + ' ' + dns + ' SRV'),
    copyLine('discoverctl resolve ' + service), copyLine('discoverctl explain ' + service));
  box.append(make('h3', 'To take it out, on its host'), copyLine('discoverctl drain ' + service + (instance ? ' ' + instance : '')),
    copyLine('discoverctl maintenance on ' + service + (instance ? ' ' + instance : '')));
  if (instance && host !== status.host) box.append(make('h3', 'What its checks say, from here'), copyLine('discoverctl -H ' + host + ' explain ' + service + ' ' + instance));
  return box;
}

/* --- an explanation, as discoverctl prints it --- */

const ago = ms => ms === undefined ? '' : span(ms / 1000) + ' ago';

function facts(pairs) {
  const list = make('dl', null, 'facts');
  for (const [name, text] of pairs) if (text) list.append(make('dt', name), make('dd', text));
  return list;
}

function recordText(r) {
  if (!r) return '';
  return [r.revision ? 'revision ' + r.revision : '', r.foreign ? 'put without a daemon' : 'by ' + r.writer + ', change ' + r.counter + ' of epoch ' + r.epoch,
    r.age_ms === undefined ? '' : 'written ' + ago(r.age_ms), r.confirmed_us ? 'confirmed by NATS in ' + (r.confirmed_us / 1000).toFixed(1) + ' ms' : '',
    r.visible_us ? 'visible here ' + (r.visible_us / 1000).toFixed(1) + ' ms later (give or take ' + (r.visible_error_us / 1000).toFixed(1) + ' ms)' : ''].filter(Boolean).join(', ');
}

const leaseOf = (l, host) => l ? 'of ' + host + ': ' + l.status + ', heard ' + ago(l.age_ms) + (l.left_ms === undefined ? '' : ', runs out in ' + span(l.left_ms / 1000)) : '';
const ownerText = o => !o ? '' : { configuration: 'the configuration of the daemon', pid: 'user ' + o.uid + '; it lives as long as process ' + o.pid,
  ttl: 'user ' + o.uid + '; it lives by heartbeats', connection: 'user ' + o.uid + '; it lives as long as its connection' }[o.lives_by] || 'an earlier life of the daemon';

function explainedInstance(i, service) {
  const box = make('section', null, i.in ? 'in' : 'out'), head = make('h3');
  head.append(make('b', i.in ? 'in' : 'out'), document.createTextNode(' ' + (service ? '' : i.service + ' ') + i.host + '/' + i.instance + (i.of_region ? ' in region ' + i.of_region : '')),
    make('span', [i.ipv4 || i.ipv6 || i.hostname || '', i.state].filter(Boolean).join(', '), 'faint'));
  box.append(head, facts([['why', i.rule + ': ' + i.why], ...(i.notes || []).map(n => ['note', n]), ['owner', ownerText(i.owner)], ['record', recordText(i.record)],
    ['lease', leaseOf(i.lease, i.host)],
    ...(i.checks || []).map(c => ['check', c.kind + ' ' + c.target + ' (' + c.name + '): ' + c.state + ' for ' + span(c.since_ms / 1000) + (c.output ? ': ' + c.output : '')])]));
  return box;
}

function explainedRegions(e) {
  const box = make('section');
  box.append(make('h3', 'Regions'), facts(e.regions.map(r => [(r.answers ? 'answers: ' : '') + r.region + (r.own ? ' (own)' : ''), r.why])));
  return box;
}

function explainedClients(e) {
  const box = make('section'), places = { host: 'on this host', zone: 'in this zone', region: 'in this region', elsewhere: 'in another region' };
  box.append(make('h3', 'What clients get'));
  for (const r of e.dns || [])
    box.append(make('pre', r.name + ' ' + r.type + ' (' + r.client + '): ' + r.rcode + ', ' + r.bytes + ' bytes, ' + many(r.answers, 'answer') + (r.truncated ? ', truncated' : '') +
      (r.left_out ? ', ' + r.left_out + ' usable ones left out' : '') + '\n' + r.records.join('\n')));
  box.append(facts((e.pick || []).map((g, n) => ['pick ' + (n + 1), 'priority ' + g.priority + ', ' + places[g.tier] + ': ' + many(g.instances, 'instance') + ', weight ' + g.weight])));
  return box;
}

/* Who is out, and by which rule, before all there is. */
function explanation(e) {
  const all = make('details'), parts = [], list = e.instances || [], out = list.filter(i => !i.in);
  if (e.known === false) parts.push(make('p', 'Nothing of that name is known here.' + (e.similar && e.similar.length ? ' Is one of these meant? ' + e.similar.join(', ') : '')));
  else if (e.service) parts.push(make('p', e.usable + ' of ' + many(e.total, 'instance') + ' served' + (e.regions && !e.regions[0].answers ? ' by region ' + e.answering : '') +
    (out.length ? '; out: ' + out.slice(0, 5).map(i => i.host + '/' + i.instance + ' by ' + i.rule).join(', ') : ''), 'headline'));
  else if (e.host) parts.push(make('p', many(e.total, 'instance') + (e.own ? '; this host' : ''), 'headline'), facts([['lease', leaseOf(e.lease, e.host)]]));
  if (e.problems && e.problems.length) parts.push(facts(e.problems.map(p => [p.level, p.text])));
  if (e.regions) parts.push(explainedRegions(e));
  for (const i of list) parts.push(explainedInstance(i, e.service));
  if ((e.refused || []).length) parts.push(make('h3', 'Not taken'), facts(e.refused.map(r => [r.key, r.rule + ': ' + r.reason + ' (' + r.count + ' times, the last ' + ago(r.age_ms) + ')'])));
  if (e.dns) parts.push(explainedClients(e));
  all.append(make('summary', 'the document'), tree(e));
  return [...parts, all];
}

let opener = null;

async function open(line) {
  const i = line.instance, name = line.service ? line.service.name : line.other ? line.other.service : i ? i.service : '';
  if (line.region) return;
  opener = document.activeElement;
  $('panel-title').textContent = line.host ? line.host.host : i ? name + ' ' + i.host + '/' + i.instance : name;
  const body = $('panel-body');
  body.replaceChildren();
  $('panel').hidden = false;
  $('panel-close').focus();
  const explained = make('div');
  body.append(explained);
  if (name) body.append(commands(name, i && i.instance, i && i.host));
  if (i) {
    const { text, where, fresh, sortable, checks, ...shown } = i;
    body.append(make('h3', 'Registered as'), tree(shown));
  }
  explained.textContent = 'asking ...';
  try {
    const names = line.host ? [line.host.host] : [...name.split('/'), ...i ? [i.host, i.instance] : []];
    explained.replaceChildren(...explanation(await get('/v1/explain/' + names.map(encodeURIComponent).join('/'))));
  } catch (e) {
    explained.textContent = e.message;
  }
}

function close() {
  $('panel').hidden = true;
  if (opener) opener.focus();
}
