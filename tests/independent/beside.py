"""What stands beside the entries, proofs and time-stamp tokens: crafted cases for compare.py, damage for mutate.py."""
import authority
import verify
from authority import BETWEEN, MAKES, SIGNER, certificate, der, stated, token
from authority import ROOT as STAMPS
from writer import note_text, proof, signed_note, text64

# (name, exit status, steps): the steps put files beside a good log of four entries.
CASES = []


def file(name, make):
    """A file beside the entries, made of the leaves and the checkpoint over them."""
    def step(log):
        log.beside[name] = make
    return step


def trusts(*roots):
    def step(log):
        log.tsa_roots = authority.pem(*roots)
    return step


def stamps(at="4.tsr", size=4, roots=(STAMPS,), content=None, **how):
    """A token over the first entries, of a log of four; and whom the caller trusts."""
    made = content or (lambda text: stated(text))
    def step(log):
        log.beside[f"timestamps/{at}"] = lambda leaves, _: token(made(note_text(leaves[:size])), **how)
        if roots:
            log.tsa_roots = authority.pem(*roots)
    return step


def stamped(what, exit_status, *steps, **how):
    CASES.append((f"a time stamp: {what}", exit_status, steps or (stamps(**how),)))


def made(**how):
    """A certificate for stamping that is unlike others, and the token that it signs."""
    kind = how.get("kind", "P-256")
    own = certificate("odd", "between", **how)
    return {"signer": own, "name": "odd", "kind": kind, "brings": (own, BETWEEN)}


def under(between):
    """A token whose signer's certificate was made by this one's key."""
    return {"brings": (SIGNER, between)}


def extended(*more):
    return {"content": lambda text: stated(text, more=more)}


def when(time):
    return {"content": lambda text: stated(text, time=time)}


stamped("over all", 0)
stamped("over the first entries", 0, at="2.tsr", size=2)
stamped("over none", 0, at="0.tsr", size=0)
stamped("nobody is trusted, nobody asked", 0, roots=())
stamped("none, and nobody asked", 0, lambda log: None)
stamped("none, and one was asked for", 4, trusts(STAMPS))
stamped("a stranger's", 4, roots=(certificate("stranger", ca=True, purposes=None, usage=MAKES),))
stamped("a stranger's root of the same name", 4, roots=(certificate("root", ca=True, purposes=None, usage=MAKES, kind="P-384", maker_kind="P-384"),))
stamped("one good, one a stranger's", 4, stamps(), stamps("2.tsr", 2, **{**made(), "brings": (certificate("odd", "between"),)}))
stamped("another size", 1, at="3.tsr")
stamped("more entries than there are", 1, at="5.tsr")
stamped("another's name", 1, at="04.tsr")
stamped("no number", 1, at="notes.txt")
stamped("another log's", 1, content=lambda text: stated("x" + text))
stamped("nobody is trusted, and another log's", 1, roots=(), content=lambda text: stated("x" + text))
stamped("no token", 1, file("timestamps/4.tsr", lambda *_: b"<html>"))
stamped("nothing", 1, file("timestamps/4.tsr", lambda *_: b""))
stamped("too long", 1, stamps(), lambda log: log.beside.update({"timestamps/4.tsr": lambda leaves, _: token(stated(note_text(leaves)), extra=authority.attribute(
    "1.2.3.4", der(authority.OCTETS, bytes(65_536))))}))
stamped("something after it", 1, file("timestamps/4.tsr", lambda leaves, _: token(stated(note_text(leaves))) + b"\0"))
stamped("with words of the authority's", 1, status=der(authority.SEQUENCE, der(12, b"well")))
stamped("of another version", 1, version=3)
stamped("with unsigned attributes", 1, unsigned=der(0xa1, authority.attribute("1.2.3.4", der(authority.NULL))))
stamped("with a list of the revoked", 1, lists=der(0xa1))
stamped("over data that is no TSTInfo", 1, kept="1.2.840.113549.1.7.1")
stamped("without its certificate", 1, brings=(BETWEEN,))
stamped("with eleven certificates", 1, brings=(SIGNER, BETWEEN, *[STAMPS] * 9))
stamped("with ten certificates", 0, brings=(SIGNER, BETWEEN, *[STAMPS] * 8))
stamped("signed by another key", 1, **{**made(), "name": "other"})
stamped("that names another certificate", 1, names=BETWEEN)
stamped("that names none", 1, leave=("cert",))
stamped("that states no type", 1, leave=("type",))
stamped("that states no digest", 1, leave=("digest",))
stamped("that names its certificate twice", 1, extra=authority.names_it("sha256", SIGNER))
stamped("that names its certificate by both", 0, extra=authority.names_it("sha1", SIGNER))
stamped("that names its certificate by both, and one is another's", 1, extra=authority.names_it("sha1", BETWEEN))
stamped("with another signed attribute", 0, extra=authority.attribute("1.2.3.4", der(authority.NULL)))
for by, exit_status in (("sha1", 0), ("sha384", 0), ("sha512", 0), ("sha224", 4)):
    stamped(f"that names its certificate by {by}", exit_status, by=by)
stamped("parameters that are NULL", 0, null=True)
stamped("SHA-384", 4, digest="sha384", how=authority.RSA)
stamped("RSA, and an algorithm of its own", 0, **made(kind="RSA"))
stamped("RSA with SHA-512", 0, digest="sha512", **made(kind="RSA"))
stamped("RSA, called by its digest", 0, how="1.2.840.113549.1.1.11", **made(kind="RSA"))
stamped("RSA, called by another digest", 4, how="1.2.840.113549.1.1.12", **made(kind="RSA"))
stamped("P-384 with SHA-384", 0, digest="sha384", **made(kind="P-384"))
stamped("P-384 with SHA-256", 0, **made(kind="P-384"))
stamped("P-256 with SHA-512", 4, digest="sha512", **made())
stamped("P-521", 4, **made(kind="P-521"))
stamped("SHA-224", 4, digest="sha224")
stamped("an imprint by SHA-384", 4, content=lambda text: stated(text, imprint="sha384"))
stamped("an extension of what it states", 4, **extended(der(0xa1)))
stamped("all that it may state", 0, **extended(der(authority.SEQUENCE), der(1, b"\xff"), authority.number(9), der(0xa0)))
stamped("a fraction of a second", 0, **when("20260703020411.5Z"))
for time in ("20260703020411", "20261303020411Z", "20260703020460Z", "20260703020411.Z", "19690703020411Z", "20260229020411Z"):
    stamped(f"the time {time}", 1, **when(time))
stamped("before the certificates", 4, **when("20190703020411Z"))
stamped("after the certificates", 4, **when("20410703020411Z"))
stamped("a certificate that had expired", 4, **made(years=(2020, 2025)))
stamped("a certificate that has expired since", 0, **{**made(years=(2020, 2022)), **when("20210703020411Z")})
stamped("a root that had expired", 4, roots=(certificate("root", ca=True, purposes=None, usage=MAKES, years=(2020, 2025)),))
for name, how in (
    ("for the web", {"purposes": (authority.WEB,)}), ("for the web too", {"purposes": (authority.STAMPING, authority.WEB)}), ("for nothing", {"purposes": None}),
    ("not critical", {"critical": False}), ("for making certificates", {"usage": MAKES}), ("that is a CA's", {"ca": True}),
    ("with a critical extension that nobody knows", {"odd": "critical"}),
):
    stamped(f"a certificate {name}", 4, **made(**how))
stamped("a certificate of any usage", 0, **made(usage=None))
stamped("a certificate with an extension that nobody knows", 0, **made(odd="not"))
for name, exit_status, how in (
    ("no CA", 4, {"ca": False}), ("without basicConstraints", 4, {"ca": None}), ("for the web", 4, {"purposes": (authority.WEB,)}), ("for stamping", 0, {"purposes": (authority.STAMPING,)}),
    ("expired", 4, {"years": (2020, 2025)}), ("of no depth", 0, {"depth": 0}), ("made by nobody known", 4, {"maker": "nobody"}),
):
    how = {"ca": True, "purposes": None, "usage": MAKES, "maker": "root", **how}
    stamped(f"a maker {name}", exit_status, **under(certificate("between", **how)))
stamped("a chain of three", 0, brings=(SIGNER, certificate("between", "higher", ca=True, purposes=None, usage=MAKES),
                                      certificate("higher", "root", ca=True, purposes=None, usage=MAKES)))
stamped("a chain deeper than it may be", 4, brings=(SIGNER, certificate("between", "higher", ca=True, purposes=None, usage=MAKES),
                                                   certificate("higher", "root", ca=True, purposes=None, usage=MAKES, depth=0)))
stamped("a certificate that nothing vouches for", 4, brings=(SIGNER, BETWEEN, certificate("stray")))
stamped("two roots", 0, brings=(SIGNER, BETWEEN, certificate("stray")), roots=(STAMPS, certificate("stray")))


def proven(what, exit_status, make, name="proofs/2.tlog-proof"):
    CASES.append((f"a proof: {what}", exit_status, [file(name, make)]))


def altered(old, new):
    return lambda leaves, signed: proof(2, leaves, signed).replace(old, new, 1)


def cosigned(leaves, signed):
    """With the line of a witness that the roster does not name, which is nobody's."""
    return proof(2, leaves, signed + f"\u2014 w1.example {text64(bytes(76))}\n")


proven("a good one", 0, lambda leaves, signed: proof(2, leaves, signed))
proven("of the first entries", 0, lambda leaves, _: proof(2, leaves[:3], signed_note(leaves[:3])))
proven("of one entry", 0, lambda leaves, _: proof(0, leaves[:1], signed_note(leaves[:1])), "proofs/0.tlog-proof")
proven("with more beside it", 0, altered(b"index", b"extra YWJj\nindex"))
proven("with more that is no base64", 1, altered(b"index", b"extra YWJ\nindex"))
proven("another's line below", 0, cosigned)
proven("of another entry", 1, lambda leaves, signed: proof(1, leaves, signed))
proven("under another name", 1, lambda leaves, signed: proof(2, leaves, signed), "proofs/1.tlog-proof")
proven("under no name", 1, lambda leaves, signed: proof(2, leaves, signed), "proofs/2.txt")
proven("under a name with a zero", 1, lambda leaves, signed: proof(2, leaves, signed), "proofs/02.tlog-proof")
proven("of an entry that is not there", 1, lambda leaves, signed: proof(2, leaves, signed).replace(b"index 2", b"index 9"), "proofs/9.tlog-proof")
proven("of more entries than there are", 1, lambda leaves, _: proof(2, leaves + leaves, signed_note(leaves + leaves)))
proven("of another tree", 1, lambda leaves, _: proof(2, leaves[::-1], signed_note(leaves[::-1])))
proven("a path that is too long", 1, lambda leaves, signed: proof(2, leaves, signed).replace(b"\n\n", b"\n" + text64(bytes(32)).encode() + b"\n\n", 1))
proven("a path that is too short", 1, lambda leaves, signed: proof(2, leaves[:3], signed))
proven("no signature", 1, lambda leaves, _: proof(2, leaves, note_text(leaves)))
proven("a signature of another", 1, altered("\u2014 ".encode(), "\u2014 x".encode()))
proven("another first line", 1, altered(b"@v1", b"@v2"))
proven("nothing", 1, lambda *_: b"")
proven("no text", 1, lambda *_: b"\xff")


# Damage


def put(export, leaves):
    """Every proof, and tokens over some sizes, made anew; whom the caller trusts."""
    export.files = {name: data for name, data in export.files.items() if not name.startswith(("proofs/", "timestamps/"))}
    note = export.files["checkpoint"].decode()
    for at in range(0, len(leaves), 4):
        export.files[f"proofs/{at}.tlog-proof"] = proof(at, leaves, note)
    for size in (len(leaves) // 2, len(leaves)):
        export.files[f"timestamps/{size}.tsr"] = token(stated(note_text(leaves[:size])))
    export.roots = authority.pem(STAMPS)


def besides(export):
    return [name for name in export.files if name.startswith(("proofs/", "timestamps/"))]


def flips_beside(rng, export):
    """A bit of a token or of a proof."""
    name = rng.choice(besides(export))
    data = bytearray(export.files[name])
    for _ in range(rng.choice([1, 1, 1, 2])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    export.files[name] = bytes(data)


def moves_beside(rng, export):
    """Proofs and tokens under other names, exchanged, cut, made longer, or left out."""
    here, there, what = rng.choice(besides(export)), rng.choice(besides(export)), rng.randrange(6)
    data = export.files[here]
    if what == 0:
        folder, _, last = here.partition("/")
        name = rng.choice(["0" + last, "x" + last, last + "x", f"{rng.randrange(30)}.tlog-proof", f"{rng.randrange(30)}.tsr", "+" + last])
        export.files[f"{folder}/{name}"] = data
    elif what == 1:
        export.files[here], export.files[there] = export.files[there], data
    elif what == 2:
        export.files[here] = data[:rng.randrange(len(data))]
    elif what == 3:
        export.files[here] = data + rng.choice([b"\n", b"\0", b"x", data])
    elif what == 4:
        for name in rng.sample(besides(export), rng.randrange(1, len(besides(export)) + 1)):
            del export.files[name]
    else:
        export.roots = rng.choice([None, authority.pem(BETWEEN), authority.pem(certificate("stranger"))])


def edits_beside(rng, export):
    """A byte of a token's structure, or a line of a proof, put into another place."""
    name = rng.choice(besides(export))
    data = export.files[name]
    if name.startswith("proofs/"):
        lines = data.split(b"\n")
        here, there = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[here:here + rng.randrange(2)] = [lines[there]]
        export.files[name] = b"\n".join(lines)
    else:
        here, there, long = (rng.randrange(len(data)) for _ in range(3))
        long = rng.choice([1, 2, 4, long % 40])
        export.files[name] = data[:here] + data[there:there + long] + data[here + rng.choice([0, long]):]


def stamps_anew(rng, export):
    """By who holds the authority's keys: what it states and signs, in another way."""
    name = rng.choice([name for name in export.files if name.startswith("timestamps/")])
    size = int(name.partition("/")[2].partition(".")[0])
    leaves = verify.Log(export.lines(), export.files["leaves.txt"].decode().split() if "leaves.txt" in export.files else None).leaves
    text = note_text(leaves[:size + rng.choice([0, 0, 0, 0, -1])])
    content = bytearray(stated(text))
    if rng.randrange(2):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    more = rng.choice([{}, {}, {"digest": rng.choice(["sha224", "sha384", "sha512"])}, {"null": True}, {"version": rng.randrange(4)},
                       {"by": rng.choice(["sha1", "sha384", "sha512", "sha224"])}, {"leave": rng.choice([("cert",), ("type",), ("digest",)])},
                       {"brings": rng.sample([SIGNER, BETWEEN, STAMPS, certificate("stray")], rng.randrange(5))},
                       {"extra": authority.attribute("1.2.3.4", der(rng.randrange(256), rng.randbytes(3)))},
                       {"how": rng.choice([authority.RSA, "1.2.3.4", authority.ECDSA["sha384"]])}, {"names": rng.choice([BETWEEN, STAMPS])}])
    if "brings" in more and rng.randrange(2):
        odd = bytearray(rng.choice([BETWEEN, STAMPS]))
        odd[rng.randrange(len(odd))] ^= 1 << rng.randrange(8)
        more["brings"] = [SIGNER, BETWEEN, bytes(odd)]
    export.files[name] = token(bytes(content), **more)


DAMAGE = {flips_beside: 4, moves_beside: 3, edits_beside: 3, stamps_anew: 4}
