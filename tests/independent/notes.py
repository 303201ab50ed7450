"""Keys, signed notes, inclusion proofs, from docs/FORMAT.md (sections 5, 7, 12 and 13) alone: a page of verify.py."""
import base64, hashlib, re
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
CONTROL = r"\x00-\x1f\x7f-\x9f"
NAME, B64 = rf"[^\s+{CONTROL}]+", "[A-Za-z0-9+/]"
BASE64, HASH = f"(?:{B64}{{4}})*(?:{B64}[AQgw]==|{B64}{{2}}[AEIMQUYcgkosw048]=)?", B64 + "{42}[AEIMQUYcgkosw048]="
PROOF = rf"c2sp\.org/tlog-proof@v1\n(?:extra {BASE64}\n)?index (0|[1-9][0-9]*)\n((?:{HASH}\n){{0,64}})\n((?s:.+))"
b64 = base64.b64decode
sha256 = lambda data: hashlib.sha256(data).hexdigest()
# Ed25519, and of what `cryptography` does not refuse: small order, and y that is not canonical
P, D = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19) % (2**255 - 19)
def key(raw):  # the 32 bytes, when they may be a key
    y = int.from_bytes(raw, "little") % 2**255
    if y >= P or y in (0, 1, P - 1) or (D * y**4 + 2 * y * y - 1) % P == 0: raise ValueError("small, or not canonical")
    return raw
def signed(raw, signature, message):
    try: return not Ed25519PublicKey.from_public_bytes(raw).verify(signature, message) and key(signature[:32]) != b""
    except (InvalidSignature, ValueError): return False
def named(name, data):  # whether a file of a public key is the one of its name
    text = data[27:87].decode("ascii", "replace")
    return data == b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % data[27:87] \
        and re.fullmatch("MCowBQYDK2VwAyEA" + HASH, text) and name == sha256(b64(text)) + ".pub.pem"
# Notes
def vkey(text, type):  # (name, key id), the 32 bytes
    match = re.fullmatch(rf"({NAME})\+([0-9a-f]{{8}})\+({B64}{{44}})", text)
    raw = b64(match[3]) if match else b"none"
    if raw[0] != type or match[2] != sha256(match[1].encode() + b"\n" + raw)[:8]: raise ValueError("no vkey")
    return (match[1], match[2]), key(raw[1:])
def checkpoint(note):  # origin, size, root, the text that is signed, and ((name, key id), the rest) of each line
    head, _, tail = note.rpartition("\n\n")
    if not re.fullmatch(rf"(?:— {NAME} (?=[^=\n]{{7}}){BASE64}\n){{1,100}}", tail) or len(note.encode()) > 262_144 \
            or re.search("[\\x00-\\x09\\x0b-\\x1f]", note): raise ValueError("no signed note")
    text = re.fullmatch(rf"({NAME})\n(0|[1-9][0-9]{{0,15}})\n({HASH})", head) or ["", "", 0, ""]
    sigs = [((name, b64(sig)[:4].hex()), b64(sig)[4:]) for name, sig in re.findall(f"— ({NAME}) (.*)\n", tail)]
    return text[1], int(text[2]), b64(text[3]).hex(), (head + "\n").encode(), sigs
def witnesses(policy):
    return dict(vkey(text, 4) for text in re.findall("(?m)^[ \t]*witness[ \t]+[^ \t\n]+[ \t]+([^ \t\n]+)", policy))
# Proofs
def node(left, right): return sha256(b"\1" + bytes.fromhex(left + right))
def climb(leaf, at, size, path):  # the root that an audit path leads to; "" where it is too short or too long
    if size < 2 or not path: return leaf if size == 1 and not path else ""
    k = 1 << (size - 1).bit_length() - 1
    below = climb(leaf, at % k, k if at < k else size - k, path[:-1])
    return below and (node(below, path[-1]) if at < k else node(path[-1], below))
def proof(name, text):  # the entry's number, the path and the note of a proof that stands under its right name
    match = re.fullmatch(PROOF, text)
    if not match or name != match[1] + ".tlog-proof": raise ValueError("no proof of that name")
    return int(match[1]), [b64(line).hex() for line in match[2].split()], match[3]
