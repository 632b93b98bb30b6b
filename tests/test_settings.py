"""Settings are validated once; every error names the file, the line, the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from audit.errors import ExitCode, UsageError
from audit.normalise.registry import FORMATS
from audit.settings import FormatName, load
from audit.settings_template import commented

MINIMAL = '[organisation]\nname = "NETBPF"\n'

GLASS = (
    MINIMAL
    + """
[[clusters]]
name = "prod"
environment = "prod"
[[break_glass]]
ticket = "INC-1"
person = "ada"
cluster = "prod"
opened = "2026-07-01T10:00:00Z"
closed = "2026-07-01T11:00:00Z"
"""
)


def _load(folder: Path, text: str):
    path = folder / "audit.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "audit.toml: organisation: field required"),
        ("[organisation\n", "audit.toml: not TOML"),
        (MINIMAL + "colour = 3\n", "audit.toml:3: organisation.colour: there is no such key here"),
        (
            MINIMAL + 'time_zone = "Mars/Olympus"\n',
            "audit.toml:3: organisation.time_zone: not an IANA time zone",
        ),
        (
            MINIMAL + "[thresholds]\nsilence_minutes = 3\n",
            "audit.toml:4: thresholds.silence_minutes: input should be",
        ),
        (
            MINIMAL
            + '[[sources]]\nname = "a"\nlocation = "file:x"\n[[sources]]\nname = "b"\nlocation = "ftp://x"\n',
            "audit.toml:8: sources.1.location: neither s3://bucket/prefix nor file:folder, github:owner/name or github:owner",
        ),
        (MINIMAL + '[machines]\nforge = ["("]\n', "machines.forge.0: not a regular expression"),
        (
            MINIMAL + '[[sources]]\nname = "a"\nlocation = "file:x"\ncluster = "prod"\n',
            "'a' names cluster 'prod', which is not in clusters",
        ),
        (
            MINIMAL + '[[clusters]]\nname="a"\nenvironment="x"\n[[clusters]]\nname="a"\nenvironment="y"\n',
            "'a' is named twice",
        ),
        (
            MINIMAL
            + '[[repositories]]\nname="o/A"\nlocation="x"\n[[repositories]]\nname="O/a"\nlocation="y"\n',
            "'o/A' is named twice",
        ),
        (
            MINIMAL + '[[sources]]\nname = "a"\nlocation = "file:x"\nformat = "github-pull"\n',
            "audit.toml:6: sources.0.format: input should be 'auto', 'kubernetes-audit'",
        ),
        (
            MINIMAL + '[[sources]]\nname = "a"\nlocation = "file:x"\nexported_at = "2026-10-01T10:00:00"\n',
            "audit.toml:6: sources.0.exported_at: the time needs an offset",
        ),
        (
            GLASS.replace("ticket", "tickets"),
            "break_glass.0.tickets: there is no such key; did you mean 'ticket'?",
        ),
        (
            GLASS.replace("2026-07-01T10:00:00Z", "yesterday"),
            "break_glass.0.opened: input should be a valid datetime",
        ),
        (GLASS.replace('"2026-07-01T10:00:00Z"', "10"), "break_glass.0.opened: not a time"),
        (GLASS.replace("2026-07-01T10:00:00Z", "1782900000"), "break_glass.0.opened: not a time"),
        (GLASS.replace("10:00:00Z", "10:00:00"), "break_glass.0: times need an offset"),
        (GLASS.replace("11:00", "09:00"), "break_glass.0: it is closed before it is opened"),
        (GLASS.replace("2026-07-01T11", "2026-08-02T11"), "break_glass.0: it lasts longer than 31 days"),
        (
            GLASS.replace('cluster = "prod"', 'cluster = "prodd"'),
            "'INC-1' names cluster 'prodd', which is not in clusters",
        ),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        _load(tmp_path, text)
    assert message in error.value.problem
    assert error.value.remedy
    assert error.value.exit_code is ExitCode.USAGE


def test_a_key_that_was_mistyped_is_told_once_and_every_other_on_a_line_of_its_own(tmp_path: Path) -> None:
    text = GLASS.replace("ticket", "tickets").replace('person = "ada"', "zzz = 1")
    with pytest.raises(UsageError) as error:
        _load(tmp_path, text)
    told = [line.split(": ", 1)[1] for line in error.value.problem.split("\n")]
    assert sorted(told) == [
        "break_glass.0.person: field required",
        "break_glass.0.tickets: there is no such key; did you mean 'ticket'?",
        "break_glass.0.zzz: there is no such key here",
    ]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file") as error:
        load(tmp_path / "audit.toml")
    assert "audit init" in error.value.remedy


def test_environment_variables_override_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT__S3__ENDPOINT_URL", "http://127.0.0.1:9000")
    monkeypatch.setenv("AUDIT__S3__THREADS", "3")
    monkeypatch.setenv("AUDIT__STORE", "elsewhere")
    settings = _load(tmp_path, MINIMAL)
    assert (settings.s3.endpoint_url, settings.s3.threads) == ("http://127.0.0.1:9000", 3)
    assert settings.store_path == tmp_path / "elsewhere"


def test_an_error_in_a_variable_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT__S3__THREADS", "many")
    with pytest.raises(UsageError, match=r"environment variable AUDIT__S3__THREADS: s3\.threads"):
        _load(tmp_path, MINIMAL)


def test_the_commented_settings_are_valid_and_name_every_key(tmp_path: Path) -> None:
    settings = _load(tmp_path, commented())
    assert settings.organisation.name
    for key in (
        "endpoint_url",
        "requester_pays",
        "roster",
        "fiscal_year_start",
        "required_checks",
        "break_glass",
    ):
        assert key in commented()


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert _load(tmp_path, MINIMAL).resolve("roster.yaml") == tmp_path / "roster.yaml"


def test_every_format_that_is_read_can_be_named() -> None:
    """A slip in its name is told when the settings are read, not when the evidence is."""
    assert {"auto", *FORMATS} <= set(get_args(FormatName))
