"""`audit doctor` and `audit collect --dry-run`: what they find, and that they change nothing."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from audit import doctor
from audit.cli import main
from audit.errors import ExitCode
from audit.evidence.store import Store
from audit.period import Period
from audit.report import templates
from audit.settings import load
from audit.sources.loopback import S3Server
from tests.integration.conftest import AS_OF, AS_OF_ARGUMENTS, Ran, self_signed

SETTINGS = """
[organisation]
name = "NETBPF"
[s3]
endpoint_url = "{url}"
attempts = 1
[[sources]]
name = "logs"
location = "s3://{bucket}/doctor"
"""


def _tree(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def _examined(capfd: pytest.CaptureFixture[str], path: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["doctor", "--settings", str(path), *AS_OF_ARGUMENTS, "--json"])
    said = json.loads(capfd.readouterr().out)
    assert said["exit_code"] == code
    return code, {line["area"]: line for line in said["findings"]}


def test_where_all_is_well_every_area_says_so_and_nothing_is_changed(
    ran: Ran, capfd: pytest.CaptureFixture[str]
) -> None:
    before = _tree(ran.folder)
    code, found = _examined(capfd, ran.folder / "audit.toml")
    assert code == 0
    assert {line["state"] for line in found.values()} <= {"ok", "warn"}
    for area in ("python", "git", "libraries", "pango", "fonts", "settings", "roster", "disk", "store"):
        assert found[area]["state"] == "ok", found[area]
    assert found["repository netbpf/netbpf-gitops"]["state"] == "ok"
    assert any(area.startswith("source ") for area in found)
    assert any("of 92 days of 2026Q3" in line["says"] for area, line in found.items() if "coverage" in area)
    assert _tree(ran.folder) == before


def test_settings_that_are_wrong_are_one_finding_with_its_remedy(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, found = _examined(capfd, tmp_path / "audit.toml")
    assert code == ExitCode.USAGE
    assert found["settings"]["state"] == "bad"
    assert "audit init" in found["settings"]["remedy"]
    assert found["git"]["state"] == "ok"


def test_a_repository_and_a_folder_that_are_gone_are_bad_each_with_its_remedy(
    pristine: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "organisation"
    shutil.copytree(pristine, folder)
    (folder / "roster.yaml").unlink()
    shutil.rmtree(folder / "evidence")
    text = (folder / "audit.toml").read_text(encoding="utf-8")
    (folder / "audit.toml").write_text(
        text + '\n[[repositories]]\nname = "netbpf/gone"\nlocation = "gone"\n', encoding="utf-8"
    )
    code, found = _examined(capfd, folder / "audit.toml")
    bad = {area for area, line in found.items() if line["state"] == "bad"}
    assert code == ExitCode.EVIDENCE
    assert {"roster", "repository netbpf/gone"} <= bad
    assert any(area.startswith("source ") for area in bad)
    assert all(found[area]["remedy"] for area in bad)
    assert found["store"]["state"] == "warn"
    assert not (folder / "audit-store").exists()


@pytest.mark.parametrize(
    ("days", "state", "code"),
    [(300, "ok", 0), (60, "warn", 0), (-1, "bad", 2)],
    ids=["valid", "soon", "over"],
)
def test_a_certificate_is_looked_at_before_a_quarter_is_worked_out(
    days: int, state: str, code: int, tmp_path: Path
) -> None:
    until = AS_OF + timedelta(days=days)
    self_signed(tmp_path, AS_OF - timedelta(days=10), until, passphrase=b"obviously fake")
    (tmp_path / "passphrase").write_text("obviously fake\n")
    toml = (
        '[report_signature]\ncertificate = "root.pem"\nkey_file = "key.pem"\npassphrase_file = "passphrase"\n'
    )
    (tmp_path / "audit.toml").write_text(f'[organisation]\nname = "NETBPF"\n{toml}', encoding="utf-8")
    found = _of_report(tmp_path)
    assert (found["report signature"].state, found["report signature"].code) == (state, code)
    assert f"until {until:%Y-%m-%d}" in found["report signature"].says
    (tmp_path / "passphrase").write_text("another\n")
    wrong = _of_report(tmp_path)["report signature"]
    assert (wrong.state, wrong.code) == ("bad", ExitCode.USAGE)
    assert "passphrase" in wrong.remedy


def _of_report(folder: Path) -> dict[str, doctor.Line]:
    return {line.area: line for line in doctor._of_report(load(folder / "audit.toml"), AS_OF)}


def test_what_a_report_is_made_of_is_looked_at_before_a_quarter_is_worked_out(tmp_path: Path) -> None:
    toml = '[organisation]\nname = "NETBPF"\n[report]\ntheme = "theme"\nresponses = "responses.yaml"\n'
    (tmp_path / "audit.toml").write_text(toml, encoding="utf-8")
    assert {area: line.state for area, line in _of_report(tmp_path).items()} == {
        "theme": "bad",
        "responses": "bad",
    }
    (tmp_path / "theme").mkdir()
    (tmp_path / "responses.yaml").write_text("[]\n", encoding="utf-8")
    assert {line.state for line in _of_report(tmp_path).values()} == {"ok"}
    own = f'{toml}[own_controls]\nfolder = "controls"\n'
    (tmp_path / "audit.toml").write_text(own, encoding="utf-8")
    (said,) = [
        one for one in doctor._of_settings(load(tmp_path / "audit.toml")) if one.area == "own controls"
    ]
    assert said.state == "bad"


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (range(92), ""),
        ([day for day in range(92) if not 40 <= day < 50], "between 2026-08-09 and 2026-08-20"),
        (range(0, 92, 7), ""),
        ([day for day in range(0, 92, 7) if not 20 < day < 60], "between 2026-07-15 and 2026-09-02"),
        ([3], "between 2026-07-04 and 2026-10-01"),
        ([30, 60], ""),
    ],
    ids=["daily", "daily with a hole", "weekly", "weekly with a hole", "one day", "two days"],
)
def test_a_silence_is_told_that_is_far_longer_than_usual(days: Iterable[int], told: str) -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    covered = pd.Series([pd.Timestamp(start + timedelta(days=day)) for day in days])
    found = doctor._silence(covered, Period(start, datetime(2026, 10, 1, tzinfo=UTC), "2026Q3", "UTC", 1))
    assert found == told


def test_a_store_that_was_touched_is_bad(ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ran.folder, tmp_path / "organisation")
    manifest = tmp_path / "organisation" / "audit-store" / "manifests" / "000001.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b"payload", b"payl0ad"))
    code, found = _examined(capfd, tmp_path / "organisation" / "audit.toml")
    assert code == ExitCode.INTEGRITY
    assert found["store"]["state"] == "bad"


def test_people_read_each_finding_with_its_remedy_beneath(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--settings", str(tmp_path / "absent.toml")]) == ExitCode.USAGE
    printed = capfd.readouterr().out
    assert "✓ git: git version" in printed
    assert "✗ settings:" in printed
    assert "    Remedy: run 'audit init'" in printed
    assert "\x1b" not in printed
    (tmp_path / "audit.toml").write_text("[organisation]\nname = 1\ncolour = 2\n", encoding="utf-8")
    assert main(["doctor", "--settings", str(tmp_path / "audit.toml")]) == ExitCode.USAGE
    lines = capfd.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("✗ settings: ") and "organisation." in line]) == 2


def test_little_room_and_missing_fonts_and_libraries_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ENOUGH", 1 << 62)
    assert [line.state for line in doctor._of_disk(tmp_path / "store")] == ["warn"]
    monkeypatch.setattr(doctor, "LITTLE", 1 << 62)
    assert [line.code for line in doctor._of_disk(tmp_path / "store")] == [ExitCode.USAGE]
    (tmp_path / "report.html").write_text("")
    (tmp_path / "report.css").write_text('@font-face { src: url("fonts/Absent.woff2") }')
    monkeypatch.setattr(templates, "folder", lambda: tmp_path)
    assert doctor._of_fonts().says == "missing: fonts/Absent.woff2"
    monkeypatch.setattr(
        doctor, "requires", lambda _: ["pandas>=3", "no-such-library>=1", "dask>=1; extra == 'dask'"]
    )
    assert doctor._of_libraries().says == "not installed: no-such-library"
    monkeypatch.setattr(doctor, "_PANGO", "raise SystemExit(1)")
    assert "libpango" in doctor._of_pango().remedy


def _write(folder: Path, server: S3Server, bucket: str = "audit") -> Path:
    path = folder / "audit.toml"
    path.write_text(SETTINGS.format(url=server.endpoint_url, bucket=bucket), encoding="utf-8")
    return path


@pytest.mark.usefixtures("as_auditor")
def test_a_bucket_is_reached_listed_and_read_with_the_auditors_rights(
    s3_server: S3Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    s3_server.admin().put_object(Bucket="audit", Key="doctor/a", Body=b"abc")
    code, found = _examined(capfd, _write(tmp_path, s3_server))
    assert code == 0
    assert found["source logs"]["says"] == "s3://audit/doctor: read 'a'"


@pytest.mark.usefixtures("no_credentials")
def test_a_bucket_without_credentials_is_bad_and_says_which_to_set(
    s3_server: S3Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, found = _examined(capfd, _write(tmp_path, s3_server))
    assert code == ExitCode.EVIDENCE
    assert "AWS_ACCESS_KEY_ID" in found["source logs"]["remedy"]


@pytest.mark.usefixtures("as_auditor")
def test_a_bucket_that_does_not_exist_is_bad(
    s3_server: S3Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, found = _examined(capfd, _write(tmp_path, s3_server, bucket="absent"))
    assert code == ExitCode.EVIDENCE
    assert found["source logs"]["state"] == "bad"


@pytest.mark.usefixtures("as_auditor")
def test_a_dry_run_tells_objects_and_bytes_and_pulls_nothing_and_nothing_twice(
    s3_server: S3Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for key, body in (("plan/a", b"abc"), ("plan/b", b"defgh")):
        s3_server.admin().put_object(Bucket="audit", Key=key, Body=body)
    path = _write(tmp_path, s3_server)
    path.write_text(path.read_text(encoding="utf-8").replace("/doctor", "/plan"), encoding="utf-8")
    command = ["collect", "--settings", str(path), *AS_OF_ARGUMENTS]

    def planned() -> tuple[int, int]:
        assert main([*command, "--dry-run", "--json"]) == 0
        said = json.loads(capfd.readouterr().out)
        assert said["sources"][0]["listed"] == 2 + said["pulled"]
        return said["objects"], said["bytes"]

    assert planned() == (2, 8)
    assert [one.name for one in tmp_path.iterdir()] == ["audit.toml"]
    assert main([*command, "--dry-run"]) == 0
    assert "2 objects, 8 bytes would be pulled; nothing was." in capfd.readouterr().out
    assert main(command) == 0
    capfd.readouterr()
    assert planned() == (0, 0)


def test_a_dry_run_of_a_whole_run_tells_what_would_be_cloned_or_fetched_and_does_nothing(
    pristine: Path, ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "organisation"
    shutil.copytree(pristine, folder)
    with (folder / "audit.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[repositories]]\nname = "netbpf/gone"\nlocation = "gone"\n')
    before = _tree(folder)
    command = ["run", "--quarter", "2026Q3", "--dry-run", *AS_OF_ARGUMENTS, "--settings"]
    assert main([*command, str(folder / "audit.toml"), "--json"]) == ExitCode.USAGE
    said = json.loads(capfd.readouterr().out)
    assert said["objects"] > 0
    told = {each["name"]: (each["bytes"], each["problem"]) for each in said["repositories"]}
    assert told["netbpf/netbpf-gitops"] == (None, None)
    assert "gone" in told["netbpf/gone"][1]
    assert _tree(folder) == before
    assert main([*command, str(ran.folder / "audit.toml")]) == 0
    printed = capfd.readouterr().out
    assert re.search(r"netbpf/netbpf-gitops .* [0-9,]+ bytes; would be", printed)


def test_a_dry_run_of_a_source_that_is_gone_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit.toml").write_text(
        '[organisation]\nname = "NETBPF"\n[[sources]]\nname = "logs"\nlocation = "file:absent"\n',
        encoding="utf-8",
    )
    assert main(["collect", "--settings", str(tmp_path / "audit.toml"), "--dry-run"]) == ExitCode.EVIDENCE
    assert "there is no such folder" in capfd.readouterr().out


def test_the_quarter_that_evidence_should_cover_is_the_last_that_had_ended(ran: Ran) -> None:
    lines = list(doctor.examine(ran.folder / "audit.toml", AS_OF))
    assert any("2026Q3" in line.says for line in lines if line.area.startswith("coverage"))
    assert doctor.exit_code(lines) == ExitCode.CLEAN
    coverage = [line for line in lines if line.area.startswith("coverage")]
    assert [line for line in coverage if "lists, which have no times" in line.says and line.state == "ok"]
    assert [line.area for line in coverage if line.state == "bad"] == []


def test_the_store_is_verified_for_programs_too(
    ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ran.folder, tmp_path / "organisation")
    command = ["verify-evidence", "--settings", str(tmp_path / "organisation" / "audit.toml"), "--json"]
    assert main(command) == 0
    told = capfd.readouterr()
    assert json.loads(told.out)["whole"] is True
    count = len(list(Store(ran.store).objects()))
    assert f"Reading stored objects: {count:,} objects done, " in told.err
    touched = next((tmp_path / "organisation" / "audit-store" / "objects").glob("*/*"))
    touched.chmod(0o644)
    touched.write_bytes(b"other")
    assert main(command) == ExitCode.INTEGRITY
    said = json.loads(capfd.readouterr().out)
    assert said["whole"] is False
    assert touched.name in said["problems"][0]


def test_examples_of_init_that_nobody_replaced_are_told_of_with_the_remedy(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    capfd.readouterr()
    _, found = _examined(capfd, tmp_path / "audit.toml")
    line = found["examples"]
    assert line["state"] == "warn"
    for name in (
        "repositories netbpf/netbpf-gitops",
        "sources prod-audit",
        "people alindqvist",
        "people release-bot",
    ):
        assert name in line["says"]
    assert line["remedy"]
    assert "examples" not in {
        one.area for one in doctor.examine(ran.folder / "audit.toml", AS_OF)
    }  # though names are alike


def test_the_key_that_the_remedy_makes_is_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The command line that doctor prints is run as it stands."""
    path = tmp_path / "audit.toml"
    path.write_text('[organisation]\nname = "NETBPF"\n', encoding="utf-8")
    _, found = _examined(capfd, path)
    command = re.search(r"\((openssl [^)]+)\)", found["signing"]["remedy"])
    assert command is not None
    subprocess.run(shlex.split(command[1]), cwd=tmp_path, check=True, capture_output=True, timeout=60)
    with path.open("a", encoding="utf-8") as file:
        file.write('[signing]\nkey_file = "manifest-key.pem"\n')
    _, found = _examined(capfd, path)
    assert found["signing"]["state"] == "ok"
