"""Merge robots (Bors, Homu): which commits they say they made, and which pull requests they say they landed.

A robot tests pull requests together, puts one commit on the branch for all of them (or one each) and pushes it. The
forge may know of that no more than that it closed them. Everything here rests on what a commit says of itself, so the
forge's evidence comes first: see `links`.
"""

from __future__ import annotations

import pandas as pd

from audit.git.lookup import look_up
from audit.model import Confidence

CLOSED_TITLE = "[Merged by Bors] - "
"""Put before the title of a pull request that the robot landed in a way in which the forge can't see the merge."""

_ROBOT = r"(?:^|[+.-])(?:bors|homu)(?:-[a-z0-9]+)*(?:\[bot\])?@"
_BATCH = r"^Merge((?: #\d{1,18})+)\s*$"
_HOMU = r"^Auto merge of (#\d{1,18}) - "
_SQUASH = r"\((#\d{1,18})\)\s*$"


def is_robot(email: pd.Series) -> pd.Series:
    """Which e-mails (str) are a merge robot's (bool). A claim that anyone can make."""
    return email.str.lower().str.contains(_ROBOT).astype(bool)


def named(main: pd.DataFrame) -> pd.DataFrame:
    """Pull requests that the robot's subjects name: position (int64) and number (Int64), in the order named.

    Args:
        main: position, subject, parents and robot (bool: the robot made it) of mainline commits.
    """
    made = main[main["robot"]]
    merge = made["subject"].str.extract(_BATCH)[0].fillna(made["subject"].str.extract(_HOMU)[0])
    single = made["subject"].str.extract(_SQUASH)[0]
    text = merge.where(made["parents"] >= 2, single).astype("str")
    found = made[["position"]].assign(number=text.str.findall(r"\d+")).explode("number")
    found = found.dropna(subset=["number"]).astype({"number": "Int64"})
    return found[found["number"] > 0].drop_duplicates().reset_index(drop=True)


def closed_by_robot(pulls: pd.DataFrame) -> pd.Series:
    """Pull requests that were closed under the robot's title (bool). Who may edit the title can write that."""
    said = pulls["title_text"].str.startswith(CLOSED_TITLE)
    return (pulls["merged_at"].isna() & (pulls["state"] == "closed") & said).astype(bool)


def links(
    claims: pd.DataFrame, pulls: pd.DataFrame, branches: tuple[str, ...], landed: pd.Series, *, complete: bool
) -> pd.DataFrame:
    """The robot's claims that the forge's evidence bears out, or does not contradict.

    Strong: the forge says that the pull request was merged, or closed by the robot, and its last commit came in with
    the robot's merge. Weak: such a pull request whose last commit is not there (a squash); or one of which the
    evidence, which is not whole, says nothing.

    Args:
        claims: position, number and committer_time of commits, see `named`; nothing of it is linked already.
        pulls: pull requests of the repository.
        branches: names of the default branch.
        landed: mainline place (Int64) that brought each commit in, by sha.

    Returns:
        `claims` that are links, with `confidence` (str).
    """
    columns = ["number", "base_ref", "merged_at", "merge_sha", "head_sha", "updated_at"]
    evidence = pulls[columns].assign(known=True, robot=closed_by_robot(pulls))
    found = claims.merge(evidence, on="number", how="left")
    known = found["known"].eq(True).astype(bool)
    merged = found["merged_at"].notna() & found["merge_sha"].isna()
    agrees = (merged | found["robot"].eq(True)) & found["base_ref"].isin(branches)
    came = look_up(found["head_sha"], landed)
    within = (came == found["position"]).fillna(False).astype(bool)
    exported_before = known & found["merged_at"].isna() & (found["updated_at"] < found["committer_time"])
    unknown = (~known | exported_before) & (not complete)
    confidence = pd.Series(Confidence.NONE.value, index=found.index, dtype="str")
    confidence = confidence.mask(agrees | unknown, Confidence.WEAK.value)
    confidence = confidence.mask(agrees & within, Confidence.STRONG.value)
    found["confidence"] = confidence
    return found.loc[confidence != Confidence.NONE.value, [*claims.columns, "confidence"]]
