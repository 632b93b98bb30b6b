"""What a signature can't cover: its own bytes. Nothing may stand there that nothing vouches for.

A signature covers the file but for the place where it is written itself. Room is left there, certificates lie there that
nobody may need, and digits may be large or small: a byte could change and the signature would still hold.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

_DIGITS = re.compile(rb"[0-9a-f]*|[0-9A-F]*")
_STAMP = "signature_time_stamp_token"


def loose(data: bytes, embedded: Any, roots: Sequence[Any]) -> str:
    """What stands in a signature's place, or around it, that neither it nor a certificate vouches for; empty for nothing.

    Args:
        embedded: the signature or timestamp (pyHanko), which holds.
        roots: certificates (asn1crypto) beside those in it, by whose keys others may be signed.

    Raises:
        ValueError: it is not in the form in which signatures are written.
    """
    begin, first, second, length = (int(each) for each in embedded.byte_range)
    place = data[first:second]
    if begin or place[:1] != b"<" or place[-1:] != b">" or second + length > len(data):
        return "it leaves out more than its own place"
    digits, own = place[1:-1], bytes(embedded.pkcs7_content)
    if not _DIGITS.fullmatch(digits) or len(digits) % 2:
        return "its place holds other than digits of one kind"
    written = bytes.fromhex(digits.decode("ascii"))
    whole = cms.ContentInfo.load(written)
    used = len(whole.dump())
    if not own.startswith(written[:used]) or written[used:].strip(b"\0"):
        return "the room behind it is not empty"
    return next(_loose(whole["content"], roots), "")


def after(data: bytes, embedded: Sequence[Any]) -> int:
    """How many bytes of the file no signature covers, behind the last one."""
    return len(data) - max(int(each.byte_range[2]) + int(each.byte_range[3]) for each in embedded)


def _loose(signed: Any, roots: Sequence[Any]) -> Iterator[str]:
    """What is loose in a signed message, and in the timestamp that it carries."""
    (signer,) = signed["signer_infos"]
    by_key = signer["sid"].name != "issuer_and_serial_number"
    stamp = signed["encap_content_info"]["content_type"].native != "data"
    versions = ("v3" if stamp or by_key else "v1", "v3" if by_key else "v1")
    if (signed["version"].native, signer["version"].native) != versions:
        yield "its version is another"
    if [each.dump() for each in signed["digest_algorithms"]] != [signer["digest_algorithm"].dump()]:
        yield "the digests that it names are others than its own"
    if signed["crls"].native:
        yield "it carries lists of revocation, which it does not cover"
    yield from _certificates(signed["certificates"], _names(signer), roots)
    for attribute in signer["unsigned_attrs"]:
        if attribute["type"].native != _STAMP or len(attribute["values"]) != 1:
            yield "it carries what it does not cover"
            return
        yield from _loose(attribute["values"][0]["content"], roots)


def _names(signer: Any) -> set[bytes]:
    """Digests of the signer's certificate that are among what it signed."""
    return {
        each["cert_hash"].native
        for attribute in signer["signed_attrs"]
        if attribute["type"].native in ("signing_certificate", "signing_certificate_v2")
        for each in attribute["values"][0]["certs"]
    }


def _certificates(carried: Any, named: set[bytes], roots: Sequence[Any]) -> Iterator[str]:
    """Certificates that neither the signature names by their digest nor the key of another one vouches for.

    Without roots, one may be the last that is at hand: then it must vouch for another.
    """
    found = [x509.load_der_x509_certificate(each.chosen.dump()) for each in carried]
    known = [*found, *(x509.load_der_x509_certificate(each.dump()) for each in roots)]
    for one in found:
        whole = one.public_bytes(Encoding.DER)
        if {hashlib.sha256(whole).digest(), hashlib.sha1(whole, usedforsecurity=False).digest()} & named:
            continue
        last = not roots and any(_issued(each, one) for each in found if each != one)
        if not last and not any(_issued(one, each) for each in known):
            yield "it carries a certificate that none vouches for"


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a certificate is signed by the key of another, which is named as its issuer."""
    try:
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
