// The live page: a stream of entries and states is drawn; nothing is ever sent but the token, once.
'use strict';

const $ = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
/** Entries that stay on the page. */
const ROWS = 300;
/** Blocking things that are shown at once. */
const SHOWN = 5;
/** Without a sign of life for so many milliseconds the connection is begun anew. */
const SILENCE = 16000;

const page = {
  source: null,
  state: null,
  /** The newest entry that was shown. */
  last: null,
  /** What this page found by itself: an entry that does not follow the one before. */
  broken: null,
  /** How far the server's clock is ahead of this one, in milliseconds. */
  ahead: 0,
  /** What was drawn, by part, so that only what has changed is drawn anew. */
  drawn: new Map(),
  /** When the server was last heard, and for how long nobody had read the ledger then, in milliseconds. */
  heard: 0,
  age: 0,
  /** What somebody opened or closed. */
  open: new Map(),
};

/** An element with attributes and children; text is only ever text. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function show(id, text) {
  const element = $(id);
  if (element.textContent !== (text || '')) element.textContent = text || '';
  element.hidden = !text;
}

/** Draws a part where what it shows has changed. */
function part(id, data, draw) {
  const key = JSON.stringify(data);
  if (page.drawn.get(id) === key) return;
  page.drawn.set(id, key);
  $(id).replaceChildren(...[draw(data)].flat());
}

const clock = time => time ? time.slice(11, 19) : '';
const now = () => Date.now() + page.ahead;
const words = id => id.replace(/-/g, ' ');

function span(milliseconds) {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const two = number => String(number).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  const time = `${Math.floor(seconds / 3600) % 24}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return days ? `${days} d ${time}` : time;
}

function draw(state) {
  page.state = state;
  const live = state.live;
  show('alarm', [page.broken, state.alarm].filter(Boolean).join(' · '));
  show('trouble', state.trouble && `Nothing newer can be read: ${state.trouble}`);
  $('rehearsal').hidden = !(live && live.rehearsal);
  part('chain', [state.chain, page.broken, state.alarm], chain);
  if (!live) {
    show('release', 'No deployment yet');
    show('about', state.chain.origin);
    show('stage', 'nothing open');
    document.title = 'aether-audit live';
    return;
  }
  show('release', live.release);
  show('about', `${live.deployment} · ${live.environment}${state.others.length ? ` · also open: ${state.others.join(', ')}` : ''}`);
  show('stage', live.outcome && live.stage !== 'rolling back' ? `${live.stage}: ${words(live.outcome)}` : live.stage);
  $('stage').className = `stage ${live.tone}`;
  document.title = `${live.tone === 'critical' ? '(!) ' : ''}${live.release}: ${live.stage}`;
  part('turn', [state.next, live.roles], turn);
  $('turn').className = state.next.command.startsWith('ROLL BACK') || live.tone === 'critical' ? 'critical' : 'plain';
  part('blocks', live.ahead, blocks);
  part('metrics', live.checks, checks => checks.length ? checks.map(metric) : h('p', {class: 'soft'}, 'No check is configured.'));
  part('traffic', live.traffic, traffic);
  part('checklist', live.phases, phases => {
    const current = phases.find(data => data.done < data.items.length);
    return phases.map(data => phase(data, data === current));
  });
  part('roles', live.roles, roles => roles.map(role));
  $('s-issues').hidden = live.issues.length === 0;
  part('issues', live.issues, issues => issues.slice().reverse().map(issue =>
    h('li', {}, h('span', {class: 'tag warning'}, `entry ${issue.seq}`), ' ', issue.text)));
  part('messages', live.messages, messages);
  tick();
}

function turn([next, roles]) {
  const holds = roles.filter(role => role.person === next.who).map(role => words(role.role)).join(', ');
  return [
    h('p', {class: 'who'}, next.who || 'anyone with a role', holds && h('small', {}, ` ${holds}`)),
    h('code', {}, next.command),
  ];
}

function blocks(ahead) {
  if (!ahead) return [];
  if (!ahead.missing.length) return h('p', {class: 'soft'}, `Nothing blocks ${ahead.gate}.`);
  const list = texts => h('ul', {}, texts.map(text => h('li', {}, text)));
  const many = ahead.missing.length;
  const rest = ahead.missing.slice(SHOWN);
  return [
    h('p', {class: 'count'}, `${many} ${many === 1 ? 'thing blocks' : 'things block'} ${ahead.gate}`),
    list(ahead.missing.slice(0, SHOWN)),
    rest.length ? folded('blocks', false, h('summary', {}, `${rest.length} more`), list(rest)) : null,
  ].filter(Boolean);
}

/** What somebody opened stays open when it is drawn anew. */
function folded(name, open, ...children) {
  const details = h('details', {open: (page.open.has(name) ? page.open.get(name) : open) ? '' : null}, ...children);
  details.addEventListener('toggle', () => page.open.set(name, details.open));
  return details;
}

function bar(done, of, label, tone) {
  return h('progress', {value: done, max: Math.max(of, 1), 'aria-label': label, class: tone});
}

const MARKS = {
  done: ['✓', 'good', 'done'], na: ['–', 'plain', 'not applicable'], failed: ['✗', 'critical', 'failed'],
  partly: ['◐', 'warning', 'partly signed'], open: ['○', 'plain', 'open'],
};

function phase(data, current) {
  const name = data.id ? words(data.id) : 'items without a phase';
  const of = data.items.length;
  return h('div', {class: 'phase'}, folded(`phase ${name}`, current,
    h('summary', {}, `${name[0].toUpperCase()}${name.slice(1)} `, h('small', {}, `${data.done} of ${of}${data.span ? `, ${data.span}` : ''}`),
      bar(data.done, of, `${name}: ${data.done} of ${of}`, data.done === of ? 'good' : null)),
    h('ul', {class: 'items'}, data.items.map(item))));
}

function item(data) {
  const [mark, tone, word] = MARKS[data.state];
  const who = data.by ? `${data.by}, ${clock(data.at)}` : words(data.whose);
  return h('li', {class: `${data.state} ${tone}${data.blocks ? ' blocks' : ''}`},
    h('span', {class: 'mark', role: 'img', 'aria-label': word}, mark),
    h('span', {}, h('span', {class: 'title'}, data.title || data.id), ' ', h('small', {}, who)));
}

function role(data) {
  const waits = data.waits.length;
  return h('div', {class: 'row'},
    h('div', {class: 'top'}, h('b', {}, data.person), h('span', {class: 'soft'}, words(data.role))),
    bar(data.done, data.of, `${words(data.role)}: ${data.done} of ${data.of}`, data.of && data.done === data.of ? 'good' : null),
    h('small', {}, `${data.done} of ${data.of} signed${waits ? `, waited for: ${data.waits.join(', ')}` : ''}`));
}

function traffic(services) {
  return services.map(([service, percent]) => h('div', {class: 'row'},
    h('div', {class: 'top'}, h('b', {}, service), h('span', {}, `${percent} %`)),
    bar(percent, 100, `${service}: ${percent} % on Green`, 'good')));
}

function metric(check) {
  const unit = check.unit ? ` ${check.unit}` : '';
  const limits = [check.objective && `objective ${check.objective}`, check.rollback && `rollback ${check.rollback}`].filter(Boolean);
  return h('div', {class: `metric ${check.tone}`},
    h('div', {class: 'top'}, h('h3', {}, check.id), h('span', {class: 'verdict'}, check.phase || 'not measured')),
    h('div', {class: 'value'}, check.value === null ? '–' : `${check.value}`, h('small', {}, check.value === null ? '' : unit)),
    spark(check),
    h('small', {}, [limits.join(', ') || 'yes or no', check.covered && `${check.covered[0]}/${check.covered[1]} min`,
      check.at && `at ${clock(check.at)}`].filter(Boolean).join(' · ')));
}

/** The newest values with the limits; what could not be measured is a mark at the foot, never a line. */
function spark(check) {
  const series = check.series.map(([at, value, verdict]) => [Date.parse(at), value === null ? null : Number(value), verdict]);
  const values = series.map(point => point[1]).filter(value => value !== null);
  if (!series.length || !values.length) return null;
  const number = limit => limit === null ? null : Number(limit);
  const [objective, rollback] = [number(check.objectiveAt), number(check.rollbackAt)];
  const inside = [...values, objective].filter(value => value !== null);
  let [low, high] = [Math.min(...inside), Math.max(...inside)];
  const reach = (high - low) || Math.abs(high) || 1;
  const drawn = rollback !== null && rollback <= high + 3 * reach && rollback >= low - 3 * reach;
  if (drawn) [low, high] = [Math.min(low, rollback), Math.max(high, rollback)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const [first, last] = [series[0][0], series[series.length - 1][0]];
  const x = at => last === first ? 120 : (at - first) / (last - first) * 236 + 2;
  const y = value => 4 + (high - value) / (high - low) * 50;
  let path = '';
  let pen = false;
  const marks = [];
  for (const [at, value, verdict] of series) {
    if (value === null) {
      pen = false;
      if (verdict !== 'pass') marks.push(s('line', {class: 'none', x1: x(at), x2: x(at) + 1.5, y1: 62, y2: 62}));
      continue;
    }
    path += `${pen ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
  }
  const level = (value, name) => s('line', {class: name, x1: 0, x2: 240, y1: y(value), y2: y(value)});
  const says = `${values.length} values from ${Math.min(...values)} to ${Math.max(...values)}`;
  const end = series.filter(point => point[1] !== null).pop();
  return s('svg', {class: 'spark', viewBox: '0 0 240 64', preserveAspectRatio: 'none', role: 'img', 'aria-label': says},
    ...(objective === null ? [] : [level(objective, 'objective')]), ...(drawn ? [level(rollback, 'rollback')] : []),
    s('path', {d: path}), s('circle', {cx: x(end[0]), cy: y(end[1]), r: 2.5}), ...marks);
}

function messages(all) {
  if (!all.length) return h('li', {class: 'soft'}, 'None yet.');
  const tones = {sent: 'good', failed: 'critical', reported: 'plain'};
  return all.slice().reverse().map(message => h('li', {},
    h('span', {class: `tag ${tones[message.delivery]}`}, message.delivery), ' ',
    `${message.channel}${message.template ? `, ${words(message.template)}` : ''} `,
    h('small', {}, `${message.by}, ${clock(message.at)}`),
    message.text === null ? null : h('div', {class: 'text'}, message.text)));
}

function chain([data, broken, alarm]) {
  const well = !broken && !alarm && data.findings === 0;
  const fact = (name, ...value) => h('div', {class: 'row'}, h('small', {}, name), h('div', {}, ...value));
  return [
    fact('Entries', `${data.entries}, the newest at ${clock(data.recorded)} UTC`),
    fact('Head', h('code', {}, (data.head || '').slice(0, 16))),
    fact('Log', data.origin),
    fact('Seen here', h('span', {class: `tag ${well ? 'plain' : 'critical'}`}, well ? 'nothing wrong' : 'look at it'), ' ',
      `each entry from ${data.since} on names the one before; signatures and rules of what is shown were checked`),
    ...data.first.map(finding => h('div', {class: 'row'}, h('span', {class: 'tag critical'}, `entry ${finding.seq}`), ' ', finding.text)),
    h('small', {}, 'A page proves nothing: aether-audit verify does, with the roster’s hash and a checkpoint from elsewhere.'),
  ];
}

function tick() {
  const live = page.state && page.state.live;
  if (!live) return;
  const at = now();
  const rows = [];
  const row = (name, value, tone, note, progress) => rows.push([name, value, tone, note, progress]);
  const {opened, cutover, verification, standby, closed} = live.clocks;
  const planned = page.state.planned;
  if (closed) row('Closed', clock(closed), 'plain', `after ${span(Date.parse(closed) - Date.parse(opened))}`);
  else if (cutover) row('Since the cutover', `T+${span(at - Date.parse(cutover))}`, 'plain', `at ${clock(cutover)} UTC`);
  else if (planned) {
    const left = Date.parse(planned) - at;
    row(left >= 0 ? 'To the planned cutover' : 'Past the planned cutover', `T${left >= 0 ? '-' : '+'}${span(left)}`, left >= 0 ? 'plain' : 'warning', `at ${clock(planned)} UTC`);
  } else row('Since the opening', span(at - Date.parse(opened)), 'plain', 'no cutover yet');
  const window = (name, from, to) => {
    const left = Date.parse(to) - at;
    const whole = Date.parse(to) - Date.parse(from);
    row(name, left > 0 ? span(left) : 'over', 'plain', `until ${clock(to)} UTC`, [Math.min(whole, whole - left), whole]);
  };
  if (!closed && verification) window('Verification', ...verification);
  if (!closed && standby && verification) window('Blue stands by', verification[0], standby);
  row('UTC', new Date(at).toISOString().slice(11, 19), 'plain');
  part('times', rows, all => all.map(([name, value, tone, note, progress]) => h('div', {},
    h('div', {class: `clock ${tone}`}, h('span', {}, name, note ? h('small', {}, ` ${note}`) : null), h('b', {}, value)),
    progress ? bar(Math.max(progress[0], 0), progress[1], `${name}: ${value}`) : null)));
}

function entry(data) {
  const last = page.last;
  if (last && (data.seq !== last.seq + 1 || data.prev !== last.leaf)) {
    page.broken = `Entry ${data.seq} does not follow entry ${last.seq} as it was shown here: the history is another one.`;
    show('alarm', page.broken);
  }
  page.last = data;
  const bad = data.faults.length;
  const text = [h('b', {}, words(data.kind)), ` ${data.what} `, h('small', {}, data.by.join(', '))];
  if (data.deployment && page.state && page.state.live && data.deployment !== page.state.live.deployment) {
    text.push(h('small', {}, ` [${data.deployment}]`));
  }
  line(h('li', {'data-seq': data.seq}, h('small', {}, `${data.seq}`), h('small', {}, clock(data.recorded)),
    h('span', {}, ...text, bad ? h('span', {class: 'bad'}, ` ${data.faults.join('; ')}`) : null)));
}

function line(row) {
  const list = $('log');
  list.prepend(row);
  while (list.childElementCount > ROWS) list.lastElementChild.remove();
}

function link(tone, text) {
  $('link').className = tone;
  show('link', text);
}

function connect() {
  const source = new EventSource(page.last ? `events?after=${page.last.seq}` : 'events');
  page.source = source;
  const heard = age => { page.heard = Date.now(); page.age = age; alive(); };
  const on = (name, take) => source.addEventListener(name, event => { take(JSON.parse(event.data)); heard(0); });
  source.onopen = () => heard(0);
  source.addEventListener('beat', event => heard(JSON.parse(event.data).age));
  source.onerror = () => {
    page.heard = 0;
    link('warning', `no connection since ${new Date(now()).toISOString().slice(11, 19)} UTC: what stands here may be old`);
    if (source.readyState === EventSource.CLOSED) setTimeout(begin, 2000);
  };
  on('entry', entry);
  on('state', state => { $('room').hidden = false; draw(state); });
  on('gap', gap => { page.last = null; line(h('li', {class: 'gap'}, h('small', {}, '…'), h('small', {}, ''), h('span', {}, `entries ${gap.from} to ${gap.to} are left out here`))); });
  on('reset', () => { page.last = null; $('log').replaceChildren(); });
}

/** A connection can be dead without a word, on a phone above all; and a server that hears us may read nothing. */
function alive() {
  if (!page.heard) return;
  if (Date.now() - page.heard > SILENCE) {
    page.heard = 0;
    page.source.close();
    link('warning', 'no sign of life: what stands here may be old');
    begin();
  } else if (page.age > 10) link('warning', `the ledger was last read ${page.age} s ago: what stands here may be old`);
  else link('good', 'live');
}

async function begin() {
  try {
    const answer = await fetch('state.json', {cache: 'no-store'});
    const date = Date.parse(answer.headers.get('date'));
    if (date) page.ahead = date + 500 - Date.now();
    if (Math.abs(page.ahead) < 2000) page.ahead = 0;
    if (answer.status === 401) {
      $('enter').hidden = false;
      $('room').hidden = true;
      $('token').focus();
      return;
    }
    if (!answer.ok) throw new Error(await answer.text());
    $('enter').hidden = true;
    connect();
  } catch (error) {
    $('room').hidden = false;
    link('warning', `no connection: ${error.message}`);
    setTimeout(begin, 2000);
  }
}

async function enter(token) {
  show('wrong', '');
  const answer = await fetch('enter', {method: 'POST', body: token});
  if (answer.ok) {
    $('token').value = '';
    return begin();
  }
  $('enter').hidden = false;
  show('wrong', await answer.text());
}

$('form').addEventListener('submit', event => {
  event.preventDefault();
  enter($('token').value);
});
const given = location.hash.match(/^#token=(.+)$/);
if (given) {
  history.replaceState(null, '', location.pathname);
  enter(decodeURIComponent(given[1]));
} else begin();
setInterval(() => { tick(); alive(); }, 1000);
