"""The members of every object: sections 2 to 9 of docs/FORMAT.md, as tables. A `?` marks an optional member."""
import re

from encoding import millis

def matches(pattern):
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v, re.ASCII) is not None


def time(v):
    return matches(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z")(v) and millis(v) is not None


def plain(v):
    return isinstance(v, str) and not any(c < " " or "\x7f" <= c <= "\x9f" for c in v)


def origin(v):
    return plain(v) and 1 <= len(v.encode()) <= 255 and not re.search(r"[\s+]|://", v)


def uint(limit):
    return lambda v: type(v) is int and 0 <= v < limit


def mapping(value):
    return lambda v: isinstance(v, dict) and all(fits("token", k) and fits(value, x) for k, x in v.items())


token, hex64 = matches("[a-z0-9][a-z0-9.-]{0,63}"), matches("[0-9a-f]{64}")
SIMPLE = {
    "token": token, "hash": hex64, "id": matches("[0-9a-f]{32}"), "time": time, "origin": origin, "any": lambda v: True,
    "text": lambda v: isinstance(v, str), "plain": lambda v: plain(v), "text500": lambda v: plain(v) and len(v.encode()) <= 500,
    "text4096": lambda v: plain(v) and len(v.encode()) <= 4096, "true": lambda v: v is True,
    "label": lambda v: plain(v) and 1 <= len(v.encode()) <= 256, "u32": uint(2**32), "u64": uint(2**53), "percent": uint(101),
    "decimal": lambda v: matches(r"-?(0|[1-9]\d*)(\.\d+)?")(v) and len(v) <= 40 and not matches(r"-[0.]+")(v),
    "media": matches("[a-z0-9.+/;= -]{1,100}"), "many": lambda v: uint(100)(v) and v >= 2, "names": mapping("ref"), "roles": mapping("role"),
    "pair": lambda v: isinstance(v, list) and len(v) == 2 and all(map(token, v)),
    "offset": matches(r"T-0|T[+-]0|T[+-](?=\d)(\d{1,3}d)?(\d{1,3}h)?(\d{1,3}m)?"),
    "distinct": lambda v: isinstance(v, list) and v and all(map(token, v)) and len(set(v)) == len(v),
    "points": lambda v: isinstance(v, list) and 1 <= len(v) <= 500 and all(fits("point", x) for x in v),
}
ACT, READING = "act:intended|done|failed|observed intent?:id detail?:ref ", "pass|warn|no-data|error|trigger"
READING = (f"source:plain check?:token phase?:{READING} value?:decimal unit?:plain statistic?:plain query?:text4096 window?:window "
           "points?:points baseline?:decimal baselinePoints?:points samples?:u64 response?:ref note?:ref detail?:text500")
SHAPES = {
    "entry": "deploymentSeq?:u64 envelope:envelope prev:hash recorded:time seq:u64",
    "envelope": "payload:text payloadType:text signatures:[signature]", "signature": "keyid:hash sig:text",
    "statement": "_type:text predicate:predicate predicateType:text subject:[subject]", "subject": "digest:any name:label",
    "predicate": "body:any deployment?:token id:id log:origin roster:hash seen?:seen signers:[signer] time:time",
    "seen": "leaf:hash seq:u64", "signer": "key:hash role:token", "ref": "commit:hash mediaType:media", "role": "threshold:u32",
    "roster": "log:origin version:u64 previous?:hash rootThreshold:u32 logKeys:[text] witnessPolicy?:text people:[person] "
              "roles:roles separate:[pair]",
    "person": "id:token kind:person|machine roles:[token] keys:[key]", "key": "public:text use:root|role proof:text madeBy?:token",
    "checklist": "items:[item] phases:[phase] text:ref", "phase": "id:token from?:offset to?:offset",
    "item": "id:token phase?:token roles?:distinct allRoles?:true signers?:many naNever?:true check?:token "
            "by?:go|snapshot|deploy|shift|all-clear",
    "check": "id:token source:cloudwatch|http|command|file unit?:plain objective?:limit rollback?:limit baseline?:baseline "
             "aggregate?:max|min|mean|last minRequests?:u64 onFail?:pass|warn|no-data|error|trigger query?:hash expect?:plain watch?:true",
    "limit": "op:<|<=|>|>= value:decimal", "baseline": "days:u32 ratio:decimal", "assignment": "person:token role:token",
    "policy": "verificationMinutes:u32 standbyMinutes:u32 coverage:decimal machineRollback?:true",
    "point": "at:time value:decimal", "window": "from:time period:u32 to:time", "file": "name:label sha256:hash",
}
GOVERNANCE = {
    "ledger-opened": "roster:roster names?:names rehearsal?:true", "roster-changed": "roster:roster names?:names reason?:ref",
    "key-rotated": "person:token old:hash new:key", "key-revoked": "person:token key:hash compromisedFromSeq?:u64 reason:ref",
}
DECISIONS = {
    "deployment-opened": "release:label environment:label type:standard|normal|emergency risk?:low|medium|high ticket?:label "
                         "reason?:ref redeployOf?:token rehearsal?:true services:[label] assignments:[assignment] "
                         "checklist:checklist checks:[check] policy:policy",
    "roles-assigned": "person:token role:token reason?:ref",
    "decision-made": "decision:go|no-go|all-clear|override|abort reason:ref gate?:go|shift|all-clear|retire|sign|close waives?:label",
    "checklist-amended": "checklist:checklist reason:ref",
    "deployment-closed": "entries:u64 outcome:completed|rolled-back|partly|aborted|no-go",
}
FACTS = {
    "item-signed": "checklist:hash item:token outcome:done|na|failed note?:ref reason?:ref",
    "item-withdrawn": "item:token statement:id reason:ref", "snapshot-taken": ACT + "resource:label snapshot?:label",
    "stage-reached": ACT + "stage:label run?:label", "traffic-shifted": ACT + "service:label to:blue|green percent:percent",
    "standby-changed": ACT + "service:label state:kept|extended|retired until?:time",
    "rollback-step": ACT + "step:announce|revert-traffic|verify-previous|notify|schedule-review service?:label",
    "rollback-triggered": "trigger:error-rate|unresponsive|database|security|business|limit|manual check?:token evidence?:id reason?:ref",
    "rollback-started": "reason:ref", "rollback-finished": "outcome:complete|partial|failed detail?:ref",
}
ASIDES = {
    "message-sent": "channel:label delivery:sent|failed|reported text:ref template?:token response?:ref",
    "evidence-collected": READING, "metric-read": READING, "note-added": "text:ref about?:id", "review-recorded": "text:ref",
    "report-issued": "covers:seen files:[file]", "opening-erased": "commit:hash reason:ref",
}
KINDS = {**GOVERNANCE, **DECISIONS, **FACTS, **ASIDES}
SHAPES.update(KINDS)


def fits(kind, v):
    """Whether a value has the shape that FORMAT.md gives under this name."""
    if kind in SHAPES:
        members = dict(member.split(":", 1) for member in SHAPES[kind].split())
        return (isinstance(v, dict) and v.keys() <= {name.rstrip("?") for name in members}
                and all(fits(t, v[name.rstrip("?")]) if name.rstrip("?") in v else name.endswith("?") for name, t in members.items()))
    if kind in SIMPLE:
        try:
            return bool(SIMPLE[kind](v))
        except ValueError:
            return False
    return isinstance(v, list) and all(fits(kind[1:-1], x) for x in v) if kind[0] == "[" else isinstance(v, str) and v in kind.split("|")
