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

# The newest sign-off that nobody withdrew is an item's outcome.
outcomes[item] := all[count(all) - 1] if {
	some item in {event.body.item | some event in events; event.kind == "item-signed"}
	all := [event.body.outcome |
		some event in events
		event.kind == "item-signed"
		event.body.item == item
		not event.id in withdrawn
	]
}

measured contains event.body.check if {
	some event in events
	event.kind in {"metric-read", "evidence-collected"}
}

signers contains signer.key if {
	some event in events
	event.kind == "item-signed"
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

deny contains sprintf("%s is not signed", [item.id]) if {
	some item in opened.body.checklist.items
	not item.by
	not object.get(outcomes, item.id, "") in {"done", "na"}
}

deny contains sprintf("%s was never measured", [check.id]) if {
	some check in opened.body.checks
	not check.id in measured
}

deny contains "fewer than two people signed" if count(signers) < 2
