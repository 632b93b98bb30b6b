"""When documents were last looked at: changed by what landed, or reviewed by what people recorded."""

from __future__ import annotations

import pandas as pd


def looks(
    arrived: pd.DataFrame, reviews: pd.DataFrame, patterns: dict[str, str], *, before: pd.Timestamp
) -> pd.DataFrame:
    """Every look at a document before a moment.

    Args:
        arrived: `audit.joins.presence.arrivals`.
        reviews: `DocumentReviews`; a document is known by its name, in any case, or by its path.
        patterns: regular expressions that a document's path matches whole, by name.

    Returns:
        `document` (str: the name), `at` (datetime64[us, UTC]), `pointer` (str) and `there` (bool: the last change of the
        file before the moment left it there; of a recorded review, missing), sorted by document and time.
    """
    arrived = arrived[arrived["landed_at"].lt(before)]
    recorded = reviews[reviews["reviewed_at"].lt(before)]
    parts = []
    for name, pattern in patterns.items():
        own = arrived[arrived["path"].str.fullmatch(pattern)].sort_values("position", kind="stable")
        held = own.groupby(["repo", "path"])["delta"].transform("sum").gt(0)
        pointer = own["repo"] + "@" + own["head_sha"]
        parts.append(_part(name, own["landed_at"], pointer, held))
        called = recorded["document"].str.strip()
        mine = called.str.casefold().eq(name.casefold()) | called.str.fullmatch(pattern)
        said = recorded[mine]
        pointer = said["evidence"] + ":" + said["line"].astype("str")
        parts.append(_part(name, said["reviewed_at"], pointer, pd.Series(pd.NA, index=said.index)))
    return pd.concat(parts, ignore_index=True).sort_values(["document", "at", "pointer"], ignore_index=True)


def _part(name: str, at: pd.Series, pointer: pd.Series, there: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame({"at": at, "pointer": pointer.astype("str"), "there": there.astype("boolean")})
    return rows.assign(document=pd.Series(name, index=rows.index, dtype="str"))
