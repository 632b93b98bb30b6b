"""Doing the whole quarter again from raw bytes, and holding what comes of it against what a report has attached.

Taken from the store are proofs alone: objects, manifests up to the one that the report names, mirrors of the repositories,
and editions of other quarters. Everything else is made anew in a folder that goes away; nothing is collected, nothing changed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import audit
from audit import mine as mining
from audit import pipeline, sampling
from audit.controls import own, registry
from audit.errors import AuditError, IntegrityError
from audit.evidence.store import Store
from audit.pipeline import Progress, silent
from audit.report import answers, attached, model, result
from audit.report.earlier import earlier
from audit.report.shapes import Report
from audit.settings import Settings
from audit.sources.repository import safe_name
from audit.verify import Check, Verdict, opened
from audit.verify.verdicts import held

_PART = "store"
_UNPROVED = ("edition", "status", "restates", "theme", "signers", "manifests", "last_manifest")
"""Of a report, what does not come from raw bytes: it is taken from the report, or from nowhere."""


def reperformed(path: Path, settings: Settings, progress: Progress = silent) -> list[Check]:
    """Every attached population, and all else that the results say, against what the store's raw bytes give with these settings.

    Args:
        path: of the report.
        settings: those of the organisation, with the store at hand.
        progress: told of the stages `mine`, `build`, `check` and `again`.

    Raises:
        IntegrityError: it is not a report.
        UsageError: it can't be read.
    """
    found = opened.open_pdf(path.name, opened.read(path))
    content = found.attachments.get(attached.RESULTS)
    if content is None:
        raise IntegrityError(
            f"{path}: {attached.RESULTS} is not attached", remedy="name a report.pdf that 'audit report' made"
        )
    report, _ = result.from_json(content)
    wrong = _other_store(settings.store_path, report)
    if wrong:
        return [Check(_PART, Verdict.DIFFERS, wrong)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = _made_anew(_aside(settings, report, Path(folder)), report, progress)
        except (AuditError, OSError) as error:
            text = error.problem if isinstance(error, AuditError) else str(error)
            return [Check(_PART, Verdict.UNPROVED, f"nothing could be made anew from it: {text}")]
        again = attached.populations(made)
    names = ", ".join(attached.POPULATIONS)
    right = f"made anew from its raw bytes, every population is the attached one: {names}"
    names = ", ".join(field.name for field in fields(Report) if field.name not in _UNPROVED)
    whole = f"made anew from its raw bytes, all else that {attached.RESULTS} says is the same: {names}"
    left = f"not from raw bytes, and not proved by them: {', '.join(_UNPROVED)}"
    return [
        *held(_PART, _differing(found.attachments, again), right),
        *held(_PART, _otherwise(report, made), whole),
        Check(_PART, Verdict.NOTE, left),
    ]


def _other_store(store: Path, report: Report) -> str:
    """Why a store is not the one that a report was made from; empty when it is."""
    manifest = store / "manifests" / f"{report.manifests:06}.json"
    if not report.manifests or not manifest.is_file():
        return f"{store}: has no manifest {report.manifests}, which the report names"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    return "" if digest == report.last_manifest else f"{manifest}: is not the one that the report names"


def _aside(settings: Settings, report: Report, folder: Path) -> Settings:
    """The settings, of a store that has only what is proof in it, as it was when the report was made."""
    store, aside = settings.store_path, folder / "store"
    (aside / "manifests").mkdir(parents=True)
    (aside / "objects").symlink_to(store.resolve() / "objects")
    for each in sorted((store / "manifests").iterdir()):
        if each.name.split(".")[0].isdigit() and int(each.name.split(".")[0]) <= report.manifests:
            shutil.copy2(each, aside / "manifests" / each.name)
    if (store / "mirrors").is_dir():
        shutil.copytree(store / "mirrors", aside / "mirrors", symlinks=True)
    (aside / "reported").mkdir()
    for each in (store / "reported").iterdir() if (store / "reported").is_dir() else ():
        if each.name != report.quarter:
            (aside / "reported" / each.name).symlink_to(each.resolve())
    repositories = [
        each.model_copy(update={"location": str((store / "mirrors" / safe_name(each.name)).resolve())})
        for each in settings.repositories
    ]
    signing = settings.signing.model_copy(update={"key_file": None})  # nothing is signed here
    return settings.model_copy(update={"store": str(aside), "repositories": repositories, "signing": signing})


def _made_anew(settings: Settings, report: Report, progress: Progress) -> Report:
    """The report that raw bytes give, in the wording of the one that is verified; `_UNPROVED` is not meant to be looked at."""
    period, as_of = settings.quarter(report.quarter), datetime.fromisoformat(report.as_of)
    mining.mine(settings, period, partial(progress, "mine"))
    pipeline.build(settings, progress)
    run = pipeline.check(settings, period, as_of, progress)
    judging, store = own.controls(settings), Store(settings.store_path)
    progress("again", 0, 1)
    made = model.build(
        run.tables,
        settings,
        period,
        as_of=as_of,
        version=audit.__version__,
        catalogue=registry.catalogue(judging),
        earlier=earlier(store, run.tables, settings, period, as_of=as_of, controls=judging),
        responses=answers.read(settings),
        samples=sampling.printed(run.tables, settings, period, as_of),
        theme=report.theme,
    )
    progress("again", 1, 1)
    return made


def _differing(attachments: dict[str, bytes], again: dict[str, bytes]) -> Iterator[str]:
    """What differs, population by population, with the first row of each side."""
    for name in attached.POPULATIONS:
        file = f"{name}.csv"
        if (
            attachments.get(f"{name}.parquet") == again[f"{name}.parquet"]
            and attachments.get(file) == again[file]
        ):
            continue
        said, made = (Counter(content.splitlines()) for content in (attachments.get(file, b""), again[file]))
        more, fewer = said - made, made - said
        text = f"{name}: {more.total():,} rows are attached that the raw bytes do not give, {fewer.total():,} are missing"
        first = next(iter(more or fewer), b"").decode("utf-8", "replace")
        yield f"{text}; the first: {first:.100}" if first else f"{name}: the Parquet file is another"


def _otherwise(report: Report, made: Report) -> Iterator[str]:
    """Each field of the results that raw bytes give otherwise, with the first difference in it."""
    said, again = asdict(report), asdict(made)
    for name in said:
        if name not in _UNPROVED and said[name] != again[name]:
            yield f"{attached.RESULTS}: {_first(name, said[name], again[name])}"


def _first(place: str, said: Any, again: Any) -> str:
    """Where two plain values first differ, and how."""
    if isinstance(said, dict) and isinstance(again, dict):
        name = next((name for name in said if said[name] != again.get(name)), "")
        return _first(f"{place}.{name}", said.get(name), again.get(name))
    if isinstance(said, list) and isinstance(again, list):
        pairs = enumerate(zip(said, again, strict=False))
        at = next((number for number, (one, other) in pairs if one != other), None)
        if at is not None:
            return _first(f"{place}[{at}]", said[at], again[at])
        return f"{place} has {len(said):,} entries, the raw bytes give {len(again):,}"
    return f"{place} is {said!r:.80}, the raw bytes give {again!r:.80}"
