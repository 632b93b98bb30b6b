"""Whose work a landing is, and each of its pull requests.

Author, co-authors and committer of every commit it brought in count, with three exceptions. The forge itself. The
committer of a commit that a rebase replayed, and author and committer of a merge commit that only merges: both are
whoever clicked "merge", who may well be the reviewer. A merge commit with content of its own, or without a pull
request, is somebody's work, and so are commits that were pushed as they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute as pc

from audit.git import brought, links
from audit.git.lookup import look_up
from audit.model import LandingKind

NO_EMAIL = "(none)"
"""Stands for someone who gave no e-mail: nobody knows who that is."""


def of_landings(rows: pd.DataFrame, commits: pd.DataFrame) -> pd.Series:
    """E-mails of each landing's authors, lower case, sorted, separated by spaces; never empty.

    Args:
        rows: kind, evil, head_sha and pr_head of landings.
        commits: the table commits with `landing` (int64), the row of the landing that brought it in.
    """
    on_mainline = commits["position"].notna()
    is_merge = commits["parents"].str.contains(" ", regex=False)
    by_merge = (rows["kind"] == LandingKind.MERGE) & ~rows["evil"].astype(bool)
    by_rebase = (rows["kind"] == LandingKind.REBASE) & ~(rows["pr_head"] == rows["head_sha"]).fillna(False)
    only_merges = commits["landing"].map(by_merge).astype(bool) & on_mainline & is_merge
    replayed = commits["landing"].map(by_rebase).astype(bool) & on_mainline
    named = _named(commits.rename(columns={"landing": "of"}), only_merges, replayed)
    bare = commits.loc[~commits["landing"].isin(named.index), ["landing", "author_email"]]
    plain = _joined(_addressed(bare.set_axis(["of", "email"], axis=1)))
    every: pd.Series = pd.concat([named, plain]).reindex(rows.index)
    return every


def of_pulls(pulls: pd.DataFrame, rows: pd.DataFrame, commits: pd.DataFrame) -> pd.Series:
    """E-mails of each pull request's authors, aligned with `pulls`.

    Args:
        pulls: number, landing (row of its landing), first, aside, pr_head, merge_sha and commits of links.
        rows: authors and evil of landings.
        commits: as for `of_landings`.
    """
    whole = pulls["landing"].map(rows["authors"]).astype("str")
    shared = pulls[pulls["landing"].duplicated(keep=False) | pulls["aside"]]
    if shared.empty:
        return whole
    inside = commits[commits["landing"].isin(shared["landing"]) & commits["position"].isna()]
    parents = dict(zip(inside["sha"], inside["parents"].str.split(), strict=True))
    tips = shared["merge_sha"].where(shared["aside"], shared["pr_head"])
    backs = shared["commits"].fillna(1).where(~tips.isin(_by_forge(inside)), 1)
    items = [
        brought.Item(int(number), str(tip), bool(aside), int(back))
        for number, tip, aside, back in zip(shared["number"], tips, shared["aside"], backs, strict=True)
    ]
    claimed = inside.merge(brought.claims(parents, items), on="sha").rename(columns={"number": "of"})
    ends = claimed[claimed["sha"].isin(tips[shared["aside"]])]
    merges = ends["parents"].str.contains(" ")
    only_merges = claimed["sha"].isin(ends.loc[merges, "sha"])
    named = _named(claimed, only_merges, claimed["of"].isin(ends.loc[~merges, "of"]))
    own = look_up(pulls["number"], named.set_axis(named.index.astype("Int64")))
    evil = look_up(pulls["landing"].astype("Int64"), rows["evil"].set_axis(rows.index.astype("Int64")))
    return own.where(pulls["aside"] | ~evil.astype(bool), whole).fillna(whole)


def _by_forge(commits: pd.DataFrame) -> pd.Series:
    forge: pd.Series = commits.loc[
        links.is_forge(commits["committer_name"], commits["committer_email"]), "sha"
    ]
    return forge


def _named(commits: pd.DataFrame, only_merges: pd.Series, replayed: pd.Series) -> pd.Series:
    """E-mails by `of`: a column of commits that says whose they are."""
    forge = links.is_forge(commits["committer_name"], commits["committer_email"])
    parts = [
        commits.loc[~only_merges, ["of", "author_email"]],
        commits.loc[~only_merges & ~replayed & ~forge, ["of", "committer_email"]],
    ]
    people = _addressed(pd.concat([part.set_axis(["of", "email"], axis=1) for part in parts]))
    co_authors = commits.loc[commits["co_authors"] != "", ["of", "co_authors"]]
    return _joined(pd.concat([people, co_authors.set_axis(["of", "email"], axis=1)]))


def _addressed(people: pd.DataFrame) -> pd.DataFrame:
    return people.assign(email=people["email"].mask(people["email"].str.strip() == "", NO_EMAIL))


def _joined(people: pd.DataFrame) -> pd.Series:
    """E-mails by `of` (int64): distinct, lower case, sorted, separated by spaces. A text may hold several."""
    emails = pyarrow.chunked_array(
        pyarrow.Table.from_pandas(people[["email"]], preserve_index=False)["email"].chunks,
        pyarrow.large_string(),
    )
    words = pc.utf8_split_whitespace(pc.utf8_lower(emails.combine_chunks()))
    of = people["of"].to_numpy(np.int64)[pc.list_parent_indices(words).to_numpy()]
    coded = pc.list_flatten(words).dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    known = coded.dictionary.take(order)
    rank = np.argsort(order.to_numpy())[coded.indices.to_numpy()]
    there = rank >= (len(known) and int(known[0].as_py() == ""))
    pairs = np.unique(of[there] * len(known) + rank[there])
    of, rank = pairs // max(len(known), 1), pairs % max(len(known), 1)
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    lists = pyarrow.ListArray.from_arrays(
        pyarrow.array(np.append(starts, len(of)), pyarrow.int32()), known.take(pyarrow.array(rank))
    )
    joined = pc.binary_join(lists, pyarrow.scalar(" ", known.type)).cast(pyarrow.large_string())
    return pd.Series(joined.to_pandas().array, index=of[starts], dtype="str")
