"""What a name means: each kind of number or finding that a report prints, and how it is taken apart."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import pandas as pd

from audit import metrics
from audit.controls.interface import Context
from audit.controls.own import controls
from audit.errors import UsageError
from audit.period import Period
from audit.report.plain import records
from audit.settings import Settings
from audit.trace import lineage, printed, raw
from audit.trace.printed import Found
from audit.trace.shapes import Item, Trace, said

Tables = Mapping[str, pd.DataFrame]

FORMS = (
    "an exception (CHG-03-0123456789), a control (CHG-03), a figure (lead_time, or lead_time:app=web), a gap (G1), a row of "
    "annex A, B or E (A12, B7, E3), a record as exceptions print it (E3:17), a row of the reconciliation (R5) or the access review (AR9, or a right's id), a waiver's id, an emergency's "
    "ticket, a change (owner/name@commit), a pull request (owner/name#7), a deployment (cluster/application@time), a "
    "line of evidence (sha256:line), an object (sha256) or a source"
)


class Finder:
    """The tables of one quarter, to find things in."""

    def __init__(self, tables: Tables, settings: Settings, period: Period, as_of: datetime) -> None:
        """Args: tables, every table of the quarter; as_of, up to when events count in it."""
        self.tables = dict(tables)
        self.settings = settings
        self.period = period
        self.as_of = as_of

    def find(self, name: str) -> Found:
        """What `name` is, what is said of it, and its items.

        Raises:
            UsageError: nothing in the quarter has this name.
        """
        kinds: tuple[Callable[[str], Found | None], ...] = (
            self._exception, self._control, self._figure, self._printed, self._line, self._pull, self._deployment,
            self._change, self._object, self._source,
        )  # fmt: skip
        for kind in kinds:
            found = kind(name)
            if found is not None:
                return found
        like = difflib.get_close_matches(name, self._names(), n=1)
        meant = f"; did you mean '{like[0]}'?" if like else ""
        raise UsageError(
            f"{self.period.label} has nothing that is called '{name}'{meant}", remedy=f"name {FORMS}"
        )

    def _names(self) -> list[str]:
        """Controls, figures, sources, exceptions: what one may have meant who mistyped."""
        named = [one.id for one in controls(self.settings)]
        for table, column in (
            ("metrics", "metric"),
            ("evidence_objects", "source_name"),
            ("exceptions", "exception_id"),
        ):
            named += self.tables[table][column].unique().tolist()
        return named

    def _exception(self, name: str) -> Found | None:
        rows = records(lineage.of(self.tables["exceptions"], exception_id=name))
        if not rows:
            return None
        facts = {column: str(value) for column, value in rows[0].items() if value not in ("", None)}
        pointers = tuple(facts.pop("evidence", "").split())
        own = Item("exception", rows[0]["subject"], rows[0]["at"], rows[0]["found"], pointers)
        return "exception", facts, [own, *self._around(rows[0]["subject"])]

    def _around(self, subject: str) -> list[Item]:
        """What belongs to an exception's subject, where it is a change, a pull request or a deployment."""
        for kind in (self._pull, self._deployment, self._change):
            found = kind(subject)
            if found is not None:
                return [item for item in found[2] if item.role != "exception"]
        return []

    def _control(self, name: str) -> Found | None:
        control = next((one for one in controls(self.settings) if one.id == name), None)
        if control is None:
            return None
        context = Context(self.settings, self.period, self.as_of)
        population = control.judge(self.tables, context).population
        population = population[context.holds(population["at"]) | population["at"].isna()]
        failing = {
            row["subject"]: row for row in records(lineage.of(self.tables["exceptions"], control=name))
        }
        facts = {
            column: str(value) for column, value in records(lineage.of(self.tables["conclusions"], control=name))[0].items()
        }  # fmt: skip
        items = []
        for row in records(population[["subject", "at"]].drop_duplicates("subject")):
            failure = failing.get(row["subject"])
            if failure is None:
                items.append(Item("passed", row["subject"], row["at"], ""))
            else:
                says, pointers = f"{failure['exception_id']}: {failure['found']}", failure["evidence"].split()
                items.append(Item("failed", row["subject"], row["at"], says, tuple(pointers)))
        return "control", facts, sorted(items, key=lambda item: (item.role, item.at, item.subject))

    def _figure(self, name: str) -> Found | None:
        metric, _, group = name.partition(":")
        dimension, _, value = group.partition("=") if group else ("all", "", "")
        rows = records(
            lineage.of(
                self.tables["metrics"], metric=metric, quarter=self.period.label, dimension=dimension, group=value
            )
        )  # fmt: skip
        if not rows:
            return None
        facts = {column: "" if one is None else str(one) for column, one in rows[0].items()}
        made = metrics.made_of(metric, self.tables, self.settings, self.period, as_of=self.as_of)
        made = made[made["dimension"].eq(dimension) & made["group"].eq(value)]
        unit = facts["unit"]
        ended = self._ended(metric)
        return "figure", facts, [
            Item(
                row["part"], row["subject"], row["at"],
                "" if row["value"] is None else f"{row['value']:g} {unit}{ended.get(row['subject'], '')}",
            )
            for row in records(made)
        ]  # fmt: skip

    def _ended(self, metric: str) -> dict[str, str]:
        """Landing → the deployments with which its time ended, in words, for figures of such times."""
        rows = metrics.timed_by(metric, self.tables, self.settings, self.period, as_of=self.as_of)
        named: dict[str, list[str]] = {}
        for row in records(rows):
            deployment = f"{row['cluster']}/{row['application']}@{row['started_at']}"
            named.setdefault(f"{row['repo']}@{row['head_sha']}", []).append(deployment)
        done = {f"{row['repo']}@{row['head_sha']}": row["done_at"] for row in records(rows)}
        return {landing: f", until {done[landing]}: {', '.join(names)}" for landing, names in named.items()}

    def _printed(self, name: str) -> Found | None:
        named = printed.subject(name, self.tables, self.settings, self.period, self.as_of)
        if named:
            return self.find(named)
        return printed.row(name, self.tables, self.period, self.as_of) or printed.gap(
            name, self.tables, self.settings
        )

    def _line(self, name: str) -> Found | None:
        match = raw.LINE.fullmatch(name)
        if match is None:
            return None
        objects = self.tables["evidence_objects"]
        rows = records(objects[objects["sha256"].str.startswith(match[1])])
        if not rows:
            return None
        return "evidence", _plain(rows[0]), [*self._rows_of(rows[0]["sha256"], int(match[2]), name)]

    def _rows_of(self, sha256: str, line: int, name: str) -> Iterable[Item]:
        """What the line says itself, and the rows of every table that were made of it."""
        yield Item("line", name, "", "", (name,))
        for table, rows in self.tables.items():
            if {"evidence", "line"} <= set(rows.columns):
                for row in records(lineage.of(rows, evidence=sha256, line=line)):
                    shown = (": ".join(said(*each)) for each in row.items() if each[1] not in ("", None))
                    yield Item(table, name, "", "; ".join(shown))

    def _pull(self, name: str) -> Found | None:
        match = re.fullmatch(r"(.+)#(\d{1,18})", name)
        if match is None:
            return None
        items = list(lineage.pull(self.tables, match[1], int(match[2])))
        landed = lineage.of(self.tables["landing_pulls"], repo=match[1], pr_number=int(match[2]))
        own = lineage.of(self.tables["landings"], repo=match[1], pr_number=int(match[2]))
        heads = sorted({*landed["head_sha"], *own["head_sha"]})
        for sha in heads:
            others = lineage.change(self.tables, match[1], sha)
            items += [item for item in others if item.subject != name and item not in items]
        return ("pull request", {"pull request": name}, items) if items else None

    def _deployment(self, name: str) -> Found | None:
        match = re.fullmatch(r"([^/]+)/(.+)@(\d{4}-\d{2}-\d{2}T[\d:.]+Z)", name)
        if match is None:
            return None
        items = list(lineage.deployment(self.tables, match[1], match[2], match[3]))
        return ("deployment", {"deployment": name}, items) if items else None

    def _change(self, name: str) -> Found | None:
        match = raw.COMMIT.fullmatch(name)
        if match is None:
            return None
        commits = lineage.of(self.tables["commits"], repo=match[1])
        commits = commits[commits["sha"].str.startswith(match[2])]
        if len(commits) != 1:
            return None
        landings = lineage.of(self.tables["landings"], repo=match[1])
        place = int(commits["landed_by"].iloc[0])
        held = landings[landings["first_position"].le(place) & landings["position"].ge(place)]
        if held.empty:
            return None
        return (
            "change",
            _plain(records(held)[0]),
            list(lineage.change(self.tables, match[1], held["head_sha"].iloc[0])),
        )

    def _object(self, name: str) -> Found | None:
        if not re.fullmatch(r"[0-9a-f]{12,64}", name):
            return None
        objects = self.tables["evidence_objects"]
        rows = records(objects[objects["sha256"].str.startswith(name)])
        return ("evidence", _plain(rows[0]), self._quarantined(evidence=rows[0]["sha256"])) if rows else None

    def _source(self, name: str) -> Found | None:
        rows = records(lineage.of(self.tables["evidence_objects"], source_name=name))
        if not rows:
            return None
        totals = {
            column: str(sum(row[column] for row in rows)) for column in ("size", "records", "kept", "noise", "quarantined")
        }  # fmt: skip
        items = [
            Item(
                "object",
                row["sha256"],
                row["collected_at"],
                f"{row['key']}: {row['records']} records = {row['kept']} kept + {row['noise']} noise + {row['quarantined']} quarantined",
            )
            for row in rows
        ]
        facts = {"source": name, "objects": str(len(rows)), **totals}
        return "source", facts, [*items, *self._quarantined(source_name=name)]

    def _quarantined(self, **of: str) -> list[Item]:
        rows = records(lineage.of(self.tables["quarantine"], **of))
        return [
            Item("quarantined", f"{row['evidence']}:{row['line']}", "", f"{row['key']}: {row['reason']}") for row in rows
        ]  # fmt: skip


def _plain(row: Mapping[str, object]) -> dict[str, str]:
    return {column: str(value) for column, value in row.items() if value not in ("", None)}


def trace(
    name: str, tables: Tables, settings: Settings, period: Period, *, as_of: datetime, limit: int | None
) -> Trace:
    """Everything behind the number or finding that is called `name`.

    Args:
        tables: every table of the checked quarter.
        as_of: up to when events count in it.
        limit: how many pointers are followed to raw evidence; None for all.

    Raises:
        UsageError: nothing in the quarter has this name.
        IntegrityError: an object is gone from the store.
    """
    kind, facts, items = Finder(tables, settings, period, as_of).find(name)
    pointers = list(dict.fromkeys(pointer for item in items for pointer in item.pointers))
    shown = pointers if limit is None else pointers[:limit]
    found = raw.read(shown, tables["evidence_objects"], settings)
    return Trace(kind, name, facts, tuple(items), tuple(found), len(pointers))
