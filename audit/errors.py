"""What can go wrong, and the exit code each kind ends with.

A message names the file, the line where there is one, and the remedy: it is printed as it is, without a traceback.
"""

from __future__ import annotations

from enum import IntEnum
from functools import partial


class ExitCode(IntEnum):
    """Exit codes of every command. When several apply, the highest wins."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    EVIDENCE = 3
    INTEGRITY = 4


STOPPED = 130
"""Exit code of a command that was stopped from the keyboard, as shells have it."""
DEFECT = 70
"""Exit code of a command that a defect of this product ended: never 1, which says that it found something."""


class AuditError(Exception):
    """Base of every error shown to a user.

    Args:
        problem: what is wrong, naming the file, key or line.
        remedy: what to do about it, one sentence.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[partial[AuditError], tuple[()]]:
        """How it crosses from a worker process: exceptions are else rebuilt without keyword arguments."""
        return partial(type(self), self.problem, remedy=self.remedy), ()

    def __str__(self) -> str:
        return f"{self.problem}\n  Remedy: {self.remedy}"


class UsageError(AuditError):
    """The command line, the settings or an input file written by a person is wrong."""


class EvidenceMissing(AuditError):
    """A source that the settings name gave nothing, or could not be reached."""

    exit_code = ExitCode.EVIDENCE


class IntegrityError(AuditError):
    """Stored evidence is not what it was, or a repository is not whole."""

    exit_code = ExitCode.INTEGRITY


def code_of(error: BaseException) -> int:
    """The exit code of a command that an exception ended."""
    if isinstance(error, AuditError):
        return error.exit_code
    if isinstance(error, OSError):
        return ExitCode.USAGE
    return STOPPED if isinstance(error, KeyboardInterrupt) else DEFECT
