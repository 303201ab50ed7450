# A policy to begin with: may what this bundle records be promoted?
#
# Input: the lines of report.bundle.jsonl as one array (`jq -s . report.bundle.jsonl`). The policy believes what it
# is given: `aether-audit verify` comes first. Rego v1, for Open Policy Agent and engines like it.
package aether_audit.promotion

import rego.v1

default allow := false

allow if count(deny) == 0

# What each envelope states, in the log's order, with its kind.
events := [event |
	some envelope in input
	statement := json.unmarshal(base64.decode(envelope.payload))
	kind := trim_suffix(trim_prefix(statement.predicateType, "https://project-aether.io/audit/"), "/v1")
	event := object.union(statement.predicate, {"kind": kind})
]

kinds := [event.kind | some event in events]

opened := event if [event] := [event | some event in events; event.kind == "deployment-opened"]

closed := event if [event] := [event | some event in events; event.kind == "deployment-closed"]

decisions contains event.body.decision if {
	some event in events
	event.kind == "decision-made"
}

withdrawn contains event.body.statement if {
	some event in events
	event.kind == "item-withdrawn"
}

# The checklist in force: as opened, or as last amended.
checklists := [event.body.checklist | some event in events; event.kind in {"deployment-opened", "checklist-amended"}]

checklist := checklists[count(checklists) - 1]

# Sign-offs that stand, of the text in force.
signed := [event |
	some event in events
	event.kind == "item-signed"
	event.body.checklist == checklist.text.commit
	not event.id in withdrawn
]

# The newest word of each key on each item.
outcomes[item][key] := words[count(words) - 1] if {
	some item in {event.body.item | some event in signed}
	some key in {signer.key | some event in signed; event.body.item == item; some signer in event.signers}
	words := [event.body.outcome |
		some event in signed
		event.body.item == item
		key in {signer.key | some signer in event.signers}
	]
}

roles[item] contains signer.role if {
	some event in signed
	item := event.body.item
	some signer in event.signers
}

settled(item) if {
	words := object.get(outcomes, item.id, {})
	count(words) >= object.get(item, "signers", 1)
	every word in words { word in {"done", "na"} }
	every role in required(item) { role in object.get(roles, item.id, set()) }
}

required(item) := item.roles if item.allRoles

required(item) := [] if not item.allRoles

# What ticks the items that nobody signs.
happened contains "snapshot" if {
	some event in events
	event.kind == "snapshot-taken"
	event.body.act in {"done", "observed"}
}

happened contains "deploy" if {
	some event in events
	event.kind == "stage-reached"
	event.body.stage == "deploy"
	event.body.act in {"done", "observed"}
}

happened contains "go" if "go" in decisions

happened contains "all-clear" if "all-clear" in decisions

happened contains "shift" if count(elsewhere) == 0

# Where the traffic of each service went last, and who is not wholly on Green.
shifts := [event.body | some event in events; event.kind == "traffic-shifted"; event.body.act in {"done", "observed"}]

elsewhere contains service if {
	some service in opened.body.services
	moves := [move | some move in shifts; move.service == service]
	not on_green(moves)
}

on_green(moves) if {
	last := moves[count(moves) - 1]
	last.to == "green"
	last.percent == 100
}

# The newest verdict of each check.
verdicts[check] := phases[count(phases) - 1] if {
	some check in {event.body.check | some event in events; event.kind in {"metric-read", "evidence-collected"}}
	phases := [object.get(event.body, "phase", "none") |
		some event in events
		event.kind in {"metric-read", "evidence-collected"}
		event.body.check == check
	]
}

signers contains signer.key if {
	some event in signed
	some signer in event.signers
}

deny contains "no deployment was opened, or more than one" if not opened

# A rehearsal counts only where the team's data says so.
deny contains "a rehearsal" if {
	opened.body.rehearsal
	not data.rehearsal_counts
}

deny contains "not closed" if not closed

deny contains sprintf("ended %s", [closed.body.outcome]) if closed.body.outcome != "completed"

# Reports and notes may follow the closing.
deny contains "the closing counts other entries" if {
	some place, kind in kinds
	kind == "deployment-closed"
	closed.body.entries != place + 1
}

deny contains sprintf("no %s", [decision]) if {
	some decision in {"go", "all-clear"} - decisions
}

deny contains sprintf("%s was waived", [event.body.waives]) if {
	some event in events
	event.kind == "decision-made"
	event.body.decision == "override"
}

deny contains sprintf("%s is not signed by all who must", [item.id]) if {
	some item in checklist.items
	not item.by
	not settled(item)
}

deny contains sprintf("%s never happened", [item.id]) if {
	some item in checklist.items
	item.by
	not item.by in happened
}

deny contains sprintf("%s was never measured", [check.id]) if {
	some check in opened.body.checks
	not verdicts[check.id]
}

deny contains sprintf("%s was last read as %s", [check.id, verdicts[check.id]]) if {
	some check in opened.body.checks
	verdicts[check.id] != "pass"
}

deny contains sprintf("the traffic of %s is not all on Green", [service]) if some service in elsewhere

deny contains "traffic moved before the go" if {
	some at, event in events
	event.kind == "traffic-shifted"
	event.body.to == "green"
	event.body.act != "failed"
	earlier := array.slice(events, 0, at)
	not "go" in {one.body.decision | some one in earlier; one.kind == "decision-made"}
}

deny contains "a rollback, or a reason for one" if {
	some kind in kinds
	kind in {"rollback-triggered", "rollback-started"}
}

# Keys are counted: whose they are, the roster says, which is not among a deployment's entries.
deny contains "fewer than two keys signed" if count(signers) < 2
