"""How rules of policy engines were enforced over time: spans in which one did not refuse, left out more, or was gone.

A snapshot tells the state at its time; the API server's log tells when an object was written. A lapse begins with the
first write after the last snapshot that showed the rule enforced, or with the snapshot that showed the lapse where no
write is on record; and ends alike, with the last write before the first snapshot that shows it enforced again.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from audit.joins.matching import matches_any
from audit.settings import Policies

ITEM = ["cluster", "engine", "kind", "namespace", "name", "part"]
_OBJECT = ["cluster", "api_group", "resource", "namespace", "name"]
_ROLES = ("rule", "binding", "exemption")
_REFUSING = ("validate", "verify")
_VERBS = ("create", "update", "patch", "delete")
_CONSTRAINTS = "constraints.gatekeeper.sh"
GONE = "it was deleted"
_UNSEEN = "it was changed and put back"


def snapshots(constraints: pd.DataFrame, objects: pd.DataFrame, rules: Policies) -> pd.DataFrame:
    """Rules, bindings and exemptions of `PolicyConstraints` in each snapshot, with `at` and `state`.

    `at` is the time of the audit that a Gatekeeper constraint tells; of all others when the evidence object was
    written (`EvidenceObjects`), else the newest time that its export tells; missing where nothing does. `state` (str)
    says in words what is relaxed; it is empty where nothing is. What only mutates or generates is left out, and so is
    what the settings call retired.
    """
    rows = constraints[constraints["role"].isin(_ROLES) & ~matches_any(constraints["name"], rules.retired)]
    asked = rows["rule_type"].isin(_REFUSING) | rows["rule_type"].isna()
    rows = rows[asked].reset_index(drop=True)
    newest = rows.groupby(["cluster", "evidence"])["observed_at"].transform("max")
    export = written(rows["evidence"], objects).fillna(newest)
    own = rows["observed_at"].where(rows["engine"].eq("gatekeeper"))
    plural = rows["kind"].str.lower().str.replace(r"y$", "ie", regex=True) + "s"
    rows = rows.assign(
        at=own.fillna(export),
        resource=rows["kind"].str.lower().where(rows["api_group"].eq(_CONSTRAINTS), plural),
    )
    rows = rows.sort_values([*ITEM, "at", "evidence", "line"], kind="stable")
    wrong = _unenforced(rows, rules)
    more = _left_out(rows, rules)
    state = wrong.str.cat(more, sep="; ").str.strip("; ")
    return rows.assign(state=state.astype("str")).reset_index(drop=True)


def written(evidence: pd.Series, objects: pd.DataFrame) -> pd.Series:
    """When each evidence object (by sha256) was written, as its source says; missing where it does not."""
    known = (
        objects[["sha256", "last_modified"]].drop_duplicates("sha256").rename(columns={"sha256": "evidence"})
    )
    dated = evidence.to_frame("evidence").merge(known, on="evidence", how="left")["last_modified"]
    return dated.set_axis(evidence.index)


def _unenforced(rows: pd.DataFrame, rules: Policies) -> pd.Series:
    """Words on rows that refuse nothing, though no setting says that they may; else the empty text."""
    weak = rows["refuses"].eq(False).fillna(False).astype(bool) & rows["role"].ne("exemption")
    weak &= ~matches_any(rows["name"], rules.advisory)
    how = "it did not refuse (" + rows["enforcement"].fillna("no action is told") + ")"
    return how.where(weak, "").astype("str")


def _left_out(rows: pd.DataFrame, rules: Policies) -> pd.Series:
    """Words on what rows leave out that their first snapshot did not; an exemption that came later is new as a whole."""
    told = (
        rows["exempts"].fillna("null")
        + "\n"
        + rows["overrides"].where(rows["engine"].eq("kyverno")).fillna("null")
    )
    names = {text: _names(text) for text in told.unique()}
    first = told.groupby([rows[column] for column in ITEM], sort=False).transform("first")
    began = rows.groupby(["cluster", "engine"])["at"].transform("min")
    late = rows["role"].eq("exemption") & rows.groupby(ITEM)["at"].transform("min").gt(began)
    first = first.mask(late.fillna(False).astype(bool), "null")
    names["null"] = frozenset()
    pairs = {pair: sorted(names[pair[0]] - names[pair[1]]) for pair in set(zip(told, first, strict=True))}
    every = pd.Series(sorted({name for each in pairs.values() for name in each}), dtype="str")
    free = set(every[matches_any(every, rules.exempt_namespaces)])
    words = {
        pair: "it left out " + ", ".join(left)
        if (left := [name for name in each if name not in free])
        else ""
        for pair, each in pairs.items()
    }
    return pd.Series([words[pair] for pair in zip(told, first, strict=True)], index=rows.index, dtype="str")


def _names(text: str) -> frozenset[str]:
    """Every text that JSON values (a line each) hold, however deep; keys are none."""
    left: list[Any] = [json.loads(line) for line in text.split("\n")]
    found = set()
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str):
            found.add(value)
    return frozenset(found)


def lapses(seen: pd.DataFrame, access: pd.DataFrame) -> pd.DataFrame:
    """Spans in which a rule was relaxed or gone, one row each: `ITEM`, `state`, `start`, `end`, `user`, `evidence`.

    `end` is missing while the lapse lasts. `user` is who wrote first in it, missing where no write is on record;
    `evidence` (`sha256:line`) is that write, else the snapshot.

    Args:
        seen: what `snapshots` gives; rows without a time tell nothing here.
        access: `ClusterAccess`.
    """
    seen = seen.dropna(subset=["at"])
    wrote = _writes(access, seen)
    events = _events(seen, wrote)
    by = [events[column] for column in ITEM]
    before = events.groupby(ITEM, sort=False).shift()
    spans = pd.concat([_shown(events, before, by), _hidden(events, before)], ignore_index=True)
    return _dated(spans, wrote).sort_values([*ITEM, "start"], kind="stable", ignore_index=True)


def _writes(access: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """Writes that were done to the rules' objects, for each item of them: `at`, `verb`, `user`, `evidence`."""
    rows = access[
        access["verb"].isin(_VERBS) & access["subresource"].eq("") & ~access["dry_run"].astype(bool)
    ]
    done = rows["code"].between(200, 299) | rows["code"].isna()
    rows = rows[done.astype(bool)]
    rows = rows.assign(evidence=rows["evidence"] + ":" + rows["line"].astype("str"))
    items = seen[[*ITEM, "api_group", "resource", "role"]].drop_duplicates([*ITEM, "api_group", "resource"])
    return rows[[*_OBJECT, "at", "verb", "user", "evidence"]].merge(items, on=_OBJECT)


def _events(seen: pd.DataFrame, written: pd.DataFrame) -> pd.DataFrame:
    """What is known of each item in the order of time: snapshots, exports in which it is missing, creations, deletions."""
    shots = seen.assign(
        evidence=seen["evidence"] + ":" + seen["line"].astype("str"), export=seen["evidence"], exact=False
    )
    ends = written[written["verb"].isin(["create", "delete"]) & written["role"].ne("exemption")]
    ends = ends.assign(
        state=pd.Series("", index=ends.index, dtype="str").mask(ends["verb"].eq("delete"), GONE)
    )
    every = pd.concat([shots, _absences(shots), ends.assign(exact=True)], ignore_index=True)
    every["exact"] = every["exact"].astype(bool)
    return every.sort_values([*ITEM, "at", "exact", "evidence"], kind="stable", ignore_index=True)


def _absences(shots: pd.DataFrame) -> pd.DataFrame:
    """Exports in which an item is missing that was there before.

    An export says so when it holds rules of several kinds, or others of the item's own kind: one that was made of
    another kind alone says nothing of it.
    """
    rules = shots[shots["role"].ne("exemption")]
    group = ["cluster", "engine", "export"]
    exports = rules.groupby(group, as_index=False).agg(at=("at", "max"), kinds=("kind", "nunique"))
    own = rules[[*group, "kind"]].drop_duplicates().assign(own=True)
    items = rules.groupby(ITEM, as_index=False, dropna=False).agg(first=("at", "min"))
    pairs = items.merge(exports, on=["cluster", "engine"]).merge(own, on=[*group, "kind"], how="left")
    pairs = pairs[(pairs["at"] > pairs["first"]) & (pairs["kinds"].gt(1) | pairs["own"].notna())]
    there = rules[[*ITEM, "export"]].drop_duplicates().assign(there=True)
    pairs = pairs.merge(there, on=[*ITEM, "export"], how="left")
    pairs = pairs[pairs["there"].isna()]
    return pairs[[*ITEM, "at", "export"]].assign(state=GONE, exact=False, evidence=pairs["export"] + ":1")


def _shown(events: pd.DataFrame, before: pd.DataFrame, by: list[pd.Series]) -> pd.DataFrame:
    """Runs of events of the same state that is a lapse: `lower` and `upper` around its start and its end."""
    turn = events["state"].ne(before["state"]).groupby(by, sort=False).cumsum()
    rows = events.assign(
        turn=turn,
        start_after=before["at"].where(~events["exact"]),
        end_after=events["at"],
    )
    group = [*ITEM, "turn"]
    first = rows.drop_duplicates(group).rename(columns={"at": "start"})
    last = rows.drop_duplicates(group, keep="last")[[*group, "end_after"]]
    following = first[[*group, "start", "exact"]].rename(columns={"start": "end", "exact": "exact_end"})
    following = following.assign(turn=following["turn"] - 1)
    spans = first.drop(columns="end_after").merge(last, on=group).merge(following, on=group, how="left")
    spans["end_after"] = spans["end_after"].where(~spans["exact_end"].eq(True))
    return spans[spans["state"].ne("")]


def _hidden(events: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Lapses between two snapshots that show the rule enforced: changed twice or oftener, or deleted and made again."""
    both = events["state"].eq("") & before["state"].eq("") & ~events["exact"]
    both &= ~before["exact"].eq(True)
    same = events["digest"].eq(before["digest"]).fillna(False).astype(bool)
    again = (events["created_at"].gt(before["created_at"])).fillna(False).astype(bool)
    count = events["generation"] - before["generation"]
    changed = same & count.ge(2).fillna(False).astype(bool) & ~again
    words = _UNSEEN + " (generation " + before["generation"].astype("str") + " to "
    words = (words + events["generation"].astype("str") + ")").mask(again, GONE)
    end = events["at"].mask(again, events["created_at"])
    rows = events.assign(
        state=words, start=before["at"], end=end, start_after=before["at"], end_after=before["at"].mask(again)
    )
    return rows[both & (changed | again)]


def _dated(spans: pd.DataFrame, written: pd.DataFrame) -> pd.DataFrame:
    """`start` and `end` moved to the writes around them, where there are any."""
    spans = spans.reset_index(drop=True).assign(number=range(len(spans)))
    unseen = spans["state"].str.startswith(_UNSEEN)
    bound = spans["start"].mask(unseen, spans["end"])
    both = spans.assign(bound=bound).merge(
        written[[*ITEM, "at", "user", "evidence"]].rename(columns={"at": "wrote", "evidence": "pointed"}),
        on=ITEM,
        suffixes=("_event", "_wrote"),
    )
    both = both.sort_values(["number", "wrote", "pointed"], kind="stable")
    begun = both[(both["wrote"] > both["start_after"]) & (both["wrote"] <= both["bound"])]
    exact = both[both["exact"] & both["wrote"].eq(both["start"]) & both["pointed"].eq(both["evidence"])]
    first = pd.concat([begun, exact]).drop_duplicates("number")
    first = first[["number", "wrote", "user_wrote", "pointed"]].rename(columns={"wrote": "begun"})
    ended = both[(both["wrote"] > both["end_after"]) & (both["wrote"] <= both["end"])]
    last = ended.drop_duplicates("number", keep="last")[["number", "wrote"]].rename(
        columns={"wrote": "ended"}
    )
    spans = spans.drop(columns="user", errors="ignore")
    spans = spans.merge(first, on="number", how="left").merge(last, on="number", how="left")
    alone = spans["begun"].eq(spans["ended"]).fillna(False).astype(bool)
    spans = spans.assign(
        start=spans["begun"].mask(alone).fillna(spans["start"]),
        end=spans["ended"].mask(alone).fillna(spans["end"]),
        user=spans["user_wrote"],
        evidence=spans["pointed"].fillna(spans["evidence"]),
    )
    return spans[[*ITEM, "role", "state", "start", "end", "user", "evidence"]]
