"""JSON, base64, times and keys: sections 1 and 7 of docs/FORMAT.md."""
import base64
import datetime
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SPKI = bytes.fromhex("302a300506032b6570032100")
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


class Bad(Exception):
    """Bytes that are not of the format."""


def need(good, why):
    if not good:
        raise Bad(why)


def sha(*parts):
    return hashlib.sha256(b"".join(parts))


# Section 1: encodings.
def jcs(v):
    if isinstance(v, dict):
        names = sorted(v, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(jcs(name) + ":" + jcs(v[name]) for name in names) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(jcs, v)) + "]"
    need(v is not None, "null")
    return json.dumps(v, ensure_ascii=False)


def depth(v):
    inner = v.values() if isinstance(v, dict) else v if isinstance(v, list) else ()
    return 1 + max(map(depth, inner)) if inner else 0


def read(data):
    """The value of canonical JSON, and of nothing else."""
    def refuse(text):
        raise Bad(f"the number {text}")

    def integer(text):
        need(len(text) < 18 and abs(int(text)) < 2**53, f"the integer {text[:20]}")
        return int(text)

    try:
        v = json.loads(data.decode(), parse_float=refuse, parse_constant=refuse, parse_int=integer)
        need(depth(v) <= 64 and jcs(v).encode() == data, "not canonical JSON")
    except (ValueError, RecursionError) as error:
        raise Bad(f"not canonical JSON: {str(error)[:80]}") from None
    return v


def b64(text, length=None):
    try:
        raw = base64.b64decode(text)
    except ValueError:
        raise Bad("not base64") from None
    need(base64.b64encode(raw).decode() == text and length in (None, len(raw)), "not base64 of this length")
    return raw


def millis(text):
    date = datetime.datetime.fromisoformat(("2000" if text[:4] == "0000" else text[:4]) + text[4:23])
    return (date - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)


# Section 7: keys and signatures.
def point(raw):
    y, sign = int.from_bytes(raw, "little") & 2**255 - 1, raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    need(y < P and x * x % P == square and not (x == 0 and sign), "no curve point")
    return (x if x & 1 == sign else P - x), y


def times(n, p):
    q = (0, 1)
    for bit in bin(n)[2:]:
        for add in [q] + [p] * int(bit):
            (a, b), (c, d) = q, add
            t = D * a * b * c * d % P
            q = (a * d + b * c) * pow(1 + t, -1, P) % P, (b * d + a * c) * pow(1 - t, -1, P) % P
    return q


def public(raw):
    need(times(L, point(raw)) == (0, 1) and times(8, point(raw)) != (0, 1), "weak key")
    return raw


def key_of(spki):
    der = b64(spki, 44)
    need(der[:12] == SPKI, "not an Ed25519 key")
    return sha(der).hexdigest(), public(der[12:])


def signed(raw, message, sig):
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(sig, message)
        return times(8, point(sig[:32])) != (0, 1)
    except (InvalidSignature, Bad):
        return False
