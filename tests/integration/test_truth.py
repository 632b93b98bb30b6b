"""Findings equal what the simulated organisation really did: none missing, none extra, for many seeds and sizes."""

from __future__ import annotations

import os
from collections.abc import Callable

import pandas as pd
import pytest

from audit.controls import registry
from tests.integration.conftest import Acted

SIZES = {"small": (40, 2_000), "medium": (80, 3_000), "large": (160, 6_000)}
SEEDS = int(os.environ.get("SWEEP_SEEDS", "0"))
SWEPT = [(seed, size) for seed in range(1, 1 + SEEDS) for size in SIZES] or [(3, "large")]
"""Every size of so many seeds for `make sweep`; else a large one beside the one that all tests here look at."""
CONTROLS = {control.id for control in registry.catalogue()}


def _difference(acted: Acted, quarter: str) -> dict[str, list[str]]:
    """What was missed and what was invented, with the reasons that tell why."""
    truth = {key: why for key, why in acted.violations(quarter).items() if key[0] in CONTROLS}
    exceptions = acted.quarter(quarter).tables["exceptions"]
    found = {(row.control, row.subject): row.found for row in exceptions.itertuples()}
    return {
        "missed": [f"{key}: {truth[key]}" for key in sorted(truth.keys() - found.keys())],
        "invented": [f"{key}: {found[key]}" for key in sorted(found.keys() - truth.keys())],
    }


@pytest.mark.sweep
@pytest.mark.parametrize(("seed", "size"), SWEPT)
def test_findings_equal_truth(act_out: Callable[..., Acted], seed: int, size: str) -> None:
    changes, log_events = SIZES[size]
    acted = act_out(seed=seed, changes=changes, log_events=log_events)
    assert _difference(acted, "2026Q3") == {"missed": [], "invented": []}


@pytest.mark.parametrize("quarter", ["2025Q4", "2026Q1", "2026Q2"])
def test_findings_of_every_quarter_equal_truth(acted: Acted, quarter: str) -> None:
    """The first one too, in which histories begin: what came before it is not evidence."""
    assert _difference(acted, quarter) == {"missed": [], "invented": []}


def test_every_control_has_violations_to_find(acted: Acted) -> None:
    """Truth that holds no violation of a control would prove nothing about it."""
    assert {each["control"] for each in acted.truth["violations"]} >= CONTROLS


def test_landings_equal_truth(acted: Acted) -> None:
    tables = acted.quarter("2026Q3").tables
    columns = ["head_sha", "kind", "via", "pr_number", "reverts", "reinstates", "picks"]
    found = tables["landings"][columns].astype(object)
    assert found.where(found.notna(), None).to_dict("records") == [
        {name: each[name] for name in columns} for each in acted.truth["landings"]
    ]
    pulls = tables["landing_pulls"]
    pulls = pulls[~pulls["aside"]]
    assert sorted(zip(pulls["head_sha"], pulls["pr_number"], strict=True)) == sorted(
        (each["head_sha"], number) for each in acted.truth["landings"] for number in each["pr_numbers"]
    )
    vias = {each["via"] for each in acted.truth["landings"]}
    assert vias == {"pull request", "merge queue", "batch", "branch merge", "push"}
    for link in ("reverts", "reinstates", "picks"):
        assert any(each[link] for each in acted.truth["landings"]), link


def test_environments_of_landings_equal_truth(acted: Acted) -> None:
    tables = acted.quarter("2026Q3").tables
    start = tables["repositories"]["observed_from"].iloc[0]
    assert start <= 1  # but for what set the repository up, contents of all were read
    found: dict[str, set[tuple[str, str]]] = {}
    for row in tables["landing_environments"].itertuples():
        found.setdefault(row.head_sha, set()).add((row.app, row.environment))
    landed = [each for each in acted.truth["landings"] if each["position"] >= start]
    assert len(landed) > 100
    for each in landed:
        assert found.get(each["head_sha"], set()) == {tuple(target) for target in each["targets"]}, each


def test_images_of_landings_equal_truth(acted: Acted) -> None:
    """Who changed which version where, from what to what; also the ranks in which environments got them."""
    tables = acted.quarter("2026Q3").tables
    columns = ["head_sha", "app", "environment", "image", "before", "after"]
    changes = tables["image_changes"]
    found = changes.loc[changes["environment"].ne(""), columns].astype(object)
    seen = {each["head_sha"] for each in acted.truth["landings"] if each["position"] > 0}
    truth = [
        tuple(each[name] for name in columns) for each in acted.truth["images"] if each["head_sha"] in seen
    ]
    assert len(truth) > 40
    assert sorted(found.where(found.notna(), None).itertuples(index=False, name=None), key=str) == sorted(
        truth, key=str
    )
    first: dict[tuple[str, str, str], list[str]] = {}
    for _, app, environment, image, _, after in truth:
        reached = first.setdefault((app, image, after), [])
        if environment not in reached:
            reached.append(environment)
    promotions = tables["promotions"]
    for what, rows in promotions.sort_values("set_at").groupby(["app", "image", "version"]):
        assert rows.sort_values(["rank", "environment"])["environment"].tolist() in (
            first[what], sorted(first[what])
        )  # fmt: skip


def test_what_waivers_cover_equals_truth(acted: Acted) -> None:
    """Every waived exception names its waiver; those without a right to it stay open."""
    tables = acted.quarter("2026Q3").tables
    rows = tables["exceptions"]
    found = {(row.control, row.subject): row.waiver for row in rows[rows["waiver"].notna()].itertuples()}
    truth = {
        (each["control"], each["subject"]): each["waiver"]
        for each in acted.truth["violations"]
        if each["waiver"] and each["quarter"] == "2026Q3"
    }
    assert found.keys() == truth.keys()
    assert all(truth[key] in waiver for key, waiver in found.items())
    assert "W-1" in truth.values()
    counted = tables["conclusions"].set_index("control")["waived"]
    assert (
        counted[counted.gt(0)].to_dict() == rows[rows["waiver"].notna()].groupby("control").size().to_dict()
    )
    assert tables["waivers"]["flaws"].ne("").sum() == 5


def test_secrets_that_are_waived_say_by_what(acted: Acted) -> None:
    rows = acted.quarter("2026Q3").tables["secret_findings"]
    waived = rows[rows["waived"]]
    assert len(waived) == acted.truth["counts"]["secrets: waived"] > 0
    assert waived["waiver"].str.startswith(".gitops-audit/secret-waivers.yaml@").all()
    assert len(rows) - len(waived) == acted.truth["counts"]["secrets: in the clear"]


def test_secrets_by_reference_equal_truth(acted: Acted) -> None:
    """Which secrets are sealed, encrypted or kept elsewhere, and when each was last rotated."""
    found = acted.quarter("2026Q3").tables["secret_references"].drop(columns="repo")
    found = found.assign(changed_at=found["changed_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    truth = acted.truth["references"]
    assert found.sort_values("path").to_dict("records") == [
        {name: each[name] for name in found} for each in truth
    ]
    assert {each["kind"] for each in truth} == {"SealedSecret", "ExternalSecret", "SOPS", "Secret"}
    assert any(each["changed_sha"] != each["created_sha"] for each in truth)


def test_signatures_equal_truth(acted: Acted) -> None:
    """State and key of every signature that landed; of one that does not fit, nobody can say whose it is."""
    tables = acted.quarter("2026Q3").tables
    start = tables["repositories"]["observed_from"].iloc[0]
    found = tables["signatures"].set_index("sha")[["state", "format", "key"]].astype(object)
    signed = found[found["state"].ne("unsigned")]
    truth = {x["sha"]: x for x in acted.truth["signatures"] if x["landed_by"] >= start}
    assert {sha: (row.state, row.key) for sha, row in signed.iterrows() if row.state != "bad"} == {
        sha: (each["state"], each["key"]) for sha, each in truth.items() if each["state"] != "bad"
    }
    assert set(signed.index[signed["state"].eq("bad")]) == {
        sha for sha, each in truth.items() if each["state"] == "bad"
    }
    assert set(signed["format"]) == {"ssh"}
    assert set(found["state"]) == {"good", "forge", "bad", "expired", "unknown key", "unsigned"}


def test_deployments_and_what_they_carried_equal_truth(acted: Acted) -> None:
    tables = acted.quarter("2026Q3").tables
    found = {
        (row.cluster, row.application, row.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")): row.status
        for row in tables["deployments"].itertuples()
        if row.revision_kind == "git"
    }
    carried: dict[tuple[str, str, str], set[str]] = {}
    for row in tables["deployment_landings"].itertuples():
        key = (row.cluster, row.application, row.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        carried.setdefault(key, set()).add(row.head_sha)
    truth = {(d["cluster"], d["application"], d["started_at"]): d for d in acted.truth["deployments"]}
    truth = {key: each for key, each in truth.items() if each.get("revision_kind", "git") == "git"}
    assert found == {key: each["status"] for key, each in truth.items()}
    assert carried == {key: set(each["carried"]) for key, each in truth.items() if each["carried"]}


def test_rows_and_records_tie(acted: Acted) -> None:
    tables = acted.quarter("2026Q3").tables
    objects, rows = tables["evidence_objects"], tables["reconciliation"]
    assert (objects["records"] == objects["kept"] + objects["noise"] + objects["quarantined"]).all()
    assert objects["quarantined"].sum() == len(tables["quarantine"])
    assert (rows["parsed"] == rows["kept"] + rows["duplicates"] + rows["out_of_period"]).all()
    assert rows["duplicates"].sum() > 0


@pytest.mark.parametrize("quarter", ["2025Q4", "2026Q1", "2026Q2", "2026Q3"])
def test_what_landed_was_deployed_and_written_ties_in_both_directions(acted: Acted, quarter: str) -> None:
    """Of each side the outcomes add up to the population; what nothing explains is an exception of its control."""
    tables, period = acted.quarter(quarter).tables, acted.settings.quarter(quarter)
    counts, listed = tables["reconciled_counts"], tables["reconciled_changes"]
    writes = tables["cluster_writes"]
    whole = {
        "landing": period.holds(tables["landings"]["landed_at"]).sum(),
        "deployment": period.holds(tables["deployments"]["started_at"]).sum(),
        "write": (period.holds(writes["at"]) & writes["change"]).sum(),
    }
    assert counts.groupby("side")["items"].sum().to_dict() == whole
    rows = listed.groupby(["side", "outcome"]).size()
    told = counts[counts["listed"]].set_index(["side", "outcome"])["items"]
    assert rows.to_dict() == told[told.gt(0)].to_dict()
    failed = {(row.control, row.subject.partition(">")[0]) for row in tables["exceptions"].itertuples()}
    judged = tables["conclusions"].set_index("control")["gaps"]
    for row in listed[listed["standing"].eq("unexplained")].itertuples():
        assert (row.control, row.subject) in failed or judged[row.control], row
    matched = counts[counts["standing"].eq("matched")].groupby("side")["items"].sum()
    assert matched.gt(0).all()


def test_what_carried_nothing_and_was_carried_by_nothing_equals_truth(acted: Acted) -> None:
    """The simulator's own account of deployments, revisions and hands comes to the same outcomes."""
    tables = acted.quarter("2026Q3").tables
    listed = tables["reconciled_changes"].set_index("item")["outcome"]
    deployed = [each for each in acted.truth["deployments"] if each["quarter"] == "2026Q3"]
    found = {f"{each['cluster']}/{each['application']}@{each['started_at']}": each for each in deployed}
    for item, each in found.items():
        outcome = listed.get(item, "carrying")
        if each["revision_kind"] == "git" and each["position"] is None:
            assert outcome == "not on main", item
        elif each["status"] == "failed":
            assert outcome == "failed", item
        elif each["carried"]:
            assert outcome == "carrying", item
        else:
            assert outcome in ("packaged", "baseline", "rollback", "repeat", "moved on"), item
    landed = [each for each in acted.truth["landings"] if each["quarter"] == "2026Q3"]
    repo = tables["landings"]["repo"].iloc[0]
    assert len(landed) > 20
    for each in landed:
        outcome = listed.get(f"{repo}@{each['head_sha']}", "deployed")
        assert (outcome == "reaches nothing") == (not each["targets"]), each
    by_hand = {subject for control, subject in acted.violations("2026Q3") if control == "CLU-01"}
    assert set(listed[listed.eq("by hand")].index) == by_hand
    assert {"waiting", "before the first", "not deployed"} & set(listed)


def test_who_granted_a_right_and_decided_on_keeping_it_is_told(acted: Acted) -> None:
    """Of the reviews of all quarters: the forge's log says who granted, the review who decided."""
    quarters = ["2026Q1", "2026Q2", "2026Q3"]
    truth = {
        key for quarter in quarters for key, why in acted.violations(quarter).items() if "who granted" in why
    }
    told = pd.concat([acted.quarter(quarter).tables["exceptions"] for quarter in quarters])
    told = told[told["control"].eq("ACC-03") & told["found"].str.contains("reviewed by who granted it")]
    assert {("ACC-03", subject) for subject in told["subject"]} == truth != set()
