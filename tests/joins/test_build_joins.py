"""The joins together: every table is made, conforms, and rests on what evidence there is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from joins_rows import EVIDENCE, REPO, T0, settings, shuffled, table

from audit.joins.build import join
from audit.tables import TABLES, conform, meta

JOINED = (
    "branch_tips", "landings", "landing_pulls", "landing_environments", "image_changes", "promotions", "secret_findings",
    "changes", "deployments", "deployment_landings", "app_states", "cluster_writes", "emergencies", "waivers",
)  # fmt: skip
H = timedelta(hours=1)


def sha(number: int) -> str:
    return f"{number:040x}"


def commit(number: int, **more: Any) -> dict[str, Any]:
    """The n-th commit of the mainline, made by the forge."""
    return {
        "sha": sha(number), "position": number, "landed_by": number, "parents": sha(number - 1) if number else "",
        "author_email": "alice@netbpf.com", "committer_name": "GitHub", "committer_email": "noreply@github.com",
        "subject": f"Change (#{number})", "committer_time": T0 + number * H,
    } | more  # fmt: skip


def everything() -> dict[str, pd.DataFrame]:
    """Three squashed pull requests, of which number 2 was not reviewed, and a deployment of each."""
    tables = {name: table(name) for name, declared in TABLES.items() if meta(declared)["stage"] != "result"}
    numbers = range(1, 4)
    return tables | {
        "repositories": table(
            "repositories", {"repo": REPO, "branch": "main", "tip": sha(3), "commits": 4, "mainline": 4}
        ),
        "commits": table("commits", *(commit(n) for n in range(4))),
        "file_changes": table(
            "file_changes",
            *(
                {"repo": REPO, "sha": sha(n), "path": "apps/shop/base/web.yaml", "status": "M", "added": 1, "deleted": 0}
                for n in range(4)
            ),
        ),
        "pull_requests": table(
            "pull_requests",
            *(
                {"number": n, "merge_sha": sha(n), "merged_at": T0 + n * H, "head_sha": sha(900 + n), "line": n}
                for n in numbers
            ),
        ),
        "reviews": table(
            "reviews", *({"number": n, "review_id": n, "commit_sha": sha(900 + n)} for n in (1, 3))
        ),
        "sync_records": table(
            "sync_records",
            *(
                {"started_at": T0 + n * H + H / 2, "finished_at": T0 + n * H + H / 2, "revision": sha(n), "line": n,
                 "path": "apps/shop/overlays/prod", "repo_url": f"https://github.com/{REPO}"}
                for n in numbers
            ),
        ),
        "state_changes": table("state_changes", {"after": "Synced"}),
        "cluster_access": table("cluster_access", {}),
        "evidence_objects": table("evidence_objects", {"format": "github-pulls", "records": 3, "kept": 3}),
    }  # fmt: skip


def test_a_change_is_followed_from_its_commit_to_production() -> None:
    joined = join(everything(), settings(), as_of=T0 + 9 * H)
    assert tuple(joined) == JOINED
    assert joined["landings"]["kind"].tolist() == ["direct", "squash", "squash", "squash"]
    assert joined["changes"][["pr_number", "approvals_standing"]].to_numpy().tolist() == [
        [1, 1],
        [2, 0],
        [3, 1],
    ]
    assert joined["deployments"]["position"].tolist() == [1, 2, 3]
    assert joined["deployment_landings"]["head_sha"].tolist() == [sha(2), sha(3)]
    assert len(joined["cluster_writes"]) == len(joined["app_states"]) == 1
    for name, data in joined.items():
        pd.testing.assert_frame_equal(data, conform(TABLES[name], data))


def test_the_order_of_rows_does_not_matter() -> None:
    whole = join(everything(), settings(), as_of=T0)
    mixed = {name: shuffled(data, 5) for name, data in everything().items()}
    for name, data in join(mixed, settings(), as_of=T0).items():
        pd.testing.assert_frame_equal(data, whole[name])


def test_with_no_evidence_but_the_repository_there_are_landings_alone() -> None:
    git = ("repositories", "commits", "file_changes")
    tables = {name: data if name in git else data.iloc[:0] for name, data in everything().items()}
    joined = join(tables, settings(), as_of=T0)
    assert len(joined["landings"]) == 4
    assert len(joined["landing_environments"]) == 12
    assert all(joined[name].empty for name in JOINED if not name.startswith("landing"))


def test_with_nothing_at_all_every_table_is_empty() -> None:
    joined = join({name: data.iloc[:0] for name, data in everything().items()}, settings(), as_of=T0)
    assert tuple(joined) == JOINED
    assert all(data.empty for data in joined.values())


@pytest.mark.parametrize(
    ("objects", "kind"),
    [
        ([{"format": "github-pulls"}], "direct"),
        ([{"format": "github-pulls"}, {"key": "b", "sha256": "b" * 64, "quarantined": 1}], "squash"),
        (
            [
                {"format": "github-pulls"},
                {"key": "b", "source_name": "log", "cluster": "prod", "quarantined": 1},
            ],
            "direct",
        ),
        (
            [
                {"format": "github-pulls", "cluster": "prod"},
                {"key": "b", "cluster": "prod", "quarantined": 1},
            ],
            "squash",
        ),
        ([{"format": "github-pulls", "records": 9, "quarantined": 1}], "squash"),
        ([{"format": "github-checks"}], "squash"),
        ([{"format": "github-webhook"}], "squash"),
        (
            [{"format": "github-webhook"}, {"format": "github-pulls", "key": "b", "repos": "o/other"}],
            "squash",
        ),
    ],
)
def test_a_subject_alone_is_refused_only_by_evidence_that_is_whole(
    objects: list[dict[str, Any]], kind: str
) -> None:
    """Subject (#2), committed by the forge, and no such pull request in evidence."""
    tables = everything()
    tables["evidence_objects"] = table("evidence_objects", *objects)
    pulls = tables["pull_requests"]
    tables["pull_requests"] = pulls[pulls["number"].ne(2)]
    landings = join(tables, settings(), as_of=T0)["landings"]
    assert landings.set_index("position").loc[2, "kind"] == kind


def test_repositories_are_judged_by_their_own_evidence() -> None:
    tables = everything()
    for name in ("repositories", "commits", "file_changes"):
        tables[name] = pd.concat([tables[name], tables[name].assign(repo="netbpf/other")], ignore_index=True)
    joined = join(tables, settings(), as_of=T0)
    other = joined["landings"][joined["landings"]["repo"].eq("netbpf/other")]
    assert other["link"].tolist() == ["none", "subject", "subject", "subject"]
    assert set(joined["changes"]["repo"]) == {REPO}
    assert set(joined["changes"]["evidence"]) == {EVIDENCE}
