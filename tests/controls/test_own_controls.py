"""Controls of the organisation's own: judged, listed and tested as the product's; what is wrong with one is named."""

from __future__ import annotations

import json
import os
import py_compile
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.cli import main
from audit.controls import own
from audit.controls.registry import CONTROLS
from audit.errors import UsageError
from audit.report import publish
from audit.settings import Settings, load

GOOD = '''"""Nothing lands on a Sunday.

## Why
Nobody watches.

## Evidence
The mainline.

## Limits
Times are UTC.

## Remediation
Wait.
"""

from audit.controls.interface import Control, Example, Result, failures
from audit.controls.needs import GIT
from audit.model import Severity


def test(tables, context):
    rows = tables["landings"]
    rows = rows.assign(subject=rows["repo"] + "@" + rows["head_sha"], at=rows["landed_at"])
    sunday = rows[rows["at"].dt.day_of_week == 6]
    return Result(rows, failures(sunday, expected="another day", found="a Sunday", evidence=sunday["subject"]))


CONTROL = Control(
    id="OWN-01", page=__doc__, clause="Workflow", severity=Severity.LOW, frameworks={}, needs=(GIT,),
    remediation="Wait.", test=test,
    examples=(
        Example(
            title="a Sunday fails",
            given="""
            repositories
            | tip |
            | b1… |
            landings
            | head_sha | position | landed_at        |
            | a1…      | 1        | 2026-08-02 10:00 |
            | a2…      | 2        | 2026-08-03 10:00 |
            """,
            conclusion="exceptions",
            exceptions="""
            | subject |
            | netbpf/netbpf-gitops@a1… |
            """,
        ),
    ),
)
'''


@pytest.fixture
def organisation(tmp_path: Path) -> Callable[..., Settings]:
    def make(**files: str) -> Settings:
        folder = tmp_path / "controls"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        path = tmp_path / "audit.toml"
        path.write_text(
            '[organisation]\nname = "ACME"\n[own_controls]\nfolder = "controls"\n', encoding="utf-8"
        )
        return load(path)

    return make


def test_a_control_is_run_as_it_is_written_and_not_as_it_was_compiled(
    organisation: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes a file keeps its size and its time: what its sha256 speaks of is what judges."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    settings = organisation(a=GOOD)
    path = tmp_path / "controls" / "a.py"
    before = path.stat()
    assert own.controls(settings)[-1].title == "Nothing lands on a Sunday"
    py_compile.compile(str(path))
    path.write_text(GOOD.replace("lands on", "moves on"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert own.controls(settings)[-1].title == "Nothing moves on a Sunday"
    shutil.rmtree(tmp_path / "controls" / "__pycache__")
    own.controls(settings)
    assert [each.name for each in (tmp_path / "controls").iterdir()] == ["a.py"]


def test_they_come_after_the_products(organisation: Callable[..., Settings]) -> None:
    found = own.controls(organisation(sunday=GOOD, _helper="x = 1\n"))
    assert [control.id for control in found] == [*(control.id for control in CONTROLS), "OWN-01"]


def test_they_are_listed_explained_and_tested(
    organisation: Callable[..., Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    organisation(sunday=GOOD)
    at = ["-s", str(tmp_path / "audit.toml")]
    assert main(["controls", "OWN-01", *at, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["title"] == "Nothing lands on a Sunday"
    assert main(["controls", "OWN-01", *at, "--test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"examples": {"OWN-01": 1}, "wrong": []}
    organisation(sunday=GOOD.replace("day_of_week == 6", "day_of_week == 0"))
    assert main(["controls", "OWN-01", *at, "--test"]) == 1
    assert "OWN-01: a Sunday fails: found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def (:\n", "bad.py, line 1: SyntaxError"),
        ("x = 1\ny = 1 / 0\n", "bad.py, line 2: ZeroDivisionError"),
        ("import nothing_of_that_name\n", "bad.py, line 1: ModuleNotFoundError"),
        ("x = 1\n", "bad.py: it has no CONTROL"),
        (GOOD.replace("OWN-01", "CHG-01"), "bad.py: CHG-01 is a control of the product already"),
        (GOOD.replace("OWN-01", "own"), "bad.py: 'own' is no id of a control"),
        (GOOD.replace("## Limits", "Limits"), "bad.py: the page of OWN-01 has no section '## Limits'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    organisation: Callable[..., Settings], text: str, said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        own.controls(organisation(bad=text))
    assert said in str(raised.value)


def test_two_of_one_id_are_refused(organisation: Callable[..., Settings]) -> None:
    with pytest.raises(UsageError, match=r"b\.py: OWN-01 is a control of .*a\.py already"):
        own.controls(organisation(a=GOOD, b=GOOD))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('[organisation]\nname = "ACME"\n[own_controls]\nfolder = "none"\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"none: there is no such folder"):
        own.controls(load(path))


def test_a_rule_that_changed_is_a_fact_that_restates(organisation: Callable[..., Settings]) -> None:
    before = publish.said(organisation(sunday=GOOD))
    after = publish.said(organisation(sunday=GOOD.replace("== 6", "== 5")))
    assert {name for name in after if before.get(name) != after[name]} == {"own_controls.sha256"}


def test_a_package_brings_controls_by_an_entry_point(
    organisation: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is told with its name when it can't; what its module says is a fact that restates."""
    settings = organisation(sunday=GOOD)
    site, text = tmp_path / "site", GOOD.replace("OWN-01", "OWN-02")
    (site / "acme_rules-1.0.dist-info").mkdir(parents=True)
    (site / "acme_rules-1.0.dist-info" / "METADATA").write_text("Name: acme-rules\nVersion: 1.0\n")
    entries = site / "acme_rules-1.0.dist-info" / "entry_points.txt"
    entries.write_text(f"[{own.GROUP}]\nmonday = acme_rules:CONTROL\n")
    (site / "acme_rules.py").write_text(text, encoding="utf-8")
    before = publish.said(settings)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "acme_rules", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [control.id for control in own.controls(settings)][len(CONTROLS) :] == ["OWN-01", "OWN-02"]
    with_it = publish.said(settings)
    (site / "acme_rules.py").write_text(text.replace("== 6", "== 5"), encoding="utf-8")
    assert len({each["own_controls.sha256"] for each in (before, with_it, publish.said(settings))}) == 3
    alone = tmp_path / "alone.toml"
    alone.write_text('[organisation]\nname = "ACME"\n', encoding="utf-8")
    assert "own_controls.sha256" in publish.said(load(alone))
    entries.write_text(f"[{own.GROUP}]\nmonday = acme_rules:OTHER\n")
    with pytest.raises(UsageError, match=r"entry point 'monday' \(acme_rules:OTHER\): AttributeError"):
        own.controls(settings)
    monkeypatch.delitem(sys.modules, "acme_rules")
