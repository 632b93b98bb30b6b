"""Verifying a report: attachments, figures and bytes, each held against what it can be counted anew from.

What stands in the file is compared with itself in three ways: `results.json` lists the sha256 of every attachment;
every figure on the pages is compared with the attached populations, and these are held against each other; and the
whole file is laid out once more from its own `results.json` and compared byte by byte. Whoever changes one byte is found by the last, whoever changes a figure
and everything that it is made from is not: that only a signature can tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from audit.errors import AuditError, IntegrityError, UsageError
from audit.evidence import manifest as manifests
from audit.report import attached, result, themes
from audit.report.forms import oscal
from audit.report.shapes import Report
from audit.verify import again, drawn, figures, following, opened, pages, recounted, signatures, texts
from audit.verify.verdicts import Check, Verdict, Verified, held

LayOut = Callable[[bytes, bytes | None], bytes]
"""Bytes of a report from those of its `results.json` and its manifest."""


def verify(path: Path, roots: Sequence[Any] = (), *, lay_out: LayOut = again.laid_out) -> Verified:
    """Every check that the file itself allows.

    Args:
        roots: certificates (asn1crypto) that signatures must lead to: with any, the report must be signed.
        lay_out: how its bytes are made once more.

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
        *drawn.checks(found.reader),
        *_bytes(found, report, made, lay_out, vouched=vouched),
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
    wrong += recounted.differing(found.attachments, report)
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
    found: opened.Opened, report: Report, made: object, lay_out: LayOut, *, vouched: bool
) -> list[Check]:
    """The file laid out once more from what is attached to it: these bytes and no other, but for signatures that follow.

    Args:
        vouched: a signature that leads to a named root covers it.
    """
    attachments, here = found.attachments, result.made_with()
    if made != here:
        verdict = Verdict.NOTE if vouched else Verdict.UNPROVED
        other = Check("bytes", verdict, _other_versions(made, here))
        return [other, *_texts(found, report, made)]
    manifest = attachments.get(attached.MANIFEST)
    if result.to_json(report) != attachments[attached.RESULTS]:
        text = f"{attached.RESULTS}: not in the form in which it is written"
    elif manifest is not None and hashlib.sha256(manifest).hexdigest() != report.last_manifest:
        text = f"with another {attached.MANIFEST} it is another file"
    else:
        try:
            return [_against_bytes(found, lay_out(attachments[attached.RESULTS], manifest))]
        except UsageError as error:
            return [Check("bytes", Verdict.UNPROVED, error.problem)]
    return [Check("bytes", Verdict.DIFFERS, text)]


def _against_bytes(found: opened.Opened, expected: bytes) -> Check:
    """The file against the one that its results give, which signatures may follow; these are judged by themselves."""
    data, text = found.data, f"laid out anew from {attached.RESULTS}, "
    if data == expected:
        return Check("bytes", Verdict.AGREES, f"{text}it is the same file, byte for byte")
    if not data.startswith(expected):
        at = next((n for n, (a, b) in enumerate(zip(data, expected, strict=False)) if a != b), len(data))
        return Check("bytes", Verdict.DIFFERS, f"{text}it differs from byte {at:,} on")
    more = f"{len(data) - len(expected):,} bytes follow the report that {attached.RESULTS} gives"
    if not found.signed:
        return Check("bytes", Verdict.DIFFERS, more)
    changed = following.changed(data, len(expected))
    if changed:
        return Check("bytes", Verdict.DIFFERS, f"{more}, and are more than signatures: {changed}")
    return Check("bytes", Verdict.AGREES, f"{text}it is the same file up to its signature, byte for byte")


def _texts(found: opened.Opened, report: Report, made: object) -> list[Check]:
    """What pages say, word by word: where bytes can't be compared, that can be, as long as the templates are the same."""
    try:
        code = made.get("code") if isinstance(made, dict) else None
        return texts.checks(pages.printed(found.reader), report, code)
    except AuditError as error:
        return [Check("pages", Verdict.DIFFERS, error.problem)]


def _other_versions(made: object, here: dict[str, str]) -> str:
    said = made if isinstance(made, dict) else {}
    names = [
        f"{name} {said.get(name, 'none')!s:.20} (here {value:.20})"
        for name, value in here.items()
        if said.get(name) != value
    ]
    return f"its bytes can't be compared: it was made with {', '.join(names) or 'what is not known here'}"
