"""What verifying came to: one check after the other, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit.errors import ExitCode


class Verdict(StrEnum):
    """What a check came to. What could not be checked is never `AGREES`."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNPROVED = "not proved"
    NOTE = "note"  # something to know, that decides nothing


@dataclass(frozen=True)
class Check:
    """One thing that was held against another.

    Attributes:
        part: `file`, `signature`, `attachments`, `figures`, `bytes` or `store`.
        text: what was compared and what came of it, one sentence.
    """

    part: str
    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Verified:
    """Every check of a report, in the order in which they were made.

    Attributes:
        sha256: of the file.
    """

    sha256: str
    checks: list[Check]

    @property
    def exit_code(self) -> ExitCode:
        """Clean only when nothing differs and nothing that was to be proved is not."""
        wrong = {Verdict.DIFFERS, Verdict.UNPROVED}
        return ExitCode.INTEGRITY if any(check.verdict in wrong for check in self.checks) else ExitCode.CLEAN

    def plain(self) -> dict[str, Any]:
        """For JSON: `sha256`, `verified` and `checks`."""
        return {
            "sha256": self.sha256,
            "verified": self.exit_code is ExitCode.CLEAN,
            "checks": [
                {"part": one.part, "verdict": str(one.verdict), "text": one.text} for one in self.checks
            ],
        }


def held(part: str, wrong: Iterable[str], right: str) -> list[Check]:
    """A check for each sentence that says what differs; without any, the one that says what agrees."""
    found = [Check(part, Verdict.DIFFERS, text) for text in wrong]
    return found or [Check(part, Verdict.AGREES, right)]
