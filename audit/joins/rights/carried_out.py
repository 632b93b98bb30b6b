"""Whether what was to be revoked or changed is gone: by the lists made afterwards, and by what was done afterwards."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.joins.rights.shapes import EQUAL, TIME, Span
from audit.joins.rights.used import holders

_DAY = pd.Timedelta(days=1)
_LIST = ["stream", "number"]
_TYPES: dict[str, Any] = {
    "outcome": "str",
    "checked_at": TIME,
    "checked_in": "str",
    "used_at": TIME,
    "used_in": "str",
}


def outcomes(
    lines: pd.DataFrame,
    met: pd.DataFrame,
    span: Span,
    *,
    listed: pd.DataFrame,
    rights: pd.DataFrame,
    done: pd.DataFrame,
) -> pd.DataFrame:
    """`outcome`, `checked_at`, `checked_in`, `used_at` and `used_in` of each line of the reviews, with its index.

    Args:
        lines: with `decision`, `decided_at`, `removed_at` and `removal_due_at`.
        met: the rights that each line means.
        listed: rights in all lists. rights: those of the quarter, with `template`. done: acts.
    """
    asked = lines[lines["decision"].isin(["revoke", "change"]) & lines["decided_at"].notna()]
    checks = _checked(asked, met, listed)
    uses = _used(asked, met, checks, span, listed=listed, rights=rights, done=done)
    found = checks.join(uses, how="outer").reindex(lines.index)
    due = lines["removal_due_at"].ge(span.stop).fillna(False).astype(bool)
    taken = lines["decision"].isin(["revoke", "change"])
    outcome = pd.Series("not asked", index=lines.index, dtype="str").mask(taken, "untold")
    outcome = outcome.mask(taken & due, "not due")
    told = found["there"].astype("boolean")
    outcome = outcome.mask(taken & told.eq(False).fillna(False), "gone")
    outcome = outcome.mask(taken & found["used_at"].notna(), "used after")
    outcome = outcome.mask(taken & told.fillna(False).astype(bool), "still there")
    return found.assign(outcome=outcome)[list(_TYPES)].astype(_TYPES)


def _checked(asked: pd.DataFrame, met: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """By line: whether the first list that tells has the right still (`there`), when it was made, and its object.

    The first list made once the right had to be gone tells; before that, the first that has it no more. A right stands in a
    list by whichever way it comes there.
    """
    rows = met[met["place"].isin(asked.index)][["place", *EQUAL]].drop_duplicates()
    streams = rows.merge(listed[[*EQUAL, "stream"]].drop_duplicates(), on=EQUAL)
    lists = listed.sort_values([*_LIST, "evidence"], kind="stable").drop_duplicates(_LIST)
    lists = lists[[*_LIST, "made", "evidence"]]
    times = asked[["decided_at", "removal_due_at"]].reset_index(names="place")
    pairs = streams.merge(lists, on="stream").merge(times, on="place")
    pairs = pairs[pairs["made"].ge(pairs["decided_at"])]
    has = listed[[*EQUAL, *_LIST]].drop_duplicates().assign(there=True)
    pairs = pairs.merge(has, on=[*EQUAL, *_LIST], how="left")
    pairs["there"] = pairs["there"].astype("boolean").fillna(False).astype(bool)
    pairs["after"] = pairs["made"].ge(pairs["removal_due_at"])
    telling = pairs[pairs["after"] | ~pairs["there"]].sort_values(["after", "made"], ascending=[False, True])
    by = ["place", *EQUAL, "stream"]
    telling = telling.drop_duplicates(by)
    worst = telling.sort_values(["place", "there", "made", "stream"], ascending=[True, False, True, True])
    worst = worst.drop_duplicates("place").set_index("place")
    return worst[["there", "made", "evidence"]].rename(
        columns={"made": "checked_at", "evidence": "checked_in"}
    )


def _used(
    asked: pd.DataFrame,
    met: pd.DataFrame,
    checks: pd.DataFrame,
    span: Span,
    *,
    listed: pd.DataFrame,
    rights: pd.DataFrame,
    done: pd.DataFrame,
) -> pd.DataFrame:
    """By line: the first act of the holder from the day after the right was, or had to be, gone, up to the list that tells.

    Only of who had no other right in the system then: any act may be by that one.
    """
    shape = ["right_id", "holder_kind", "template", *EQUAL]
    rows = met[met["place"].isin(asked.index)][["place", "right_id"]]
    rows = rows.merge(pd.concat([listed[shape], rights[shape]]).drop_duplicates("right_id"), on="right_id")
    rows = rows.assign(name=holders(rows)).dropna(subset=["name"])
    gone = asked["removed_at"].fillna(asked["removal_due_at"])
    gone = gone.where(~gone.gt(asked["removal_due_at"]).fillna(False), asked["removal_due_at"])
    rows = rows[~rows["place"].isin(_otherwise(rows, asked, gone + _DAY, listed, rights))]
    until = checks["checked_at"].reindex(asked.index).fillna(span.stop)
    until = until.where(until.lt(span.stop), span.stop)
    limits = pd.DataFrame({"since": gone + _DAY, "until": until}).reset_index(names="place")
    rows = rows[["place", "system", "name"]].drop_duplicates().merge(limits, on="place")
    acts = rows.merge(done.rename(columns={"holder": "name"}), on=["system", "name"])
    acts = acts[acts["at"].ge(acts["since"]) & acts["at"].lt(acts["until"])]
    first = acts.sort_values(["place", "at", "evidence", "line"], kind="stable").drop_duplicates("place")
    pointer = first["evidence"] + ":" + first["line"].astype("str")
    return first.assign(used_at=first["at"], used_in=pointer).set_index("place")[["used_at", "used_in"]]


def _otherwise(
    rows: pd.DataFrame, asked: pd.DataFrame, gone: pd.Series, listed: pd.DataFrame, rights: pd.DataFrame
) -> set[int]:
    """Lines whose holder had another right in the system since it was listed, by name or by a group that has one there.

    Each act tells the groups of who did it: one that was not seen with the holder since the right was `gone` gave no act.
    """
    since = pd.DataFrame({"since": asked["listed_at"].dt.floor("D"), "gone": gone})
    since = since.rename_axis("place").reset_index()
    asking = rows[["place", "system", "holder"]].drop_duplicates()
    own = listed[["system", "holder", "right_id", "made"]]
    seen = rights.loc[rights["path"].eq("seen"), ["system", "holder", "right", "last_used"]]
    seen = seen.assign(group=seen["right"].str.removeprefix("group/"))
    groups = listed.loc[listed["holder_kind"].eq("group"), ["system", "holder", "right_id", "made"]]
    by_group = seen[["system", "holder", "group", "last_used"]].merge(
        groups.rename(columns={"holder": "group"}), on=["system", "group"]
    )
    every = pd.concat([own, by_group[[*own.columns, "last_used"]]], ignore_index=True).drop_duplicates()
    others = asking.merge(every, on=["system", "holder"]).merge(since, on="place")
    left = others["last_used"].lt(others["gone"]).fillna(False).astype(bool)
    others = others[others["made"].ge(others["since"]) & ~left]
    mine = rows[["place", "right_id"]].drop_duplicates().assign(own=True)
    others = others.merge(mine, on=["place", "right_id"], how="left")
    return set(others.loc[others["own"].isna(), "place"])
