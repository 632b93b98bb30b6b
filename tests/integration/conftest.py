"""Organisations that acted, and what the pipeline found of them."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from audit import pipeline
from audit.cli import main
from audit.controls import own, registry
from audit.settings import Settings, load
from audit.simulator.organisation import simulate

AS_OF = datetime(2026, 10, 5, 6, tzinfo=UTC)
AS_OF_ARGUMENTS = ["--as-of", "2026-10-05T06:00:00Z"]
EVERY = registry.CONTROLS
FEW = ("CHG-01", "CHG-03", "CLU-01")
LITTLE = ("prod-audit", "github-exports")
PRISTINE = {"seed": 2, "changes": 40, "log_events": 2_000}


@dataclass
class Acted:
    """An organisation that acted: where it lies, its settings, and what really happened."""

    folder: Path
    settings: Settings
    truth: dict[str, Any]
    _checked: dict[str, pipeline.Run] = field(default_factory=dict)

    def quarter(self, label: str) -> pipeline.Run:
        """What the pipeline finds for a quarter, from the evidence alone; found once, for nobody changes it."""
        if label not in self._checked:
            self._checked[label] = pipeline.check(self.settings, self.settings.quarter(label), AS_OF)
        return self._checked[label]

    def violations(self, quarter: str) -> dict[tuple[str, str], str]:
        """(control, subject) → why, of the violations committed in a quarter."""
        return {
            (each["control"], each["subject"]): each["why"]
            for each in self.truth["violations"]
            if each["quarter"] == quarter
        }


def act(folder: Path, *, seed: int, changes: int, log_events: int) -> Acted:
    """Acts an organisation out, and collects, mines and builds its evidence."""
    simulate(folder, seed=seed, changes=changes, log_events=log_events)
    settings = load(folder / "audit.toml")
    collected = pipeline.collect(settings, AS_OF)
    assert collected.problems == []
    pipeline.mine(settings, AS_OF)
    pipeline.build(settings)
    return Acted(folder, settings, json.loads((folder / "truth" / "truth.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def acted(tmp_path_factory: pytest.TempPathFactory) -> Acted:
    """A small organisation that several tests look at; they do not change it."""
    return act(tmp_path_factory.mktemp("organisation"), seed=23, changes=120, log_events=5_000)


def judge_few(patch: pytest.MonkeyPatch) -> None:
    """Has a few controls judged: for tests that look at something else."""
    for where in (own, registry):
        patch.setattr(where, "CONTROLS", tuple(one for one in where.CONTROLS if one.id in FEW))


def judge_every(patch: pytest.MonkeyPatch) -> None:
    """Has every control judged, also among tests that judge few."""
    for where in (own, registry):
        patch.setattr(where, "CONTROLS", EVERY)


@pytest.fixture
def all_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    """`judge_every` for one test: for what has to hold of each control."""
    judge_every(monkeypatch)


@pytest.fixture
def few_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    """`judge_few` for one test."""
    judge_few(monkeypatch)


def with_short_trends(folder: Path) -> Path:
    """Has an organisation's figures worked out for one quarter only: for tests that look at something else. Gives its folder."""
    settings = folder / "audit.toml"
    text, count = re.subn(
        r"(?m)^\[thresholds\]$", "[thresholds]\ntrend_quarters = 1", settings.read_text(encoding="utf-8")
    )
    settings.write_text(text if count else f"{text}\n[thresholds]\ntrend_quarters = 1\n", encoding="utf-8")
    return folder


def with_little_evidence(folder: Path) -> Path:
    """Leaves an organisation two sources only: for tests of how evidence is read. Gives its folder."""
    settings = folder / "audit.toml"
    blocks = re.split(r"(?m)^(?=\[)", settings.read_text(encoding="utf-8"))
    kept = [
        one
        for one in blocks
        if not one.startswith("[[sources]]") or any(f'"{name}"' in one for name in LITTLE)
    ]
    settings.write_text("".join(kept), encoding="utf-8")
    return folder


def with_short_report(folder: Path) -> Path:
    """Has an organisation's reports laid out with few sections: for tests that look at something else. Gives its folder."""
    (folder / "theme").mkdir()
    (folder / "theme" / "theme.toml").write_text(
        'sections = ["cover", "restatement", "completeness", "sign-off"]\n', encoding="utf-8"
    )
    with (folder / "audit.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[report]\ntheme = "theme"\n')
    return folder


def self_signed(folder: Path, start: datetime, end: datetime, *, passphrase: bytes = b"") -> None:
    """Writes `root.pem`, a certificate that vouches for itself between two moments, and its `key.pem`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    (folder / "root.pem").write_bytes(made.public_bytes(Encoding.PEM))
    locked = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))


@dataclass
class Ran:
    """What `audit run` of an organisation ended with, and what it printed as JSON."""

    folder: Path
    code: int
    printed: dict[str, Any]

    @property
    def store(self) -> Path:
        """Its evidence store."""
        return self.folder / "audit-store"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An organisation of which nothing was collected yet; tests that change it take a copy."""
    return simulate(tmp_path_factory.mktemp("pristine") / "organisation", **PRISTINE)


@pytest.fixture(scope="session")
def ran(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """`audit run` of the pristine organisation, once for all who look at what it gives; they do not change it."""
    folder = tmp_path_factory.mktemp("ran") / "organisation"
    shutil.copytree(pristine, folder)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
        judge_every(patch)
        code = main(
            [
                "run",
                "--quarter",
                "2026Q3",
                "--settings",
                str(folder / "audit.toml"),
                *AS_OF_ARGUMENTS,
                "--json",
            ]
        )
    return Ran(folder, code, json.loads(printed.getvalue()))


@pytest.fixture(scope="session")
def short(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pristine organisation with few sections and trends, of which nothing was collected yet; tests take a copy."""
    folder = tmp_path_factory.mktemp("short") / "organisation"
    return with_short_trends(with_short_report(Path(shutil.copytree(pristine, folder))))


@pytest.fixture(scope="session")
def short_ran(short: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, of which 2026Q3 was reported with a few controls (`judge_few`); tests take a copy."""
    folder = Path(shutil.copytree(short, tmp_path_factory.mktemp("short-ran") / "organisation"))
    settings = load(folder / "audit.toml")
    with pytest.MonkeyPatch.context() as patch:
        judge_few(patch)
        assert pipeline.run(settings, settings.quarter("2026Q3"), AS_OF).published is not None
    return folder


@pytest.fixture
def act_out(tmp_path: Path) -> Callable[..., Acted]:
    """Makes an organisation of one's own."""

    def make(*, seed: int, changes: int = 60, log_events: int = 3_000) -> Acted:
        return act(tmp_path / "organisation", seed=seed, changes=changes, log_events=log_events)

    return make
