"""The signatures of a report: whether they hold, what they cover, whom they lead to, and what came after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError

from audit.report.reader import QuickReader
from audit.verify import enclosed, signers
from audit.verify.opened import FAULTS
from audit.verify.verdicts import Check, Verdict

_PERMITTED = (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING)
_FAULTS = (*FAULTS, PdfError, SignatureValidationError, SigningError, PathError)


UNSIGNED = (
    "it is not signed: what follows can prove that the file agrees with itself, to the last byte; neither who made it, nor that "
    "it is the report that was made and not another one made anew: hold its sha256 against one that you had otherwise"
)
"""What a report proves that nobody signed, and what it does not."""


def checks(data: bytes, roots: Sequence[Any]) -> list[Check]:
    """A check for each signature and each timestamp of the file, oldest first.

    Args:
        roots: certificates (asn1crypto) that they must lead to; none to be told only that they hold.
    """
    try:
        reader = QuickReader(data)
        signed, stamped = list(reader.embedded_regular_signatures), list(reader.embedded_timestamp_signatures)
        found = [_signature(data, each, roots) for each in signed]
        found += [_timestamp(data, each, roots) for each in stamped]
        found += [_check(Verdict.DIFFERS, text) for text in signers.same(signed)]
        left = enclosed.after(data, [*signed, *stamped]) if found else 0
    except _FAULTS as error:
        return [_check(Verdict.DIFFERS, f"the signatures can't be read: {error or type(error).__name__}")]
    if left > 0:
        text = f"{left:,} bytes follow the last signature, and nothing vouches for them"
        found.append(_check(Verdict.UNPROVED, text))
    return found if signed else [*found, _check(Verdict.UNPROVED if roots else Verdict.NOTE, UNSIGNED)]


def _check(verdict: Verdict, text: str) -> Check:
    return Check("signature", verdict, text)


def _context(roots: Sequence[Any], at: datetime | None = None) -> ValidationContext:
    return ValidationContext(
        trust_roots=list(roots), allow_fetching=False, revocation_mode="soft-fail", moment=at
    )


def _signature(data: bytes, embedded: Any, roots: Sequence[Any]) -> Check:
    status = validate_pdf_signature(embedded, _context(roots), _context(roots))
    stamp: Any = status.timestamp_validity
    stamped = bool(stamp and stamp.valid and stamp.intact and stamp.trusted)
    if stamped:  # it holds when it did at that moment, whatever expired since
        status = validate_pdf_signature(embedded, _context(roots, stamp.timestamp), _context(roots))
    who = f"{embedded.field_name}: {status.signing_cert.subject.human_friendly}"
    wrong = _broken(status) or _untrusted(status, roots)
    if wrong:
        return _check(Verdict.DIFFERS, f"{who}: {wrong}")
    covers = f"{who}: holds, and covers {_covered(status)}"
    if stamp and not stamped and roots:
        return _check(Verdict.DIFFERS, f"{covers}; its timestamp does not lead to the named roots")
    loose = enclosed.loose(data, embedded, roots)
    if loose:
        return _check(Verdict.UNPROVED, f"{covers}; but {loose}: nothing vouches for that")
    when = f"; stamped {stamp.timestamp:%Y-%m-%d %H:%M:%S %Z}" if stamped else "; not stamped by an authority"
    if not roots:
        return _check(Verdict.NOTE, f"{covers}; name the root it must lead to with --certificate")
    return _check(Verdict.AGREES, f"{covers}, and leads to a named root{when}")


def _broken(status: Any) -> str:
    """In what a signature does not hold; empty when it does."""
    if not status.intact:
        return "what it signed was changed"
    if not status.valid:
        return "it is not the signature of its certificate's key"
    if status.coverage not in (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION):
        return "it leaves parts of the file out"
    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return ""
    if status.docmdp_ok is False or status.modification_level not in _PERMITTED:
        return "the file was changed after it, in what it does not permit"
    return ""


def _untrusted(status: Any, roots: Sequence[Any]) -> str:
    return (
        ""
        if status.trusted or not roots
        else "its certificate does not lead to a named root, or did not hold then"
    )


def _covered(status: Any) -> str:
    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return "the whole file"
    return "the whole report; what follows are signatures, form fields and what keeps them verifiable"


def _timestamp(data: bytes, embedded: Any, roots: Sequence[Any]) -> Check:
    status = validate_pdf_timestamp(embedded, _context(roots))
    who = f"{embedded.field_name}: timestamp of {status.timestamp:%Y-%m-%d %H:%M:%S %Z}"
    wrong = _broken(status) or _untrusted(status, roots)
    if wrong:
        return _check(Verdict.DIFFERS, f"{who}: {wrong}")
    loose = enclosed.loose(data, embedded, roots)
    if loose:
        return _check(Verdict.UNPROVED, f"{who}: holds; but {loose}: nothing vouches for that")
    if not roots:
        return _check(Verdict.NOTE, f"{who}: holds, and covers {_covered(status)}")
    return _check(Verdict.AGREES, f"{who}: holds, covers {_covered(status)}, and leads to a named root")
