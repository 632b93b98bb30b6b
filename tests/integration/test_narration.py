"""What is told on stderr while a command works, and the file that it leaves for Prometheus."""

from __future__ import annotations

import itertools
import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from audit import narrate, pipeline
from audit.cli import main
from audit.telemetry import FAMILIES
from tests.integration.conftest import AS_OF_ARGUMENTS, Ran

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _arguments(ran: Ran) -> list[str]:
    return ["--settings", str(ran.folder / "audit.toml"), *AS_OF_ARGUMENTS]


def test_as_json_every_line_of_stderr_is_an_object_progress_and_errors_included(
    ran: Ran, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--log-format", "json", "collect", *_arguments(ran)]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert {"time", "level", "logger", "message", "stage", "done", "total", "seconds"} <= set(lines[0])
    assert all(line["done"] == line["total"] for line in lines)
    assert main(["--log-format", "json", "check", "--quarter", "2031Q1", *_arguments(ran)]) == 2
    (error,) = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (error["level"], error["exit_code"]) == ("error", 2)
    assert "2031Q1 begins on" in error["message"]
    assert error["remedy"]


def test_the_next_command_without_it_tells_people_again(ran: Ran, capfd: pytest.CaptureFixture[str]) -> None:
    main(["--log-format", "json", "collect", *_arguments(ran)])
    capfd.readouterr()
    assert main(["check", "--quarter", "2031Q1", *_arguments(ran)]) == 2
    assert capfd.readouterr().err.startswith("Error: 2031Q1 begins on")


def test_a_pipe_gets_plain_lines_with_rate_and_estimate_while_a_stage_goes_on(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, 10.0, 31.0, 40.0, 80.0])
    monkeypatch.setattr(narrate.time, "monotonic", lambda: next(moments))
    with narrate.Narrator() as progress:
        for done in (0, 10, 31, 40, 80):
            progress("collect logs", done, 80)
    assert capfd.readouterr().err.splitlines() == [
        "Collecting evidence logs: 10 of 80 so far, 10 s, 1.0/s, about 70 s to go",
        "Collecting evidence logs: 31 of 80 so far, 31 s, 1.0/s, about 49 s to go",
        "Collecting evidence logs: 80 objects done, 80.0 s",
    ]


def test_a_stage_of_one_long_step_is_told_of_while_it_goes_on(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that stands still until the step is asked for its end: each look finds ten seconds more gone."""
    told, moments = threading.Event(), itertools.count(0, 10)
    monkeypatch.setattr(narrate, "_LOOK", 0.001)
    monkeypatch.setattr(narrate, "time", SimpleNamespace(monotonic=lambda: float(next(moments))))
    tell = narrate.Narrator._tell

    def heard(self: narrate.Narrator, *said: Any) -> None:
        tell(self, *said)
        told.set()

    monkeypatch.setattr(narrate.Narrator, "_tell", heard)
    with narrate.Narrator() as progress:
        progress("report", 0, 1)
        progress("mine", 0, 1)  # another, that begins later and ends sooner, hides nothing
        progress("mine", 1, 1)
        told.clear()
        assert told.wait(60)
        progress("report", 1, 1)
    *before, again, last = capfd.readouterr().err.splitlines()
    assert any(line.startswith("Mining repositories: done") for line in before)
    assert re.fullmatch(r"Rendering the report: goes on, \d+ s so far", again)
    assert re.fullmatch(r"Rendering the report: done, \d+\.0 s", last)


def test_a_stage_of_many_sources_is_one_bar_that_adds_them_up() -> None:
    with narrate.Narrator() as progress:
        for number in range(50):
            progress(f"collect source-{number}", 2, 3)
        progress("build", 1, 4)
    collecting, building = progress._bars.tasks
    assert (collecting.completed, collecting.total) == (100, 150)
    assert collecting.description.rstrip() == "Collecting evidence source-49"
    assert (building.completed, building.total) == (1, 4)


def test_a_bar_shows_units_a_second() -> None:
    bars = narrate.Progress()
    bars.add_task("reading", total=10)
    (task,) = bars.tasks
    task.finished_speed = 1234.5
    assert narrate._Rate().render(task).plain == "1,234/s"
    task.finished_speed = 0.25
    assert narrate._Rate().render(task).plain == "0.25/s"


def _on_a_terminal(arguments: list[str], **environment: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    done = subprocess.Popen(
        [sys.executable, "-m", "audit.cli", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=variables | {"TERM": "xterm-256color"} | environment,
        close_fds=True,
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            more = os.read(ours, 65_536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not more:
            break
        printed += more
    os.close(ours)
    done.wait(60)
    return printed.decode("utf-8", "replace")


def test_a_terminal_gets_colours_but_not_with_no_color_nor_does_a_pipe() -> None:
    command = ["no-such-command"]
    assert re.search(r"\x1b\[3[0-9]m", _on_a_terminal(command))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", _on_a_terminal(command, NO_COLOR="1"))
    piped = subprocess.run(
        [sys.executable, "-m", "audit.cli", *command], capture_output=True, text=True, check=False, timeout=60
    )
    assert not COLOUR.search(piped.stdout + piped.stderr)


def test_a_shell_completes_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from audit.cli import main; main()"],
        env=os.environ | {"_AUDIT_COMPLETE": "complete_bash", "COMP_WORDS": "audit qua", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["quarantine"]


SAMPLE = re.compile(r'(gitops_audit_\w+)((?:\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})?) (-?[0-9.e+-]+)')


def test_a_run_leaves_a_whole_file_of_metrics_that_say_what_the_report_says(
    ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "audit.prom"
    code = main(["run", "--quarter", "last", "--metrics-file", str(path), "--json", *_arguments(ran)])
    printed = json.loads(capfd.readouterr().out)
    assert printed["quarter"] == "2026Q3"
    lines = path.read_text(encoding="utf-8").splitlines()
    samples = [SAMPLE.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(samples)
    values = {f"{found[1]}{found[2]}": float(found[3]) for found in samples if found}
    assert values['gitops_audit_run_exit_code{quarter="2026Q3"}'] == code == 1
    for row in printed["conclusions"]:
        labels = f'{{quarter="2026Q3",control="{row["control"]}",conclusion="{row["conclusion"]}"}}'
        assert values[f"gitops_audit_control_conclusion{labels}"] == 1
    assert {name.partition("{")[0] for name in values} == set(FAMILIES)
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == set(FAMILIES)
    as_prometheus = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    assert {family.name: (family.type, family.documentation) for family in as_prometheus} == {
        name: ("gauge", meaning) for name, meaning in FAMILIES.items()
    }
    assert sum(len(family.samples) for family in as_prometheus) == len(samples)
    assert [one.name for one in tmp_path.iterdir()] == ["audit.prom"]


def test_a_run_that_fails_leaves_its_exit_code(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "audit.prom"
    absent = str(tmp_path / "absent.toml")
    assert main(["run", "--quarter", "2026Q3", "--settings", absent, "--metrics-file", str(path)]) == 2
    text = path.read_text(encoding="utf-8")
    assert 'gitops_audit_run_exit_code{quarter="2026Q3"} 2\n' in text
    assert "gitops_audit_control_conclusion" not in text


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyError("place"), 70), (OSError(28, "No space left on device"), 2), (KeyboardInterrupt(), 130)],
)
def test_whatever_ends_a_run_replaces_the_metrics_of_the_last_one(
    error: BaseException,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A defect never ends with 1, which says that a run found something."""

    def ended(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "run", ended)
    path, settings = tmp_path / "audit.prom", tmp_path / "audit.toml"
    settings.write_text('[organisation]\nname = "NETBPF"\n', encoding="utf-8")
    path.write_text("a success of before\n", encoding="utf-8")
    arguments = [
        "run",
        "-q",
        "last",
        "-s",
        str(settings),
        "--as-of",
        "2026-10-05",
        "--metrics-file",
        str(path),
    ]
    assert main(arguments) == code
    assert f'gitops_audit_run_exit_code{{quarter="2026Q3"}} {code}\n' in path.read_text(encoding="utf-8")
    assert ("Traceback" in capfd.readouterr().err) == (code == 70)


def test_metrics_that_can_not_be_written_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "absent" / "audit.prom"
    absent = str(tmp_path / "absent.toml")
    assert main(["run", "--quarter", "2026Q3", "--settings", absent, "--metrics-file", str(path)]) == 2
    assert "metrics can't be written" in capfd.readouterr().err


def test_export_sample_and_access_review_tell_how_far_they_are(
    ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    at = ["--quarter", "2026Q3", "--settings", str(ran.folder / "audit.toml"), "--output"]
    for command, more, told in (
        (
            "export",
            ["--pseudonymise", "--key-file", str(key)],
            ("Reading the quarter's tables", "Looking for names", "Writing tables"),
        ),
        ("sample", ["--tolerable", "0.3"], ("Reading the quarter's tables", "Writing packets of evidence")),
        ("access-review", [], ("Reading the quarter's tables", "Writing the worksheet")),
    ):
        assert main(["--log-format", "json", command, *at, str(tmp_path / command), *more]) == 0
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        ended = [line["message"] for line in lines if line["done"] == line["total"]]
        assert [message.split(":")[0] for message in ended] == list(told)
