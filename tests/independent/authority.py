"""Who may record what: section 10 of docs/FORMAT.md."""
from encoding import need
from shapes import DECISIONS

LEAD, ANY = ({"lead-deployer"}, False), (None, True)
WHO = {**dict.fromkeys(DECISIONS, LEAD), "message-sent": ({"comms-lead", "lead-deployer", "recorder"}, True),
       "item-signed": (None, False), "item-withdrawn": (None, False), "opening-erased": ({"custodian"}, False)}
ASSIGNED = {"decision-made", "checklist-amended", "deployment-closed", "item-signed"}


def may(kind, s, body, keys, roster, deployment, authors):
    p, people = s["predicate"], []
    roles, machines = WHO.get(kind, ANY)
    for signer in p["signers"]:
        need(signer["key"] in keys, f"the key {signer['key'][:12]} is not on the roster in force")
        _, person, use = keys[signer["key"]]
        role = signer["role"]
        people.append((person["id"], role))
        need(use == "role" and role in person["roles"], f"{person['id']} may not sign it as {role}")
        policy = deployment and deployment["opened"]["policy"].get("machineRollback")
        allowed = policy if kind in ("rollback-triggered", "rollback-started", "rollback-finished") else machines
        need(person["kind"] == "person" or allowed, f"{person['id']} is a machine")
        need(roles is None or role in roles, f"{person['id']} as {role} may not record {kind}")
        if kind in ASSIGNED and deployment:
            need(deployment["held"].get(role) == person["id"], f"{person['id']} is not its {role}")
        if kind == "item-signed" and deployment:
            item = [x for x in deployment["checklist"]["items"] if x["id"] == body["item"]]
            need(item and body["checklist"] == deployment["checklist"]["text"]["commit"], "no such item in the checklist in force")
            need(role in item[0].get("roles", [role]), f"{role} may not sign {body['item']}")
        if kind == "item-withdrawn" and deployment:
            own = deployment["signed"].get((body["statement"], body["item"]))
            need(own is not None, "no such sign-off")
            lead = role == "lead-deployer" and deployment["held"].get(role) == person["id"]
            need(person["id"] in own or lead, f"{person['id']} did not sign what is withdrawn")
    if roles and len(roles) == 1:
        role, = roles
        need(len({person for person, _ in people}) >= roster["roles"].get(role, {"threshold": 1})["threshold"], f"too few sign as {role}")
    need(kind != "opening-erased" or len({a for a, _ in people}) > 1 or people[0][0] not in authors, "its author alone erases it")
    held = {}
    if kind == "deployment-opened":
        held = {a["role"]: a["person"] for a in body["assignments"]}
    elif kind == "roles-assigned" and deployment:
        held = {**deployment["held"], body["role"]: body["person"]}
    known = {x["id"]: x for x in roster["people"]}
    for role, person in held.items():
        need(person in known and known[person]["kind"] == "person" and role in known[person]["roles"], f"{person} cannot be {role}")
    for a, b in roster["separate"]:
        need(a not in held or held[a] != held.get(b), f"{held.get(a)} is both {a} and {b}")
    if kind == "roles-assigned" and deployment:
        for pair in roster["separate"]:
            other = [role for role in pair if role != body["role"]]
            need(body["role"] not in pair or (other[0], body["person"]) not in deployment["past"], f"{body['person']} was {other[0]} before")
    return [person for person, _ in people]
