"""Which sync and health status each object of an operator really has in the course of time."""

from __future__ import annotations

from datetime import datetime

from audit.simulator.operations import Span, Workload

Change = tuple[datetime, str, str, str]
"""When, sync or health, the status before (empty when the object is new), the status after."""


def changes(workload: Workload) -> list[Change]:
    """Every change of status, in order of time."""
    wanted = _argocd(workload) if workload.operator == "argocd" else _flux(workload)
    state = {"sync": "", "health": ""}
    found = []
    for at, aspect, after in sorted(wanted, key=lambda change: change[0]):
        if state[aspect] != after:
            found.append((at, aspect, state[aspect], after))
            state[aspect] = after
    return found


def _argocd(workload: Workload) -> list[tuple[datetime, str, str]]:
    wanted: list[tuple[datetime, str, str]] = []
    for begin, end in workload.drifted:
        wanted += [(begin, "sync", "OutOfSync"), (end, "sync", "Synced")]
    for operation in workload.operations:
        if operation.partial:
            continue
        wanted.append((operation.started, "sync", "OutOfSync"))
        if operation.status == "succeeded":
            if not operation.astray:
                wanted.append((operation.finished, "sync", "Synced"))
            wanted += [
                (operation.finished, "health", "Progressing"),
                (operation.settled, "health", "Healthy"),
            ]
    for begin, end in workload.degraded:
        wanted += [(begin, "health", "Degraded"), (end, "health", "Healthy")]
    return wanted


def _flux(workload: Workload) -> list[tuple[datetime, str, str]]:
    """A reconciliation says whether it succeeded, and of health only what its own check finds."""
    wanted: list[tuple[datetime, str, str]] = []
    for operation in workload.operations:
        well = operation.status == "succeeded"
        wanted.append((operation.finished, "sync", "Synced" if well else "OutOfSync"))
        if well or operation.reason == "HealthCheckFailed":
            wanted.append((operation.finished, "health", "Healthy" if well else "Degraded"))
    return wanted


def at(workload: Workload, aspect: str, moment: datetime) -> str:
    """The status at `moment`; empty when there is none yet."""
    return next(
        (after for when, what, _, after in reversed(changes(workload)) if what == aspect and when <= moment),
        "",
    )


def spans(workload: Workload, aspect: str, states: tuple[str, ...], until: tuple[str, ...]) -> list[Span]:
    """From each change into one of `states` to the next into one of `until`; what lasts ends at the end of time."""
    found: list[Span] = []
    begin: datetime | None = None
    for when, what, _, after in changes(workload):
        if what != aspect:
            continue
        if begin is None and after in states:
            begin = when
        elif begin is not None and after in until:
            found.append((begin, when))
            begin = None
    if begin is not None:
        found.append((begin, datetime.max.replace(tzinfo=begin.tzinfo)))
    return found
