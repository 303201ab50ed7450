"""A record with a row of every sort: sign-offs taken back, attachments of all kinds, overrides, a way back, erasures."""

import functools
import json

import stage
from shell import play

SCRIPT = r"""
export AETHER_AUDIT_PASSPHRASE=correct-horse AETHER_AUDIT_KEYS=$PWD/private AETHER_AUDIT_AS=alice
aether-audit init --origin example.com/audit/prod
aether-audit key new bob && aether-audit key new carol && aether-audit key new robot
aether-audit key enroll bob --role comms-lead
aether-audit key enroll carol --role qa-engineer
aether-audit key enroll robot --machine
aether-audit open v2 --commit 0123456789abcdef0123456789abcdef01234567 --lead-deployer alice --comms-lead bob --qa-engineer carol --reason "because of <b>this</b> & that"
aether-audit sign env-audit --note "$(printf 'compared  with\ntwo lines, “quotes” and <script>')"
aether-audit sign dns-ttl --na --reason "no DNS"
aether-audit sign tests-green --failed --reason "red" --as carol
aether-audit withdraw tests-green --reason "the wrong one" --as carol
aether-audit sign tests-green --as carol
printf 'a text file\nof two lines\n' > a.txt; head -c 9000 /dev/zero | tr '\0' x > long.txt; printf '\377\376\000' > b.bin
aether-audit attach a.txt --note "what it says" --as carol
aether-audit attach long.txt --as carol
aether-audit attach b.bin --as carol
aether-audit note "$(printf 'a note that turns \342\200\256 around')" --as bob
aether-audit note "$(printf '\n\nbegins with two empty lines')" --as bob
aether-audit record traffic-shifted --service web --to green --percent 10 --act done
aether-audit record snapshot-taken --resource db --snapshot s1 --act intended
aether-audit record stage-reached --stage build --run 77 --act failed --detail "it broke"
aether-audit record message-sent --channel "#ops" --text "we start" --as bob
aether-audit decide override --gate go --waive item/monitoring-ready --reason "must be"
aether-audit decide no-go --reason "not now"
aether-audit key enroll bob --role qa-engineer
aether-audit assign qa-engineer bob --reason "carol is ill"
aether-audit key rotate --as carol
aether-audit record traffic-shifted --service web --to green --percent 100 --act done
aether-audit record rollback-triggered --trigger business --reason "people cannot pay" --as bob
aether-audit rollback --reason "they really cannot" --trigger manual --yes
aether-audit record rollback-step --step announce --act done --as bob
aether-audit record rollback-step --step revert-traffic --service web --act observed
aether-audit record rollback-finished --outcome partial
aether-audit record standby-changed --service web --state extended --act done
aether-audit note "its author will want this gone" --as carol
aether-audit collect --as robot # exit 3
sed 's/DNS TTL of/The DNS TTL of/' templates/Deployment_Checklist.md > amended.md && aether-audit amend amended.md --reason "an article"
aether-audit sign dns-ttl --na --reason "still no DNS"
aether-audit close
aether-audit note "after" --as bob
"""


@functools.cache
def home():
    """The project's folder; its record is in `records/v2`, and two of the texts that carol brought are erased."""
    project = stage.empty("crowded")
    play(SCRIPT, project)
    unlocked = {"AETHER_AUDIT_PASSPHRASE": stage.PASSPHRASE, "AETHER_AUDIT_KEYS": str(project / "private")}
    run = functools.partial(stage.run, cwd=project, variables=unlocked)
    carols = [entry for entry in json.loads(run(["aether-audit", "log", "-o", "json"])) if "carol" in entry["by"][0]]
    (note,) = [entry["body"]["text"] for entry in carols if entry["kind"] == "note-added"]
    brought = next(entry["body"]["response"] for entry in carols if entry["kind"] == "evidence-collected")
    for text in (note, brought):
        run(["aether-audit", "erase", text["commit"], "--reason", "a name", "--as", "alice", "--yes"])
    run(["aether-audit", "report", "--as", "alice"])
    return project
