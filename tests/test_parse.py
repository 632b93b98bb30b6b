"""`audit parse`: rows of files as JSON lines, and every record accounted for."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from audit import parse as parsing
from audit import screen
from audit.cli import main
from audit.normalise.interface import Context
from audit.normalise.reader import parse, parts

NOISE = {"verb": "get", "user": {"username": "system:kube-scheduler"}}


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": f"a-{number}", "stage": "ResponseComplete",
        "verb": "patch", "user": {"username": "ada@netbpf.com"}, "requestURI": "/api/v1/namespaces/shop/pods/web",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web"},
        "requestReceivedTimestamp": "2026-07-01T09:00:00Z",
    } | changes  # fmt: skip


def lines(*records: Any) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def run(
    *arguments: str, stdin: bytes = b"", check: bool = False
) -> tuple[int, list[dict[str, Any]], list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "audit.cli", "parse", *arguments],
        input=stdin,
        capture_output=True,
        check=check,
    )
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return done.returncode, rows, done.stderr.decode().splitlines()


def test_rows_go_to_stdout_and_what_could_not_be_read_to_stderr_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "audit.log.gz"
    good = lines(event(1), event(2, **NOISE))
    path.write_bytes(gzip.compress(good + b'{"who": 1}\n' + lines(event(3))))
    code, rows, errors = run(str(path), "--cluster", "prod")
    assert code == 3
    assert [(row["table"], row["file"], row["line"], row["audit_id"]) for row in rows] == [
        ("cluster_access", str(path), 1, "a-1"),
        ("cluster_access", str(path), 4, "a-3"),
    ]
    assert (rows[0]["cluster"], rows[0]["at"], rows[0]["dry_run"]) == ("prod", "2026-07-01T09:00:00Z", False)
    assert list(rows[0])[:3] == ["table", "file", "line"]
    assert errors == [
        f"{path}: record 3, byte {len(good)}: no known format",
        "4 records = 2 kept + 1 noise + 1 quarantined",
        "read as: kubernetes-audit 3",
    ]


def test_for_programs_what_could_not_be_read_and_the_counts_are_json_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(lines(event(1)) + b'{"who": 1}\n')
    _, rows, errors = run(str(path), "--json")
    assert len(rows) == 1
    refused, counts = (json.loads(line) for line in errors)
    assert refused == {
        "file": str(path),
        "line": 2,
        "offset": len(lines(event(1))),
        "reason": "no known format",
    }
    assert (counts["records"], counts["kept"], counts["noise"], counts["quarantined"]) == (2, 1, 0, 1)


def test_stdin_is_read_as_a_file_is_and_no_cluster_need_be_named() -> None:
    code, rows, errors = run("-", stdin=gzip.compress(lines(event(1))))
    assert (code, [row["cluster"] for row in rows], rows[0]["file"]) == (0, ["-"], "-")
    assert errors == ["1 records = 1 kept + 0 noise + 0 quarantined", "read as: kubernetes-audit 1"]


def test_whoever_reads_the_rows_may_stop(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(lines(*(event(number) for number in range(20_000))))
    command = f"{sys.executable} -m audit.cli parse {path} | head -n 2"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (0, 2, b"")


def test_a_file_that_is_not_there_is_named_before_anything_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    there, gone = tmp_path / "a.log", tmp_path / "gone.log"
    there.write_bytes(lines(event(1)))
    assert main(["parse", str(there), str(gone)]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert f"{gone}: can't be read: No such file or directory" in printed.err
    assert main(["parse", str(tmp_path)]) == 2
    assert "Is a directory" in capfd.readouterr().err
    assert main(["parse", "--format", "sheet-music", str(there)]) == 2
    assert "format 'sheet-music' is not known" in capfd.readouterr().err


def test_every_record_must_be_of_the_format_that_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(event(1)))
    assert main(["parse", "--format", "cloudtrail", str(path)]) == 3
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "record 1, byte 0: not a cloudtrail record" in printed.err


def test_nothing_that_a_terminal_would_obey_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(event(1, user={"username": "\x1b[31mada\u202e"})) + b'{"\x1b[2J": \x1b}\n')
    assert main(["parse", str(path)]) == 3
    printed = capfd.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert json.loads(printed.out)["user"] == "\x1b[31mada\u202e"


def test_the_parts_of_a_file_are_the_whole_and_none_is_large(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines(*(event(number, **(NOISE if number % 3 else {})) for number in range(5000))))
    context = Context("parse", "a.log", cluster="-")
    whole, some = parse(path, context), list(parts(path, context))
    assert 1000 <= max(part.records for part in some) < 2000  # lines are read some at a time
    assert [row for part in some for row in part.rows.get("cluster_access", ())] == whole.rows[
        "cluster_access"
    ]
    assert sum(part.noise for part in some) == whole.noise
    assert sum(count for part in some for count, _, _ in part.coverage.values()) == 5000


def test_what_can_not_be_read_is_counted_by_its_reason_wherever_in_a_record_it_broke() -> None:
    reasons = [
        "not JSON: invalid character (byte 100)",
        "not JSON: invalid character (byte 7)",
        "no known format",
    ]
    rows = pd.DataFrame(
        {
            "source_name": "dev-audit",
            "key": "a.log",
            "evidence": "e" * 64,
            "line": [1, 2, 3],
            "offset": 0,
            "reason": reasons,
        }
    )
    printed = io.StringIO()
    screen.show_quarantine(Console(file=printed), rows, as_json=False)
    lines = printed.getvalue().splitlines()
    assert lines[:2] == [
        "dev-audit: 2 in 1 object: not JSON: invalid character",
        "dev-audit: 1 in 1 object: no known format",
    ]
    assert all(any(reason in line for line in lines[3:]) for reason in reasons)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sep.csv", "sep=;\r\nid;name;team;joined;left;github;\r\nada;Ada;core;2024-03-01;;ada-l;\r\n"),
        ("who.csv", "\ufeffid;name;team;joined;left;github\r\nada;Ada;core;2024-03-01;;ada-l\r\n"),
        ("who.yaml", "# ours\npeople:\n  - id: ada\n    name: Ada\n    team: core\n    joined: 2024-03-01\n    identities: {github: [ada-l]}\n"),
    ],
)  # fmt: skip
def test_a_roster_is_known_and_gives_people_roles_and_names(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    for format_ in ("auto", parsing.ROSTER):
        counts = parsing.Counts()
        found = list(parsing.read(tmp_path / name, Context("s", name), counts, format=format_))
        told = [(one.table, one.row["person"]) for one in found if isinstance(one, parsing.Found)]
        assert told == [(table, "ada") for table in ("people", "roles", "identities")]
        assert (counts.records, counts.kept, counts.formats) == (1, 1, {"roster": 1})
        assert {one.row["line"] for one in found if isinstance(one, parsing.Found)} == {
            2 if name == "who.csv" else 3
        }


def test_a_roster_is_read_whole_or_not_at_all_and_says_why(tmp_path: Path) -> None:
    path, counts = tmp_path / "who.csv", parsing.Counts()
    path.write_text("id,name,joined\nada,Ada,2024-03-01\nben,Ben,01.03.2024\n")
    (refused,) = parsing.read(path, Context("s", path.name), counts)
    assert isinstance(refused, parsing.Refused)
    assert (refused.line, refused.offset) == (3, len("id,name,joined\nada,Ada,2024-03-01\n"))
    assert "'joined' is '01.03.2024': write a day as in 2026-07-01" in refused.reason
    assert (counts.records, counts.quarantined) == (1, 1)
    path.write_text("employee,name\n1,Ada\n")
    (other,) = parsing.read(path, Context("s", path.name), parsing.Counts())
    assert isinstance(other, parsing.Refused)
    assert other.reason.startswith("no known format")
