"""What a quarter's report would say otherwise than it did when it was frozen, and why.

Compared are the facts: conclusions, exceptions, figures, and every item of a population that belongs to the quarter.
Where a row's evidence lies is not compared: a later export that says the same restates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from audit import tables as t
from audit.evidence.editions import Edition, Facts
from audit.metrics import JUDGED
from audit.period import Period
from audit.report.plain import iso
from audit.report.shapes import Cause, RestatedRow, Restatement

Tables = Mapping[str, pd.DataFrame]

_ALWAYS = ("conclusions", "metrics")
_NEVER = ("branch_tips",)  # each run adds what it saw
_POINTERS = ("evidence", "line")
_OBJECT = ["source_name", "key", "version_id", "sha256"]


def compared() -> list[str]:
    """Names of the tables that are compared, in the order in which a report speaks of them."""
    stages = ("result", "joined")
    timed = [
        name
        for stage in stages
        for name, table in t.TABLES.items()
        if t.meta(table)["stage"] == stage and "time" in t.meta(table)
    ]
    return [*_ALWAYS, *(name for name in timed if name not in _NEVER)]


def rows(before: Tables, after: Tables, period: Period) -> list[RestatedRow]:
    """Every fact of the quarter that differs, by table and key.

    Args:
        before: tables by name, as they were frozen: perhaps by another version, with other columns.
        after: tables by name, judged as of the same moment.
    """
    found: list[RestatedRow] = []
    for name in compared():
        if name in before and name in t.TABLES:
            found += _differences(name, _facts(name, before[name], period), _facts(name, after[name], period))
    return found


def _facts(name: str, table: pd.DataFrame, period: Period) -> pd.DataFrame:
    """The rows that the quarter's report speaks of, as texts, indexed by their key."""
    time = t.meta(t.TABLES[name]).get("time")
    if name == "metrics":  # what failed in other quarters, their own reports say
        judged = table["metric"].isin([metric.id for metric in JUDGED])
        table = table[~judged | table["quarter"].eq(period.label)]
    if time:
        table = table[period.holds(table[time]) | table[time].isna()]
    texts = _texts(table)
    subject = pd.Series("", index=texts.index, dtype="str")
    for column in t.key(t.TABLES[name]):
        if column in texts:
            subject = subject + " " + texts[column]
    return texts.assign(_subject=subject.str.strip()).set_index("_subject")


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({column: _text(values) for column, values in table.items()}, index=table.index)


def _text(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        text: pd.Series = values.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        return text.fillna("")
    return values.astype("str").where(values.notna(), "")


def _differences(name: str, before: pd.DataFrame, after: pd.DataFrame) -> list[RestatedRow]:
    """Rows that are gone, new, or say otherwise, in the order of their keys."""
    gone, new = before.index.difference(after.index), after.index.difference(before.index)
    both = before.index.intersection(after.index)
    columns = [column for column in before if column in after and column not in _POINTERS]
    old, now = before.loc[both, columns], after.loc[both, columns]
    differs = old.ne(now)
    changed = differs[differs.any(axis=1)].index
    found = [RestatedRow(name, subject, "removed", "", "", "", []) for subject in gone]
    found += [RestatedRow(name, subject, "added", "", "", "", _pointers(after, subject)) for subject in new]
    for subject in changed:
        pointers = _pointers(after, subject)
        for column in differs.columns[differs.loc[subject]]:
            old_text, new_text = _apart(str(old.at[subject, column]), str(now.at[subject, column]))
            found.append(RestatedRow(name, subject, "changed", str(column), old_text, new_text, pointers))
    return sorted(found, key=lambda row: (row.subject, row.what, row.column))


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two texts, or of two lists (`a; b; c`) what is in one of them alone."""
    if "; " not in before and "; " not in after:
        return before, after
    old, new = before.split("; "), after.split("; ")
    gone, come = ([each for each in one if each not in other] for one, other in ((old, new), (new, old)))
    return ("; ".join(gone), "; ".join(come)) if gone or come else (before, after)


def _pointers(table: pd.DataFrame, subject: str) -> list[str]:
    """Where the evidence of a row lies: `sha256:line` or `repo@commit`."""
    row = table.loc[subject]
    if "evidence" not in row:
        return []
    evidence = str(row["evidence"])
    return [f"{evidence}:{row['line']}"] if "line" in row else evidence.split()


def causes(frozen: Edition, before: Tables, after: Tables, now: Facts, period: Period) -> list[Cause]:
    """Everything that differs between the two editions' makings, and so may have changed what is said."""
    found = [
        *_late(before["evidence_objects"], after["evidence_objects"], after["coverage"], period),
        *_moved("repository", _tips(before["repositories"]), _tips(after["repositories"])),
        *_roster(before, after),
        *_moved("setting", frozen.facts.settings, now.settings),
    ]
    if frozen.facts.version != now.version:
        found.append(Cause("version", f"this product: {frozen.facts.version}, now {now.version}", []))
    elif frozen.facts.code != now.code:
        found.append(Cause("version", f"this product's code, still called {now.version}", []))
    return found


def _late(before: pd.DataFrame, after: pd.DataFrame, coverage: pd.DataFrame, period: Period) -> list[Cause]:
    """Objects that came after the report, those whose records speak of the quarter (or of no time) apart."""
    known = pd.MultiIndex.from_frame(before[_OBJECT])
    new = after[~pd.MultiIndex.from_frame(after[_OBJECT]).isin(known)]
    spoken = coverage[coverage["evidence"].isin(new["sha256"])]
    timed = set(spoken["evidence"])
    inside = set(spoken.loc[period.holds(spoken["hour"]), "evidence"])
    of_quarter = new[new["sha256"].isin(inside) | ~new["sha256"].isin(timed)]
    gone = before[~pd.MultiIndex.from_frame(before[_OBJECT]).isin(pd.MultiIndex.from_frame(after[_OBJECT]))]
    found = []
    for source, objects in of_quarter.groupby("source_name", sort=True):
        first, last = iso(objects["collected_at"].min()), iso(objects["collected_at"].max())
        span = first if first == last else f"{first} to {last}"
        text = f"{source}: {len(objects)} {_objects(len(objects))} collected {span}, after the quarter was reported"
        found.append(Cause("late evidence", text, _named(objects)))
    for source, objects in gone.groupby("source_name", sort=True):
        text = f"{source}: {len(objects)} {_objects(len(objects))} no longer read"
        found.append(Cause("evidence no longer read", text, _named(objects)))
    return found


def _objects(count: int) -> str:
    return "object" if count == 1 else "objects"


def _named(objects: pd.DataFrame) -> list[str]:
    """Each object as `key (sha256)`."""
    ordered = objects.sort_values(["key", "sha256"])
    return [f"{key} ({sha256})" for key, sha256 in zip(ordered["key"], ordered["sha256"], strict=True)]


def _tips(repositories: pd.DataFrame) -> dict[str, str]:
    return dict(zip(repositories["repo"], repositories["tip"].fillna(""), strict=True))


def _moved(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Cause]:
    names = sorted(before.keys() | after.keys())
    return [
        Cause(kind, f"{name}: {before.get(name, 'absent')}, now {after.get(name, 'absent')}", [])
        for name in names
        if before.get(name) != after.get(name)
    ]


def _roster(before: Tables, after: Tables) -> list[Cause]:
    """Whether people, their roles or their identities changed; entries that became one person, or two again, by name."""
    found = []
    for name in ("people", "roles", "identities"):
        if name not in before:
            continue
        shared = [column for column in before[name] if column in after[name]]
        old, new = (
            set(_texts(table[shared]).itertuples(index=False, name=None))
            for table in (before[name], after[name])
        )
        if old != new:
            text = f"roster: {len(new - old)} rows of {name} are new or changed, {len(old - new)} are gone"
            found.append(Cause("roster", text, []))
    old, new = (_merges(table["identities"]) for table in (before, after))
    found += [
        Cause("roster", f"roster: '{entry}' was found to be '{who}'", []) for entry, who in sorted(new - old)
    ]
    found += [
        Cause("roster", f"roster: '{entry}' is '{who}' no more", []) for entry, who in sorted(old - new)
    ]
    return found


def _merges(identities: pd.DataFrame) -> set[tuple[str, str]]:
    """Entries of the roster, and whom each was found to be."""
    rows = identities[identities["system"].eq("roster")]
    return set(zip(rows["identifier"], rows["person"], strict=True))


def restatement(frozen: Edition, after: Tables, now: Facts, period: Period) -> Restatement | None:
    """What the edition after `frozen` has to say of the one before it; None when nothing differs.

    A row rests on late evidence where its own pointers lead to an object that came late; others may have changed by
    any of the causes.
    """
    before = read(frozen.tables)
    changed = rows(before, after, period)
    if not changed:
        return None
    why = causes(frozen, before, after, now, period)
    late = set(after["evidence_objects"]["sha256"]) - set(before["evidence_objects"]["sha256"])
    return Restatement(
        number=frozen.number,
        as_of=iso(frozen.facts.as_of),
        made_at=iso(now.made_at),
        rows=[row.because_of(late) for row in changed],
        causes=why or [Cause("unexplained", "nothing that is recorded differs between the editions", [])],
    )


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """Tables by name, as they were written, whatever version wrote them."""
    return {path.stem: t.read_as_written(path) for path in sorted(folder.glob("*.parquet"))}
