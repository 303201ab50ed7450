// Checks this page by itself: by WebCrypto alone, offline, against the signed entries that it carries.
// docs/FORMAT.md says what they look like (sections 2 to 8, 12 and 15). Read it top to bottom:
// unpack, judge the log, judge the rows of the page and what is around them, say what came of it.
"use strict";
(async () => {
// What comes after this script is part of the page too; and what is laid over an element unseen (a shadow tree) does not come along.
if (document.readyState === "loading") await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
for (const pre of document.querySelectorAll("pre")) if (pre.textContent.startsWith("\n")) pre.prepend("\n"); // reading drops the first one
const fresh = document.createElement("body");
fresh.innerHTML = document.body.innerHTML;
document.body.replaceWith(fresh);
if (location.hash) location.replace(location.hash);
const $ = (id) => document.getElementById(id);
const utf8 = new TextEncoder(), text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const unbase64 = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
const base64 = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
const sha = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const failures = [];
const fail = (seq, why, row) => {
  failures.push(`${seq === null ? "" : `entry ${seq}: `}${why}`);
  if (row) row.setAttribute("data-failed", why);
};

// --- What can be said, and nothing else: at first, and whatever goes wrong, "cannot verify here". ---
function say(state, word, why) {
  $("proof-word").dataset.proof = state;
  $("proof-word").textContent = word;
  $("proof-why").textContent = why;
}
const cannot = (why) => say("cannot", "Cannot verify here", `${why} Use: aether-audit verify report.html`);

// --- Unpack: base64 of raw DEFLATE of lines. Each line that is no header is an entry, leaves, or a text. ---
async function unpack(block) {
  const stream = new Blob([unbase64(block)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const lines = text.decode(await new Response(stream).arrayBuffer()).split("\n");
  if (lines.shift() !== "aether-audit page 1" || lines.pop() !== "") throw Error("not a block of this version");
  const page = { versions: [], entries: [], leaves: [], tree: [], openings: new Map(), missing: new Set(), long: new Set() };
  for (const line of lines) {
    const [kind, ...part] = line.split("\t"), known = page.leaves.length;
    const prev = page.leaves.at(-1) ?? new Uint8Array(32), seq = page.leaves.length;
    if (kind === "e") { // an entry in its parts: put together again to the bytes that the tree has
      const [count, recorded, signatures, payload] = part;
      const entry = `{${count && `"deploymentSeq":${count},`}"envelope":{"payload":"${base64(utf8.encode(payload))}",`
        + `"payloadType":"application/vnd.in-toto+json","signatures":${signatures}},"prev":"${hex(prev)}",`
        + `"recorded":"${recorded}","seq":${seq}}`;
      page.leaves.push(await sha([0], utf8.encode(entry)));
      page.entries.push({ seq, line: JSON.parse(entry), payload: utf8.encode(payload) });
    } else if (kind === "v") { // an entry as it stands, and the leaf that the log has for it
      const bytes = unbase64(part[1]);
      page.leaves.push(unbase64(part[0]));
      if (hex(await sha([0], bytes)) !== hex(page.leaves[seq])) fail(seq, "the log has another entry here");
      const found = JSON.parse(text.decode(bytes));
      page.entries.push({ seq, line: found, payload: unbase64(found.envelope.payload) });
      if (found.seq !== seq || found.prev !== hex(prev)) fail(seq, "it does not follow the entry before it");
    } else if (kind === "l" || kind === "t") { // others' entries: their leaves, or the fewest subtrees over them
      const bytes = unbase64(part.at(-1)), end = seq + Number(part[0]);
      for (let at = 0; at < bytes.length; at += 32) {
        if (kind === "l") { page.leaves.push(bytes.slice(at, at + 32)); continue; }
        let [from, size] = [page.leaves.length, 1];
        while (from % (size * 2) === 0 && from + size * 2 <= end) size *= 2;
        page.tree.push([size, bytes.slice(at, at + 32)]);
        page.leaves.length += size;
      }
      if (kind === "t" && page.leaves.length !== end) throw Error("a line of subtrees has not as many as its entries need");
    } else if (kind === "o") { // an opening, salt and bytes; its hash is its name
      const bytes = unbase64(part[0]);
      page.openings.set(hex(await sha(bytes)), bytes.slice(16));
    } else if (kind === "m") page.missing.add(part[0]);
    else if (kind === "x") page.long.add(part[0]); // an opening that is too long to be shown
    else if (kind === "checkpoint") page.checkpoint = text.decode(unbase64(part[0]));
    else if (kind === "deployment") page.deployment = part[0];
    else if (kind !== "generator") throw Error(`a line of the unknown kind ${kind}`);
    if (kind !== "t") for (const leaf of page.leaves.slice(known)) page.tree.push([1, leaf]);
  }
  if (!page.entries.length) throw Error("it carries no entry");
  return page;
}

// --- Signatures: Ed25519 over DSSE's pre-authentication encoding. ---
const imported = new Map();
async function signed(key, signature, message) {
  if (!imported.has(key)) imported.set(key, crypto.subtle.importKey("raw", unbase64(key).slice(-32), "Ed25519", false, ["verify"]));
  return crypto.subtle.verify("Ed25519", await imported.get(key), unbase64(signature), message);
}
const pae = (payload) => join(utf8.encode(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload);

// --- Rosters: canonical bytes, hash, and who holds which key. ---
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}
async function version(roster, seq) {
  const keys = new Map();
  for (const person of roster.people) for (const key of person.keys) {
    keys.set(hex(await sha(unbase64(key.public))), { ...key, person: person.id, kind: person.kind, roles: person.roles });
  }
  return { seq, roster, keys, hash: hex(await sha(utf8.encode(canonical(roster)))) };
}
const quorum = (version, signers) => new Set(signers.map((s) => version.keys.get(s.key))
  .filter((key) => key?.use === "root").map((key) => key.person)).size >= version.roster.rootThreshold;
const roots = (version) => JSON.stringify([version.roster.rootThreshold,
  [...version.keys].filter(([, key]) => key.use === "root").map(([id, key]) => id + key.person).sort()]);

/** The roster after a governance entry, as a plain object; null for other entries. */
function rosterAfter(kind, body, before) {
  if (kind === "ledger-opened" || kind === "roster-changed") return body.roster;
  if (kind !== "key-rotated" && kind !== "key-revoked") return null;
  const next = structuredClone(before.roster);
  Object.assign(next, { version: next.version + 1, previous: before.hash });
  const person = next.people.find((one) => one.id === body.person);
  const gone = before.keys.get(kind === "key-rotated" ? body.old : body.key)?.public;
  if (person) person.keys = person.keys.flatMap((key) => key.public !== gone ? [key] : kind === "key-rotated" ? [body.new] : []);
  return next;
}

/** What is wrong with who signs a governance entry. */
function govern(entry, before, after) {
  const { kind, body, signers } = entry, holder = (s) => before?.keys.get(s.key) ?? after.keys.get(s.key);
  if (!before) return quorum(after, signers) ? null : "not signed by a quorum of its own root keys";
  if (after.roster.version !== before.roster.version + 1 || after.roster.previous !== before.hash) return "its roster does not follow the one before";
  const own = signers.every((s) => holder(s)?.person === body.person && holder(s).use === "role");
  if (kind === "key-rotated" && own && signers.length === 2 && signers[0].key === body.old) return null;
  if (kind === "key-revoked" && signers.length === 1 && holder(signers[0])?.person === body.person && before.keys.get(body.key)?.use !== "root") return null;
  if (!quorum(before, signers)) return "not signed by a quorum of the root keys before it";
  return roots(before) === roots(after) || quorum(after, signers) ? null : "not signed by a quorum of the root keys after it";
}

// --- The log: chain, signatures, rosters, tree, checkpoint, openings. ---
async function judge(page) {
  const versions = [], stains = [], into = [], counts = new Map(), ids = new Set();
  let clock = "";
  for (const entry of page.entries) {
    const { seq, line } = entry, statement = JSON.parse(text.decode(entry.payload)), p = statement.predicate;
    const kind = statement.predicateType.split("/")[4];
    Object.assign(entry, { kind, body: p.body, p, signers: p.signers, recorded: line.recorded, own: p.deployment === page.deployment });
    const before = versions.at(-1), next = rosterAfter(kind, p.body, before);
    const after = next && await version(next, seq);
    const there = page.leaves[p.seen?.seq];
    if (seq === 0 ? p.seen : !(p.seen?.seq < seq) || there && hex(there) !== p.seen.leaf) fail(seq, "its signer had seen another log");
    if (line.recorded < clock) fail(seq, "it was recorded before the entry before it");
    clock = line.recorded;
    if (ids.has(p.id) || !ids.add(p.id)) fail(seq, "its statement stands there twice");
    const count = counts.get(p.deployment) ?? 0;
    if (p.deployment && line.deploymentSeq !== count) fail(seq, `it is not number ${count} of its deployment: one is missing`);
    counts.set(p.deployment, count + 1);
    if (kind === "deployment-closed" && p.body.entries !== count + 1) fail(seq, "it closes another number of entries");
    const all = line.envelope.signatures;
    if (all.length !== p.signers.length) fail(seq, "not signed by exactly those whom it names");
    for (const [index, signer] of p.signers.entries()) {
      const key = before?.keys.get(signer.key) ?? after?.keys.get(signer.key);
      if (!key) { fail(seq, `the key ${signer.key} was not on the roster`); continue; }
      if (all[index]?.keyid !== signer.key || !await signed(key.public, all[index].sig, pae(entry.payload))) fail(seq, `the signature of ${key.person} is not valid`);
      if (key.use === "root" ? !after || signer.role !== "root" : !key.roles.includes(signer.role)) fail(seq, `${key.person} was not on the roster as ${signer.role}`);
    }
    entry.by = p.signers.map((s) => ({ ...(before?.keys.get(s.key) ?? after?.keys.get(s.key)), ...s }));
    if (after) {
      const wrong = govern(entry, before, after);
      if (wrong) fail(seq, wrong);
      if (statement.subject[0].digest.sha256 !== after.hash) fail(seq, "its roster is not the one that it was signed for");
      versions.push(after);
      if (kind === "key-rotated") into.push([p.body.old, entry.into = hex(await sha(unbase64(p.body.new.public)))]);
      if (p.body.compromisedFromSeq !== undefined) stains.push([p.body.key, p.body.compromisedFromSeq, seq]);
    }
    if (!versions.length || p.log !== versions[0].roster.log) fail(seq, "it is of another log, or brings no roster");
  }
  for (const [key, from, by] of stains) for (const [old, fresh] of into) { // goes on with what is added: a key passes its stain on
    if (old === key && !stains.some((stain) => stain[0] === fresh && stain[2] === by)) stains.push([fresh, from, by]);
  }
  for (const { seq, signers } of page.entries) for (const s of signers) {
    if (stains.some(([key, from, by]) => key === s.key && seq >= from && seq !== by)) fail(seq, "a key that signed it is suspect from before this entry on");
  }
  const root = async (size) => { // of the first so many entries; undefined inside others' entries
    const peaks = [];
    for (let at = 0, index = 0; at < size; at += page.tree[index++][0]) {
      let [count, node] = page.tree[index];
      while (peaks.at(-1)?.[0] === count) [count, node] = [count * 2, await sha([1], peaks.pop()[1], node)];
      peaks.push([count, node]);
    }
    if (peaks.reduce((sum, [count]) => sum + count, 0) !== size) return undefined;
    return peaks.reduceRight(async (right, [, left]) => right ? sha([1], left, await right) : left, null);
  };
  page.root = hex(await root(page.leaves.length));
  page.versions = versions;
  if (page.checkpoint) await judgeCheckpoint(page, root);
  const named = new Set();
  const walk = (value) => {
    if (value === null || typeof value !== "object") return;
    if (typeof value.commit === "string") named.add(value.commit);
    Object.values(value).forEach(walk);
  };
  for (const { body } of page.entries) walk(body);
  for (const commit of page.openings.keys()) if (!named.has(commit)) fail(null, `the page carries the text ${commit}, which no entry names`);
}

/** C2SP signed note over origin, size and root, by a log key of a roster. */
async function judgeCheckpoint(page, root) {
  const end = page.checkpoint.indexOf("\n\n"), note = page.checkpoint.slice(0, end + 1);
  const [origin, size, stated] = note.split("\n"), about = `checkpoint of ${size} entries`;
  let good = false;
  for (const vkey of page.versions.flatMap((version) => version.roster.logKeys)) {
    const [name, id] = vkey.split("+"), key = vkey.slice(name.length + id.length + 2);
    for (const line of page.checkpoint.slice(end + 2).split("\n").filter((one) => one.startsWith(`— ${name} `))) {
      const bytes = unbase64(line.slice(name.length + 3));
      if (hex(bytes.slice(0, 4)) === id && await signed(key, base64(bytes.slice(4)), utf8.encode(note))) good = true;
    }
  }
  if (!good) fail(null, `no log key of the roster signed the ${about}`);
  if (origin !== page.versions[0]?.roster.log) fail(null, `the ${about} is of another log`);
  if (!(Number(size) >= 1 && Number(size) <= page.leaves.length)) fail(null, `the ${about} covers more than the page carries`);
  else if (hex(await root(Number(size)) ?? []) !== hex(unbase64(stated))) fail(null, `the ${about} has another root than the entries`);
  page.covered = Number(size);
}

// --- The rows: each says exactly what its entry says, in the words below. ---
const two = (n) => String(n).padStart(2, "0"), plain = (s) => s.replace(/\s+/g, " ").trim();
const clock = (time) => time.slice(11, 19), human = (time) => `${time.slice(0, 10)} ${clock(time)} UTC`;
const millis = (from, to) => Date.parse(to) - Date.parse(from);
const shown = (s) => s.replace(/(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, "\ufffd");
const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
const opt = (value, before = "", after = "") => value === undefined ? "" : `${before}${value}${after}`;
const fingerprint = (key) => key.slice(0, 12);
const short = (s) => {
  const one = [...s.split(/\p{White_Space}+/u).filter(Boolean).join(" ")];
  return one.length > 280 ? `${one.slice(0, 279).join("")}\u2026` : one.join("");
};
function duration(from, to) {
  const all = Math.trunc(millis(from, to) / 1000), s = Math.abs(all), sign = all < 0 ? "\u2212" : "";
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60], rest = `${two(s % 60)} s`;
  if (d) return `${sign}${d} d ${two(h)} h ${two(m)} min`;
  return sign + (h ? `${h} h ${two(m)} min ${rest}` : m ? `${m} min ${rest}` : `${s} s`);
}
function relative(page, { recorded }) {
  if (!page.cutover) return "";
  const s = Math.floor(millis(page.cutover, recorded) / 1000), n = Math.abs(s);
  return `T${s < 0 ? "\u2212" : "+"}${two(Math.floor(n / 3600))}:${two(Math.floor(n / 60) % 60)}:${two(n % 60)}`;
}
const who = (entry) => entry.by.length ? entry.by.map((s) => `${s.person} (${s.role})`).join(" and ") : "a key that is on no roster";
const keys = (entry) => entry.by.map((s) => fingerprint(s.key)).join(", ");
function delay({ p, recorded }) {
  const late = Math.trunc(millis(p.time, recorded) / 1000), [from, to] = late < 0 ? [recorded, p.time] : [p.time, recorded];
  return Math.abs(late) > 120 ? `signed ${human(p.time)}, ${duration(from, to)} ${late < 0 ? "after" : "before"} it was recorded` : "";
}
// The closed words of the format where the page has others.
const WORDS = {
  "outcome:na": "not applicable", "outcome:rolled-back": "rolled back", "outcome:partly": "partly rolled back",
  "delivery:failed": "not delivered", "delivery:reported": "sent by hand, as reported", "to:blue": "Blue", "to:green": "Green",
  "trigger:error-rate": "HTTP 5xx error rate above the rollback limit", "trigger:unresponsive": "complete application unresponsiveness",
  "trigger:database": "database connectivity failure", "trigger:security": "critical security vulnerability",
  "trigger:business": "business-critical functionality failure", "trigger:limit": "a check's rollback limit",
  "trigger:manual": "a person's judgement", "step:announce": "announce the rollback", "step:revert-traffic": "revert the traffic to Blue",
  "step:verify-previous": "verify the previous version", "step:notify": "notify the stakeholders",
  "step:schedule-review": "schedule the incident review",
};
const word = (body, name) => WORDS[`${name}:${body[name]}`] ?? body[name];

/** What an opening is shown as: its text, or what became of it. */
function opened(page, ref) {
  if (!ref) return "";
  const bytes = page.openings.get(ref.commit), gone = page.erased.get(ref.commit);
  if (bytes) {
    try { return text.decode(bytes); } catch { return `[${count(bytes.length, "byte")} that are no text, opening ${ref.commit}]`; }
  }
  if (gone) return `[erased on ${human(gone.recorded)} by ${gone.by.map((s) => s.person).join(", ")}: ${reason(page, gone)} (entry ${gone.seq})]`;
  if (page.missing.has(ref.commit)) return `[missing: no event erased the opening ${ref.commit}]`;
  throw Error(`it does not carry the text ${ref.commit}, which it must show`);
}
function reason(page, gone) {
  const own = gone.body.reason;
  return own.commit === gone.body.commit || !page.openings.has(own.commit) && !page.erased.has(own.commit) ? "" : opened(page, own);
}
function erasure(page, ref) {
  const gone = page.erased.get(ref.commit);
  return gone && h` <strong>erased on ${human(gone.recorded)} by ${who(gone)}: ${reason(page, gone)} (entry ${gone.seq})</strong>`;
}

const READ = ["metric-read", "evidence-collected"], POINTS_SHOWN = 12;
const DID = {
  "snapshot-taken": (b) => `snapshot of ${b.resource}${opt(b.snapshot, " as ")}`,
  "stage-reached": (b) => `stage ${b.stage}${opt(b.run, " (run ", ")")}`,
  "traffic-shifted": (b) => `${b.percent} % of ${b.service} to ${word(b, "to")}`,
  "standby-changed": (b) => `standby of ${b.service}: ${b.state}${b.until ? ` until ${human(b.until)}` : ""}`,
  "rollback-step": (b) => `rollback step: ${word(b, "step")}${opt(b.service, " of ")}`,
};
const decided = (b) => b.decision === "override" ? `OVERRIDE of the gate ${b.gate ?? "no gate"}${opt(b.waives, ": waives ")}` : `decided: ${b.decision}`;
function read(b) {
  const value = opt(b.value, ", ", opt(b.unit, " "));
  if (!b.phase) return `${b.check ?? "evidence"} from ${b.source}${value}`;
  return `${b.check ?? "evidence"}: ${b.phase}${value}${b.phase === "pass" ? "" : opt(b.detail, " \u2013 ")}`;
}
// An event in one sentence.
const SENTENCES = {
  "item-signed": (b) => `${b.item} signed as ${word(b, "outcome")}`, "decision-made": decided, "metric-read": read, "evidence-collected": read,
  "item-withdrawn": (b, page, entry) => page.withdrawn.get(b.statement) === entry
    ? `sign-off of ${b.item} (entry ${page.byId.get(b.statement).seq}) WITHDRAWN` : "item-withdrawn, without effect",
  "checklist-amended": () => "the checklist was amended", "note-added": () => "note", "review-recorded": () => "review",
  "deployment-opened": (b) => `deployment of ${b.release} to ${b.environment} opened`,
  "deployment-closed": (b) => `record closed as ${word(b, "outcome")}, ${count(b.entries, "entry", "entries")}`,
  "rollback-triggered": (b) => `ROLLBACK TRIGGERED: ${word(b, "trigger")}${opt(b.check, " (", ")")}`, "rollback-started": () => "rollback STARTED",
  "rollback-finished": (b) => `rollback finished: ${b.outcome}`, "message-sent": (b) => `message to ${b.channel}: ${word(b, "delivery")}`,
  "report-issued": (b) => `report made, covering the log up to entry ${b.covers.seq}`, "roles-assigned": (b) => `${b.person} takes the role ${b.role}`,
  "opening-erased": (b) => `opening ${fingerprint(b.commit)} ERASED`, "roster-changed": (b) => `roster changed to version ${b.roster.version}`,
  "key-revoked": (b) => `key ${fingerprint(b.key)} of ${b.person} REVOKED${opt(b.compromisedFromSeq, ", compromised from entry ", " on")}`,
  "key-rotated": (b, page, { into }) => `${b.person} rotated their ${b.new.use} key ${fingerprint(b.old)} into ${fingerprint(into)}`,
  ...Object.fromEntries(Object.entries(DID).map(([kind, what]) => [kind, (b) => `${what(b)}: ${b.act}`])),
};
const sentence = (page, entry) => SENTENCES[entry.kind]?.(entry.body, page, entry) ?? `an event of the kind ${entry.kind}, which this version does not know`;
/** The text of an event that stands beside its sentence. */
function remark({ kind, body }) {
  if (READ.includes(kind)) return body.note;
  return kind in SENTENCES ? body.text ?? body.reason ?? body.note ?? body.detail : undefined;
}

// --- Markup, as the page has it: what is put in becomes text. ---
class Markup { constructor(html) { this.html = html; } }
const put = (value) => value instanceof Markup ? value.html : Array.isArray(value) ? value.map(put).join("")
  : value === undefined || value === null || value === false ? "" : shown(String(value)).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const h = (parts, ...values) => new Markup(parts.map((part, at) => part + put(values[at])).join(""));
const quote = (text) => text !== undefined && h`<div class="quote">${text}</div>`;
const tag = (tone, word) => h`<span class="tag ${tone}">${word}</span>`;
const when = (at) => h`<time datetime="${at}">${human(at)}</time>`;
const link = (seq) => h`<a href="#e${seq}">entry ${seq}</a>`;
const TONES = { pass: "good", trigger: "critical", undefined: "plain", done: "good", na: "warning", failed: "critical", sent: "good", reported: "plain",
  "partly signed": "warning", "not applicable": "warning", open: "plain" };
const phase = (b) => tag(TONES[b.phase] ?? "warning", b.phase ?? "no verdict");
/** Whether a row says that the rules did not accept who signed: they do, the script does not. */
const doubted = (cell) => cell?.firstElementChild?.matches(".tag.critical") && cell.firstElementChild.textContent === "not verified";
const doubt = (cell) => doubted(cell) && [tag("critical", "not verified"), " "];

// What a row of each sort looks like, all of it.
const ROWS = {
  moment(page, entry, row) {
    const { seq, recorded: at } = entry, ref = entry.body && remark(entry), machine = entry.by.some((s) => s.kind === "machine");
    if (row.matches("details > ol > li")) return h`<li id="e${seq}" data-r="moment" data-e="${seq}" data-brief>${seq} \u00b7 ${clock(at)} \u00b7 ${sentence(page, entry)} \u00b7 ${who(entry)}</li>`;
    const issues = [...row.querySelectorAll(":scope > div > .issue")].map((one) => h`<span class="issue">${one.textContent}</span>`);
    return h`<li class="row${issues.length > 0 && " loud"}" id="e${seq}" data-r="moment" data-e="${seq}">${when(at)}<span class="rel">${relative(page, entry)}</span><div>${
      sentence(page, entry)} <span class="who">${who(entry)}${machine && ", machine"} \u00b7 entry ${seq}</span>${
      ref && h`<span class="said">\u201c${short(opened(page, ref))}\u201d</span>`}${issues}</div></li>`;
  },
  approval(page, entry, row) {
    const { kind, body: b, seq } = entry, gone = page.withdrawn.get(entry.p.id), cell = row.cells[1], late = delay(entry);
    const title = row.querySelector("[data-title]")?.textContent ?? "";
    const what = kind === "decision-made" ? [h`<th scope="row">Decision${opt(b.waives, `: gate ${b.gate ?? "no gate"} without `)}</th>`, tag(b.waives ? "warning" : "plain", b.decision)]
      : [h`<th scope="row"><span data-title class="${gone && "struck"}">${title}</span> <small>${b.item}${b.checklist !== page.list.text.commit && ", on an earlier checklist"}</small></th>`,
        [tag(doubted(cell) ? "plain" : TONES[b.outcome], word(b, "outcome")),
          gone && h` <span class="tag critical">withdrawn</span> <small>entry ${gone.seq}, ${who(gone)}</small>${quote(opened(page, gone.body.reason))}`]];
    return h`<tr data-r="approval" data-e="${seq}">${what[0]}<td data-label="Outcome">${doubt(cell)}${what[1]}${b.reason && quote(opened(page, b.reason))}${b.note && quote(opened(page, b.note))}</td><td data-label="Who">${
      who(entry)}<br><small>key <code>${keys(entry)}</code></small></td><td data-label="When">${when(entry.recorded)} <small>${relative(page, entry)}${late && h`<br>${late}`}</small></td>
      <td class="num" data-label="Entry">${seq}</td></tr>`;
  },
  reading(page, entry, row, common = {}) {
    const { body: b, seq, recorded } = entry, points = b.points ?? [], more = points.length - POINTS_SHOWN, w = b.window, note = b.note && opened(page, b.note);
    const told = w && [w.from, w.to].every((at) => at.slice(0, 10) === recorded.slice(0, 10)) ? clock : human;
    return h`<tr data-r="reading" data-e="${seq}"><td>${seq}</td><td>${human(recorded)}</td><td>${b.phase === "pass" ? "pass" : phase(b)}</td><td>${opt(b.value, "", opt(b.unit, " ")) || "\u2013"}</td><td>${
      !common.source && [b.source === "person" ? tag("warning", "attested") : b.source, `, ${who(entry)} `]}${b.phase !== "pass" && opt(b.detail, "", " ")}${
      note !== undefined && h`<span class="quote">${note}</span> `}${!common.query && b.query !== undefined && h`<code>${b.query}</code> `}${!common.statistic && opt(b.statistic, "", " ")}${
      w && `${told(w.from)} to ${told(w.to)}, each ${w.period} s `}${b.samples !== undefined && `\u00b7 ${count(b.samples, "sample")} `}${opt(b.baseline, "\u00b7 baseline ", " ")}${
      points.length > 0 && `\u00b7 points ${points.slice(0, POINTS_SHOWN).map(({ at, value }) => `${clock(at)} ${value}`).join(", ")}${more > 0 ? ` and ${more} more in report.json` : ""} `}${
      b.baselinePoints?.length > 0 && `\u00b7 history of ${count(b.baselinePoints.length, "point")} in report.json `}${
      b.response && h`\u00b7 response <code>${fingerprint(b.response.commit)}</code>${erasure(page, b.response)}`}</td></tr>`;
  },
  attachment(page, entry) {
    const { body: b, seq } = entry, file = b.response, person = b.source === "person";
    const asked = (person ? [b.detail] : [b.query, b.phase, b.detail]).filter((one) => one !== undefined);
    const long = file && (page.long.has(file.commit) || page.openings.get(file.commit)?.length > 4096);
    return h`<li data-r="attachment" data-e="${seq}">${person ? tag("warning", "attested") : b.source} ${asked.length > 0 && `${asked.join(": ")} `}<span class="who">${who(entry)} \u00b7 ${
      human(entry.recorded)} \u00b7 entry ${seq}</span>${b.note && quote(opened(page, b.note))}${file && h`<br><small>${file.mediaType} <code>${file.commit}</code>${erasure(page, file)}</small>`}${
      file?.mediaType.startsWith("text/") && !long && quote(opened(page, file))}</li>`;
  },
  act: (page, entry) => h`<tr data-r="act" data-e="${entry.seq}"><th scope="row">${DID[entry.kind](entry.body)}${entry.body.detail && quote(opened(page, entry.body.detail))}</th><td data-label="State">${
    entry.body.act}</td><td data-label="Who">${who(entry)}</td><td data-label="When">${human(entry.recorded)} <small>${relative(page, entry)}</small></td><td class="num" data-label="Entry">${entry.seq}</td></tr>`,
  rollback(page, entry) {
    const { kind, body: b, seq, recorded } = entry, since = (at) => page.since.findLast(([from]) => from <= at)?.[1];
    const by = h`${who(entry)} \u00b7 ${link(seq)}`, line = (what) => h`<li data-r="rollback" data-e="${seq}">${when(recorded)}<span class="rel">${relative(page, entry)}</span><div>${what}</div></li>`;
    const reason = b.reason && quote(opened(page, b.reason)), detail = b.detail && quote(opened(page, b.detail));
    if (kind === "rollback-started") return line(h`${tag("warning", "decided")} by <strong>${who(entry)}</strong> <span class="who">${link(seq)}</span>${reason}`);
    if (kind === "rollback-finished") return line(h`${tag("plain", "finished")} ${b.outcome} <span class="who">${by}</span>`);
    if (kind === "rollback-triggered") {
      const cause = page.byId.get(b.evidence), value = READ.includes(cause?.kind) && cause.body.value;
      return line(h`${tag("critical", "trigger")} ${word(b, "trigger")}${opt(b.check, " (", ")")}${value && h`, read <strong>${value}${opt(cause.body.unit, " ")}</strong>`}${
        cause && [" in ", link(cause.seq)]} <span class="who">${by}</span>${reason}`);
    }
    const begun = page.byId.get(b.intent), late = delay(entry), took = begun?.kind === kind && since(begun.seq) === since(seq);
    return line(h`${word(b, "step")}${opt(b.service, " (", ")")}: ${b.act} <span class="who">${duration(since(seq), recorded)} after the trigger${
      took && `, took ${duration(begun.recorded, recorded)}`} \u00b7 ${by}${late && ` \u00b7 ${late}`}</span>${detail}`);
  },
  message: (page, entry) => h`<article class="message" data-r="message" data-e="${entry.seq}"><p><strong>${entry.body.channel}</strong> ${tag(TONES[entry.body.delivery], word(entry.body, "delivery"))}
    <span class="who">${who(entry)} \u00b7 ${human(entry.recorded)} ${relative(page, entry)} \u00b7 entry ${entry.seq}</span></p><pre>\n${opened(page, entry.body.text)}</pre></article>`,
  note(page, entry) {
    const about = page.byId.get(entry.body.about);
    return h`<article class="message" data-r="note" data-e="${entry.seq}"><p>${entry.kind === "review-recorded" && h`<strong>Review</strong> `}<span class="who">${who(entry)} \u00b7 ${human(entry.recorded)} ${
      relative(page, entry)} \u00b7 entry ${entry.seq}${about && ` \u00b7 about entry ${about.seq}`}${entry.seq > page.closed?.seq && " \u00b7 after the closing"}</span></p><pre>\n${opened(page, entry.body.text)}</pre></article>`;
  },
};

/** A copy of an element to compare: without what a reader may unfold, marks of failures, the rules' doubts about signers, and white space between elements. */
function bare(element) {
  const copy = element.cloneNode(true), walker = document.createTreeWalker(copy, NodeFilter.SHOW_ALL), blank = [];
  for (let node = walker.currentNode; node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      node.data = node.data.replaceAll("NOT VERIFIED: ", "");
      if (!node.parentElement?.closest("pre, .quote")) node.data = node.data.replace(/[ \t\n]+/g, " ");
      if (node.data === " ") blank.push(node);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      for (const name of ["data-failed", "open"]) node.removeAttribute(name);
      if (node.localName === "figure") node.replaceChildren(); // what a drawing shows, the rules say
    }
  }
  blank.forEach((node) => node.remove());
  return copy;
}
function same(element, markup) {
  const made = document.createElement("template");
  made.innerHTML = markup.html;
  return bare(element).isEqualNode(bare(made.content).firstElementChild);
}

/** What all readings of a table have in common stands in its caption, and not in the rows. */
function caption(row, { body: b, by }) {
  const markup = (common) => h`<caption>Each${common.source && ` from ${b.source}, signed by ${who({ by })}`}${common.statistic && `, ${b.statistic}`}${common.query && h` <code>${b.query}</code>`}</caption>`;
  if (!plain(row.closest("table")?.caption?.textContent ?? "")) return { common: {} };
  const ways = [1, 2, 3, 4, 5, 6, 7].map((bits) => ({ source: !!(bits & 1), statistic: !!(bits & 2), query: !!(bits & 4) }));
  const common = ways.find((way) => same(row.closest("table").caption, markup(way)));
  if (!common) throw Error("its row stands under a caption that is not its own");
  return { common, markup: markup(common) };
}

/** Points at the rows that do not say what their entries say, as it is said. */
function judgeEach(page, rows) {
  for (const row of rows) {
    const id = row.getAttribute("data-item"), entry = page.of(row), what = id ? `the row of the item ${id}` : `its row (${row.getAttribute("data-r")})`;
    try {
      if ((id ? page.items.has(id) : entry) && !same(row, id ? itemRow(page, row) : made(page, row))) fail(entry?.seq ?? null, `${what} does not say what the entries say, as it is said`, row);
    } catch (error) { fail(entry?.seq ?? null, error.message, row); }
  }
}

/** What a line of Markdown says, without what marks it up: code as it stands, no comments, no tags, and no targets of the links that lead somewhere. */
function said(line, links) {
  const decode = (entity) => Object.assign(document.createElement("textarea"), { innerHTML: entity }).value;
  const mark = new RegExp(["(`+)(.+?)\\1(?!`)", "\\\\([!-/:-@[-`{-~])", "<!-{2}.*?(?:-{2}>|$)", "<([a-z][a-z0-9+.-]*:[^\\s<>]*|[^\\s<>]+@[^\\s<>]+)>", "<\\/?[a-z][a-z0-9-]*(?:\\s+[a-z_:][\\w.:-]*(?:\\s*=\\s*(?:\"[^\"]*\"|'[^']*'|[^\\s\"'=<>`]+))?)*\\s*\\/?>",
    "(\\]\\((?:[^()]|\\([^()]*\\))*\\))", "(\\]\\[[^\\]]*\\])", "!(?=\\[)", "(&#?\\w+;)"].join("|"), "gi");
  return line.replace(mark, (all, ticks, code, escaped, address, target, name, entity) => code ?? escaped ?? address ?? (links & 1 ? target : undefined) ?? (links & 2 ? name : undefined) ?? (entity ? decode(entity) : ""));
}
const signless = (s) => plain(shown(s).replace(/[*_`~\\[\]]/g, ""));
/** An item's title: the first line of a task in the checklist's text, and of no task with another id. */
function judgeTitle(page, row, seq, id) {
  const title = plain(row.querySelector("[data-title]")?.textContent ?? id);
  if (title !== id && !page.tasks.some((task) => [undefined, id].includes(task.id) && task.titles.includes(signless(title)))) {
    fail(seq, `the title ${JSON.stringify(title)} is not in the checklist`, row);
  }
}

/** Whether a reading's window ended before the time that the one before it is about, by whole periods of its own. */
function overtaken({ body, recorded }, { body: { window } }) {
  const about = Date.parse(body.window && body.window.to < recorded ? body.window.to : recorded), period = Math.max(window?.period ?? 1, 1) * 1000;
  return window !== undefined && Date.parse(window.to) < Math.floor(about / period) * period;
}

/** An item of the checklist: what its row names signs, ticks or waives it. How far the item is, the rules say. */
function itemRow(page, row) {
  const id = row.getAttribute("data-item"), spec = page.items.get(id), states = new Set(), title = row.querySelector("[data-title]")?.textContent;
  const last = page.entries.filter((entry) => entry.own && READ.includes(entry.kind) && spec.check && entry.body.check === spec.check)
    .reduce((newest, entry) => newest && overtaken(newest, entry) ? newest : entry, undefined)?.body ?? {};
  const ticks = { go: "decision-made", "all-clear": "decision-made", snapshot: "snapshot-taken", deploy: "stage-reached", shift: "traffic-shifted" };
  let waived = false;
  const blocks = [...row.querySelectorAll(".by")].map((block) => {
    const entry = page.bySeq.get(Number(/entry (\d+)$/.exec(plain(block.textContent))?.[1])), { kind, body: b } = entry ?? {};
    const waives = kind === "decision-made" && [`item/${id}`, `check/${spec.check}`].includes(b.waives);
    const signs = kind === "item-signed" && b.item === id && !page.withdrawn.has(entry.p.id);
    const does = ticks[spec.by] === kind && (kind !== "decision-made" || b.decision === spec.by);
    waived ||= waives;
    if (!entry?.own || !(waives || signs || does)) return fail(entry?.seq ?? null, `the row of the item ${id} names an entry that is not about it`, row);
    if (!waives) states.add("partly signed").add(signs ? word(b, "outcome") : "done");
    const what = signs ? word(b, "outcome") : waives ? `override of the gate ${b.gate ?? "no gate"}` : (DID[kind] ?? decided)(b);
    return h`<div class="by">${doubt(block)}<strong>${who(entry)}</strong>, ${what}<br><small>${when(entry.recorded)} ${relative(page, entry)} \u00b7 key <code>${keys(entry)}</code> \u00b7 ${link(entry.seq)}</small></div>`;
  });
  if (new Set(blocks.map((block) => block?.html)).size !== blocks.length) fail(null, `the row of the item ${id} names an entry twice`, row);
  const found = row.querySelector("[data-label=State] > .tag")?.textContent, state = states.size && states.has(found) ? found : "open";
  return h`<tr data-item="${id}"><th scope="row">${title !== undefined && h`<span data-title>${title}</span> `}<small>${id}</small></th><td data-label="State">${tag(TONES[state], state)}${
    waived && h` ${tag("warning", "overridden")}`}</td><td data-label="By">${!blocks.length && h`<span class="soft">nobody</span>`}${blocks}</td><td data-label="Check">${
    spec.check && [`${spec.check} `, phase(last), opt(last.value, " ")]}</td></tr>`;
}

// Which entries have a row of which sort.
const OWN = (kinds) => (page, entry) => entry.own && kinds.includes(entry.kind);
const GOVERN = ["ledger-opened", "roster-changed", "key-rotated", "key-revoked"];
const SORTS = {
  moment: (page, entry) => entry.own || entry.kind === "opening-erased" || entry.p.deployment === undefined && entry.seq > page.opened.seq
    && (!GOVERN.includes(entry.kind) || entry.seq < (page.closed?.seq ?? Infinity)),
  approval: OWN(["item-signed", "decision-made"]), message: OWN(["message-sent"]), note: OWN(["note-added", "review-recorded"]),
  act: OWN(["snapshot-taken", "stage-reached", "standby-changed", "traffic-shifted"]),
  rollback: (page, entry) => entry.own && (/^rollback-(triggered|started)$/.test(entry.kind) || entry.kind === "rollback-step" && page.begun || page.ends.has(entry.seq)),
  reading: (page, entry) => entry.own && READ.includes(entry.kind) && entry.body.check !== undefined,
  attachment: (page, entry) => entry.own && READ.includes(entry.kind) && entry.body.check === undefined,
};

function judgeRows(page) {
  const own = page.entries.filter((entry) => entry.own);
  page.opened = own.find((entry) => entry.kind === "deployment-opened");
  page.closed = own.findLast((entry) => entry.kind === "deployment-closed");
  page.cutover = own.find(({ kind, body }) => kind === "traffic-shifted" && body.to === "green" && body.percent > 0 && /^(done|observed)$/.test(body.act))?.recorded;
  page.begun = own.some((entry) => entry.kind === "rollback-started");
  page.since = []; // each rollback counts from the first trigger that it answers, or from its own beginning
  own.reduce((trigger, { kind, seq, recorded }) => {
    if (kind !== "rollback-started") return kind === "rollback-triggered" ? trigger ?? recorded : trigger;
    page.since.push([page.since.length ? seq : 0, trigger ?? recorded]);
  }, undefined);
  page.ends = new Set(); // each end is of the newest rollback that has none yet
  own.reduce((open, { kind, seq }) => {
    if (kind !== "rollback-finished" || !open) return open + (kind === "rollback-started");
    page.ends.add(seq);
    return open - 1;
  }, 0);
  page.erased = new Map(page.entries.filter((entry) => entry.kind === "opening-erased").map((entry) => [entry.body.commit, entry]));
  for (const commit of page.missing) if (!page.erased.has(commit)) fail(null, `the text ${commit} is missing, and no entry erased it`);
  page.byId = new Map(page.entries.map((entry) => [entry.p.id, entry]));
  page.bySeq = new Map(page.entries.map((entry) => [entry.seq, entry]));
  page.of = (row) => page.bySeq.get(Number(row.getAttribute("data-e") ?? NaN)); // the entry of a row
  if (!page.opened) return fail(null, `the page carries no entry that opens ${page.deployment}`);
  const lists = own.flatMap(({ body }) => body.checklist?.items ? [body.checklist] : []);
  page.items = new Map(lists.flatMap((list) => list.items.map((item) => [item.id, item])));
  page.tasks = lists.flatMap((list) => {
    const whole = page.openings.has(list.text.commit) ? opened(page, list.text).replace(/(?![\r\n])[\p{Cc}\u2028\u2029]/gu, " ") : "";
    const lines = [...whole.matchAll(/\[[ xX]\](.*)$/gm)].map(([, line]) => line), exact = lines.length === list.items.length; // else some only look like tasks
    return lines.map((line, at) => ({ id: exact ? list.items[at].id : /<!-{2}[^>]*\bid: *([^\s;>]+)/.exec(line)?.[1], titles: [0, 1, 2, 3].map((links) => signless(said(line, links))) }));
  });
  page.list = lists.at(-1);
  page.withdrawn = new Map(own.filter(({ kind, body }) => kind === "item-withdrawn" && page.byId.get(body.statement)?.body.item === body.item)
    .map((entry) => [entry.body.statement, entry]));
  const rows = [...document.querySelectorAll("[data-e]")], last = new Map(), seen = new Map();
  for (const row of rows) {
    const seq = Number(row.getAttribute("data-e")), sort = row.getAttribute("data-r"), entry = page.of(row);
    if (!entry || !(sort in SORTS)) { fail(null, `the page has a row of entry ${seq}, which it does not carry`, row); continue; }
    if (!SORTS[sort](page, entry)) fail(seq, `it has no place among rows of the sort ${sort}`, row);
    if (seen.has(`${sort} ${seq}`)) fail(seq, "it has two rows", row);
    seen.set(`${sort} ${seq}`, row);
    const list = `${sort} ${sort === "reading" ? entry.body.check : ""}`;
    if (sort !== "rollback" && last.get(list) > seq) fail(seq, "its row stands in the wrong place", row);
    last.set(list, seq);
    if (sort === "approval" && entry.body.item) judgeTitle(page, row, seq, entry.body.item);
    if (sort === "reading" && row.closest("[data-check]")?.getAttribute("data-check") !== entry.body.check) fail(seq, "its row stands under another check", row);
  }
  for (const [sort, has] of Object.entries(SORTS)) for (const entry of page.entries) {
    if (has(page, entry) && !seen.has(`${sort} ${entry.seq}`)) fail(entry.seq, `its row (${sort}) is missing`);
  }
  const items = [...document.querySelectorAll("[data-item]")];
  for (const row of items) judgeTitle(page, row, null, row.getAttribute("data-item"));
  if (JSON.stringify(items.map((row) => row.getAttribute("data-item"))) !== JSON.stringify((lists.at(-1)?.items ?? []).map((item) => item.id))) fail(null, "the rows of the checklist are not the items of the checklist");
  const facts = { own: own.length, release: page.opened.body.release, size: page.leaves.length, firstLeaf: hex(page.leaves[0]), lastLeaf: hex(page.leaves.at(-1)), root: page.root, firstRoster: page.versions[0]?.hash,
    checkpoint: page.checkpoint, opened: human(page.opened.recorded), closed: page.closed && human(page.closed.recorded) };
  page.facts = { ...facts };
  for (const fact of document.querySelectorAll("[data-fact]")) {
    const name = fact.getAttribute("data-fact");
    if (plain(fact.textContent) !== plain(shown(String(facts[name])))) fail(null, `the page says ${JSON.stringify(plain(fact.textContent).slice(0, 80))} (${name}), its entries do not`, fact);
    delete facts[name];
  }
  for (const [name, value] of Object.entries(facts)) if (value !== undefined) fail(null, `the page does not say ${name}`);
}

// --- The page around the rows. The sections that have rows are put together again, whole: nothing else can look like a row, hide one, or
// stand between two. Of the other parts, which say what the rules make of the entries, it is held that they are parts of a report. ---
const STYLE = "the style's SHA-256"; // put in where the page is made
const PARTS = { head: "META META META META TITLE STYLE", body: "HEADER MAIN FOOTER SCRIPT SCRIPT" };
const TITLES = { attention: "What needs attention", rollback: "Rollback", course: "Course", deployed: "What was deployed", checklist: "Checklist", approvals: "Approvals",
  evidence: "Evidence", traffic: "Traffic and acts", people: "People", said: "Communications", timeline: "Every event", controls: "Control mapping", integrity: "Integrity" };
const ELEMENTS = `html head meta title style body header main footer script aside nav section article h1 h2 h3 p pre div span strong small code time
  a br label input details summary dl dt dd ul ol li table caption thead tbody tr th td figure figcaption svg path text`.split(/\s+/);
const ATTRIBUTES = `lang charset http-equiv content name type class id role tabindex scope colspan datetime href for size maxlength autocomplete
  spellcheck aria-label aria-labelledby viewBox d x y open`.split(/\s+/);
const SECTION = { item: "checklist", approval: "approvals", act: "traffic", reading: "evidence", attachment: "evidence",
  rollback: "rollback", message: "said", note: "said", moment: "timeline" };
const head = (names, last) => h`<thead><tr>${names.map((name) => h`<th scope="col">${name}</th>`)}${last && h`<th scope="col" class="num">${last}</th>`}</tr></thead>`;
const table = (names, rows) => h`<table class="stack">${head(names, "Entry")}<tbody>${rows}</tbody></table>`;
/** A sentence that the rules made: its words as they stand, without markup but for what is strong, where they have the form of such a sentence. */
const sentenceLike = (one, ...forms) => one && forms.some((form) => form.test(plain(one.textContent)))
  && [...one.childNodes].map((node) => node.nodeType === Node.TEXT_NODE ? node.data : h`<strong>${node.textContent}</strong>`);
const TOOK = String.raw`[\u2212\d dhmins]+`, ROLLED = [`^${TOOK} from trigger to finish(, ${TOOK} from decision to finish)?\\.$`,
  `^Blue answered ${TOOK} after the trigger, by the signers' clocks\\.$`, "^Not on record as done: [A-Za-z, ]+\\.$"].map((form) => new RegExp(form));

// What is inside each section that has rows, by what the page shows there.
const INSIDE = {
  checklist(page, section, rows) {
    const items = page.list?.items ?? [], byId = new Map(rows("[data-item]").map((row) => [row.getAttribute("data-item"), row]));
    const groups = items.reduce((all, item) => (all.at(-1)?.[0].phase === item.phase && all.length ? all.at(-1).push(item) : all.push([item]), all), []);
    return [h`<p>${sentenceLike(section.querySelector("p"), /^\d+ of \d+ items are complete\.$/)}</p>`, items.length > 0 && h`<table class="stack">${
      head(["Item", "State", "Who, when, by which key", "Check"])}${groups.map((group) => h`<tbody><tr class="group"><th scope="rowgroup" colspan="4">${group[0].phase ?? "no phase"}</th></tr>${
      group.map((item) => itemRow(page, byId.get(item.id)))}</tbody>`)}</table>`];
  },
  approvals(page, section, rows) {
    const all = rows("[data-r=approval]");
    return [h`<p class="soft">Times are as recorded; T is the cutover${page.cutover ? `, ${human(page.cutover)}` : ": there was none"}.</p>`,
      all.length ? table(["What", "Outcome", "Who", "When"], all.map((row) => made(page, row))) : h`<p>Nobody has signed or decided anything.</p>`];
  },
  traffic(page, section, rows) {
    const all = rows("[data-r=act]");
    return all.length ? table(["What", "State", "Who", "When"], all.map((row) => made(page, row))) : h`<p>Nothing was done to the systems, as far as the record says.</p>`;
  },
  said(page, section, rows) {
    const [messages, notes] = [rows("[data-r=message]"), rows("[data-r=note]")].map((all) => all.map((row) => made(page, row)));
    return [messages.length ? messages : h`<p>No message is on record.</p>`, notes.length > 0 && [h`<h3>Notes and reviews</h3>`, notes]];
  },
  timeline: (page, section) => h`<ol class="tl">${[...section.querySelector("ol")?.children ?? []].map((line) => line.matches("[data-e]") ? made(page, line)
    : h`<li class="row"><details><summary data-run>${run(page, line)}</summary><ol class="quiet">${[...line.querySelectorAll("li")].map((row) => made(page, row))}</ol></details></li>`)}</ol>`,
  rollback: (page, section) => [...section.children].slice(1).map((part) => part.tagName === "P" ? h`<p>${sentenceLike(part, ...ROLLED)}</p>` : h`<ol class="steps">${inOrder(page, part).map((line) =>
    line.matches("[data-e]") ? made(page, line) : [...part.children].every((one) => !one.matches("[data-e]") || page.of(one)?.kind === "rollback-triggered") && h`<li><div><strong>No rollback followed.</strong></div></li>`)}</ol>`),
  evidence(page, section, rows) {
    const first = section.querySelector(":scope > p"), window = section.querySelector(":scope > p + ul"), attached = rows("[data-r=attachment]"), keyed = section.querySelector(":scope > p.key");
    const checks = [...section.querySelectorAll(":scope > .check")];
    return [h`<p>${sentenceLike(first, /^Verification window: [-\d: UTCto]+, \d+ minutes\. Each watched check must cover [\d.]+ % of it\.$/, /^There is no verification window: traffic is not, or not any more, at 100 % Green\.$/)}</p>`,
      window && h`<ul>${[...window.children].map((line) => h`<li>${sentenceLike(line, /^\S+: \d+ of \d+ minutes measured(; not passed in (entry \d+(, )?)+)?$/)}</li>`)}</ul>`,
      !checks.length && h`<p>The deployment was opened without checks.</p>`,
      keyed && h`<p class="soft key">In the plots: <span class="good">the verification window</span><span class="history">10th to 90th percentile of the history</span><span class="missing">no data</span></p>`,
      checks.map((check) => checkPart(page, check)), attached.length > 0 && h`<h3>Brought beside the checks</h3><ul>${attached.map((row) => made(page, row))}</ul>`];
  },
  integrity(page, section) {
    const found = [...section.querySelectorAll("ul.attention > li")].map((line) => [line.querySelector(".tag"), line.childNodes[1], line.querySelector("small")].map((one) => one?.textContent));
    return [h`<p>${sentenceLike(section.querySelector("p"), /^/)}</p>`, found.length > 0 && h`<ul class="attention">${found.map(([code, why, place]) =>
      h`<li class="critical"><span class="tag">${code}</span>${why}${place !== undefined && h`<small>${place}</small>`}</li>`)}</ul>`,
      h`<dl class="pairs"><dt>Entries</dt><dd><span data-fact="own">${page.facts.own}</span> of this deployment, <span data-fact="size">${page.facts.size}</span> in the log</dd>
      <dt>First leaf</dt><dd><code data-fact="firstLeaf">${page.facts.firstLeaf}</code></dd><dt>Last leaf, entry ${page.leaves.length - 1}</dt><dd><code data-fact="lastLeaf">${page.facts.lastLeaf}</code></dd>
      <dt>Root</dt><dd><code data-fact="root">${page.root}</code></dd><dt>First roster</dt><dd><code data-fact="firstRoster">${page.facts.firstRoster}</code></dd></dl>`,
      page.checkpoint ? h`<h3>Checkpoint</h3><pre class="key" data-fact="checkpoint">${page.checkpoint}</pre>` : h`<p>There is no checkpoint: nothing here proves that the log was not cut off after its last entry.</p>`];
  },
};
function checkPart(page, check) {
  const id = check.getAttribute("data-check"), last = check.querySelector("h3 > .tag"), tone = ["good", "warning", "critical", "plain"].find((one) => last?.classList.contains(one));
  const all = [...check.querySelectorAll("[data-e]")], [limits, counts] = check.querySelectorAll(":scope > p"), common = all[0] && caption(all[0], page.of(all[0])).markup;
  return h`<div class="check" data-check="${id}"><h3>${id} ${last && tag(tone, sentenceLike(last, /^last: (pass|warn|no.data|error|trigger|no verdict)$/, /^never measured$/))}</h3><p>${sentenceLike(limits, /^/)}</p>${
    check.querySelector("figure") && h`<figure class="plot"></figure>`}${all.length > 0 && h`<p class="soft">${sentenceLike(counts, /^\d+ pass · \d+ warn · \d+ no data · \d+ error · \d+ trigger$/)}</p><details><summary>${
    count(all.length, "reading")} with raw values</summary><div class="scroll" tabindex="0" role="region" aria-label="Readings of ${id}"><table class="raw">${common}${
    head(["Entry", "Recorded", "Verdict", "Value", "Raw"])}<tbody>${all.map((row) => made(page, row))}</tbody></table></div></details>`}</div>`;
}
/** The lines of a rollback in the order that they must have: triggers, the beginning, steps, the end; each by its entry. */
function inOrder(page, list) {
  const rank = (row) => ["rollback-triggered", "rollback-started", undefined, "rollback-step", "rollback-finished"].indexOf(page.of(row)?.kind) * 2 ** 53 + (page.of(row)?.seq ?? 0);
  return [...list.children].sort((a, b) => rank(a) - rank(b));
}
function made(page, row) {
  const sort = row.getAttribute("data-r"), entry = page.of(row);
  return ROWS[sort](page, entry, row, sort === "reading" ? caption(row, entry).common : {});
}
function run(page, line) {
  const inside = [...line.querySelectorAll("[data-e]")].map(page.of);
  if (inside.some((entry) => entry?.body.phase !== "pass")) fail(inside[0]?.seq ?? null, "it stands among readings that passed", line);
  return `${inside.length} readings in a row, each a pass, from ${human(inside[0]?.recorded ?? "")} to ${human(inside.at(-1)?.recorded ?? "")}`;
}

async function judgeShape(page) {
  const all = (where) => [...document.querySelectorAll(where)], extension = "(what an extension of the browser adds counts too)";
  const tags = (one) => [...one.children].map(({ tagName }) => tagName).join(" "), sections = all("body > main > *").map((one) => one.tagName === "SECTION" && one.getAttribute("aria-labelledby"));
  const ids = all("[id]").map((one) => one.id), style = document.querySelector("head > style"), once = { style: 1, script: 2, input: 1, "meta[http-equiv=Content-Security-Policy]": 1, "meta[charset=utf-8]": 1,
    "meta[name=viewport]": 1, "meta[name=referrer]": 1, "[hidden]": 1, "aside, nav": 2, "body > header > .top > aside.proof": 1, "body > header > .top > nav": 1, h1: 1, ".facts > div": 6,
    "[data-fact]": document.querySelectorAll("h1[data-fact=release], .facts > div > dd[data-fact=opened], .facts dd > span[data-fact=closed]:first-child, [aria-labelledby=integrity] [data-fact]").length };
  if (tags(document.head) !== PARTS.head || tags(document.body) !== PARTS.body || `${sections}` !== `${Object.keys(TITLES).filter((name) => sections.includes(name))}` || new Set(ids).size !== ids.length
    || Object.entries(once).some(([what, times]) => all(what).length !== times) || all(":is(header, footer) :is(section, article, table, ul, ol, h2, h3, pre, svg)").length
    || all("section section, :not(figure) > svg, figure :not(svg, path, text, title, figcaption, figcaption *)").length || document.doctype?.name !== "html") fail(null, `the page has other parts than a report ${extension}`);
  if (hex(await sha(utf8.encode(style?.textContent ?? ""))) !== STYLE || style.attributes.length || document.styleSheets.length !== 1) fail(null, "the page has another style: it may hide what it shows");
  for (const one of all("*")) {
    const odd = [...one.attributes].find(({ name, value }) => !ATTRIBUTES.includes(name) && !name.startsWith("data-") && (name !== "hidden" || one !== $("proof-ask"))
      || name === "href" && !value.startsWith("#") || name === "aria-labelledby" && !one.matches("main > section, .proof"));
    if (odd || !ELEMENTS.includes(one.localName)) fail(null, `the page has <${one.localName}${odd ? ` ${odd.name}` : ""}>, which no report has ${extension}`, one);
  }
  if (!same(document.querySelector("footer"), h`<footer><p>Made from the signed log ${page.opened.p.log} up to entry ${page.leaves.length - 1}. The same data stands in report.json (https://project-aether.io/audit/report/v1). Trust the log, not this page: check the entries with the hash of the first roster and a checkpoint that were handed to you on another way.</p></footer>`)) fail(null, "the page has another end");
  for (const row of all("[data-e], [data-item]")) {
    const sort = row.hasAttribute("data-item") ? "item" : row.getAttribute("data-r");
    if (row.closest("section")?.getAttribute("aria-labelledby") !== SECTION[sort]) fail(null, `a row (${sort}) stands where none has its place`, row);
  }
  if (failures.length) return judgeEach(page, all("[data-e], [data-item]")); // what is wrong is pointed at; a section would only say so once more
  for (const section of all("body > main > section")) {
    const name = section.getAttribute("aria-labelledby"), title = section.firstElementChild, inside = INSIDE[name];
    if (title?.outerHTML !== `<h2 id="${name}">${TITLES[name]}</h2>`) fail(null, `the section ${name} has another heading`, section);
    const rows = (what) => [...section.querySelectorAll(what)], known = failures.length, whole = () => h`<section aria-labelledby="${name}"><h2 id="${name}">${TITLES[name]}</h2>${inside(page, section, rows)}</section>`;
    try { if (!inside || same(section, whole())) continue; } catch { /* one of its rows says why */ }
    if (failures.length === known) judgeEach(page, rows("[data-e], [data-item]"));
    if (failures.length === known) fail(null, `there is more or less under "${TITLES[name]}" than the entries say, or elsewhere`, section);
  }
}

// --- What came of it. Nothing is "verified" before the hash of the first roster was typed in from elsewhere. ---
function tell(page) {
  const given = plain($("proof-roster").value).toLowerCase(), first = page.versions[0]?.hash;
  const size = page.leaves.length, after = size - (page.covered ?? 0), others = size - page.entries.length;
  const checked = `${page.entries.length} entries, their signatures, the chain, the tree, ${page.checkpoint ? `the checkpoint of ${page.covered} entries${
    after > 0 ? ` (not covered: the ${count(after, "entry", "entries")} after it)` : ""}` : "no checkpoint (there is none: entries could be missing at the end)"} and ${
    document.querySelectorAll("[data-e]").length} rows were checked${others > 0 ? `; of ${count(others, "entry", "entries")} of others nothing but the tree is here` : ""}.`;
  const wrong = given && given !== first ? [`entry 0: its roster is not the one whose hash you gave`] : [];
  const all = failures.concat(wrong);
  if (all.length) say("failed", `Failed: ${all[0]}`, all.length === 1 ? "Do not trust this page." : `And ${all.length - 1} more: ${all.slice(1, 6).join("; ")}`);
  else if (!given) say("not-proven", "Not proven yet", `Nothing wrong was found: ${checked} But anybody could have made all of it: give the hash of the first roster, as it was handed to you.`);
  else if (!page.closed) say("not-proven", "Not proven yet", `${checked} The record is not closed: what came after its newest entry could have been left out.`);
  else say("verified", "Verified", `${checked} They begin with the roster whose hash you gave. What the rules make of them, \`aether-audit verify report.html\` derives again.`);
}

cannot("This browser has no WebCrypto with Ed25519 here, or could not unpack what the page carries.");
const block = $("carried").textContent;
if (!block) return cannot("This page carries no entries.");
try {
  await crypto.subtle.importKey("raw", new Uint8Array([88].concat(Array(31).fill(102))), "Ed25519", false, ["verify"]);
  new DecompressionStream("deflate-raw");
} catch { return; }
let page = { versions: [], entries: [] };
try {
  page = await unpack(block);
  await judge(page);
  judgeRows(page);
  await judgeShape(page);
} catch (error) {
  fail(null, `what the page carries cannot be read: ${error.message}`);
}
$("proof-ask").hidden = false;
$("proof-roster").addEventListener("input", () => tell(page));
tell(page);
})();
