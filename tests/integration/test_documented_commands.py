"""Every command line that README and docs show is run, as it stands there, where its reader would stand."""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from audit.cli import main
from tests.integration.conftest import Ran, judge_few, self_signed
from tests.test_documents_agree import ROOT, SHOWN, command_line, documents, examples, read

ELSEWHERE = {
    "demo": ("tests/integration/test_demo.py", '["demo", '),
    "demo --seed 7": ("tests/integration/test_demo.py", '["demo", '),
    "diff 2026Q2 2026Q3": ("tests/report/test_report_forms.py", 'main(["diff", "2026Q2", "2026Q3", '),
    "collect github --repository netbpf/netbpf-gitops": (
        "tests/sources/test_github_source.py",
        '"--repository",',
    ),
    "collect github": ("tests/sources/test_github_source.py", 'main(["collect", "github", '),
    "verify report.pdf --settings audit.toml": (
        "tests/integration/test_reported_file.py",
        '["verify", str(report), "--settings", ',
    ),
    "verify-evidence --head SHA256": (
        "tests/evidence/test_manifest_chain.py",
        'main(["verify-evidence", *settings, "--head", written])',
    ),
    "verify report.pdf": ("tests/report/test_verify.py", 'main(["verify", str(copy), '),
    "verify report.pdf --certificate root.pem": (
        "tests/report/test_report_signatures.py",
        'main(["verify", str(done), "--certificate", str(keys / "root.pem")])',
    ),
}
"""Command lines that a whole test file is about, and how that runs them."""
FOUND = {
    "run --quarter 2026Q3": {1},
    "run --quarter 2026Q3 --draft": {1},
    "check --quarter 2026Q3": {1},
    "quarantine": {3},
}
"""Exit codes that tell of what the demonstration holds; of all others, 0."""
FIRST = ("init", "sign ")
"""They need a folder of their own: nothing there yet, or a report and its key."""

EVENT = (
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete",'
    '"requestURI":"/api/v1/namespaces/web/pods/web-0","verb":"delete","user":{"username":"ada"},'
    '"objectRef":{"resource":"pods","namespace":"web","name":"web-0","apiVersion":"v1"},'
    '"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-09-30T10:00:00.000000Z",'
    '"stageTimestamp":"2026-09-30T10:00:00.100000Z"}'
)
"""One record of a cluster's audit log."""


def shown() -> list[str]:
    """The distinct command lines of documents and helps, without those that only name a command which needs more."""
    lines = {line.strip() for name in documents() for line in SHOWN.findall(read(name))} | set(examples())
    return sorted(line for line in lines if not line.endswith("-completion") and not _is_name(line))


def _is_name(line: str) -> bool:
    """Whether it only names a command, which can't do without more."""
    root = command_line()
    command = root.commands.get(line)
    return command is not None and any(option.required for option in command.params)


def _bind(words: list[str], folder: Path) -> list[str]:
    """The words with what a reader puts in for placeholders and for paths of a server."""
    puts = {
        "FINDING": "CHG-03",
        "A12": "A1",
        "FOLDER": f"folder-of-{words[0]}",
        "PATH": "../my-gitops",
        "FILE": "audit.log.gz",
    }
    return [
        puts.get(word, str(folder / Path(word).name) if word.startswith("/var/") else word) for word in words
    ]


@pytest.fixture(scope="module")
def place(short_ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A reported organisation of one's own, with the files that documents speak of in and beside it; few controls are judged."""
    folder = tmp_path_factory.mktemp("documents") / "organisation"
    shutil.copytree(short_ran, folder)
    for name in ("my-gitops", "netbpf-gitops"):
        (folder.parent / name).symlink_to(folder / "repositories" / "netbpf-gitops.git")
    log = EVENT.encode() + b"\n"
    (folder / "audit.log.gz").write_bytes(gzip.compress(log))
    (folder / "pseudonyms.key").write_bytes(bytes(range(32)))
    (folder / "audit.log.zst").write_bytes(zstandard.compress(log))
    with pytest.MonkeyPatch.context() as patch:
        judge_few(patch)
        yield folder


@pytest.fixture(scope="module")
def report(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report, and settings that name a key."""
    folder = tmp_path_factory.mktemp("signing")
    now = datetime.now(UTC)
    self_signed(folder, now - timedelta(days=1), now + timedelta(days=2))
    (folder / "audit.toml").write_text(
        '[organisation]\nname = "NETBPF"\n[report_signature]\ncertificate = "root.pem"\nkey_file = "key.pem"\n'
    )
    shutil.copyfile(ran.store / "quarters" / "2026Q3" / "report.pdf", folder / "report.pdf")
    return folder


def test_there_are_commands_and_each_is_run_here_or_in_a_file_of_its_own() -> None:
    assert len(shown()) > 25
    for line, (name, call) in ELSEWHERE.items():
        assert line in shown()
        assert call in (ROOT / name).read_text(encoding="utf-8"), name
    assert set(FOUND) <= set(shown())


@pytest.mark.parametrize("line", [x for x in shown() if x not in ELSEWHERE and not x.startswith(FIRST)])
def test_a_command_does_what_it_is_shown_for(
    line: str, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    code = main(_bind(shlex.split(line), place))
    told = capfd.readouterr()
    today = "--quarter last" in line or line.startswith(
        "doctor"
    )  # what is found of it changes with the calendar
    wanted = {0, 1, 3} if today else FOUND.get(line, {0})
    assert code in wanted, told.err
    assert told.out.strip() or told.err.strip()


@pytest.mark.parametrize("line", [x for x in shown() if x.startswith("init")])
def test_settings_are_made_where_there_are_none(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line)) == 0
    assert "[organisation]" in capfd.readouterr().out or (tmp_path / "audit.toml").is_file()


def test_a_report_is_signed(
    report: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (line,) = [x for x in shown() if x.startswith("sign ")]
    monkeypatch.chdir(report)
    assert main(shlex.split(line)) == 0, capfd.readouterr().err
    assert (report / shlex.split(line)[-1]).read_bytes().startswith((report / "report.pdf").read_bytes())


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_completion_of_a_shell(option: str, tmp_path: Path) -> None:
    """Which shell it is, is asked of the process that started it: a real one."""
    (tmp_path / "home").mkdir()
    audit = Path(sys.executable).with_name("audit")
    done = subprocess.run(
        ["bash", "-c", f"{shlex.quote(str(audit))} {option}; exit $?"],
        env=os.environ | {"HOME": str(tmp_path / "home")}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    left = [path.read_text(encoding="utf-8") for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert "_AUDIT_COMPLETE" in (done.stdout if option.startswith("--show") else "".join(left))
