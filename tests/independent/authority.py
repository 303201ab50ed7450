"""A time-stamping authority, made from docs/FORMAT.md: its tokens are rightly signed and may be wrong in any other way."""
import datetime
import functools
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

INTEGER, BITS, OCTETS, NULL, OID, SEQUENCE, SET, TIME = 2, 3, 4, 5, 6, 0x30, 0x31, 0x18
STAMPING, WEB = ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH
HASHES = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3",
          "sha224": "2.16.840.1.101.3.4.2.4"}
RSA, ECDSA = "1.2.840.113549.1.1.1", {"sha224": "1.2.840.10045.4.3.1", "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
NO_WORDS = x509.KeyUsage(True, *[False] * 8)


def der(tag, *values):
    value = b"".join(values)
    size = len(value).to_bytes((len(value).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(value) < 128 else bytes([128 + len(size)]) + size) + value


def number(value):
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for part in (first * 40 + second, *rest):
        groups = [part & 127]
        while part := part >> 7:
            groups.append(part & 127 | 128)
        out += bytes(reversed(groups))
    return der(OID, bytes(out))


def algorithm(dotted, null=False):
    return der(SEQUENCE, oid(dotted), der(NULL) if null else b"")


@functools.cache
def key(name, kind="P-256"):
    """An EC key of this name is always the same; one of RSA is new in each run."""
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    if kind == "RSA-1024":
        return rsa.generate_private_key(65537, 1024)
    curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[kind]
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()) >> 1, curve)


@functools.cache
def certificate(name, maker=None, kind="P-256", ca=None, purposes=(STAMPING,), critical=True, usage=NO_WORDS, years=(2020, 2040), depth=None,
                odd=None, maker_kind="P-256"):
    """A certificate of the key of that name, signed by the key of another; `ca` as in basicConstraints, absent where None."""
    of, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, maker or name))
    from_, to = (datetime.datetime(year, 1, 1) for year in years)
    made = x509.CertificateBuilder().subject_name(of).issuer_name(by).public_key(key(name, kind).public_key())
    made = made.serial_number(int.from_bytes(hashlib.sha256(repr((name, maker, kind, purposes, years)).encode()).digest()[:8]) | 1)
    made = made.not_valid_before(from_).not_valid_after(to)
    if ca is not None:
        made = made.add_extension(x509.BasicConstraints(ca, depth), True)
    if purposes:
        made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical)
    if usage:
        made = made.add_extension(usage, True)
    if odd:
        made = made.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), odd == "critical")
    deterministic = {} if maker_kind.startswith("RSA") else {"ecdsa_deterministic": True}
    signed = made.sign(key(maker or name, maker_kind), hashes.SHA256(), **deterministic)
    return signed.public_bytes(serialization.Encoding.DER)


MAKES = x509.KeyUsage(*[False] * 5, True, *[False] * 3)
ROOT = certificate("root", ca=True, purposes=None, usage=MAKES)
BETWEEN = certificate("between", "root", ca=True, purposes=None, usage=MAKES)
SIGNER = certificate("tsa", "between")


def pem(*roots):
    return b"".join(x509.load_der_x509_certificate(root).public_bytes(serialization.Encoding.PEM) for root in roots)


def named(der_bytes):
    """Issuer and serial number, as a SignerInfo names a certificate."""
    one = x509.load_der_x509_certificate(der_bytes)
    return der(SEQUENCE, one.issuer.public_bytes(), number(one.serial_number))


def stated(text, time="20260703020411Z", imprint="sha256", more=(), serial=7):
    digest = hashlib.new(imprint, text.encode()).digest()
    return der(SEQUENCE, number(1), oid("1.2.3.4.1"), der(SEQUENCE, algorithm(HASHES[imprint]), der(OCTETS, digest)), number(serial),
               der(TIME, time.encode()), *more)


def attribute(dotted, *values):
    return der(SEQUENCE, oid(dotted), der(SET, *values))


def names_it(by, raw):
    """SigningCertificate (`by` is sha1) or SigningCertificateV2."""
    digest, how = der(OCTETS, hashlib.new(by, raw).digest()), b"" if by in ("sha1", "sha256") else algorithm(HASHES[by])
    return attribute(f"1.2.840.113549.1.9.16.2.{12 if by == 'sha1' else 47}", der(SEQUENCE, der(SEQUENCE, der(SEQUENCE, how, digest))))


def token(content, signer=SIGNER, name="tsa", kind="P-256", digest="sha256", brings=(SIGNER, BETWEEN), by="sha256", null=False, how=None, names=None,
          status=b"", version=1, unsigned=b"", extra=b"", leave=(), lists=b"", kept="1.2.840.113549.1.9.16.1.4"):
    """A TimeStampResp over a TSTInfo."""
    attributes = {"type": attribute("1.2.840.113549.1.9.3", oid(kept)), "cert": names_it(by, names or signer),
                  "digest": attribute("1.2.840.113549.1.9.4", der(OCTETS, hashlib.new(digest, content).digest()))}
    signed = b"".join(sorted([made for what, made in attributes.items() if what not in leave] + ([extra] if extra else [])))
    hasher, message = getattr(hashes, digest.upper())(), der(SET, signed)
    if kind.startswith("RSA"):
        signature, how = key(name, kind).sign(message, padding.PKCS1v15(), hasher), how or RSA
    else:
        signature, how = key(name, kind).sign(message, ec.ECDSA(hasher, deterministic_signing=True)), how or ECDSA[digest]
    info = der(SEQUENCE, number(version), named(signer), algorithm(HASHES[digest], null), der(0xa0, signed), algorithm(how, null), der(OCTETS, signature),
               unsigned)
    data = der(SEQUENCE, number(3), der(SET, algorithm(HASHES[digest], null)), der(SEQUENCE, oid(kept), der(0xa0, der(OCTETS, content))),
               der(0xa0, *brings), lists, der(SET, info))
    return der(SEQUENCE, der(SEQUENCE, number(0), status), der(SEQUENCE, oid("1.2.840.113549.1.7.2"), der(0xa0, data)))
