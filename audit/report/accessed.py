"""Who could do what in the quarter, as plain values: rights, their numbers by system, and what became of revocations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from audit.period import Period
from audit.report.pieces import Parameter
from audit.report.plain import records, words
from audit.report.shapes import RevokedRow, RightRow, RightsCount
from audit.settings.sections import Access

LEFT, UNKNOWN, DORMANT = "left", "unknown", "dormant"
_KINDS = ("organisation", "repository", "cluster", "vault")
_TAKEN = ("revoke", "change")
_HELD = {True: "yes", False: "no", None: "not told"}


def rights(table: pd.DataFrame) -> list[RightRow]:
    """`AccessRights`, numbered: those to look at first, then what changed, then by system and holder."""
    rows = records(table)
    rows.sort(key=_order)
    return [
        RightRow(
            number=number,
            right_id=row["right_id"],
            system_kind=row["system_kind"],
            system=row["system"],
            holder=row["holder"],
            holder_kind=row["holder_kind"],
            person=row["person"],
            standing=row["standing"],
            right=row["right"],
            scope=row["scope"],
            how=row["how"],
            held=_HELD[row["held"]],
            change=row["change"],
            before=row["before"],
            held_since=row["since"],
            since_basis=row["since_basis"],
            granted_by=row["granted_by"],
            last_used=row["last_used"],
            usage=row["usage"],
            usage_note=row["usage_note"],
            look_at=_look_at(row),
            excess=words(row["excess"], "; "),
            builtin=bool(row["builtin"]),
            evidence=[f"{row['evidence']}:{row['line']}"],
        )
        for number, row in enumerate(rows, 1)
    ]


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    gone, why = row["held"] is False, _look_at(row)
    plain = row["change"] in ("none", "untold")
    place = (_KINDS.index(row["system_kind"]), row["system"], row["holder"], row["right"], row["right_id"])
    return (bool(row["builtin"]), gone or not why, LEFT not in why, DORMANT not in why, plain, *place)


def _look_at(row: dict[str, Any]) -> list[str]:
    if row["builtin"]:
        return []
    found = ((LEFT, row["leaver"]), (UNKNOWN, row["standing"] == UNKNOWN), (DORMANT, row["dormant"]))
    return [name for name, holds in found if holds] + words(row["excess"], "; ")


def counts(rows: Sequence[RightRow]) -> list[RightsCount]:
    """Rights by system; those of Kubernetes' own are left out."""
    own = [row for row in rows if not row.builtin]
    systems = sorted({(_KINDS.index(row.system_kind), row.system) for row in own})
    return [
        _count([row for row in own if (_KINDS.index(row.system_kind), row.system) == one]) for one in systems
    ]


def _count(rows: Sequence[RightRow]) -> RightsCount:
    held = [row for row in rows if row.held != "no"]
    kinds = [row.holder_kind for row in held]
    changes = [row.change for row in rows]
    return RightsCount(
        system=rows[0].system,
        system_kind=rows[0].system_kind,
        rights=len(held),
        people=kinds.count("person"),
        machines=kinds.count("machine"),
        groups=kinds.count("group"),
        added=changes.count("added"),
        removed=changes.count("removed"),
        changed=changes.count("changed"),
        left=sum(LEFT in row.look_at for row in held),
        dormant=sum(DORMANT in row.look_at for row in held),
        excessive=sum(bool(row.excess) for row in held),
        untold=sum(row.usage == "untold" for row in held),
    )


def revoked(table: pd.DataFrame, period: Period, as_of: datetime) -> list[RevokedRow]:
    """`AccessDecisions` that revoked or changed a right that had to be gone in the quarter: what is not gone comes first."""
    rows = table[table["decision"].isin(_TAKEN) & table["removal_due_at"].lt(as_of)]
    rows = rows[period.holds(rows["removal_due_at"])]
    order = ["still there", "used after", "untold", "not due", "gone", "not asked"]
    rows = rows.assign(_order=rows["outcome"].map(order.index))
    rows = rows.sort_values(["_order", "review", "system", "subject", "right"], kind="stable")
    return [
        RevokedRow(
            number=number,
            review=row["review"],
            system=row["system"],
            subject=row["subject"],
            right=row["right"],
            decision=row["decision"],
            reviewer=row["reviewer_person"],
            decided_at=row["decided_at"],
            gone_by=row["removal_due_at"],
            removed_at=row["removed_at"],
            proof=row["proof"],
            outcome=row["outcome"],
            checked_at=row["checked_at"],
            used_at=row["used_at"],
            evidence=[f"{row['evidence']}:{row['line']}", *_pointers(row)],
        )
        for number, row in enumerate(records(rows), 1)
    ]


def _pointers(row: dict[str, Any]) -> list[str]:
    """The list that shows it, from its first line on, and the use."""
    return [f"{row['checked_in']}:1"] * bool(row["checked_in"]) + [row["used_in"]] * bool(row["used_in"])


def dormant_days(parameters: Iterable[Parameter]) -> int:
    """After how many days without use a right is dormant: what the settings say, or the default from which they don't differ."""
    given = (one.value for one in parameters if one.name == "access.dormant_days" and one.value.isdecimal())
    return int(next(given, Access().dormant_days))
