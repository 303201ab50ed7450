"""What verify.py checks, and the RFC 3161 tokens beside the entries, from docs/FORMAT.md (section 12) alone. LEFT TO
THE PROGRAM: of RFC 5280, name constraints and critical extensions that `cryptography` knows."""
import argparse, base64, collections, datetime, hashlib, pathlib, re, sys
from verify import main, read, verify as of_log
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
class Unknown(Exception): "Made by a rule that is not known here: no finding, and nothing to trust."
Element = collections.namedtuple("Element", "tag value raw")
Certificate = collections.namedtuple("Certificate", "raw issuer serial key")
# Object identifiers, as they stand in DER
PKCS, SHA_1, SHA_256 = "2a864886f70d01", "2b0e03021a", "608648016503040201"
SIGNED_DATA, TST_INFO, RSA = PKCS + "0702", PKCS + "09100104", PKCS + "0101"
CONTENT_TYPE, DIGEST, BY_SHA_1, BY_ANY = (PKCS + end for end in ("0903", "0904", "0910020c", "0910022f"))
HASHES = {  # the hash function, and the algorithms of RSA and of ECDSA with it
    SHA_256: (hashes.SHA256(), PKCS + "010b", "2a8648ce3d040302"),
    "608648016503040202": (hashes.SHA384(), PKCS + "010c", "2a8648ce3d040303"),
    "608648016503040203": (hashes.SHA512(), PKCS + "010d", None)}
# DER
def elements(data):
    at, found = 0, []
    while at < len(data):
        start, (tag, length), at = at, data[at:at + 2], at + 2
        if length > 127:
            size, at = length - 128, at + length - 128
            length = int.from_bytes(data[at - size:at], "big")
            if not 1 <= size <= 4 or length < max(128, 1 << 8 * (size - 1)): raise ValueError("no DER length")
        if at + length > len(data) or tag & 31 == 31: raise ValueError("no DER element")
        found.append(Element(tag, data[at:at + length], data[start:at + length]))
        at += length
    return found
def parts(data, tags):  # the elements whose tags stand in brackets in the pattern; None for one that is left out
    found = elements(data)
    match = re.fullmatch(tags, bytes(element.tag for element in found), re.DOTALL)
    if not match: raise ValueError("another structure")
    places = [match.start(group) for group in range(1, match.re.groups + 1)]
    return [found[place] if place >= 0 else None for place in places]
def same(found, expected):
    if found != expected: raise ValueError(f"{found} where {expected} must stand")
def oid(element): return element.value.hex() if element.tag == 6 else None
def algorithm(element):  # its parameters are absent or NULL
    identifier, null = parts(element.value, b"(\x06)(\x05)?")
    same(null.value if null else b"", b"")
    return oid(identifier)
def moment(digits):  # to the second
    if not re.fullmatch(r"(?a:\d{14}(\.\d+)?Z)", digits) or digits < "1970": raise ValueError("no time")
    return datetime.datetime(int(digits[:4]), *(int(digits[at:at + 2]) for at in range(4, 14, 2)), tzinfo=datetime.UTC)
def certificate(raw):
    signed, bits = parts(elements(raw)[0].value, b"(\x30)\x30(\x03)")
    serial, issuer, validity, key, extensions = parts(
        signed.value, b"\xa0?(\x02)\x30(\x30)(\x30)\x30(\x30)\x81?\x82?(\xa3)?")
    for time in parts(validity.value, b"([\x17\x18])([\x17\x18])"):
        text = time.value.decode("ascii")
        same(moment(text if time.tag == 0x18 else ("19" if text >= "50" else "20") + text) and "." in text, False)
    if extensions: parts(extensions.value, b"(\x30)")
    same(bits.value[:1], b"\0")
    return Certificate(raw, issuer.raw, serial.raw, key.raw)
# Tokens
def opened(reply):  # the certificate that signed it and all that it brings, genTime, imprint
    status, info = parts(parts(reply, b"(\x30)")[0].value, b"(\x30)(\x30)")
    kind, explicit = parts(info.value, b"(\x06)(\xa0)")
    version, hashed, encapsulated, brought, signers = parts(
        parts(explicit.value, b"(\x30)")[0].value, b"(\x02)(\x31)(\x30)(\xa0)(\x31)")
    content_kind, octets = parts(encapsulated.value, b"(\x06)(\xa0)")
    same((parts(status.value, b"(\x02)")[0].value, version.value), (b"\0", b"\3"))
    same((oid(kind), oid(content_kind), len(reply) <= 65_536), (SIGNED_DATA, TST_INFO, True))
    content, hashed, signer = (parts(e.value, b"(.)")[0] for e in (octets, hashed, signers))
    same((content.tag, hashed.tag, signer.tag, parts(brought.value, b"\x30{0,10}")), (4, 0x30, 0x30, []))
    certificates = [certificate(element.raw) for element in elements(brought.value)]
    signer = signed_by(signer, algorithm(hashed), content.value, certificates)
    version, imprint, time, more = parts(
        parts(content.value, b"(\x30)")[0].value, b"(\x02)\x06(\x30)\x02(\x18)\x30?\x01?\x02?\xa0?(.)?.*")
    how, digest = parts(imprint.value, b"(\x30)(\x04)")
    same(version.value, b"\1")
    if algorithm(how) != SHA_256 or more: raise Unknown
    return signer, certificates, moment(time.value.decode("ascii")), digest.value
def signed_by(info, hashed, content, certificates):  # the certificate whose key made the signature
    version, sid, own, attributes, how, signature = parts(info.value, b"(\x02)(\x30)(\x30)(\xa0)(\x30)(\x04)")
    issuer, serial = parts(sid.value, b"(\x30)(\x02)")
    how = algorithm(how)
    same((version.value, algorithm(own)), (b"\1", hashed))
    if hashed not in HASHES: raise Unknown
    hasher, with_rsa, with_ec = HASHES[hashed]
    signer = next((c for c in certificates if (c.issuer, c.serial) == (issuer.raw, serial.raw)), None)
    values = {}
    for attribute in elements(attributes.value):
        name, held = parts(attribute.value, b"(.)(\x31)")
        same((attribute.tag, oid(name) in values), (0x30, False))
        if oid(name) in (CONTENT_TYPE, DIGEST, BY_SHA_1, BY_ANY): values[oid(name)], = parts(held.value, b"(.)")
    if not signer or not values.keys() >= {CONTENT_TYPE, DIGEST}: raise ValueError("an attribute, or the certificate")
    same(oid(values[CONTENT_TYPE]), TST_INFO)
    same(values[DIGEST][:2], (4, hashlib.new(hasher.name, content).digest()))
    same(any([names(signer, values[by], by) for by in (BY_SHA_1, BY_ANY) if by in values]), True)
    message = b"\x31" + attributes.raw[1:]  # a SET, not the [0] that they stand as
    try:
        key = serialization.load_der_public_key(signer.key)
        if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192 and how in (RSA, with_rsa):
            key.verify(signature.value, message, padding.PKCS1v15(), hasher)
        elif getattr(key, "curve", None) and key.curve.name in ("secp256r1", "secp384r1") and how == with_ec:
            key.verify(signature.value, message, ec.ECDSA(hasher))
        else: raise Unknown
    except (ValueError, UnsupportedAlgorithm): raise Unknown from None
    return signer
def names(signer, value, attribute):  # whether the signed attribute names this certificate
    first, = parts(parts(value.value, b"(\x30).*")[0].value, b"(\x30).*")
    how, digest = parts(first.value, b"(\x30)?(\x04).*" if attribute == BY_ANY else b"(\x30){0}(\x04).*")
    how = SHA_1 if attribute == BY_SHA_1 else algorithm(how) if how else SHA_256
    if how not in (SHA_1, *HASHES): raise Unknown
    same(digest.value, hashlib.new("sha1" if how == SHA_1 else HASHES[how][0].name, signer.raw).digest())
    return value.tag == 0x30
# Whom to trust
def chains(one, roots, others):  # every way by signatures from a certificate to a root, without the root
    def made(maker):
        try: return one.verify_directly_issued_by(maker) is None
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm): return False
    if any(made(root) for root in roots): yield [one]
    for maker in filter(made, others):
        for chain in chains(maker, roots, [other for other in others if other is not maker]): yield [one, *chain]
STAMPING = x509.ExtendedKeyUsageOID.TIME_STAMPING
SIGNING = [x509.KeyUsage(*bits, *[False] * 7) for bits in ((True, False), (False, True), (True, True))]
def sound(chain, time):  # by RFC 5280, as of that time, and made for stamping
    for depth, one in enumerate(chain):
        held = {type(extension.value): extension for extension in one.extensions}
        basic, purposes, usage = map(held.get, (x509.BasicConstraints, x509.ExtendedKeyUsage, x509.KeyUsage))
        uses = [*purposes.value] if purposes else [STAMPING]
        signer = purposes and purposes.critical and uses == [STAMPING] and (not usage or usage.value in SIGNING)
        maker = basic and basic.value.ca and STAMPING in uses \
            and (basic.value.path_length is None or basic.value.path_length >= depth - 1)
        if x509.UnrecognizedExtension in {type(extension.value) for extension in one.extensions if extension.critical} \
                or not (maker if depth else signer and not (basic and basic.value.ca)): return False
    return all(one.not_valid_before_utc <= time <= one.not_valid_after_utc for one in chain)
def roots(files):
    return [root for file in files for root in x509.load_pem_x509_certificates(pathlib.Path(file).read_bytes())]
def trusted(signer, certificates, time, roots):
    try:
        roots = [root for root in roots if root.not_valid_before_utc <= time <= root.not_valid_after_utc]
        others = {certificate.raw for certificate in certificates} - {signer.raw}
        end, *others = map(x509.load_der_x509_certificate, [signer.raw, *others])
        return any(sound(chain, time) for chain in chains(end, roots, others)) \
            and all(any(chains(one, roots, [c for c in others if c is not one])) for one in others)
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion): return False
def judge(name, reply, roots, text):  # "holds", "untrusted", or a finding; `text` gives that of a size, or None
    size = re.fullmatch(r"(?a:(0|[1-9]\d{0,18})\.tsr)", name)
    try: *token, imprint = opened(reply) if size else [None]
    except Unknown: return "untrusted"
    except (ValueError, InvalidSignature): return "timestamp"
    if not size: return "timestamp"
    over = text(int(size[1]))
    if over is None or hashlib.sha256(over).digest() != imprint: return "timestamp-imprint" if over else "truncated"
    return "holds" if trusted(*token, roots) else "untrusted"
def over(log, size):  # the text of the checkpoint over that many entries; None when there are fewer
    origin = log.rosters[0][1]["log"] if log.rosters else None
    tree = base64.b64encode(bytes.fromhex(log.root(size))).decode()
    return f"{origin}\n{size}\n{tree}\n".encode() if size <= len(log.leaves) else None
def verify(folder, roster_sha256=None, checkpoint=None, tsa_roots=None):  # as there, with the tokens
    (_, findings, why), trust = of_log(folder, roster_sha256, checkpoint), roots(tsa_roots or [])
    files = sorted(pathlib.Path(folder).glob("timestamps/*"))
    log = read(pathlib.Path(folder)) if files else None
    said = {judge(file.name, file.read_bytes(), trust, lambda size: over(log, size)) for file in files}
    findings += [(None, code) for code in sorted(said - {"holds", "untrusted"})]
    why += ["the time"] * (tsa_roots is not None and said != {"holds"})
    return 1 if findings else 4 if why else 0, findings, why
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tsa-roots", action="append")
    main(parser, verify)
