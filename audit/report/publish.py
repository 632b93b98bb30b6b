"""Rendering a checked quarter, and freezing it: once a quarter is over, what was reported of it is an edition.

The next report of the same quarter is the same file, unless a fact differs: then it is a restatement, which lists what
differs and why, and stands beside the edition before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

import audit
from audit.controls import own
from audit.evidence import editions, keys
from audit.evidence.chain import check_chain, head
from audit.evidence.editions import Edition, Facts
from audit.evidence.manifest import load, paths
from audit.evidence.store import Store
from audit.period import Period
from audit.report import answers, model, pdf, restated, result, tallied, themes
from audit.report.earlier import UNKNOWN, Earlier
from audit.report.judged import Described
from audit.report.pieces import SampleSheet
from audit.report.result import code
from audit.report.shapes import Restatement
from audit.settings import Settings

__all__ = ["Published", "code", "last_manifest", "publish", "reported", "said", "withdraw"]

_OF_A_PLACE = {"store", "s3", "engine", "scheduler"}
"""Settings that say where things lie and are worked out, and decide nothing."""


@dataclass(frozen=True)
class Published:
    """What a report came to.

    Attributes:
        path: of the PDF.
        edition: number of the frozen edition that it is; 0 for a draft.
        as_of: up to when events count in it.
        new: it was made now; else it is what was reported before.
        restates: what it changes in the edition before; None for a first edition, and for what is not new.
    """

    path: Path
    edition: int
    as_of: datetime
    new: bool
    restates: Restatement | None


def publish(
    tables: Mapping[str, pd.DataFrame],
    settings: Settings,
    period: Period,
    folder: Path,
    *,
    as_of: datetime,
    made_at: datetime,
    catalogue: Iterable[Described],
    earlier: Callable[[], Earlier] = lambda: UNKNOWN,
    samples: Callable[[], Sequence[SampleSheet]] = tuple,
    draft: bool = False,
) -> Published:
    """`report.pdf` and `results.json` of a checked quarter, in its folder; frozen when the quarter is over.

    Args:
        tables: every table of the quarter, as they lie in `folder`.
        as_of: up to when events count: the frozen edition's, where there is one.
        made_at: when evidence was last collected.
        earlier: finds what controls came to in the quarter before; asked only when a report is made anew.
        samples: draws those that the settings ask for; asked only then.
        draft: freeze nothing.

    Raises:
        IntegrityError: what was reported before is gone or was changed, or a manifest was.
        UsageError: another run is collecting into the store, or the file of responses can't be used.
    """
    store = Store(settings.store_path)
    check_chain(store, keys.verifiers(settings))
    final = not draft and as_of >= period.end
    frozen = editions.last(store, period.label)
    now = Facts(as_of, made_at if frozen else as_of, audit.__version__, code(), said(settings))
    restates = restated.restatement(frozen, tables, now, period) if frozen else None
    if frozen and restates is None and final:
        _restore(frozen, folder)
        return Published(folder / "report.pdf", frozen.number, as_of, False, None)
    number = (frozen.number if frozen else 0) + 1
    built = model.build(
        dict(tables),
        settings,
        period,
        as_of=as_of,
        version=audit.__version__,
        catalogue=catalogue,
        manifest=head(store),
        edition=number,
        draft=not final,
        restates=restates,
        earlier=earlier(),
        responses=answers.read(settings),
        samples=samples(),
        signers=_signers(store),
        theme=themes.read(settings.resolve(settings.report.theme)) if settings.report.theme else None,
    )
    result.write(built, folder / "results.json")
    pdf.render(built, folder / "report.pdf", manifest=last_manifest(store))
    if final:
        _sign(folder / "report.pdf", settings)
        editions.freeze(
            store,
            folder,
            period.label,
            now,
            tallies=tallied.tallies(built),
            signer=keys.signer(settings),
        )
    return Published(folder / "report.pdf", number if final else 0, as_of, True, restates)


def _sign(path: Path, settings: Settings) -> None:
    """Signs a final report in its place, where the settings name a key."""
    if settings.report_signature.wanted:
        from audit.report import signed  # noqa: PLC0415  # half a second of CPU: only for those who sign

        aside = path.with_name(f".{path.name}.part")
        aside.write_bytes(signed.sign(path.read_bytes(), settings))
        aside.replace(path)


def _signers(store: Store) -> tuple[str, ...]:
    """Ids of the keys that signed the last manifest."""
    content = last_manifest(store)
    return load("manifest.json", content).signed_by if content else ()


def last_manifest(store: Store) -> bytes | None:
    """The file of the last manifest of the evidence; None without any."""
    found = paths(store)
    return found[-1].read_bytes() if found else None


def _restore(frozen: Edition, folder: Path) -> None:
    """The frozen report's files in the quarter's folder, where they are not there as they were."""
    for name in editions.FILES:
        kept, here = (frozen.folder / name).read_bytes(), folder / name
        if not here.is_file() or here.read_bytes() != kept:
            aside = folder / f".{name}.part"
            aside.write_bytes(kept)
            aside.replace(here)


def said(settings: Settings) -> dict[str, str]:
    """Every setting that decides something, by dotted name, as JSON."""
    flat: dict[str, str] = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value):
                walk(f"{name}.{key}" if name else key, value[key])
        else:
            flat[name] = json.dumps(value, sort_keys=True)

    walk("", settings.model_dump(mode="json", exclude=_OF_A_PLACE))
    if digest := own.digest(settings):
        flat["own_controls.sha256"] = json.dumps(digest)
    return flat


def reported(settings: Settings, period: Period) -> Path:
    """Folder of the report that was frozen last of a quarter; without one, of what was rendered last: a draft, or nothing.

    Raises:
        IntegrityError: the frozen report is gone, or not what it was.
        UsageError: the store can't be used.
    """
    frozen = editions.last(Store(settings.store_path), period.label)
    return frozen.folder if frozen else settings.store_path / "quarters" / period.label


def withdraw(folder: Path) -> None:
    """Removes the report of a quarter whose tables were made anew: it speaks of others. Frozen editions stay."""
    for name in editions.FILES:
        (folder / name).unlink(missing_ok=True)
