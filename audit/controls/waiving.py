"""Exceptions that waivers cover: they stay, and say by which."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from audit.controls.naming import exception_id

_LISTED = ("environment", "app")
_PART = re.compile(r"\*\*|\*")


def waive(control: str, failed: pd.DataFrame, waivers: pd.DataFrame, *, at: pd.Timestamp) -> pd.DataFrame:
    """Exceptions with `waiver` (str): ids of the waivers without flaws that cover each, beside those given already.

    Args:
        failed: exceptions of one control. waivers: `Waivers`.
        at: the moment for which exceptions without a time of their own are judged.
    """
    own = waivers[waivers["control"].eq(control) & waivers["flaws"].eq("")]
    given = failed["waiver"]
    for values in own.itertuples(index=False):
        waiver = dict(zip(own.columns, values, strict=True))
        rows = covered(control, failed, waiver, at=at)
        more = given + "; " + waiver["id"]
        given = given.mask(rows, more.fillna(waiver["id"]))
    return failed.assign(waiver=given.astype("str"))


def covered(
    control: str, failed: pd.DataFrame, waiver: dict[str, Any], *, at: pd.Timestamp, timely: bool = True
) -> pd.Series:
    """Which exceptions (bool) one waiver covers: in all of its scope, and `timely`: while it held."""
    inside = reached(control, failed, waiver)
    for name in _LISTED:
        inside &= _listed(failed[name], waiver[name], every=True)
    if not timely:
        return inside
    times = failed["at"].fillna(at)
    inside &= times.ge(waiver["covers_from"])
    if not pd.isna(waiver["covers_until"]):
        inside &= times.lt(waiver["covers_until"])
    return inside


def reached(control: str, failed: pd.DataFrame, waiver: dict[str, Any]) -> pd.Series:
    """Which exceptions (bool) a waiver's scope meets, be it in some of their environments or applications alone."""
    inside = pd.Series(True, index=failed.index)
    for name, column in (("repository", "repo"), ("cluster", "cluster")):
        if not pd.isna(waiver[name]):
            inside &= failed[column].eq(waiver[name]).fillna(False).astype(bool)
    for name in _LISTED:
        inside &= _listed(failed[name], waiver[name], every=False)
    if not pd.isna(waiver["path"]):
        inside &= failed["path"].str.fullmatch(_regex(waiver["path"])).fillna(False).astype(bool)
    if not pd.isna(waiver["subject"]):
        ids = failed["subject"].map(lambda subject: exception_id(control, subject))
        inside &= failed["subject"].eq(waiver["subject"]) | ids.eq(waiver["subject"])
    return inside


def _listed(values: pd.Series, scope: Any, *, every: bool) -> pd.Series:
    """Which `values` (names separated by commas) lie in a scope (likewise): all of their names, or one at least."""
    if pd.isna(scope):
        return pd.Series(True, index=values.index)
    wanted = {name.strip() for name in scope.split(",")}
    judge = wanted.issuperset if every else lambda names: not wanted.isdisjoint(names)
    met = [not pd.isna(value) and bool(value) and judge(value.split(",")) for value in values]
    return pd.Series(met, index=values.index, dtype=bool)


def _regex(pattern: str) -> str:
    """A path pattern as a regular expression: `*` within one name, `**` across folders."""
    texts, signs = _PART.split(pattern), _PART.findall(pattern)
    made = [re.escape(texts[0])]
    for sign, text in zip(signs, texts[1:], strict=True):
        made += [".*" if sign == "**" else "[^/]*", re.escape(text)]
    return "(?s:" + "".join(made) + ")"
