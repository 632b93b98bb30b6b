"""Who changed which image, when, from what to what; and in which order environments got each version."""

from __future__ import annotations

import pandas as pd

from audit.git.images.found import NO_TAG
from audit.tables import ImageChanges, Promotions, conform

_IMAGE = ["repo", "app", "environment", "image"]
_SET = ["repo", "head_sha", "path", "locator", "image", "app", "environment"]
_WHERE = ["repo", "path", "locator", "image", "app", "environment"]
_EVER = pd.Timestamp.max.floor("us").tz_localize("UTC")
_OF_LANDING = ["head_sha", "first_position", "position", "landed_at", "authors", "pr_number"]


def image_changes(
    image_settings: pd.DataFrame, landings: pd.DataFrame, commits: pd.DataFrame
) -> pd.DataFrame:
    """`ImageChanges` of `ImageSettings`, `Landings` and `Commits`: what each landing changed, as a whole.

    `before` is that of the landing's first mainline commit which set it, `after` that of its last. What changes back
    within the landing is no change.

    Raises:
        ValueError: a commit belongs to no landing, which the mainline rules out.
    """
    placed = _placed(image_settings, landings, commits)
    alone = ~(placed["first_position"] <= placed["position"]).fillna(False).astype(bool)
    if alone.any():
        raise ValueError(f"commit {placed.loc[alone, 'sha'].iloc[0]} belongs to no landing")
    each = placed.groupby(_SET, sort=False)
    first, last = each.cumcount().eq(0), each.cumcount(ascending=False).eq(0)
    whole = placed[last].merge(placed.loc[first, [*_SET, "before"]], on=_SET, suffixes=("_last", ""))
    whole = whole.assign(**{side: whole[side].mask(whole[side].eq(NO_TAG)) for side in ("before", "after")})
    changed = whole["before"].fillna("").ne(whole["after"].fillna(""))
    return conform(ImageChanges, whole[changed].drop(columns="position").rename(columns={"last": "position"}))


def bare(
    image_settings: pd.DataFrame, landings: pd.DataFrame, commits: pd.DataFrame, image_changes: pd.DataFrame
) -> pd.DataFrame:
    """Images of containers that are written without a version, while nothing else of the application is known to give one.

    Args:
        image_changes: `ImageChanges`, whose versions count in the same application and environment.

    Returns:
        the columns of `ImageSettings` with `head_sha`, `landed_at`, `start` and `end` (datetime64[us, UTC]; missing while
        it lasts), and `alike` (bool: the application sets a version of an image whose name ends alike, which may be this one).
    """
    rows = _placed(image_settings[image_settings["environment"].ne("")], landings, commits)
    rows = rows.sort_values([*_WHERE, "position"], kind="stable")
    rows = rows.assign(start=rows["landed_at"], end=rows.groupby(_WHERE)["landed_at"].shift(-1))
    rows = rows[rows["after"].eq(NO_TAG).fillna(False).astype(bool)].reset_index(drop=True)
    rows = rows.assign(number=range(len(rows)), name=_last(rows["image"]))
    given = _given(image_changes).assign(name=lambda spans: _last(spans["image"]))
    both = rows.merge(given, on=["repo", "app", "environment", "name"], suffixes=("", "_given"))
    both = both[~both["since"].ge(both["end"]) & ~both["until"].le(both["start"])]
    exact = both[both["image"].eq(both["image_given"])]
    covered = exact.assign(until=exact["until"].fillna(_EVER)).groupby("number")["until"].max()
    start = covered.reindex(rows["number"]).set_axis(rows.index).fillna(rows["start"])
    rows = rows.assign(
        start=start, alike=rows["number"].isin(both.loc[~both.index.isin(exact.index), "number"])
    )
    return rows[~rows["start"].ge(rows["end"].fillna(_EVER))].drop(columns=["number", "name"])


def _last(images: pd.Series) -> pd.Series:
    return images.str.rsplit("/", n=1).str[-1]


def _given(changes: pd.DataFrame) -> pd.DataFrame:
    """When each place gave its image a version: `_IMAGE`, `since` and `until`, missing for before and after what is known."""
    rows = changes.sort_values([*_WHERE, "position"], kind="stable")
    after = rows.assign(since=rows["landed_at"], until=rows.groupby(_WHERE)["landed_at"].shift(-1))
    first = rows.drop_duplicates(_WHERE)
    first = first.assign(
        until=first["landed_at"],
        since=pd.Series(pd.NaT, index=first.index, dtype="datetime64[us, UTC]"),
        after=first["before"],
    )
    every = pd.concat([after, first], ignore_index=True)
    return every.loc[every["after"].notna(), [*_IMAGE, "since", "until"]].astype(
        {"since": "datetime64[us, UTC]", "until": "datetime64[us, UTC]"}
    )


def _placed(image_settings: pd.DataFrame, landings: pd.DataFrame, commits: pd.DataFrame) -> pd.DataFrame:
    """Settings with their place on the mainline, and the landing (`_OF_LANDING`, its place as `last`) that brought them."""
    placed = image_settings.merge(commits[["repo", "sha", "position"]], on=["repo", "sha"], how="left")
    of_landing = landings[["repo", *_OF_LANDING]].rename(columns={"position": "last"})
    return pd.merge_asof(
        placed.astype({"position": "int64"}).sort_values("position", kind="stable"),
        of_landing.astype({"last": "int64"}).sort_values("last", kind="stable"),
        left_on="position",
        right_on="last",
        by="repo",
        direction="forward",
    )


def promotions(image_changes: pd.DataFrame) -> pd.DataFrame:
    """`Promotions` of `ImageChanges`: when each version was first asked for in each environment, and how long.

    What takes effect in no known environment is not promoted, and has no row. A version is replaced when a landing asks
    for another version of the image in the same application and environment and not for this one too, or when no place
    that asked for it does any more, whichever is earlier.
    """
    known = image_changes[image_changes["environment"].ne("")]
    asked = known[known["after"].notna()].rename(columns={"after": "version"})
    asked = asked.sort_values([*_IMAGE, "position", "version"], kind="stable")
    asked = asked.drop_duplicates([*_IMAGE, "version", "position"])
    ends = pd.concat([_overtaken(asked), _dropped(known)]).groupby([*_IMAGE, "version"])["end"].min()
    first = asked.drop_duplicates([*_IMAGE, "version"]).rename(columns={"landed_at": "set_at"})
    first = first.merge(ends.reset_index(), on=[*_IMAGE, "version"], how="left")
    times = known[["repo", "position", "landed_at"]].drop_duplicates(["repo", "position"])
    times = times.rename(columns={"position": "end", "landed_at": "replaced_at"})
    first = first.merge(times, on=["repo", "end"], how="left")
    rank = first.groupby(["repo", "app", "image", "version"])["set_at"].rank(method="dense")
    return conform(Promotions, first.assign(rank=rank))


def _overtaken(asked: pd.DataFrame) -> pd.DataFrame:
    """Where (`end`, Int64, a mainline place) a landing first asked for other versions only, after each was set.

    Args:
        asked: one row for each image, version and place at which it was asked for, in the order of places.
    """
    turn = asked[[*_IMAGE, "position"]].drop_duplicates()
    turn = turn.assign(turn=turn.groupby(_IMAGE).cumcount())
    turns = asked[[*_IMAGE, "version", "position"]].merge(turn, on=[*_IMAGE, "position"])
    each = turns.groupby([*_IMAGE, "version"])
    unbroken = (turns["turn"] - each["turn"].transform("first")).eq(each.cumcount())
    last = turns[unbroken].groupby([*_IMAGE, "version"], as_index=False)["turn"].max()
    after = turn.rename(columns={"position": "end"}).assign(turn=turn["turn"] - 1)
    result: pd.DataFrame = last.merge(after, on=[*_IMAGE, "turn"])[[*_IMAGE, "version", "end"]]
    return result


def _dropped(changes: pd.DataFrame) -> pd.DataFrame:
    """Where (`end`) the last place that asked for a version ceased to, for the first time after it was set.

    Places are counted, not followed, so that a file may be renamed. Those that asked for a version before the changes
    begin are known only when more of them cease to ask for it than began to.
    """
    versions = [
        changes[[*_IMAGE, side, "position"]].rename(columns={side: "version"}).assign(count=count)
        for side, count in (("after", 1), ("before", -1))
    ]
    by = [*_IMAGE, "version"]
    counts = pd.concat(versions).dropna(subset=["version"])
    since = counts[counts["count"].eq(1)].groupby(by)["position"].min().rename("since")
    each = counts.groupby([*by, "position"], as_index=False)["count"].sum().merge(since.reset_index(), on=by)
    held = each.groupby(by)["count"].cumsum()
    least = held.groupby([each[column] for column in by]).transform("min").clip(upper=0)
    gone = each[held.eq(least) & (each["position"] > each["since"]).astype(bool)]
    result: pd.DataFrame = gone.rename(columns={"position": "end"})[[*by, "end"]]
    return result
