"""What access reviews decided, right by right, and which rights they left out."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver, System
from audit.joins.rights.carried_out import outcomes
from audit.joins.rights.shapes import EQUAL, TIME, Span, Tables, text
from audit.model import PrincipalKind
from audit.settings import Settings

_LINE = ["review", "listed_at", "system", "subject", "right"]
_DAY = pd.Timedelta(days=1)
_SPELLINGS = {"push": "write", "pull": "read"}
_WRITTEN_IN: tuple[System, ...] = ("roster", "git", "github", "sso", "kubernetes", "iam", "vault")


def decisions(
    tables: Tables,
    settings: Settings,
    span: Span,
    resolver: Resolver,
    *,
    listed: pd.DataFrame,
    rights: pd.DataFrame,
    done: pd.DataFrame,
    granted: pd.DataFrame,
) -> pd.DataFrame:
    """`AccessDecisions`: lines of reviews that had been listed by the quarter's end, and what those of the quarter left out.

    Args:
        listed: rights in all lists, as `audit.joins.rights.lists.numbered` gives them.
        rights: those of the quarter, with `template`.
        done: acts, as `audit.joins.rights.used.acts` gives them.
        granted: who granted rights, as `audit.joins.rights.compared.granted` gives it.
    """
    lines = _lines(tables, settings, span, resolver)
    known = _known(listed, rights, resolver)
    met = _met(lines, known)
    by_line = met.sort_values(["place", "right_id"]).drop_duplicates("place").set_index("place")
    lines = lines.assign(right_id=by_line["right_id"].reindex(lines.index))
    lines = lines.assign(granted_by=_grantors(lines, granted))
    lines = lines.assign(holder_kind=_kinds(lines, known, resolver))
    lines = lines.assign(**outcomes(lines, met, span, listed=listed, rights=rights, done=done))
    left = _left_out(lines, met, listed, settings, span)
    return pd.concat([lines, left], ignore_index=True) if len(left) else lines


def _lines(tables: Tables, settings: Settings, span: Span, resolver: Resolver) -> pd.DataFrame:
    """One row for each right of each review: what was said of it last, with people resolved and deadlines."""
    rows = tables["access_reviews"]
    rows = rows[rows["listed_at"].lt(span.stop)]
    day = rows["listed_at"].dt.strftime("%Y-%m-%d").astype("str")
    rows = rows.assign(review=rows["review"].where(rows["review"].ne(""), day))
    spelled = {name.casefold(): name for name in _systems(settings)}
    folded = rows["system"].str.casefold()
    rows = rows.assign(system=folded.map(spelled).astype("str").fillna(rows["system"]))
    rows = rows.sort_values(
        [*_LINE, "decided_at", "removed_at", "evidence", "line"], na_position="first", kind="stable"
    )
    same = rows["right_id"].where(
        rows["right_id"].notna(), rows["system"] + "\0" + rows["subject"] + "\0" + rows["right"]
    )
    rows = rows.assign(same=same).drop_duplicates(["review", "same"], keep="last").reset_index(drop=True)
    rules = settings.access
    taken = rows["decision"].isin(["revoke", "change"])
    removal = (rows["decided_at"] + pd.Timedelta(days=rules.removal_days)).where(taken)
    named = pd.concat([rows["subject"], rows["reviewer"]], ignore_index=True)
    listed = pd.concat([rows["listed_at"], rows["listed_at"]], ignore_index=True)
    known = written(named, listed, resolver).fillna(named)
    return rows.rename(columns={"right_id": "written_id"}).assign(
        person=known.iloc[: len(rows)],
        reviewer_person=known.iloc[len(rows) :].set_axis(rows.index),
        due_at=(rows["listed_at"] + pd.Timedelta(days=rules.review_days)).astype(TIME),
        removal_due_at=removal.astype(TIME),
    )


def _grantors(lines: pd.DataFrame, granted: pd.DataFrame) -> pd.Series:
    """Who granted the right of each line (str), by the list nearest to its listing: it may have been granted anew since, or
    have become another."""
    asked = lines.loc[lines["right_id"].notna(), ["right_id", "listed_at"]].reset_index(names="place")
    found = pd.merge_asof(
        asked.sort_values("listed_at", kind="stable"),
        granted.sort_values("made", kind="stable"),
        left_on="listed_at",
        right_on="made",
        by="right_id",
        direction="nearest",
    )
    return found.set_index("place")["granted_by"].reindex(lines.index).astype("str")


def _kinds(lines: pd.DataFrame, known: pd.DataFrame, resolver: Resolver) -> pd.Series:
    """What holds the right of each line (str): as the list says that has it, else a machine where a rule says so."""
    kinds = known.set_index("right_id")["holder_kind"]
    kind = lines["right_id"].map(kinds[kinds.ne("")]).astype("str")
    for system in _WRITTEN_IN:
        who = resolver.resolve(lines["subject"].str.strip(), system, lines["listed_at"])
        machine = who["kind"].eq(PrincipalKind.MACHINE.value)
        kind = kind.fillna(text(PrincipalKind.MACHINE.value, lines).where(machine))
    return kind


def _systems(settings: Settings) -> list[str]:
    return [one.name for one in settings.repositories] + [one.name for one in settings.clusters]


def written(names: pd.Series, at: pd.Series, resolver: Resolver) -> pd.Series:
    """Roster ids (str) of people as records wrote them at `at`, by id or by any name of theirs; missing for nobody."""
    raw = names.str.strip()
    person = pd.Series(pd.NA, index=names.index, dtype="str")
    for system in _WRITTEN_IN:
        who = resolver.resolve(raw, system, at)
        person = person.fillna(who["person"].where(who["known"]))
    return person.mask(raw.eq(""))


def _known(listed: pd.DataFrame, rights: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """Every right there is or was: `right_id`, the columns `EQUAL`, `holder_kind`, and `person` (missing for nobody known)."""
    columns = ["right_id", *EQUAL, "holder_kind", "at"]
    every = [listed.assign(at=listed["made"])[columns], rights.assign(at=rights["listed_at"])[columns]]
    rows = pd.concat(every, ignore_index=True).sort_values("at", kind="stable")
    rows = rows.drop_duplicates("right_id", keep="last").reset_index(drop=True)
    return rows.assign(person=written(rows["holder"], rows["at"], resolver)).drop(columns="at")


def _met(lines: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """The rights that each line means: `place` (index of the line) and the columns of `known`.

    By their id; without one, by system, holder and right as they are written, where a right may be written with its scope
    (`ClusterRole/edit@shop`) and without its kind (`edit`), and a holder by any name.
    """
    asked = lines[["written_id", "system", "subject", "person", "right"]].reset_index(names="place")
    by_id = asked.merge(known, left_on="written_id", right_on="right_id", suffixes=("_line", ""))
    rest = asked[~asked["place"].isin(by_id["place"])]
    plain = known["right"].str.replace(r"^.*/", "", regex=True)
    at = ("@" + known["scope"]).where(known["scope"].ne(""), "")
    spelled = known["right"].map(_SPELLINGS).astype("str")
    forms = [known["right"], known["right"] + at, plain, plain + at, spelled]
    worded = pd.concat([known.assign(word=form.str.casefold()) for form in forms], ignore_index=True)
    worded = worded.dropna(subset=["word"])
    named = pd.concat(
        [
            worded.assign(who=worded["holder"].str.casefold()),
            worded.assign(who=worded["person"].str.casefold()),
        ]
    ).dropna(subset=["who"])
    named = named.drop_duplicates(["right_id", "word", "who"])
    rest = rest.assign(word=rest["right"].str.casefold())
    called = [rest.assign(who=rest[column].str.casefold()) for column in ("subject", "person")]
    rest = pd.concat(called, ignore_index=True).drop_duplicates(["place", "who"])
    found = rest.merge(named, on=["word", "who"], suffixes=("_line", ""))
    same = found["system_line"].str.casefold().eq(found["system"].str.casefold()) | found["system_line"].eq(
        ""
    )
    columns = ["place", *known.columns]
    met = pd.concat([by_id[columns], found.loc[same, columns]], ignore_index=True)
    return met.drop_duplicates(["place", "right_id"]).reset_index(drop=True)


def settled(rows: pd.DataFrame) -> pd.Series:
    """When each line of a review was settled: decided, or due (datetime64[us, UTC])."""
    late = ~rows["decided_at"].le(rows["due_at"]).fillna(False).astype(bool)
    return rows["decided_at"].mask(late | rows["decision"].eq("open"), rows["due_at"])


def _left_out(
    lines: pd.DataFrame, met: pd.DataFrame, listed: pd.DataFrame, settings: Settings, span: Span
) -> pd.DataFrame:
    """Rights that systems listed when the reviews of the quarter did, and that none of these has.

    Of a system of which nothing tells what it granted then, one row without a right.
    """
    at = settled(lines)
    own = lines[at.ge(span.start) & at.lt(span.stop)]
    if own.empty:
        return own
    whole = own.sort_values(["listed_at", "review", "evidence", "line"], kind="stable")
    last = whole.drop_duplicates("system", keep="last").set_index("system")
    kinds = listed[["system_kind", "system"]].drop_duplicates()
    systems = sorted(
        set(_systems(settings)) | set(kinds.loc[kinds["system_kind"].eq("organisation"), "system"])
    )
    columns = ["review", "listed_at", "due_at", "evidence", "line"]
    asked = last[columns].reindex(systems).fillna(whole.iloc[-1][columns].to_dict())
    asked = asked.rename_axis("system").reset_index()
    near = pd.Timedelta(days=settings.thresholds.snapshot_days)
    lists = listed[["stream", "number", "made", "system"]].drop_duplicates(["stream", "number"])
    lists = lists.merge(asked[["system", "listed_at"]], on="system")
    lists = lists[lists["made"].lt(lists["listed_at"] + _DAY) & lists["made"].ge(lists["listed_at"] - near)]
    lists = lists.sort_values(["stream", "number"]).drop_duplicates("stream", keep="last")
    there = listed.merge(lists[["stream", "number"]], on=["stream", "number"])
    there = there[~there["builtin"]].drop_duplicates(EQUAL)
    decided = met.loc[met["place"].isin(own.index), EQUAL].drop_duplicates().assign(decided=True)
    missed = there.merge(decided, on=EQUAL, how="left")
    missed = missed[missed["decided"].isna()]
    rows = missed[["system", "holder", "right", "scope", "right_id", "evidence", "line"]].merge(
        asked[["system", "review", "listed_at", "due_at"]], on="system"
    )
    rows["right"] = rows["right"] + ("@" + rows["scope"]).where(rows["scope"].ne(""), "")
    untold = asked[~asked["system"].isin(there["system"])]
    return _empty_handed(
        pd.concat([rows.rename(columns={"holder": "subject"}), untold], ignore_index=True), lines
    )


def _empty_handed(rows: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Rows for what was left out, with the columns and dtypes of `lines`."""
    blank = {"subject": "", "right": "", "reviewer": "", "reviewer_person": "", "decision": "left out"}
    rows = rows.reindex(columns=[*lines.columns])
    rows = rows.assign(**{name: rows[name].astype(object).fillna(value) for name, value in blank.items()})
    told = rows["right_id"].notna()
    rows["outcome"] = text("not asked", rows).mask(~told, "untold")
    rows["person"] = rows["subject"]
    return rows.astype(lines.dtypes.to_dict())
