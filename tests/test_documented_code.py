"""Each block of code and each command that README and docs show is run by a test, or is listed, with its reason, as not run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documented
from tests.documented import (
    HOME,
    SAID,
    Block,
    between_backticks,
    blocks,
    commands,
    is_audit,
    is_not_run,
    not_run,
)
from tests.test_documents_agree import ROOT, documents, read

RUN = {
    ("README.md", "sh"): ("tests/test_documented_code.py", "def test_a_target_of_make_does_what_a_test_runs"),
    ("docs/tutorial.md", "sh"): ("tests/integration/test_documented_blocks.py", 'of("docs/tutorial.md", "sh")'),
    ("docs/how-to/analyse.md", "sh"): ("tests/integration/test_documented_blocks.py", 'of("docs/how-to/analyse.md", "sh")'),
    ("docs/how-to/analyse.md", "sql"): ("tests/integration/test_documented_blocks.py", 'of("docs/how-to/analyse.md", "sql")'),
    ("docs/how-to/access-review.md", "console"): ("tests/integration/test_documented_commands.py", "shown()"),
    ("docs/how-to/collect-github.md", "sh"): ("tests/integration/test_documented_commands.py", "shown()"),
    ("docs/how-to/operate.md", "sh"): ("tests/integration/test_documented_commands.py", "shown()"),
    ("docs/how-to/sign-the-report.md", "sh"): ("tests/integration/test_documented_commands.py", "shown()"),
    ("docs/tutorial.md", "python"): ("tests/integration/test_api.py", '"```python" in read(name)'),
    ("docs/how-to/analyse.md", "python"): ("tests/integration/test_api.py", '"```python" in read(name)'),
    ("docs/how-to/theme-the-report.md", "html"): ("tests/report/test_report_themes.py", 'of(GUIDE, "html")'),
    ("docs/how-to/theme-the-report.md", "toml"): ("tests/report/test_report_themes.py", 'of(GUIDE, "toml")'),
    ("docs/how-to/waivers.md", "yaml"): ("tests/git/test_waivers_file.py", 'of("docs/how-to/waivers.md", "yaml")'),
    **{
        (f"docs/how-to/{name}.md", language): ("tests/test_documented_settings.py", f'of("docs/how-to/{name}.md", "{language}")')
        for name, language in (
            ("roster", "yaml"), ("roster", ""), ("who-must-act", "yaml"), ("who-must-act", "toml"), ("own-controls", "toml"),
            ("sign-the-report", "toml"), ("collect-github", "toml"), ("bring-evidence", "text"),
        )
    },
}  # fmt: skip
"""(document, language) → the file that runs its blocks, and how it takes them."""
DRAWN = {("docs/explanation/evidence-model.md", "text"), ("docs/how-to/theme-the-report.md", "text")}
"""Pictures made of characters: nothing to run."""
_SHELL = "tests/integration/test_documented_blocks.py"
_PACKAGES = "tests/test_documented_settings.py"
OTHERS = {
    "source .venv/bin/activate": (_SHELL, "source .venv/bin/activate"),
    "cd build/demo/organisation-1-240-40000": (_SHELL, "cd build/demo/organisation-1-240-40000"),
    "head -c 32 /dev/urandom > pseudonyms.key": (_SHELL, "head -c 32 /dev/urandom > pseudonyms.key"),
    "pdftoppm -r 80 -png report.pdf page": (_SHELL, "pdftoppm -r 80 -png report.pdf page"),
    "pip install duckdb": (_PACKAGES, "pip install duckdb"),
    "pip install 'gitops-audit[dask]'": (_PACKAGES, "pip install 'gitops-audit[dask]'"),
    "pip install 'pyhanko[pkcs11]'": (_PACKAGES, "pip install 'pyhanko[pkcs11]'"),
    "kubectl kustomize": ("tests/test_operating.py", '"kubectl", "kustomize"'),
}
"""Command that is none of the product's → the file that runs it, and how."""
TARGETS = {
    "report": ("tests/integration/test_demo.py", '["demo", ', "audit demo"),
    "test": (".ci/run", "make test", "-m pytest"),
    "lint": (".ci/run", "make lint", "scripts.generate_docs --check"),
    "docs": (
        ".ci/run",
        "make lint",
        "-m scripts.generate_docs",
    ),  # with --check it makes them too, and compares
    "site": ("tests/test_site.py", '"site",', "sphinx-build"),
    "golden": ("tests/report/test_golden_pages.py", "GOLDEN", "test_golden_pages.py"),
}
"""Target of make → the file that runs what it does, how, and what of its recipe that is."""


def shown() -> list[tuple[str, str]]:
    """(document, command line) of every command that is none of the product's, in a block or between backticks."""
    shells = [(one.document, line) for one in blocks() if _is_shell(one) for line in commands(one.text)]
    inline = [(name, text) for name in documents() for text in between_backticks(name)]
    return [(name, line) for name, line in [*shells, *inline] if not is_audit(line)]


def _is_shell(one: Block) -> bool:
    """Blocks of a shell; and those of plain text that are commands of others, not tables of theirs."""
    return one.language in ("sh", "console") or (
        one.language == "text" and is_not_run(one.text.split("\n")[0])
    )


@pytest.mark.parametrize("key", sorted({(one.document, one.language) for one in blocks()}))
def test_every_block_is_run_by_a_test_or_is_a_picture(key: tuple[str, str]) -> None:
    """Whoever adds a block has a test run it, and adds where to `RUN`."""
    if key in DRAWN:
        return
    assert key in RUN, f"{key[0]}: no test runs its blocks of '{key[1]}'"
    file, taken = RUN[key]
    assert taken in read(file), file


@pytest.mark.parametrize(("name", "line"), sorted(set(shown())))
def test_every_other_command_is_run_or_listed_as_not_run(name: str, line: str) -> None:
    """Whoever adds one has a test run it, or adds it to the list in `docs/how-to/operate.md`, with the reason."""
    if is_not_run(line):
        assert SAID in read(name), f"{name} does not say that this is {SAID}: {line}"
        return
    if line.startswith("make "):
        assert line.removeprefix("make ") in TARGETS, line
        return
    assert line in OTHERS, f"{name}: no test runs: {line}"
    file, how = OTHERS[line]
    assert how in re.sub(r"\s+", " ", read(file)), file


def test_the_list_of_what_is_not_run_has_reasons_and_nothing_that_no_document_shows() -> None:
    assert len(not_run()) > 5
    lines = [line for _, line in shown()] + re.findall(
        r"^#\s+(podman build .+)$", read("deploy/Containerfile"), re.MULTILINE
    )
    for begins, why in not_run().items():
        assert len(why.split()) > 3, begins
        assert any(line == begins or line.startswith(f"{begins} ") for line in lines), begins
    assert SAID in read("deploy/Containerfile")
    assert SAID in read(HOME)


def test_a_block_and_a_command_that_nothing_runs_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    added = "Say `make sense`, or `kubectl delete ns x`:\n\n```rust\nfn main() {}\n```\n"
    monkeypatch.setattr(documented, "read", lambda name: added if name == "README.md" else read(name))
    blocks.cache_clear()
    try:
        keys = {(one.document, one.language) for one in blocks()}
    finally:
        blocks.cache_clear()
    assert keys - set(RUN) - DRAWN == {("README.md", "rust")}
    assert between_backticks("README.md") == ["make sense", "kubectl delete ns x"]
    assert not is_not_run("kubectl delete ns x")
    assert "sense" not in TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_target_of_make_does_what_a_test_runs(target: str) -> None:
    """make itself says what it would do; that is what the test, or CI itself, runs."""
    file, how, does = TARGETS[target]
    done = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.installed", target, f"BIN={Path(sys.executable).parent}"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert does in done.stdout
    assert how in read(file)
