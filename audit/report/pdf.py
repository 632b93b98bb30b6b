"""The report as a PDF: templates fill a page, WeasyPrint lays it out in a process of its own.

A process of its own gives its memory back, can be ended when it takes too long, and starts from the same state
every time. The file is tagged, with bookmarks, and declares PDF/A-3a and PDF/UA-1.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import audit
from audit.errors import UsageError
from audit.report import attached, parts, result, templates
from audit.report.environment import environment, told
from audit.report.forms import oscal
from audit.report.shapes import Report

SECONDS = 900


def render(
    report: Report,
    path: Path,
    *,
    manifest: bytes | None = None,
    seconds: int = SECONDS,
    made: dict[str, str] | None = None,
    long: int = parts.LONG,
) -> None:
    """Writes the PDF aside and renames it, with the populations, `results.json`, OSCAL and the manifest attached.

    A file that is there already and was laid out from the very same content, by the same versions, stays; any other is
    removed first, so that an interrupted run leaves none that speaks of other results.

    Args:
        manifest: the file of the last manifest of the evidence; None without any.
        seconds: after which laying out is given up.
        made: as in `result.to_json`.
        long: rows of a table that is laid out with everything else; those of a longer one are laid out apart.

    Raises:
        UsageError: WeasyPrint or a library that it needs is missing or failed, or it took too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    results = result.to_json(report, made)
    files = attached.populations(report) | {
        attached.RESULTS: results,
        attached.OSCAL: oscal.make(json.loads(results)),
    }
    if manifest is not None:
        files[attached.MANIFEST] = manifest
    content = files | {"report.html": html(report).encode()}
    made_from, note = _digest(content, long), path.with_name(f".{path.name}.made-from")
    if (
        path.exists()
        and note.exists()
        and note.read_text(encoding="utf-8") == f"{made_from} {_sha256(path)}\n"
    ):
        return
    path.unlink(missing_ok=True)  # it speaks of something else, should this one not come about
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as aside:
        work = Path(aside)
        for name, data in content.items():
            (work / name).write_bytes(data)
        described = {name: attached.DESCRIPTIONS[name] for name in files}
        job = {
            "assets": str(templates.folder()),
            "as_of": report.as_of,
            "attachments": described,
            "long": long,
        }
        (work / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _lay_out(work, seconds)
        note.unlink(missing_ok=True)
        (work / "report.pdf").replace(path)
    note.write_text(f"{made_from} {_sha256(path)}\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(content: dict[str, bytes], long: int) -> str:
    """sha256 of all that decides the bytes of the PDF: content, stylesheet, fonts and versions."""
    assets = {path.name: path.read_bytes() for path in templates.folder().rglob("*") if path.is_file()}
    versions = " ".join(
        f"{name} {version(name)}" for name in ("weasyprint", "pydyf", "pikepdf", "fonttools", "gitops-audit")
    )
    digest = hashlib.sha256(f"{versions} {long}".encode())
    for name, data in sorted((content | assets).items()):
        digest.update(f"\0{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _lay_out(work: Path, seconds: int) -> None:
    root = str(Path(audit.__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "audit.report.layout", str(work)]
    environment = {**os.environ, "PYTHONPATH": search}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"the PDF was not laid out in {seconds} s",
            remedy="report a shorter quarter, or use a faster machine",
        ) from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise UsageError(
            f"the PDF could not be laid out: {lines[-1]}",
            remedy="WeasyPrint needs Pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
        )


def html(report: Report) -> str:
    """The page that is laid out: one HTML document, its values escaped.

    Raises:
        UsageError: a template of the theme can't be filled; names it, the line and the remedy.
    """
    with told(report):
        return environment(report).get_template("report.html").render(report=report)
