"""Whole runs of the demonstration organisation: the same arguments give the same bytes, and settings that load."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from audit import settings
from audit.simulator import people
from audit.simulator.organisation import settings_toml, simulate, span
from audit.simulator.world import Evidence, Truth, World

SMALL = {"changes": 24, "log_events": 600, "quarters": 2}
SOURCES = (
    {"github-exports", "github-audit-log", "people-records", "vault-audit", "scans", "alerts", "cloudtrail"}
    | {f"github-rights-{quarter}" for quarter in ("2026Q2", "2026Q3")}
    | {f"{name}-rights-{quarter}" for name in ("dev", "staging", "prod") for quarter in ("2026Q2", "2026Q3")}
    | {
        f"{cluster}-{kind}"
        for cluster in ("dev", "staging", "prod")
        for kind in ("audit", "operators", "gatekeeper", "constraints", "metrics")
    }
)


def tree_hash(folder: Path) -> str:
    """sha256 over every file's path and content below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("run") / "demo", seed=5, **SMALL)


def test_the_same_arguments_give_the_same_bytes_in_another_process(run: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Someone Else\n[core]\ncompression = 0\n")
    call = f"simulate(Path({str(tmp_path / 'demo')!r}), seed=5, **{SMALL!r})"
    code = f"from pathlib import Path; from audit.simulator.organisation import simulate; {call}"
    environment = os.environ | {"PYTHONHASHSEED": "42", "HOME": str(home), "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert tree_hash(tmp_path / "demo") == tree_hash(run)


def test_another_seed_gives_another_run(run: Path, tmp_path: Path) -> None:
    other = simulate(tmp_path / "demo", seed=6, **SMALL)
    assert tree_hash(other / "repositories") != tree_hash(run / "repositories")


def test_a_run_holds_what_it_promises(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        "repositories", "evidence", "truth", "roster.yaml", "audit.toml", "allowed_signers", "fingerprints.key",
    }  # fmt: skip
    assert {path.name for path in (run / "evidence").iterdir()} == SOURCES
    truth = json.loads((run / "truth" / "truth.json").read_text())
    waivers = [each for each in truth["landings"] if any(number >= 5_000 for number in each["pr_numbers"])]
    changes = [each for each in truth["landings"] if each not in waivers]
    assert sum(max(1, len(each["pr_numbers"])) for each in changes) == 25
    assert len(waivers) == 2
    assert {"CHG-01", "CHG-02", "CLU-01"} <= {v["control"] for v in truth["violations"]}


def test_its_settings_load_and_name_what_is_there(run: Path) -> None:
    loaded = settings.load(run / "audit.toml")
    assert {source.name for source in loaded.sources} == SOURCES
    for source in loaded.sources:
        assert loaded.resolve(source.location.removeprefix("file:")).is_dir()
    assert loaded.resolve(loaded.repositories[0].location).is_dir()
    assert loaded.thresholds.required_checks == ("validate", "policy")
    known = {person["id"] for person in yaml.safe_load((run / "roster.yaml").read_text())["people"]}
    assert {glass.person for glass in loaded.break_glass} <= known


def test_settings_can_name_a_bucket() -> None:
    start, end = span("2026Q3", 1)
    rng = random.Random(1)
    glass = {
        "ticket": "INC-1",
        "person": "alindqvist",
        "cluster": "prod",
        "opened": "2026-07-02T10:00:00Z",
        "closed": "2026-07-02T11:00:00Z",
    }
    world = World(rng, start, end, 1, 1, ("a",), people.hire(rng, start, end), Truth(), Evidence(Path()))
    world.break_glass.append(glass)
    text = settings_toml(world, bucket="audit")
    loaded = settings.validate(tomllib.loads(text), where=Path("audit.toml"), text=text)
    expected = {name for name in SOURCES if not name.endswith("-2026Q2")}  # one quarter alone
    assert {source.location for source in loaded.sources} == {f"s3://audit/{name}/" for name in expected}
    assert loaded.break_glass[0].opened == datetime(2026, 7, 2, 10, tzinfo=UTC)


def test_the_roster_knows_every_name_but_the_outsiders() -> None:
    staff = people.hire(random.Random(3), *span("2026Q3", 4))
    listed = yaml.safe_load(people.roster(staff))["people"]
    assert 13 <= len(listed) <= 17
    emails = [email for person in listed for email in person["identities"]["git"]]
    logins = [login for person in listed for login in person["identities"]["github"]]
    assert len(emails) == len(set(emails))
    assert len(logins) == len(set(logins))
    assert people.OUTSIDER.login not in logins
    assert not [email for email in emails if email.endswith((people.OLD_DOMAIN, people.NOREPLY))]
    assert people.OLD_DOMAIN in people.mailmap(staff)
    assert {p["kind"] for p in listed} == {"person", "machine"}


@pytest.mark.parametrize("label", ["2026", "2026Q5", "26Q3", "", "2026-Q3"])
def test_what_names_no_quarter_is_refused(label: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not name a quarter"):
        simulate(tmp_path / "demo", last_quarter=label)


def test_a_run_is_never_written_over(run: Path) -> None:
    with pytest.raises(FileExistsError):
        simulate(run, seed=5, **SMALL)


def test_a_single_change_is_enough(tmp_path: Path) -> None:
    small = simulate(tmp_path / "demo", changes=1, log_events=10, quarters=1)
    truth = json.loads((small / "truth" / "truth.json").read_text())
    assert len(truth["landings"]) == 2
