"""Verifying a report: attachments, figures and bytes, each held against what it can be counted anew from.

What stands in the file is compared with itself in three ways: `results.json` lists the sha256 of every attachment;
every figure on the pages is counted anew from the attached populations; and the whole file is laid out once more from
its own `results.json` and compared byte by byte. Whoever changes one byte is found by the last, whoever changes a figure
and everything that it is made from is not: that only a signature can tell.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit.errors import AuditError, IntegrityError, UsageError
from audit.evidence import manifest as manifests
from audit.report import attached, pdf, result, themes
from audit.report.forms import oscal
from audit.report.shapes import Report
from audit.verify import figures, opened, pages, recounted, signatures
from audit.verify.verdicts import Check, Verdict, Verified, held


def verify(path: Path, roots: Sequence[Any] = ()) -> Verified:
    """Every check that the file itself allows.

    Args:
        roots: certificates (asn1crypto) that signatures must lead to: with any, the report must be signed.

    Raises:
        UsageError: it can't be read, or laying out is not possible here.
        IntegrityError: it is not a PDF, or not a report.
    """
    data = opened.read(path)
    found = opened.open_pdf(path.name, data)
    results = found.attachments.get(attached.RESULTS)
    if results is None:
        raise IntegrityError(
            f"{path}: {attached.RESULTS} is not attached", remedy="name a report.pdf that 'audit report' made"
        )
    report, plain = result.from_json(results)
    signed = signatures.checks(data, roots)
    vouched = any(one.verdict is Verdict.AGREES for one in signed)
    made = plain.get("made_with", {})
    checks = [
        *signed,
        *_attachments(found, report, plain),
        *_figures(found, report),
        *_bytes(data, found.attachments, report, made, vouched=vouched, signed=found.signed),
    ]
    return Verified(hashlib.sha256(data).hexdigest(), checks)


def _attachments(found: opened.Opened, report: Report, plain: dict[str, object]) -> list[Check]:
    """Each attachment against the list in `results.json`, against the model in it, and the manifest against its sha256."""
    wrong = list(found.problems)
    files = {
        name: data
        for name, data in found.attachments.items()
        if name not in (attached.RESULTS, attached.MANIFEST, attached.OSCAL)
    }
    wrong += _against("results.json lists", plain.get("attachments"), attached.listed(files))
    for name, data in attached.populations(report).items():
        if name.endswith(".csv") and files.get(name) not in (None, data):
            wrong.append(f"{name}: not what results.json gives")
    if found.attachments.get(attached.OSCAL) != oscal.make(plain):
        wrong.append(f"{attached.OSCAL}: not what results.json gives")
    right = f"{len(files)} populations are those whose sha256 {attached.RESULTS} lists"
    return [*held("attachments", wrong, right), *_manifest(found.attachments.get(attached.MANIFEST), report)]


def _against(who: str, listed: object, there: list[dict[str, object]]) -> list[str]:
    """What differs between the list in `results.json` and what is attached, by name."""
    entries = listed if isinstance(listed, list) else []
    named = {str(one.get("name")): one for one in entries if isinstance(one, dict)}
    here = {str(one["name"]): one for one in there}
    wrong = [f"{name}: {who} it, and it is not attached" for name in sorted(named.keys() - here.keys())]
    wrong += [f"{name}: is attached, and not listed" for name in sorted(here.keys() - named.keys())]
    wrong += [
        f"{name}: its sha256 is {here[name]['sha256']}, {who} {named[name].get('sha256')}"
        for name in sorted(named.keys() & here.keys())
        if named[name] != here[name]
    ]
    return wrong


def _manifest(content: bytes | None, report: Report) -> list[Check]:
    if content is None and not report.manifests:
        return [Check("attachments", Verdict.NOTE, "no evidence was collected: there is no manifest")]
    if content is None:
        return [
            Check("attachments", Verdict.DIFFERS, f"{attached.MANIFEST}: the last manifest is not attached")
        ]
    digest = hashlib.sha256(content).hexdigest()
    wrong = []
    if digest != report.last_manifest:
        wrong.append(f"{attached.MANIFEST}: its sha256 is {digest}, the report names {report.last_manifest}")
    try:
        read = manifests.load(attached.MANIFEST, content)
    except IntegrityError as error:
        wrong.append(error.problem)
    else:
        if read.sequence != report.manifests:
            wrong.append(
                f"{attached.MANIFEST}: is number {read.sequence}, the report names {report.manifests}"
            )
    return held(
        "attachments", wrong, f"{attached.MANIFEST} is manifest {report.manifests}, which the report names"
    )


def _figures(found: opened.Opened, report: Report) -> list[Check]:
    try:
        return figures.checks(
            pages.printed(found.reader), recounted.read(found.attachments), report, themes.of_report(report)
        )
    except AuditError as error:
        return [Check("figures", Verdict.DIFFERS, error.problem)]


def _bytes(
    data: bytes, attachments: dict[str, bytes], report: Report, made: object, *, vouched: bool, signed: bool
) -> list[Check]:
    """The file laid out once more from what is attached to it: unsigned, it is these bytes and no other.

    Args:
        vouched: a signature that leads to a named root covers it.
        signed: what follows those bytes are signatures, which are judged by themselves.
    """
    here = result.made_with()
    if made != here:
        verdict = Verdict.NOTE if vouched else Verdict.UNPROVED
        return [Check("bytes", verdict, _other_versions(made, here))]
    if result.to_json(report) != attachments[attached.RESULTS]:
        return [
            Check("bytes", Verdict.DIFFERS, f"{attached.RESULTS}: not in the form in which it is written")
        ]
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "report.pdf"
        try:
            pdf.render(report, again, manifest=attachments.get(attached.MANIFEST))
        except UsageError as error:
            return [Check("bytes", Verdict.UNPROVED, error.problem)]
        expected = again.read_bytes()
    if data == expected:
        text = f"laid out anew from {attached.RESULTS}, it is the same file, byte for byte"
        return [Check("bytes", Verdict.AGREES, text)]
    if signed and data.startswith(expected):
        text = (
            f"laid out anew from {attached.RESULTS}, it is the same file up to its signature, byte for byte"
        )
        return [Check("bytes", Verdict.AGREES, text)]
    at = next((n for n, (a, b) in enumerate(zip(data, expected, strict=False)) if a != b), len(expected))
    if at == len(expected) < len(data):
        text = f"{len(data) - at:,} bytes follow the report that {attached.RESULTS} gives"
    else:
        text = f"laid out anew from {attached.RESULTS}, it differs from byte {at:,} on"
    return [Check("bytes", Verdict.DIFFERS, text)]


def _other_versions(made: object, here: dict[str, str]) -> str:
    said = made if isinstance(made, dict) else {}
    names = [
        f"{name} {said.get(name, 'none')!s:.20} (here {value:.20})"
        for name, value in here.items()
        if said.get(name) != value
    ]
    return f"its bytes can't be compared: it was made with {', '.join(names) or 'what is not known here'}"
