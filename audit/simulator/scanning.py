"""What Trivy says of the images that Git asks for, and of the repository: in sweeps, and now and then before a landing.

SCN-01: the scanner forgets a subject for some weeks. SCN-02: vulnerabilities that stay, and images that land though a scan
had shown one.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from audit.simulator.keeping import quarters
from audit.simulator.world import REPOSITORY, Incident, World, quarter_of, stamp

SOURCE = "scans"
_REPOSITORY = f"repository:{REPOSITORY}"
_CADENCE = timedelta(days=7)
_LIMITS = {"CRITICAL": timedelta(days=7), "HIGH": timedelta(days=30)}
_PACKAGES = ("openssl", "zlib", "busybox", "curl", "expat", "libxml2")


@dataclass(frozen=True)
class _Flaw:
    """A vulnerability that scans of an image show from `disclosed` until it is `withdrawn`."""

    name: str
    package: str
    severity: str
    fixed: str
    disclosed: datetime
    withdrawn: datetime


@dataclass
class _Subject:
    """An image, or the repository: asked for from `since` until `until` (None: still), and scanned at `times`."""

    name: str
    since: datetime
    until: datetime | None
    flaws: list[_Flaw] = field(default_factory=list)
    forgotten: tuple[datetime, datetime] | None = None
    times: list[datetime] = field(default_factory=list)

    def asked(self, at: datetime) -> bool:
        """Whether it is asked for at a time."""
        return self.since <= at and (self.until is None or at < self.until)


def scan(world: World) -> None:
    """Writes the source `scans`: an object for each sweep, and one for each scan before a landing."""
    rng = world.dice("scanning")
    subjects = [_Subject(_REPOSITORY, world.landed[0].landed_at, None), *_images(world)]
    for subject in subjects:
        _fate(world, subject, rng)
    at = world.start + timedelta(seconds=rng.randint(3600, 5 * 86400))
    while at < world.end:
        reports = []
        for number, subject in enumerate(subjects):
            moment = at + timedelta(seconds=number)
            if subject.asked(moment) and not _forgotten(subject, at):
                subject.times.append(moment)
                reports.append(_report(subject, moment))
        world.evidence.lines(SOURCE, f"sweeps/{at:%Y/%m/%d}/trivy.json.gz", reports)
        at += timedelta(seconds=rng.randint(5 * 86400, 6 * 86400 + 80_000))
    for subject in subjects:
        subject.times.sort()
        _judge_cadence(world, subject)
        for flaw in subject.flaws:
            _judge_flaw(world, subject, flaw)


def _images(world: World) -> list[_Subject]:
    """Every image that a landing after the first one set or replaced, from its first landing until no place asks for it."""
    landed = {one.head_sha: one for one in world.landed}
    places: dict[tuple[str, str, str], list[tuple[datetime, str | None]]] = defaultdict(list)
    for each in world.truth.images:
        landing = landed[str(each["head_sha"])]
        place = (str(each["app"]), str(each["environment"]), str(each["image"]))
        if landing.position:
            if not places[place]:
                places[place].append((world.landed[0].landed_at, each["before"]))
            places[place].append((landing.landed_at, each["after"]))
    spans: dict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for (_, _, image), turns in places.items():
        following = [*(at for at, _ in turns[1:]), None]
        for (at, version), until in zip(turns, following, strict=True):
            if version is not None:
                spans[f"{image}:{version}"].append((at, until))
    return [
        _Subject(name, min(at for at, _ in found), _last([until for _, until in found]))
        for name, found in sorted(spans.items())
    ]


def _last(ends: list[datetime | None]) -> datetime | None:
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _fate(world: World, subject: _Subject, rng: random.Random) -> None:
    """Whether it is forgotten for a while, which vulnerability it has, and whether it is scanned before it lands."""
    if rng.random() < 0.08 or subject.name == _REPOSITORY:
        begin = subject.since + timedelta(seconds=rng.randrange(120 * 86400))
        subject.forgotten = (begin, begin + timedelta(days=20))
    if rng.random() < 0.3 and subject.name != _REPOSITORY:
        disclosed = subject.since + timedelta(seconds=rng.randrange(-10 * 86400, 30 * 86400))
        gone = timedelta(days=rng.randint(5, 20)) if rng.random() < 0.2 else timedelta(days=4000)
        flaw = _Flaw(
            f"CVE-2026-{rng.randint(1000, 99999)}",
            rng.choice(_PACKAGES),
            rng.choice(("CRITICAL", "HIGH", "HIGH", "MEDIUM")),
            rng.choice(("3.0.9-r1", "1.2.13-r4", "8.9.1-r0", "")),
            disclosed,
            disclosed + gone,
        )
        subject.flaws.append(flaw)
    early = subject.since - timedelta(seconds=rng.randint(600, 7200))
    if rng.random() < 0.4 and subject.flaws and early > world.start:
        subject.times.append(early)
        name = f"before/{early:%Y/%m/%d}/{rng.getrandbits(32):08x}.json"
        world.evidence.lines(SOURCE, name, [_report(subject, early)], compress=False)


def _forgotten(subject: _Subject, at: datetime) -> bool:
    return subject.forgotten is not None and subject.forgotten[0] <= at < subject.forgotten[1]


def _report(subject: _Subject, at: datetime) -> dict[str, Any]:
    """A report of Trivy, version 2 of its schema."""
    head = {"SchemaVersion": 2, "CreatedAt": stamp(at), "Trivy": {"Version": "0.57.1"}}
    if subject.name == _REPOSITORY:
        url = f"https://github.com/{REPOSITORY}.git"
        about = {"RepoURL": url, "Branch": "main"}
        return {**head, "ArtifactName": url, "ArtifactType": "repository", "Metadata": about, "Results": []}
    found = [flaw for flaw in subject.flaws if flaw.disclosed <= at < flaw.withdrawn]
    listed = [
        {
            "VulnerabilityID": flaw.name,
            "PkgName": flaw.package,
            "InstalledVersion": "1.0.0-r0",
            **({"FixedVersion": flaw.fixed, "Status": "fixed"} if flaw.fixed else {"Status": "affected"}),
            "Severity": flaw.severity,
            "Title": f"a flaw of {flaw.package}",
        }
        for flaw in found
    ]
    target = {"Target": f"{subject.name} (alpine 3.20.3)", "Class": "os-pkgs", "Type": "alpine"}
    return {
        **head,
        "ArtifactName": subject.name,
        "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "alpine", "Name": "3.20.3"}, "RepoTags": [subject.name]},
        "Results": [{**target, "Vulnerabilities": listed} if listed else target],
    }


def _judge_cadence(world: World, subject: _Subject) -> None:
    marks = [subject.since, *(at for at in subject.times if subject.asked(at)), subject.until]
    for begin, until in pairwise(marks):
        assert begin is not None
        for start, end in quarters(world):
            if max(begin + _CADENCE, start) < min(until or end, end):
                world.truth.violation(
                    "SCN-01",
                    f"{subject.name}@{stamp(begin)}",
                    begin,
                    why=f"no scan until {stamp(until) if until else 'the end'}",
                    quarter=quarter_of(start),
                )


def _judge_flaw(world: World, subject: _Subject, flaw: _Flaw) -> None:
    seen = [at for at in subject.times if flaw.disclosed <= at < flaw.withdrawn]
    if flaw.severity not in _LIMITS or not flaw.fixed or not seen:
        return
    clean = [at for at in subject.times if at > seen[-1]]
    ends = [*clean[:1], *([subject.until] if subject.until else [])]
    begin = max(seen[0], subject.since)
    if ends and min(ends) <= begin:
        return
    told = f"vulnerability:{subject.name}:{flaw.name}/{flaw.package}"
    world.incidents.append(Incident("vulnerability", told, None, subject.name, begin))
    for start, end in quarters(world):
        until = min([*ends, end])
        late = max(begin + _LIMITS[flaw.severity], start) < until
        early = seen[0] < subject.since and start <= subject.since < end
        if late or early:
            world.truth.violation(
                "SCN-02",
                f"{subject.name}:{flaw.name}/{flaw.package}",
                begin,
                why=f"open from {stamp(begin)} until {stamp(until)}"
                + (", known before it landed" if early else ""),
                quarter=quarter_of(start),
            )
