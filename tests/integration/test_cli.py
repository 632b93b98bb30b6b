"""What a user sees when something is wrong: which file, which line, the remedy, the exit code; and nothing half-written."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audit.cli import main
from audit.errors import ExitCode
from audit.normalise.interface import Context, Outcome
from audit.normalise.registry import FORMATS
from audit.normalise.roster import read as read_roster
from audit.settings import load
from tests.integration.conftest import AS_OF_ARGUMENTS as AS_OF
from tests.integration.conftest import Ran, with_little_evidence, with_short_report, with_short_trends


@pytest.fixture
def organisation(pristine: Path, tmp_path: Path) -> Path:
    """A copy of one's own to spoil."""
    return with_short_trends(with_short_report(Path(shutil.copytree(pristine, tmp_path / "organisation"))))


@pytest.fixture
def slight(organisation: Path) -> Path:
    """The same with next to no evidence, which is soon read."""
    return with_little_evidence(organisation)


def _run(folder: Path, *arguments: str) -> int:
    return main(["run", "--quarter", "2026Q3", "--settings", str(folder / "audit.toml"), *AS_OF, *arguments])


def test_a_run_with_findings_ends_with_1_and_says_where_everything_lies(ran: Ran) -> None:
    assert ran.code == 1
    assert len(ran.printed["most_important"]) == 3
    assert all(Path(path).stat().st_size > 0 for path in ran.printed["files"].values())
    assert set(ran.printed["files"]) == {"report.pdf", "results.json"}


@pytest.mark.usefixtures("few_controls")
def test_a_check_leaves_no_report_that_speaks_of_other_tables(
    ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ran.folder, tmp_path / "organisation")
    folder = tmp_path / "organisation" / "audit-store" / "quarters" / "2026Q3"
    settings = ["--settings", str(tmp_path / "organisation" / "audit.toml")]
    assert (folder / "report.pdf").exists()
    assert main(["check", "--quarter", "2026Q3", *settings, "--as-of", "2026-08-15"]) == 1
    assert not (folder / "report.pdf").exists()
    assert not (folder / "results.json").exists()
    assert "report.pdf" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("stage", "remedy"),
    [
        (["build"], None),
        (["check", "--quarter", "2026Q3", *AS_OF], "audit build"),
        (["report", "--quarter", "2026Q3"], "audit check"),
    ],
)
def test_a_stage_says_which_stage_it_waits_for(
    organisation: Path, capfd: pytest.CaptureFixture[str], stage: list[str], remedy: str | None
) -> None:
    code = main([*stage, "--settings", str(organisation / "audit.toml")])
    assert code == (2 if remedy else 0)
    assert (remedy or "") in capfd.readouterr().err


def test_a_quarter_in_the_future_is_refused(organisation: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--quarter", "2027Q1", "--settings", str(organisation / "audit.toml"), *AS_OF]) == 2
    assert "2027Q1 begins on 2027-01-01, after 2026-10-05" in capfd.readouterr().err
    assert not (organisation / "audit-store").exists()


@pytest.mark.parametrize("label", ["2026", "Q3", "2026Q9"])
def test_what_names_no_quarter_is_refused(
    organisation: Path, capfd: pytest.CaptureFixture[str], label: str
) -> None:
    assert main(["run", "--quarter", label, "--settings", str(organisation / "audit.toml")]) == 2
    assert "write the fiscal year and quarter as in 2026Q3" in capfd.readouterr().err


def test_a_repository_that_is_not_one_is_refused(
    organisation: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(organisation / "repositories" / "netbpf-gitops.git")
    (organisation / "repositories" / "netbpf-gitops.git").mkdir()
    assert _run(organisation) == 2
    error = capfd.readouterr().err
    assert "netbpf-gitops" in error
    assert "Remedy:" in error


def test_mine_of_a_folder_that_is_no_repository_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["mine", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert str(tmp_path) in error
    assert "Remedy:" in error


def test_a_shallow_clone_is_refused(
    organisation: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = (organisation / "repositories" / "netbpf-gitops.git").as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "3", source, str(tmp_path / "shallow")], check=True)
    assert main(["mine", str(tmp_path / "shallow")]) == 4
    assert "shallow" in capfd.readouterr().err


@pytest.mark.usefixtures("few_controls")
def test_an_empty_source_is_missing_evidence_and_the_report_is_still_made(
    organisation: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(organisation / "evidence" / "prod-audit")
    (organisation / "evidence" / "prod-audit").mkdir()
    assert _run(organisation) == 3
    printed = capfd.readouterr().out
    assert "prod-audit" in printed
    quarter = organisation / "audit-store" / "quarters" / "2026Q3"
    assert (quarter / "report.pdf").exists()
    found = json.loads((quarter / "results.json").read_text(encoding="utf-8"))
    assert "prod" in json.dumps(found)


def test_garbage_and_a_corrupt_gzip_are_quarantined_and_counted(
    slight: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = slight / "evidence" / "prod-audit"
    good = sorted(path for path in source.rglob("*") if path.is_file())[5]
    lines = gzip.decompress(good.read_bytes())
    (source / "zz-garbage.log").write_bytes(b"this is not an event\n" + lines)
    broken = bytearray(good.read_bytes())
    broken[-8] ^= 0xFF  # the checksum
    (source / "zz-broken.log.gz").write_bytes(broken)
    settings = ["--settings", str(slight / "audit.toml")]
    assert main(["collect", *settings, *AS_OF]) == 0
    capfd.readouterr()
    assert main(["build", "--json", *settings]) == 0
    quarantined = json.loads(capfd.readouterr().out)["quarantined"]
    by_key = {row["key"]: row for row in quarantined if row["key"].startswith("zz-")}
    assert set(by_key) == {"zz-garbage.log", "zz-broken.log.gz"}
    assert (by_key["zz-garbage.log"]["line"], by_key["zz-garbage.log"]["offset"]) == (1, 0)
    assert all(row["reason"] for row in by_key.values())


def test_what_is_quarantined_is_listed_and_read_once_more_after_a_fix(
    slight: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The fix: a format learns what it could not read, with no new version of it."""
    folder = slight / "evidence" / "prod-audit"
    (folder / "zz-one.log").write_bytes(b'{"a": 1}\n\x1b[31m{"kind": "Foreign"}\n')
    (folder / "zz-two.log").write_bytes(b'{"kind": "Foreign"}\n{"b": 2}\n')
    settings = ["--settings", str(slight / "audit.toml")]
    assert main(["collect", *settings, *AS_OF]) == 0
    assert main(["quarantine", *settings]) == ExitCode.USAGE
    assert main(["build", *settings]) == 0
    capfd.readouterr()
    assert main(["quarantine", "--source", "prod-audit", *settings, "--json"]) == ExitCode.EVIDENCE
    listed = json.loads(capfd.readouterr().out)
    mine = sorted((row["key"], row["line"]) for row in listed if row["key"].startswith("zz-"))
    assert mine == [("zz-one.log", 1), ("zz-one.log", 2), ("zz-two.log", 1), ("zz-two.log", 2)]
    assert {row["source_name"] for row in listed} == {"prod-audit"}
    assert main(["quarantine", "--source", "prod-audit", "--reason", "no known format", *settings]) == 3
    text = capfd.readouterr().out
    assert "prod-audit: 3 in 2 objects: no known format" in text
    assert "zz-two.log, record 1, byte 0: no known format" in text
    assert main(["quarantine", "--source", "github-exports", *settings]) == ExitCode.CLEAN
    assert "Nothing is quarantined" in capfd.readouterr().out

    class Foreign:
        name, version, tables = (
            "github-pulls",
            FORMATS["github-pulls"].version,
            FORMATS["github-pulls"].tables,
        )

        def recognises(self, record: bytes) -> bool:
            return b"Foreign" in record

        def read(self, record: bytes, context: Context) -> Outcome:
            return Outcome([], None)

    monkeypatch.setitem(FORMATS, "github-pulls", Foreign())
    assert main(["quarantine", "--retry", "--reason", "no known format", *settings, "--json"]) == 3
    done = json.loads(capfd.readouterr().out)
    assert [(row["key"], row["line"]) for row in done["read"] if row["key"].startswith("zz-")] == [
        ("zz-two.log", 1)
    ]
    left = sorted((row["key"], row["line"]) for row in done["quarantined"] if row["key"].startswith("zz-"))
    assert left == [("zz-one.log", 1), ("zz-two.log", 2)]
    assert main(["quarantine", "--retry", "--source", "prod-audit", *settings]) == ExitCode.EVIDENCE
    assert "0 of " in capfd.readouterr().out

    (folder / "zz-one.log").write_bytes(b'{"kind": "Foreign"}\n')  # the other fix: the object, written anew
    (folder / "zz-two.log").write_bytes(b'{"kind": "Foreign"}\n{"b": 2}\n{"kind": "Foreign"}\n')
    assert main(["collect", *settings, *AS_OF]) == 0
    assert main(["quarantine", "--retry", "--source", "prod-audit", *settings]) == ExitCode.EVIDENCE
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("prod-audit zz-")]
    later = hashlib.sha256(b'{"kind": "Foreign"}\n').hexdigest()[:16]
    since = f" (the source has given other bytes since: {later})"
    assert [line.rpartition("  ")[0] for line in lines] == [
        f"prod-audit zz-one.log, record 1, byte 0: no known format{since}",  # what was there stays told of
        f"prod-audit zz-one.log, record 2, byte 9: not JSON: invalid character (byte 0){since}",
        "prod-audit zz-two.log, record 2, byte 20: no known format",  # what only grew is what it is now
    ]


@pytest.mark.usefixtures("few_controls")
def test_what_could_not_be_collected_stays_on_record_and_leaves_a_gap(
    organisation: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Later stages do not ask the source again: the manifest tells them."""
    link = organisation / "evidence" / "prod-audit" / "zz-link.log"
    link.symlink_to("/etc/hostname")
    settings = ["--settings", str(organisation / "audit.toml")]
    for stage in (["collect", *AS_OF], ["mine", *AS_OF], ["build"], ["check", "--quarter", "2026Q3"]):
        main([*stage, *settings])
    capfd.readouterr()
    assert main(["report", "--quarter", "2026Q3", *settings, "--json"]) == 0
    report = Path(json.loads(capfd.readouterr().out)["report"])
    results = json.loads(report.with_name("results.json").read_text(encoding="utf-8"))
    counts = {row["source_name"]: row for row in results["counts"]}
    own = counts["prod-audit"]
    assert (own["unread"], own["listed"] - own["collected"], own["ties"]) == (1, 1, True)
    assert own["stored"] == own["read"] + own["out_of_period"] + own["quarantined"] > 0
    assert own["out_of_period"] > 0
    assert {row["unread"] for name, row in counts.items() if name != "prod-audit"} == {0}
    assert all(row["ties"] and row["complete"] for row in counts.values())
    gaps = {control["id"]: control["gaps"] for control in results["controls"]}
    assert any("1 object of prod-audit could not be collected" in gap for gap in gaps["CLU-01"])
    assert not any("could not be collected" in gap for gap in gaps["CHG-01"])
    text = subprocess.run(
        ["pdftotext", "-layout", str(report), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "From objects listed to objects of the quarter" in text

    manifests = len(list((organisation / "audit-store" / "manifests").iterdir()))
    link.unlink()
    assert main(["collect", *settings, *AS_OF]) == 0
    assert main(["collect", *settings, *AS_OF]) == 0
    assert (
        len(list((organisation / "audit-store" / "manifests").iterdir())) == manifests + 1
    )  # the new count, once
    assert main(["verify-evidence", *settings]) == 0


def test_tables_are_gathered_again_only_when_something_changed_that_they_are_made_of(
    slight: Path,
) -> None:
    settings = ["--settings", str(slight / "audit.toml")]
    assert main(["collect", *settings, *AS_OF]) == 0
    assert main(["build", *settings]) == 0
    tables = slight / "audit-store" / "tables"
    first, content = tables.stat().st_ino, {path: path.read_bytes() for path in tables.rglob("*.parquet")}
    assert main(["build", *settings]) == 0
    assert tables.stat().st_ino == first
    text = (slight / "audit.toml").read_text(encoding="utf-8")
    (slight / "audit.toml").write_text(
        text.replace("netbpf/netbpf-gitops", "NETBPF/netbpf-gitops"), encoding="utf-8"
    )
    assert main(["build", *settings]) == 0
    assert tables.stat().st_ino != first
    assert {path: path.read_bytes() for path in tables.rglob("*.parquet")} != content
    second = tables.stat().st_ino
    (slight / "evidence" / "prod-audit" / "zz.log").write_bytes(b"garbage\n")
    assert main(["collect", *settings, *AS_OF]) == 0
    assert main(["build", *settings]) == 0
    assert tables.stat().st_ino != second


def test_settings_are_written_once_and_are_valid(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, roster = tmp_path / "audit.toml", tmp_path / "roster.yaml"
    assert main(["init", str(path)]) == 0
    people = read_roster(load(path).resolve(load(path).people.roster or ""))["people"]
    assert set(people["kind"]) == {"person", "machine"}
    roster.write_text("people: []\n", encoding="utf-8")
    before = path.read_bytes()
    assert main(["init", str(path)]) == 2
    assert path.read_bytes() == before
    assert "exists already" in capfd.readouterr().err
    path.unlink()
    assert main(["init", str(path)]) == 0
    assert roster.read_text(encoding="utf-8") == "people: []\n"


def test_a_changed_object_is_an_integrity_error(slight: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = ["--settings", str(slight / "audit.toml")]
    assert main(["collect", *settings, *AS_OF]) == 0
    assert main(["verify-evidence", *settings]) == 0
    victim = next(path for path in (slight / "audit-store" / "objects").rglob("*") if path.is_file())
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes() + b" ")
    assert main(["verify-evidence", *settings]) == 4
    assert victim.name in capfd.readouterr().err


def test_nothing_is_read_as_evidence_by_a_chain_that_was_changed(
    slight: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = ["--settings", str(slight / "audit.toml")]
    assert main(["collect", *settings, *AS_OF]) == 0
    manifests = sorted((slight / "audit-store" / "manifests").iterdir())
    (manifests[-1].with_name(f"{len(manifests) + 1:06}.json")).write_bytes(manifests[-1].read_bytes())
    assert main(["build", *settings]) == 4
    assert f"says that it is manifest {len(manifests):06}" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["run", "--help"], ["controls"], ["controls", "CHG-03"], ["--version"]]
)
def test_help_and_catalogue_print_something(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert len(capfd.readouterr().out) > 10


@pytest.mark.parametrize(
    "arguments", [["rnu"], ["run"], ["run", "--quartr", "2026Q3"], ["controls", "ABC-99"]]
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Remedy:" in capfd.readouterr().err


NAMED = '[organisation]\nname = "NETBPF"\n'


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["run"], NAMED, ["Missing option '--quarter' / '-q'", "audit run --help"]),
        (["run", "--quartr", "2026Q3"], NAMED, ["--quartr (Possible options: --quarter)", "audit run --help"]),
        (["rnu"], NAMED, ["No such command 'rnu'. Did you mean 'run'?", "audit --help"]),
        (["convert", "-q", "2026Q3", "--to", "docx"], NAMED, ["'--to'", "'docx' is not one of 'xlsx', 'markdown'"]),
        (["demo", "--changes", "3"], NAMED, ["'--changes'", "greater than or equal to 20"]),
        (["demo", "--output", "audit.toml"], NAMED, ["audit.toml/organisation-1-240-40000: can't be made", "--output"]),
        (["run", "-q", "2026Q3", "--as-of", "yesterday"], NAMED, ["'--as-of'", "'yesterday' does not match"]),
        (["controls", "CHG03"], NAMED, ["there is no control 'CHG03'; did you mean 'CHG-03'?"]),
        (["controls", "XYZ-99", "--test"], NAMED, ["there is no control 'XYZ-99'"]),
        (["build"], NAMED + 'time_zon = "UTC"\n', ["audit.toml:3: organisation.time_zon: there is no such key; did you mean 'time_zone'?"]),
        (["build"], NAMED + '[[source]]\nname = "x"\n', ["audit.toml:3: source: there is no such key; did you mean 'sources'?"]),
        (["build"], NAMED + 'engine = "dask"\n', ["organisation.engine: there is no such key here; it belongs to the top of the file"]),
        (["build"], NAMED + "[quux]\n", ["quux: there is no such key here\n"]),
        (["build"], NAMED + '[[sources]]\nname = "x"\nlocation = "file:x"\nclustr = "y"\n', ["audit.toml:6: sources.0.clustr: there is no such key; did you mean 'cluster'?"]),
        (["build"], "[organisation\n", ["audit.toml: not TOML", "at line 1"]),
        (["build", "-s", "."], NAMED, [".: is a folder", "name the file: audit.toml"]),
        (["run", "-q", "2026Q9", "--metrics-file", "no/such.prom"], NAMED, ["metrics can't be written", "'2026Q9' does not name a quarter"]),
        (["mine", "nowhere"], NAMED, ["nowhere: there is no such folder"]),
        (["verify", "."], NAMED, [".: can't be read: Is a directory"]),
        (["parse", "--format", "kubernets-audit", "audit.toml"], NAMED, ["kubernets-audit", "kubernetes-audit"]),
        (["init", "audit.toml"], NAMED, ["audit.toml: exists already"]),
        (["init", "no/audit.toml"], NAMED, ["no/audit.toml: can't be written"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and value[0].islower() else "",
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_line_and_remedy(
    arguments: list[str],
    settings: str,
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("audit.toml").write_text(settings, encoding="utf-8")
    assert main(arguments) == ExitCode.USAGE
    error = capfd.readouterr().err
    for words in said:
        assert words in error
    assert "Remedy:" in error
    assert "Value error" not in error
    assert "Traceback" not in error


def test_a_folder_that_can_not_be_written_is_told_without_a_traceback(
    ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    command = ["convert", "-q", "2026Q3", "--to", "markdown", "-s", str(ran.folder / "audit.toml")]
    assert main([*command, "--output", str(tmp_path / "file" / "below")]) == ExitCode.USAGE
    assert f"{tmp_path / 'file' / 'below'}: Not a directory" in capfd.readouterr().err


def test_a_reader_that_has_enough_gets_no_traceback() -> None:
    """As `head` does: it closes the pipe after the first line."""
    done = subprocess.Popen(
        [sys.executable, "-c", "from audit.cli import main; import sys; sys.exit(main(['init', '--print']))"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.stdout
    assert done.stderr
    done.stdout.close()
    told = done.stderr.read()
    assert b"Traceback" not in told
    assert done.wait(60) in (0, 141)


def test_settings_errors_reach_the_user_without_a_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit.toml").write_text("[organisation]\nname = 3\n", encoding="utf-8")
    assert main(["run", "--quarter", "2026Q3", "--settings", str(tmp_path / "audit.toml")]) == 2
    error = capfd.readouterr().err
    assert "audit.toml:2: organisation.name" in error
    assert "Traceback" not in error


def test_wrong_credentials_and_a_missing_bucket_are_missing_evidence(
    slight: Path, s3_server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (slight / "audit.toml").read_text(encoding="utf-8")
    monkeypatch.setenv("AUDIT__S3__ENDPOINT_URL", s3_server.endpoint_url)
    monkeypatch.setenv("AUDIT__S3__ATTEMPTS", "1")
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    (slight / "audit.toml").write_text(
        text.replace("file:evidence/", "s3://no-such-bucket/"), encoding="utf-8"
    )
    settings = ["--settings", str(slight / "audit.toml")]
    assert main(["collect", *settings, *AS_OF]) == 3
    assert "no-such-bucket" in capfd.readouterr().out
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-on-purpose")
    assert main(["collect", *settings, *AS_OF]) == 3
    printed = capfd.readouterr().out
    assert "the secret key does not belong to the access key" in printed
    assert "wrong-on-purpose" not in printed


@pytest.mark.usefixtures("few_controls")
def test_a_control_of_ones_own_is_judged_with_the_others(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "organisation"
    shutil.copytree(ran.folder, folder)
    (folder / "controls").mkdir()
    (folder / "controls" / "short.py").write_text(
        '"""A subject is short.\n\n## Why\nx\n\n## Evidence\nx\n\n## Limits\nx\n\n## Remediation\nx\n"""\n'
        "from audit.controls.interface import Control, Result, failures\n"
        "from audit.model import Severity\n"
        "def test(tables, context):\n"
        "    rows = tables['landings']\n"
        "    rows = rows.assign(subject=rows['head_sha'], at=rows['landed_at'])\n"
        "    return Result(rows, failures(rows, expected='less', found='much', evidence=''))\n"
        "CONTROL = Control(id='OWN-01', page=__doc__, clause='x', severity=Severity.LOW, frameworks={}, needs=(),\n"
        "    remediation='x', examples=(), test=test)\n",
        encoding="utf-8",
    )
    settings = folder / "audit.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[own_controls]\nfolder = "controls"\n', encoding="utf-8")
    assert main(["check", "-q", "2026Q3", "-s", str(settings), "--json"]) == 1
    found = {row["control"]: row for row in json.loads(capsys.readouterr().out)["conclusions"]}
    assert found["OWN-01"]["exceptions"] == found["OWN-01"]["population"] > 0
    assert found.keys() > {"CHG-01", "OWN-01"}
