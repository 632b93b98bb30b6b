"""`audit doctor`: is everything there that a run needs? Each finding with its remedy.

Settings, keys, the report's theme, responses and certificate, programs and libraries, the disk, the store's chain, and every source
and repository: reached, listed, and one object of each read. Last, whether what was collected covers the last quarter without a
silence that is unusual for its source. Nothing is changed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pandas as pd

from audit.build import load as load_built
from audit.controls import own
from audit.errors import AuditError, ExitCode, UsageError
from audit.evidence import keys
from audit.evidence.chain import check_chain, head
from audit.evidence.manifest import load_all
from audit.evidence.store import Store
from audit.normalise import roster
from audit.period import Period
from audit.report import answers, templates, themes
from audit.settings import Settings, examples, load
from audit.sources import git_command, repository
from audit.sources.origins import origins
from audit.sources.probe import probe

ENOUGH = 5 << 30
"""Bytes free below which room is said to be scarce."""
LITTLE = 1 << 30
"""Bytes free below which a run may not end."""
_SECONDS = 60
_SOON = timedelta(days=100)
"""Until the next quarter's report, and some days more."""
_FEW = 4
"""Days with records from which on their distances say what is usual."""
_TIMES = 3
"""How many times what is usual a silence lasts that is told."""
_LONG = timedelta(days=45)
"""A silence that is told of a source with too few records to have a pace."""
_PANGO = "from weasyprint.text.ffi import pango; print(pango.pango_version())"


class State(StrEnum):
    """How a finding is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Line:
    """One finding: what was looked at, how it is, in words, and what to do where it is not well.

    Attributes:
        code: exit code that it leads to; CLEAN for what does not keep a run from ending well.
    """

    area: str
    state: State
    says: str
    remedy: str = ""
    code: ExitCode = ExitCode.CLEAN


def examine(path: Path, as_of: datetime) -> Iterator[Line]:
    """Looks at everything that a run with the settings in `path` needs; yields as it finds.

    Args:
        as_of: the quarter before this moment (aware) is the one that evidence should cover.
    """
    yield from _of_machine()
    try:
        settings = load(path)
    except AuditError as error:
        yield _bad("settings", error)
        return
    said = f"{path}: {len(settings.repositories)} repositories, {len(settings.sources)} sources"
    yield Line("settings", State.OK, said)
    yield from _of_settings(settings)
    yield from _of_examples(settings)
    yield from _of_report(settings, as_of)
    yield from _of_disk(settings.store_path)
    yield from _of_store(settings)
    yield from _of_sources(settings, as_of)
    yield from _of_repositories(settings)
    yield from _of_coverage(settings, as_of)


def exit_code(lines: list[Line]) -> ExitCode:
    """The highest that applies."""
    return max((line.code for line in lines), default=ExitCode.CLEAN)


def _bad(area: str, error: AuditError) -> Line:
    return Line(area, State.BAD, error.problem, error.remedy, error.exit_code)


def _tried(area: str, said: str, act: Callable[[], object]) -> Line:
    """`said`, unless trying fails."""
    try:
        act()
    except AuditError as error:
        return _bad(area, error)
    return Line(area, State.OK, said)


def _of_machine() -> Iterator[Line]:
    """Python, git, libraries, what lays out the report."""
    yield Line("python", State.OK, sys.version.split()[0])
    try:
        git_command.require_git()
        yield Line("git", State.OK, git_command.run(None, "version").decode("utf-8", "replace").strip())
    except AuditError as error:
        yield _bad("git", error)
    yield _of_libraries()
    yield _of_pango()
    yield _of_fonts()


def _of_libraries() -> Line:
    """Whether every library that the package declares is installed."""
    wanted = [name for name in requires("gitops-audit") or () if "extra ==" not in name]
    names = [re.split(r"[\s\[<>=!~;]", name, maxsplit=1)[0] for name in wanted]
    lacking = []
    for name in names:
        try:
            version(name)
        except PackageNotFoundError:
            lacking.append(name)
    if lacking:
        return Line(
            "libraries",
            State.BAD,
            f"not installed: {', '.join(lacking)}",
            "install the package again, from its lock file",
            ExitCode.USAGE,
        )
    told = ", ".join(f"{name} {version(name)}" for name in ("pandas", "pyarrow", "boto3", "weasyprint"))
    return Line("libraries", State.OK, f"{len(names)} installed; {told}")


def _of_pango() -> Line:
    """Whether WeasyPrint finds Pango: in a process of its own, as the report is laid out."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PANGO], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed = True
    if failed:
        return Line(
            "pango",
            State.BAD,
            "WeasyPrint can't use Pango: no PDF can be laid out",
            "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
            ExitCode.USAGE,
        )
    number = int(done.stdout)
    return Line("pango", State.OK, f"{number // 10_000}.{number // 100 % 100}.{number % 100}")


def _of_fonts() -> Line:
    """Whether the shipped fonts are there and can be read."""
    try:
        style = (templates.folder() / "report.css").read_text(encoding="utf-8")
        named = sorted(set(re.findall(r'url\("(fonts/[^"]+)"\)', style)))
        lacking = [name for name in named if not (templates.folder() / name).is_file()]
        drawn = len(templates.glyphs()) if not lacking else 0
    except UsageError as error:
        return _bad("fonts", error)
    if lacking:
        return Line(
            "fonts", State.BAD, f"missing: {', '.join(lacking)}", "install the package again", ExitCode.USAGE
        )
    return Line("fonts", State.OK, f"{len(named)} shipped; each draws {drawn:,} characters at least")


def _of_settings(settings: Settings) -> Iterator[Line]:
    """The files that the settings name: roster and keys."""
    if settings.people.roster is None:
        yield Line(
            "roster",
            State.WARN,
            "the settings name none: nobody is known, and every author is a stranger",
            "set people.roster in audit.toml; 'audit init' writes an example",
        )
    else:
        yield _tried("roster", settings.people.roster, lambda: _roster(settings))
    if settings.signing.key_file is None:
        yield Line(
            "signing",
            State.WARN,
            "manifests are not signed: whoever can write the store can make a new chain",
            "make a key (openssl genpkey -algorithm ed25519 -out manifest-key.pem) and set signing.key_file",
        )
    else:
        yield _tried("signing", settings.signing.key_file, lambda: keys.verifiers(settings))
    if settings.own_controls.folder is not None:
        yield _tried("own controls", settings.own_controls.folder, lambda: own.controls(settings))


def _of_report(settings: Settings, as_of: datetime) -> Iterator[Line]:
    """What is asked for only when a whole quarter was worked out: theme, responses, the key that signs the report."""
    theme, responses = settings.report.theme, settings.report.responses
    if theme is not None:
        yield _tried("theme", theme, lambda: themes.read(settings.resolve(theme)))
    if responses is not None:
        yield _tried("responses", responses, lambda: answers.read(settings))
    if not settings.report_signature.wanted:
        return
    from audit.report import signed  # noqa: PLC0415  # half a second of CPU: only for those who sign

    try:
        until = signed.valid_until(settings)
    except AuditError as error:
        yield _bad("report signature", error)
        return
    said = f"the certificate is valid until {until:%Y-%m-%d}"
    if until <= as_of:
        yield Line("report signature", State.BAD, said, "renew it, and its key", ExitCode.USAGE)
    elif until <= as_of + _SOON:
        yield Line("report signature", State.WARN, said, "renew it before the next report")
    else:
        yield Line("report signature", State.OK, said)


def _roster(settings: Settings) -> None:
    if settings.people.roster is not None:
        roster.require_named(_people(settings), settings)


def _people(settings: Settings) -> pd.DataFrame:
    return roster.read(settings.resolve(settings.people.roster or ""))["people"]


def _of_examples(settings: Settings) -> Iterator[Line]:
    """Whether what `audit init` wrote by way of example is still there: no organisation has those repositories and people."""
    found = examples.left(settings)
    if settings.people.roster is not None:
        with contextlib.suppress(AuditError):  # of which another line tells
            found += examples.left_people(_people(settings)["person"])
    if found:
        said = f"still the examples of 'audit init': {', '.join(found)}"
        yield Line("examples", State.WARN, said, "put your own in their place, or take them out")


def _of_disk(store: Path) -> Iterator[Line]:
    """Room, and the right to write, where the store lies or will lie."""
    there = next(folder for folder in (store, *store.parents) if folder.exists())
    if not os.access(there, os.W_OK):
        yield Line(
            "disk",
            State.BAD,
            f"{there} can't be written",
            "give the user who runs the audit the right to write it, or set 'store' to another folder",
            ExitCode.USAGE,
        )
    free = shutil.disk_usage(there).free
    said = f"{free / (1 << 30):,.1f} GiB free in {there}"
    if free < LITTLE:
        yield Line("disk", State.BAD, said, "make room, or set 'store' to another disk", ExitCode.USAGE)
    elif free < ENOUGH:
        yield Line("disk", State.WARN, said, "make room before a large collection")
    else:
        yield Line("disk", State.OK, said)


def _of_store(settings: Settings) -> Iterator[Line]:
    """The chain of manifests, and when evidence was last collected."""
    if not (settings.store_path / "manifests").is_dir():
        yield Line(
            "store", State.WARN, f"{settings.store_path}: nothing was collected yet", "run 'audit collect'"
        )
        return
    store = Store(settings.store_path)
    try:
        check_chain(store, keys.verifiers(settings))
        last = head(store)
        manifests = load_all(store)
    except AuditError as error:
        yield _bad("store", error)
        return
    if last is None:
        yield Line("store", State.WARN, f"{store.root}: nothing was collected yet", "run 'audit collect'")
        return
    yield Line(
        "store",
        State.OK,
        f"{last[0]} manifests, unbroken; head {last[1][:16]}…, as of {manifests[-1].as_of:%Y-%m-%dT%H:%M:%SZ}",
    )


def _of_sources(settings: Settings, as_of: datetime) -> Iterator[Line]:
    """Every source: reached, listed, one object read."""
    if not settings.sources:
        yield Line(
            "sources",
            State.WARN,
            "the settings name none: only repositories are looked at",
            "add [[sources]] to audit.toml; see docs/how-to/bring-evidence.md",
        )
    for source in settings.sources:
        area = f"source {source.name}"
        try:
            (origin,) = origins(settings, as_of=as_of, only=lambda one, name=source.name: one.name == name)  # type: ignore[misc]
            found = probe(origin)
        except AuditError as error:
            yield _bad(area, error)
            continue
        said = f"{source.location}: {f'read {found.read!r}' if found.read else 'answers'}"
        if found.versions is False:
            yield Line(
                area,
                State.WARN,
                f"{said}; versions may not be listed, so a read is bound to the ETag alone",
                "allow s3:ListBucketVersions and s3:GetObjectVersion for the auditor's identity",
            )
        else:
            yield Line(area, State.OK, said)


def _of_repositories(settings: Settings) -> Iterator[Line]:
    """Every repository: reached."""
    for repo in settings.repositories:
        said = git_command.redact(repo.location)
        yield _tried(f"repository {repo.name}", said, lambda repo=repo: repository.reach(repo, settings))  # type: ignore[misc]


def _of_coverage(settings: Settings, as_of: datetime) -> Iterator[Line]:
    """What each source told of the last quarter that had ended, as far as it was built."""
    if not (settings.store_path / "manifests").is_dir():
        return
    quarter = settings.quarter_of(as_of).previous()
    try:
        built = load_built(Store(settings.store_path))
    except AuditError as error:
        yield _bad("coverage", error)
        return
    if built is None:
        yield Line("coverage", State.WARN, "evidence was not read into tables yet", "run 'audit build'")
        return
    ever, objects = built.tables["coverage"], built.tables["evidence_objects"]
    told = ever[quarter.holds(ever["hour"])]
    days = (quarter.end - quarter.start + timedelta(hours=12)).days
    for source in settings.sources:
        hours = told.loc[told["source_name"].eq(source.name), "hour"]
        covered = hours.dt.floor("D").nunique()
        area = f"coverage {source.name}"
        kept = int(objects.loc[objects["source_name"].eq(source.name), "kept"].sum())
        if kept and not ever["source_name"].eq(source.name).any():
            yield Line(area, State.OK, f"{kept:,} records of lists, which have no times to cover days with")
        elif covered == 0:
            yield Line(
                area,
                State.WARN,
                f"no record of {quarter.label} was read from it",
                "check its location, and 'audit quarantine'",
            )
        else:
            said = f"records on {covered} of {days} days of {quarter.label}"
            silence = _silence(hours.dt.floor("D").drop_duplicates().sort_values(), quarter)
            if silence:
                yield Line(
                    area,
                    State.WARN,
                    f"{said}; none {silence}",
                    "look for what did not arrive; 'audit check' says which controls it leaves untested",
                )
            else:
                yield Line(area, State.OK, said)


def _silence(days: pd.Series, quarter: Period) -> str:
    """The longest span without a record, where it is far longer than what is usual for the source; else empty.

    Args:
        days: on which there are records, in order (UTC midnights), at least one.
    """
    ends = pd.DatetimeIndex([quarter.start, *days, quarter.end])
    steps = ends[1:] - ends[:-1]
    usual = pd.Timedelta(days.diff().median() if len(days) >= _FEW else _LONG / _TIMES)
    longest = int(steps.argmax())
    if steps[longest] <= max(usual * _TIMES, pd.Timedelta(days=2)):
        return ""
    return f"between {ends[longest]:%Y-%m-%d} and {ends[longest + 1]:%Y-%m-%d}"
