"""Which mainline commit each pull request ended in, how that is known, and how it was merged.

All frames here speak of one repository. `main` has one row for each mainline commit, in order, so that its row
number is the commit's position: sha (str), parents (int64, number of them), subject (str), forge and robot (bool, the
forge is the committer, a merge robot made it), committer (str), committer_time (datetime64[us, UTC]).

A link frame has the columns position, number, link, confidence and, where a pull request is in evidence,
commits (Int64), merged_at, merged_by, merge_sha, pr_head. No number is in it twice. A position is, where several pull
requests landed in one commit, and `first` (bool) then tells the one by which the landing goes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.git import robots
from audit.git.lookup import look_up
from audit.model import Confidence, LandingKind, Link

FORGE_EMAIL = "noreply@github.com"
FORGE_NAME = "GitHub"

QUEUE = "merge_queue_merge"
"""The forge's operation that moves the branch over everything its queue had tested together."""

_MERGE_SUBJECT = r"^Merge pull request #(\d{1,18}) from "
_SQUASH_SUBJECT = r"\(#(\d{1,18})\)\s*$"
BY_HAND = ("push", "force_push")
"""What the forge calls a push that somebody made."""

_AT_ONCE = pd.Timedelta(minutes=10)  # a rebase writes its commits anew within
_COLUMNS = [
    "position", "number", "link", "confidence", "commits", "merged_at", "merged_by", "merge_sha", "pr_head",
]  # fmt: skip


def is_forge(name: pd.Series, email: pd.Series) -> pd.Series:
    """Where a committer is the forge itself (bool). A claim that anyone can make: see the links' confidence."""
    return (email.str.lower() == FORGE_EMAIL) | (name == FORGE_NAME)


def find(
    main: pd.DataFrame,
    pulls: pd.DataFrame,
    branches: tuple[str, ...],
    landed: pd.Series,
    *,
    patches: pd.DataFrame,
    complete: bool,
    pushed: np.ndarray,
) -> pd.DataFrame:
    """Every link between the mainline and pull requests, by position and number, with `first` and `aside`.

    Args:
        pulls: pull requests of this repository.
        branches: names that the default branch has or had: pull requests into others end elsewhere.
        landed: mainline place (Int64) that brought each commit in, by sha.
        patches: number (Int64) and sha (str): mainline commits with the same patch as a pull request.
        complete: the forge's evidence covers every pull request, so that one that is not in it does not exist.
        pushed: mainline places (bool) that a push brought there, by the forge's own record.

    Returns:
        A link frame. `aside` (bool): the pull request was merged on a line of history that the commit at `position`
        brought in later; the landing does not go by it.
    """
    own = pulls[pulls["base_ref"].isin(branches)].rename(columns={"head_sha": "pr_head"})
    merged = own[own["merged_at"].notna()]
    found = _by_merge_sha(main, merged)
    found = _add(found, _by_subject(_free(main, found), pulls, merged, complete=complete, pushed=pushed))
    patched = pd.concat([merged, own[robots.closed_by_robot(own)]])
    found = _add(found, _by_patch(_free(main, found), patched, patches))
    claims = robots.named(main).merge(main[["position", "committer_time"]], on="position")
    claims = claims[~claims["number"].isin(found["number"])].drop_duplicates("number")
    found = _add(found, _by_robot(claims, pulls, branches, landed, complete=complete))
    found = _ranked(found.reset_index(drop=True).assign(aside=False), main)
    return _add(found, _aside(merged, landed).assign(first=False, aside=True)).sort_values(
        ["position", "number"], ignore_index=True
    )


def _ranked(found: pd.DataFrame, main: pd.DataFrame) -> pd.DataFrame:
    """`first` (bool): of several pull requests in one commit, the one its subject names first, else the lowest."""
    claims = robots.named(main)
    first = pd.to_numeric(main["subject"].str.extract(_MERGE_SUBJECT)[0]).astype("Int64")
    first = first.fillna(look_up(main["position"].astype("Int64"), _lowest(claims)))
    first = first.fillna(_numbers(main["subject"]))
    stranger = (found["number"] != look_up(found["position"].astype("Int64"), _by_place(main, first))).fillna(
        True
    )
    order = found.assign(stranger=stranger).sort_values(["position", "stranger", "number"])
    return found.assign(first=found.index.isin(order.drop_duplicates("position").index))


def _lowest(claims: pd.DataFrame) -> pd.Series:
    lowest = claims.sort_values(["position", "number"]).drop_duplicates("position")
    return lowest.set_index(lowest["position"].astype("Int64"))["number"]


def _by_place(main: pd.DataFrame, values: pd.Series) -> pd.Series:
    return values.set_axis(pd.Index(main["position"].astype("Int64")))


def _by_merge_sha(main: pd.DataFrame, merged: pd.DataFrame) -> pd.DataFrame:
    """The forge names the commit; it may name one for several pull requests."""
    found = merged.merge(main[["sha", "position"]], left_on="merge_sha", right_on="sha")
    return _labelled(found, Link.MERGE_SHA, Confidence.CERTAIN)


def _aside(merged: pd.DataFrame, landed: pd.Series) -> pd.DataFrame:
    """Pull requests whose merge commit is reachable: those on the mainline were found before."""
    known = merged[merged["merge_sha"].notna()]
    found = known.assign(position=look_up(known["merge_sha"], landed)).dropna(subset=["position"])
    return _labelled(found.astype({"position": "int64"}), Link.MERGE_SHA, Confidence.CERTAIN)


def _by_robot(
    claims: pd.DataFrame, pulls: pd.DataFrame, branches: tuple[str, ...], landed: pd.Series, *, complete: bool
) -> pd.DataFrame:
    """What merge robots say they landed, where nothing contradicts them: see `audit.git.robots`."""
    agreed = robots.links(claims, pulls, branches, landed, complete=complete)
    evidence = pulls.rename(columns={"head_sha": "pr_head"})
    evidence = evidence[["number", "commits", "merged_at", "merged_by", "merge_sha", "pr_head"]]
    agreed = agreed.merge(evidence, on="number", how="left")
    return _labelled(agreed, Link.BATCH, agreed["confidence"])


def _by_subject(
    free: pd.DataFrame, pulls: pd.DataFrame, merged: pd.DataFrame, *, complete: bool, pushed: np.ndarray
) -> pd.DataFrame:
    """The subject names a pull request, and the forge is the committer.

    Both can be forged, so evidence that says otherwise always wins: another merge commit, a pull request that is
    not merged, one that does not exist, a push by hand. Without any evidence of the forge the subject is all there is.
    """
    is_merge = free["parents"] >= 2
    named = pd.to_numeric(
        free["subject"]
        .str.extract(_MERGE_SUBJECT)[0]
        .where(is_merge, free["subject"].str.extract(_SQUASH_SUBJECT)[0])
    ).astype("Int64")
    found = free.assign(number=named)[named.notna() & free["forge"]]
    found = found[found["number"] > 0].sort_values("position").drop_duplicates("number")
    evidence = merged[["number", "commits", "merged_at", "merged_by", "merge_sha", "pr_head"]]
    found = found.merge(evidence, on="number", how="left")
    known = found["number"].isin(pulls["number"])
    latest = look_up(found["number"], pulls.set_index("number")["updated_at"])
    agrees = found["merged_at"].notna() & found["merge_sha"].isna()
    no_forge = pulls.empty and not complete
    exported_before = known & found["merged_at"].isna() & (latest < found["committer_time"])
    open_question = (~known | exported_before) & (not complete) & (not no_forge)
    confidence = pd.Series(Confidence.NONE.value, index=found.index)
    confidence[agrees | no_forge] = Confidence.STRONG.value
    confidence[open_question] = Confidence.WEAK.value
    confidence[pushed[found["position"]] & ~agrees] = Confidence.NONE.value
    linked = found[confidence != Confidence.NONE.value]
    return _labelled(linked, Link.SUBJECT, confidence[linked.index])


def _by_patch(free: pd.DataFrame, merged: pd.DataFrame, patches: pd.DataFrame) -> pd.DataFrame:
    """The commit is the same patch as the pull request, whose merge commit the forge does not name."""
    found = patches.merge(merged, on="number").merge(free[["sha", "position"]], on="sha")
    found = found[found["merge_sha"].isna()].sort_values(["position", "number"])
    return _labelled(
        found.drop_duplicates("position").drop_duplicates("number"), Link.PATCH_ID, Confidence.STRONG
    )


def _numbers(subjects: pd.Series) -> pd.Series:
    """Pull request that a subject names in either form, Int64."""
    merge = subjects.str.extract(_MERGE_SUBJECT)[0]
    return pd.to_numeric(merge.fillna(subjects.str.extract(_SQUASH_SUBJECT)[0])).astype("Int64")


def _labelled(found: pd.DataFrame, link: Link, confidence: Confidence | pd.Series) -> pd.DataFrame:
    value = confidence.value if isinstance(confidence, Confidence) else confidence
    return found.assign(link=link.value, confidence=value)[_COLUMNS]


def _free(main: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    return main[~main["position"].isin(found["position"])]


def _add(found: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    more = more[~more["number"].isin(found["number"])]
    if more.empty or found.empty:
        return found if more.empty else more
    return pd.concat([found, more], ignore_index=True)


def kinds(main: pd.DataFrame, links: pd.DataFrame, operations: pd.DataFrame) -> pd.DataFrame:
    """`links` with `kind` (str) and `first_position` (int64): where the landing of each pull request begins.

    A merge commit is a merge. What the forge or a merge robot committed on one parent is a squash: it makes a rebase in the name
    of whoever clicked. Otherwise a rebase has as many commits as the forge's record of the merge moved the
    branch by, or as the pull request holds; they have one parent, belong to no other pull request, are no squashes
    by either, and were not pushed before it. Those that the forge wrote anew have one committer and were written
    together: a pull request may hold more commits than the rebase left of it. What is left is a squash if its subject says so, else a rebase of one commit.

    Args:
        operations: operations of the forge on the default branch, with before and after as positions.
    """
    head = main.iloc[links["position"].to_numpy()].reset_index(drop=True)
    is_merge = (head["parents"] >= 2).to_numpy()
    named = (_numbers(head["subject"]) == links["number"].reset_index(drop=True)).fillna(False).to_numpy(bool)
    forge = (head["forge"] | head["robot"]).to_numpy(bool)
    moved, queued = _moved(links, operations, "pr_merge"), _moved(links, operations, QUEUE)
    ended = operations.loc[operations["operation"].isin(BY_HAND), "after_position"].dropna().astype("int64")
    span = _clean_span(main, links, moved, _held(main, links), queued, ended=ended)
    rebase = ~is_merge & ~forge & (span > 1)
    squash = ~is_merge & ~rebase & (forge | named)
    kind = np.select(
        [is_merge, rebase, squash],
        [LandingKind.MERGE.value, LandingKind.REBASE.value, LandingKind.SQUASH.value],
        LandingKind.REBASE.value,
    )
    first = links["position"].to_numpy(np.int64) - np.where(rebase, span - 1, 0)
    return links.assign(kind=kind, first_position=first)


def _moved(links: pd.DataFrame, operations: pd.DataFrame, kind: str) -> pd.Series:
    """Commits by which the forge's own merges of a kind moved the mainline, Int64; missing where it recorded none.

    A merge queue may move it over several pull requests at once: what it says comes last.
    """
    merges = operations[operations["operation"] == kind]
    merges = merges.dropna(subset=["before_position", "after_position"]).drop_duplicates("after_position")
    moved = (merges["after_position"] - merges["before_position"]).set_axis(
        pd.Index(merges["after_position"])
    )
    return look_up(links["position"].astype("Int64"), moved)


def _held(main: pd.DataFrame, links: pd.DataFrame) -> pd.Series:
    """Commits that each pull request holds, Int64; of one that was written anew only those written with the last."""
    last = links["position"].to_numpy(np.int64)
    held = links["commits"].astype("Int64")
    behind = main["committer"].shift() != main["committer"]
    apart = (main["committer_time"] - main["committer_time"].shift()).abs() > _AT_ONCE
    begins = pd.Series(np.where(behind | apart, main["position"], 0)).cummax().to_numpy(np.int64)
    anew = (links["pr_head"].to_numpy() != main["sha"].to_numpy()[last]) & ~pd.isna(
        links["pr_head"]
    ).to_numpy()
    together = pd.Series(last - begins[last] + 1, index=held.index, dtype="Int64")
    return held.mask((anew & (held > together)).fillna(False).astype(bool), together)


def _clean_span(main: pd.DataFrame, links: pd.DataFrame, *spans: pd.Series, ended: pd.Series) -> np.ndarray:
    """The first of `spans` by which each landing can have reached back; 1 where none can be (int64).

    Args:
        ended: places (int64) at which a push by hand ended: no landing reaches back over one.
    """
    taken = np.zeros(len(main), dtype=bool)
    taken[links["position"].to_numpy(np.int64)] = True
    squashed = (main["forge"] | main["robot"]).to_numpy(bool) & main["subject"].str.contains(
        _SQUASH_SUBJECT.replace("(\\d", "(?:\\d")
    )
    taken[ended.to_numpy()] = True
    barred = np.concatenate([[0], np.cumsum(taken | squashed | (main["parents"] >= 2).to_numpy())])
    last = links["position"].to_numpy(np.int64)
    result = np.ones(len(links), dtype=np.int64)
    for span in reversed(spans):
        length = span.fillna(1).clip(lower=1).to_numpy(np.int64)
        first = last - length + 1
        clean = (first >= 0) & (barred[last] == barred[np.maximum(first, 0)]) & span.notna().to_numpy()
        result = np.where(clean, length, result)
    return result
