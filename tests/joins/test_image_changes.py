"""What a landing changed as a whole, and the order in which environments got each version."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from joins_rows import REPO, T0, shuffled, table

from audit.joins.images import image_changes, promotions

H = timedelta(hours=1)


def sha(position: int) -> str:
    return f"{position:040x}"


def cells(text: str) -> list[list[str | None]]:
    """Rows of a pipe table without its header; `-` is what is missing."""
    lines = text.strip().splitlines()[1:]
    return [[None if cell.strip() == "-" else cell.strip() for cell in line.split("|")] for line in lines]


def history(*spans: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Landings from a first to a last mainline place, each landed as many hours after T0 as its last; and commits."""
    landings = table(
        "landings",
        *(
            {"head_sha": sha(last), "first_position": first, "position": last, "landed_at": T0 + last * H,
             "authors": f"a{last}@netbpf.com", "pr_number": last, "via": "pull request"}
            for first, last in spans
        ),
    )  # fmt: skip
    positions = [at for first, last in spans for at in range(first, last + 1)]
    return landings, table("commits", *({"sha": sha(at), "position": at} for at in positions))


def settings_table(text: str) -> pd.DataFrame:
    """`at | environment | before | after`, with the path and image where these matter."""
    return table(
        "image_settings",
        *(
            {"repo": REPO, "sha": sha(int(at or 0)), "path": path or "web.yaml", "locator": "0/image", "app": "web",
             "environment": environment, "set_by": "helm values", "image": "ghcr.io/web", "before": before, "after": after}
            for at, path, environment, before, after in cells(text)
        ),
    )  # fmt: skip


def changed(text: str, *spans: tuple[int, int]) -> pd.DataFrame:
    return image_changes(settings_table(text), *history(*spans))


def test_an_image_without_a_tag_is_no_version() -> None:
    got = changed(
        "at|path|env|before|after\n2|-|prod|-|(no tag)\n3|-|prod|(no tag)|v1\n4|-|prod|v1|(no tag)",
        (2, 2),
        (3, 3),
        (4, 4),
    )
    assert got[["before", "after"]].astype(object).where(
        got[["before", "after"]].notna(), None
    ).values.tolist() == [
        [None, "v1"],
        ["v1", None],
    ]


def test_who_changed_which_tag_when_from_what_to_what() -> None:
    got = changed("at|path|env|before|after\n2|-|prod|v1|v2", (1, 1), (2, 3))
    assert got.to_dict("records") == [
        {
            "repo": REPO, "head_sha": sha(3), "position": 3, "path": "web.yaml", "locator": "0/image", "app": "web",
            "environment": "prod", "set_by": "helm values", "image": "ghcr.io/web", "before": "v1", "after": "v2",
            "landed_at": pd.Timestamp(T0 + 3 * H), "authors": "a3@netbpf.com", "pr_number": 3,
        }
    ]  # fmt: skip


def test_a_landing_of_several_commits_counts_from_before_its_first_to_after_its_last() -> None:
    got = changed(
        """
        at | path | env  | before | after
        1  | -    | prod | v1     | v2
        2  | -    | prod | v2     | v3
        1  | -    | dev  | v5     | v6
        2  | -    | dev  | v6     | v5
        1  | -    | qa   | -      | v1
        2  | -    | qa   | v1     | -
        3  | -    | prod | v3     | -
        """,
        (1, 2),
        (3, 3),
    )
    assert got[["position", "environment", "before", "after"]].fillna("-").to_numpy().tolist() == [
        [2, "prod", "v1", "v3"],
        [3, "prod", "v3", "-"],
    ]


def test_a_commit_of_no_landing_is_a_defect() -> None:
    landings, commits = history((1, 1), (4, 5))
    strays = table("commits", {"sha": sha(3), "position": 3})
    with pytest.raises(ValueError, match="belongs to no landing"):
        image_changes(
            settings_table("at|path|env|before|after\n3|-|prod|v1|v2"), landings, pd.concat([commits, strays])
        )


def test_no_settings_no_changes() -> None:
    assert len(image_changes(table("image_settings"), *history((1, 1)))) == 0
    assert len(promotions(table("image_changes"))) == 0


PROMOTED = """
at | path | env     | before | after
1  | -    | dev     | v1     | v2
2  | -    | staging | v1     | v2
2  | -    | qa      | v1     | v2
3  | -    | dev     | v2     | v3
4  | -    | prod    | v1     | v2
5  | -    | staging | v2     | v3
6  | -    | prod    | v2     | v1
7  | -    | prod    | v1     | v2
8  | -    | qa      | v2     | -
9  | -    |         | v1     | v2
"""


def test_the_order_of_promotion() -> None:
    """The first environment is 1, those that got it together are equal; each stands until another version or removal."""
    got = promotions(changed(PROMOTED, *((n, n) for n in range(1, 10))))
    shown = [
        (row.version, row.environment, int(row.rank), int(row.head_sha, 16),
         None if pd.isna(row.replaced_at) else (row.replaced_at - pd.Timestamp(T0)) / H)
        for row in got.itertuples()
    ]  # fmt: skip
    assert shown == [
        ("v1", "prod", 1, 6, 7.0),
        ("v2", "dev", 1, 1, 3.0),
        ("v2", "prod", 3, 4, 6.0),
        ("v2", "qa", 2, 2, 8.0),
        ("v2", "staging", 2, 2, 5.0),
        ("v3", "dev", 1, 3, None),
        ("v3", "staging", 2, 5, None),
    ]
    assert got["set_at"].tolist() == [pd.Timestamp(T0 + int(sha, 16) * H) for sha in got["head_sha"]]


@pytest.mark.parametrize(
    ("rows", "replaced"),
    [
        ("1|a|prod|-|v2\n1|b|prod|v1|v2\n2|a|prod|v2|-", None),  # b still asks for it
        ("1|a|prod|-|v2\n1|b|prod|v1|v2\n2|a|prod|v2|-\n3|b|prod|v2|-", 3),  # now nothing does
        ("1|a|prod|v1|v2\n2|b|prod|v1|v2", None),  # the second place follows the first
        ("1|a|prod|v1|v2\n2|a|prod|v2|-\n2|b|prod|-|v2", None),  # moved from one file to another
        ("1|a|prod|v1|v2\n2|b|prod|v9|-", None),  # another version is taken out
        ("1|a|prod|v1|v2\n2|b|prod|-|v3", 2),  # another version is asked for beside it
        ("1|a|prod|v1|v2\n2|b|prod|-|v3\n2|c|prod|-|v2", None),  # and this one too
        ("1|a|prod|-|v2\n2|b|prod|v2|-\n3|a|prod|v2|-", 3),  # b had asked for it before the changes begin
        ("1|a|prod|-|v2\n2|b|prod|v2|-", 2),  # as far as is known: b is a renamed
    ],
)  # fmt: skip
def test_how_long_a_version_stands(rows: str, replaced: int | None) -> None:
    """A version that several files ask for stands until none does, or until another one is asked for alone."""
    got = promotions(changed("at|path|env|before|after\n" + rows, (1, 1), (2, 2), (3, 3)))
    [at] = got.loc[got["version"].eq("v2"), "replaced_at"]
    assert (None if pd.isna(at) else (at - pd.Timestamp(T0)) / H) == replaced


VERSIONS = st.sampled_from(["v1", "v2", "v3", None])
EVENTS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["dev", "prod"]), VERSIONS), max_size=14
)


@hypothesis(max_examples=60, deadline=None)
@given(EVENTS, st.integers(0, 9))
def test_promotions_are_what_a_plain_replay_gives(
    events: list[tuple[str, str, str | None]], seed: int
) -> None:
    """Replayed one landing at a time, in whatever order the rows come."""
    state: dict[tuple[str, str], str | None] = {}
    lines, replayed = [], []
    for at, (path, environment, version) in enumerate(events, start=1):
        before = state.get((path, environment))
        if before != version:
            lines.append(f"{at}|{path}|{environment}|{before or '-'}|{version or '-'}")
            replayed.append((at, environment, version))
        state[path, environment] = version
    spans = tuple((at, at) for at in range(1, len(events) + 1))
    changes = (
        changed("\n".join(["at|path|env|before|after", *lines]), *spans) if spans else table("image_changes")
    )
    got = promotions(shuffled(changes, seed))
    expected: dict[tuple[str, str], int] = {}
    for at, environment, version in replayed:
        if version is not None:
            expected.setdefault((version, environment), at)
    assert {(r.version, r.environment): int(r.head_sha, 16) for r in got.itertuples()} == expected
    for row in got.itertuples():
        since = expected[row.version, row.environment]
        times = sorted({at for (version, _), at in expected.items() if version == row.version})
        assert row.rank == times.index(since) + 1
        assert (row.replaced_at if not pd.isna(row.replaced_at) else None) == _end(
            replayed, lines, row, since
        )


def _end(
    replayed: list[tuple[int, str, str | None]], lines: list[str], row: object, since: int
) -> pd.Timestamp | None:
    """When the version of `row`, set at `since`, was overtaken or dropped, by a walk over the events."""
    version, environment = row.version, row.environment  # type: ignore[attr-defined]
    held = 0
    for (at, where, asked), line in zip(replayed, lines, strict=True):
        if where != environment:
            continue
        held += (asked == version) - (line.split("|")[3] == version)
        if at > since and ((asked is not None and asked != version) or held == 0):
            return pd.Timestamp(T0 + at * H)
    return None
