"""The exit code of a run: what was found, and what could not be tested, are never mistaken for clean."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from audit.errors import AuditError, EvidenceMissing, ExitCode, IntegrityError
from audit.period import Period
from audit.pipeline import Run

MISSING = EvidenceMissing("source 'a': nothing", remedy="look")
CHANGED = IntegrityError("object 'b' changed", remedy="restore")


@pytest.mark.parametrize(
    ("conclusions", "problems", "code"),
    [
        (["effective", "not applicable"], [], ExitCode.CLEAN),
        (["effective", "exceptions"], [], ExitCode.FINDINGS),
        (["effective", "not tested"], [], ExitCode.EVIDENCE),
        (["exceptions", "not tested"], [], ExitCode.FINDINGS),
        (["effective"], [MISSING], ExitCode.EVIDENCE),
        (["exceptions"], [MISSING], ExitCode.EVIDENCE),
        (["exceptions"], [MISSING, CHANGED], ExitCode.INTEGRITY),
    ],
)
def test_the_highest_code_wins(conclusions: list[str], problems: list[AuditError], code: ExitCode) -> None:
    tables = {"conclusions": pd.DataFrame({"conclusion": conclusions})}
    moment = datetime(2026, 10, 5, tzinfo=UTC)
    assert Run(Period.quarter("2026Q3"), moment, Path(), list(problems), tables).exit_code == code
