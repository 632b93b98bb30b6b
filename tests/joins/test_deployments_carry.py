"""Deployments are placed on the mainline, and carry exactly the landings between two revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from joins_rows import REPO, T0, resolver, settings, shuffled, table

from audit.git.paths import DEFAULT_RULES, PathRules
from audit.joins.deployments import carried, deployments
from audit.settings import Settings

H = timedelta(hours=1)
URL = f"https://github.com/{REPO}.git"
RULES = PathRules(DEFAULT_RULES, ("dev", "staging", "prod"))


def sha(number: int) -> str:
    return f"{number:08x}" + "0" * 32


COMMITS = table(
    "commits",
    *({"sha": sha(n), "position": n} for n in range(1, 10)),
    {"sha": sha(77), "position": None, "landed_by": 5},
    {"sha": sha(0xABCDE), "position": 20},
    {"sha": sha(0xABCDE)[:-1] + "1", "position": 21},
    {"sha": sha(500), "position": 3, "repo": "netbpf/other"},
)


def deployed(
    *records: dict[str, Any], applications: pd.DataFrame | None = None, using: Settings | None = None
) -> pd.DataFrame:
    """Deployments of sync records; the n-th starts n hours after T0."""
    defaults = {"repo_url": URL, "path": "apps/shop/overlays/prod"}
    rows = [
        defaults | {"started_at": T0 + n * H, "finished_at": T0 + n * H, "line": n + 1} | record
        for n, record in enumerate(records)
    ]
    snapshots = table("applications") if applications is None else applications
    return deployments(
        table("sync_records", *rows), snapshots, COMMITS,
        resolver=resolver(), rules=RULES, settings=using or settings(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("revision", "position", "on_branch"),
    [
        (sha(3), 3, False),
        (sha(3).upper(), 3, False),
        (sha(3)[:8], 3, False),
        (sha(3)[:6], None, False),
        (sha(0xABCDE)[:12], None, False),
        (sha(77), None, True),
        (sha(99), None, False),
        (sha(500), None, False),
        ("main", None, False),
        (None, None, False),
    ],
)
def test_a_revision_has_its_place(revision: str | None, position: int | None, on_branch: bool) -> None:
    found = deployed({"revision": revision}).iloc[0]
    assert (None if pd.isna(found["position"]) else found["position"]) == position
    assert found["on_branch"] == on_branch


TWO = [
    {"name": REPO, "location": "x"},
    {"name": "netbpf/other", "location": "https://git.netbpf.com/a/b.git"},
]


@pytest.mark.parametrize(
    ("url", "repo"),
    [
        (URL, REPO),
        (f"https://github.com/{REPO}", REPO),
        (f"https://github.com/{REPO}/", REPO),
        (f"https://user@github.com/{REPO.upper()}.git", REPO),
        (f"git@github.com:{REPO}.git", REPO),
        (f"ssh://git@github.com:22/{REPO}.git", REPO),
        ("https://git.netbpf.com/a/b", "netbpf/other"),
        ("https://github.com/evil/netbpf-gitops", None),
        ("https://github.com/xnetbpf/netbpf-gitops", None),
        ("https://github.com/netbpf/netbpf-gitops-fork", None),
        ("netbpf-gitops", REPO),
        ("flux-system/netbpf-gitops", REPO),
        ("flux-system", None),
    ],
)
def test_a_source_names_its_repository(url: str, repo: str | None) -> None:
    found = deployed({"repo_url": url}, using=settings(repositories=TWO))["repo"].iloc[0]
    assert (None if pd.isna(found) else found) == repo


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"revision": "main", "revision_kind": "chart"}, "git"),
        ({"revision": "58.1.0", "revision_kind": "chart", "path": None}, "chart"),
        ({"revision": "1.0", "revision_kind": "chart", "repo_url": "oci://charts.netbpf.com/shop", "path": "."}, "chart"),
        ({"revision": "58.1.0", "revision_kind": "chart", "operator": "flux"}, "chart"),
    ],
)  # fmt: skip
def test_what_argo_cd_takes_from_a_path_is_in_git(record: dict[str, Any], kind: str) -> None:
    assert deployed(record)["revision_kind"].tolist() == [kind]


def test_any_flux_source_is_the_only_repository_but_no_charts() -> None:
    assert deployed({"repo_url": "flux-system"})["repo"].tolist() == [REPO]
    assert (
        deployed({"repo_url": "bitnami", "revision_kind": "chart", "operator": "flux"})["repo"].isna().all()
    )


def test_a_commit_names_its_repository_when_nothing_else_does() -> None:
    found = deployed({"repo_url": None, "revision": sha(3)}, {"repo_url": None, "revision": sha(99)})
    assert found["repo"].fillna("-").tolist() == [REPO, "-"]
    assert deployed({"repo_url": "https://github.com/evil/x", "revision": sha(3)})["repo"].isna().all()


@pytest.mark.parametrize(
    ("record", "app", "environment"),
    [
        ({}, "shop", "prod"),
        ({"path": "./apps/shop/overlays/staging/"}, "shop", "staging"),
        ({"path": "infrastructure/networking"}, "networking", "prod"),
        ({"path": "apps/shop", "cluster": "dev"}, "shop", "dev"),
        ({"path": "clusters/prod"}, "*", "prod"),
        ({"path": "elsewhere", "app": "argocd/tool"}, "tool", "prod"),
        ({"path": ".", "app": "argocd/tool"}, "tool", "prod"),
        ({"path": None, "app": "argocd/tool", "cluster": "eu-1"}, "tool", "eu-1"),
        ({"revision_kind": "chart", "app": "monitoring/grafana", "operator": "flux"}, "grafana", "prod"),
    ],
)
def test_a_path_says_application_and_environment(record: dict[str, Any], app: str, environment: str) -> None:
    assert deployed(record)[["app", "environment"]].to_numpy().tolist() == [[app, environment]]


def test_what_the_record_does_not_say_the_nearest_snapshot_does() -> None:
    snapshots = table(
        "applications",
        {"observed_at": T0 - 2 * H, "path": "apps/old/overlays/prod", "repo_url": URL},
        {"observed_at": T0 - H, "path": "apps/shop/overlays/prod"},
        {"observed_at": T0 + H, "path": "apps/new/overlays/prod"},
        {"app": "argocd/late", "observed_at": T0 + 9 * H, "path": "apps/late/overlays/prod", "repo_url": URL},
    )
    unsaid = {"path": None, "repo_url": None}
    found = deployed(unsaid, unsaid | {"app": "argocd/late"}, applications=snapshots)
    assert found["app"].tolist() == ["late", "shop"]
    assert found["repo"].tolist() == [REPO, REPO]


def test_who_asked_is_resolved() -> None:
    found = deployed({"initiated_by": "carol"}, {"initiated_by": "admin"}, {})
    assert found["person"].fillna("-").tolist() == ["carol", "argocd:admin", "-"]


def test_changed_is_a_success_with_another_revision_than_the_success_before() -> None:
    found = deployed(
        {"revision": sha(1)},
        {"revision": sha(1)[:10]},
        {"revision": sha(2), "phase": "failed", "record": "operation"},
        {"revision": sha(1)},
        {"revision": sha(2)},
        {"revision": sha(1)},
        {"revision": sha(1), "app": "argocd/other"},
    )
    assert found[found["application"].eq("argocd/shop")]["changed"].tolist() == [
        True, False, False, False, True, True,
    ]  # fmt: skip
    assert found[found["application"].eq("argocd/other")]["changed"].tolist() == [True]


LANDINGS = table(
    "landings",
    *({"head_sha": sha(n), "position": n, "first_position": n} for n in (1, 2, 3, 4, 7, 8, 9)),
    {"head_sha": sha(6), "position": 6, "first_position": 5, "kind": "rebase"},
    {"head_sha": sha(500), "position": 3, "repo": "netbpf/other"},
)
EVERYWHERE = LANDINGS[["repo", "head_sha"]].assign(app="shop", environment="prod", made_by="path rule")


def carries(*records: dict[str, Any], reached: pd.DataFrame = EVERYWHERE) -> dict[int, list[int]]:
    """Places of the landings that each deployment carried, by its hour."""
    found = carried(deployed(*records), LANDINGS, reached)
    hours = ((found["started_at"] - T0) / H).astype(int)
    places = found["head_sha"].str[:8].map(lambda text: int(text, 16))
    return {int(hour): sorted(each) for hour, each in places.groupby(hours)}


def at(*places: int) -> list[dict[str, Any]]:
    return [{"revision": sha(n)} for n in places]


@pytest.mark.parametrize(
    ("why", "records", "expected"),
    [
        ("the first has no baseline", at(4), {}),
        ("what is after the baseline, up to the revision", at(2, 4), {1: [3, 4]}),
        ("a baseline without landings of its own", at(1, 2, 9), {1: [2], 2: [3, 4, 6, 7, 8, 9]}),
        ("the same again carries nothing", at(2, 4, 4), {1: [3, 4]}),
        ("going back carries nothing and is the new baseline", at(2, 4, 3, 4), {1: [3, 4], 3: [4]}),
        ("a failure carries nothing and is no baseline", [*at(2), {"revision": sha(4), "phase": "failed", "record": "operation"}, *at(4)], {2: [3, 4]}),
        ("an unknown revision is no baseline", [*at(2), {"revision": sha(99)}, *at(4)], {2: [3, 4]}),
        ("half a rebase is not carried", at(4, 5, 6), {2: [6]}),
        ("another cluster's object has its own baseline", [*at(2), {"revision": sha(3), "cluster": "dev", "path": "apps/shop/overlays/dev"}, *at(4)], {2: [3, 4]}),
        ("another object's revisions are no baseline", [*at(2), {"revision": sha(3), "app": "argocd/twin"}, *at(4)], {2: [3, 4]}),
    ],
)  # fmt: skip
def test_what_a_deployment_carries(
    why: str, records: list[dict[str, Any]], expected: dict[int, list[int]]
) -> None:
    assert carries(*records) == expected, why


def test_only_landings_that_touch_the_application_in_the_environment() -> None:
    reached = table(
        "landing_environments",
        {"head_sha": sha(2)},
        {"head_sha": sha(3), "environment": "dev"},
        {"head_sha": sha(4), "app": "other"},
        {"head_sha": sha(6), "app": "*"},
        {"head_sha": sha(7)},
    )
    assert carries(*at(1, 9), reached=reached) == {1: [2, 7]}
    whole = [{"revision": sha(n), "path": "clusters/prod"} for n in (1, 9)]
    assert carries(*whole, reached=reached) == {1: [6]}


def test_no_evidence_gives_no_deployments() -> None:
    assert deployed().empty
    assert carried(deployed(), LANDINGS, EVERYWHERE).empty
    assert carries(*at(2, 4), reached=EVERYWHERE.iloc[:0]) == {}


PLACES = st.integers(0, 12)
TARGETS = st.sampled_from([("shop", "prod"), ("shop", "dev"), ("web", "prod")])


@hypothesis(deadline=None, max_examples=60, derandomize=True)
@given(
    st.lists(st.tuples(PLACES, TARGETS), max_size=25),
    st.lists(
        st.tuples(
            st.sampled_from("xy"),
            TARGETS,
            st.one_of(st.none(), PLACES),
            st.sampled_from(["succeeded", "failed"]),
        ),
        max_size=25,
    ),
    st.integers(0, 99),
)
def test_the_join_of_intervals_is_what_a_plain_loop_finds(
    touched: list[tuple[int, tuple[str, str]]],
    history: list[tuple[str, tuple[str, str], int | None, str]],
    seed: int,
) -> None:
    landings = table("landings", *({"head_sha": sha(n), "position": n} for n in range(13)))
    reached = table(
        "landing_environments",
        *({"head_sha": sha(n), "app": app, "environment": env} for n, (app, env) in sorted(set(touched))),
    )
    rows = [
        {"application": f"argocd/{name}", "started_at": T0 + n * H, "app": app, "environment": env,
         "position": place, "status": status}
        for n, (name, (app, env), place, status) in enumerate(history)
    ]  # fmt: skip
    expected, baseline = set(), {}
    for row in rows:
        place = row["position"]
        if row["status"] != "succeeded" or place is None:
            continue
        before = baseline.get(row["application"])
        for n, target in touched:
            if before is not None and before < n <= place and target == (row["app"], row["environment"]):
                expected.add((row["application"], row["started_at"], sha(n)))
        baseline[row["application"]] = place
    found = carried(
        shuffled(table("deployments", *rows), seed), shuffled(landings, seed), shuffled(reached, seed)
    )
    assert (
        set(found[["application", "started_at", "head_sha"]].itertuples(index=False, name=None)) == expected
    )
    assert len(found) == len(expected)
