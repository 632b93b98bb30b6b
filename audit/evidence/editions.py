"""Editions of a quarter's report: what was reported is frozen, and every restatement of it stands beside it.

    reported/2026Q3/1/      tables/*.parquet, results.json, report.pdf, edition.json, and the seal of them all
    reported/2026Q3/2/      the restatement, with what it changed and why

The seal's sha256 stands in the chain of manifests: an edition can't be changed, replaced or taken away unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit.errors import IntegrityError
from audit.evidence import sealed
from audit.evidence.keys import Signer
from audit.evidence.manifest import Manifest, append, frozen, load_all
from audit.evidence.reported import Reported, Tally
from audit.evidence.store import Store

FILES = ("report.pdf", "results.json")


@dataclass(frozen=True)
class Facts:
    """What an edition was made with.

    Attributes:
        as_of: the moment up to which events count (UTC): the first edition's, also for its restatements.
        made_at: when the evidence that it rests on was last collected (UTC): as_of itself for the first edition.
        version: of this product.
        code: sha256 of this product's code.
        settings: every setting, by dotted name, as text.
    """

    as_of: datetime
    made_at: datetime
    version: str
    code: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Edition:
    """One frozen report: its quarter, its number from 1, what it was made with, and its folder."""

    quarter: str
    number: int
    facts: Facts
    folder: Path

    @property
    def tables(self) -> Path:
        """Folder of its tables, a Parquet file each."""
        return self.folder / "tables"


def last(store: Store, quarter: str) -> Edition | None:
    """The latest edition of a quarter; None when it was never reported.

    Raises:
        IntegrityError: it is gone, or not what it was.
    """
    of_quarter = [one for one in frozen(load_all(store)) if one.quarter == quarter]
    return _open(store, of_quarter[-1]) if of_quarter else None


def freeze(
    store: Store,
    made: Path,
    quarter: str,
    facts: Facts,
    *,
    tallies: Iterable[Tally] = (),
    signer: Signer | None = None,
) -> Edition:
    """Freezes what lies in `made` (tables and report) as the quarter's next edition, and says so in a manifest, with the
    numbers that it counts of each source (`tallies`).

    A run that is killed leaves an edition that no manifest names; the next one replaces it.

    Raises:
        UsageError: another run is collecting into the store.
        IntegrityError: a manifest can't be read.
    """
    with store.exclusive():
        number = 1 + sum(one.quarter == quarter for one in frozen(load_all(store)))
        folder = _folder(store, quarter, number)
        aside = folder.with_name(f".{number}.part")
        for leftover in (aside, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(made / "tables", aside / "tables")
        for name in FILES:
            shutil.copyfile(made / name, aside / name)
        (aside / "edition.json").write_bytes(_written(facts))
        sealed.seal(aside)
        for path in aside.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        aside.replace(folder)
        reported = Reported(quarter, number, _sha256(folder / sealed.SEAL), tuple(tallies))
        append(store, as_of=facts.made_at, entries=[], reported=[reported], signer=signer)
    return Edition(quarter, number, facts, folder)


def check(store: Store, manifests: list[Manifest]) -> list[str]:
    """What is wrong with the frozen reports: a sentence for each, naming the folder or file; empty when nothing."""
    problems: list[str] = []
    named: set[Path] = set()
    for one in frozen(manifests):
        named.add(_folder(store, one.quarter, one.edition))
        try:
            _open(store, one)
        except IntegrityError as error:
            problems.append(error.problem)
    reports = store.root / "reported"
    there = {path for path in reports.glob("*") if not path.is_dir()} | set(reports.glob("*/*"))
    return problems + [
        f"{path.relative_to(store.root)}: no manifest names it"
        for path in sorted(there - named)
        if _LEFT.fullmatch(path.name) is None
    ]


def _open(store: Store, reported: Reported) -> Edition:
    """The edition that a manifest names, as it was."""
    folder = _folder(store, reported.quarter, reported.edition)
    where = f"reported/{reported.quarter}/{reported.edition}"
    if not sealed.is_sealed(folder):
        raise IntegrityError(f"{where}: the report that was frozen is gone", remedy=_RESTORE)
    if _sha256(folder / sealed.SEAL) != reported.seal:
        raise IntegrityError(f"{where}: its seal is not the one that the manifest names", remedy=_RESTORE)
    try:
        sealed.require(folder)
    except IntegrityError as error:
        raise IntegrityError(
            f"{where}: {Path(error.problem.partition(':')[0]).name} is not what was reported", remedy=_RESTORE
        ) from None
    return Edition(reported.quarter, reported.edition, _read((folder / "edition.json").read_bytes()), folder)


_LEFT = re.compile(r"\.[0-9]+\.part")
"""What a run that was killed leaves of an edition."""
_RESTORE = "restore the evidence store from a backup; do not report from it"


def _folder(store: Store, quarter: str, number: int) -> Path:
    return store.root / "reported" / quarter / str(number)


def _written(facts: Facts) -> bytes:
    plain: dict[str, Any] = {
        "as_of": facts.as_of.astimezone(UTC).isoformat(),
        "made_at": facts.made_at.astimezone(UTC).isoformat(),
        "version": facts.version,
        "code": facts.code,
        "settings": dict(facts.settings),
    }
    return (json.dumps(plain, indent=1, sort_keys=True) + "\n").encode()


def _read(content: bytes) -> Facts:
    plain = json.loads(content)
    return Facts(
        datetime.fromisoformat(plain["as_of"]),
        datetime.fromisoformat(plain["made_at"]),
        plain["version"],
        plain["code"],
        plain["settings"],
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
