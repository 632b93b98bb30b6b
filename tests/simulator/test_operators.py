"""What the operators' evidence tells agrees with what they did."""

import itertools
import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.simulator import operators
from audit.simulator.world import World
from tests.simulator.stage import BOT, all_bytes, objects, values, violations, world


@pytest.fixture(scope="module", params=[1, 2, 3])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = world(tmp_path_factory.mktemp("evidence"), request.param, quarters=2, landings=60)
    operators.deploy(made)
    return made


def _source(made: World, cluster: str) -> Path:
    return made.evidence.folder / f"{cluster}-operators"


def _events(made: World, cluster: str) -> list[dict[str, Any]]:
    return [event for _, data in objects(_source(made, cluster), "events/**/*.gz") for event in values(data)]


def _items(made: World, cluster: str, folder: str) -> list[dict[str, Any]]:
    return [
        item
        for _, data in objects(_source(made, cluster), f"{folder}/**/*.gz")
        for document in values(data)
        for item in document["items"]
    ]


def _operations(made: World, operator: str, **wanted: Any) -> list[dict[str, Any]]:
    told = [d for d in made.truth.deployments if d["operator"] == operator]
    return [d for d in told if all(d[key] == value for key, value in wanted.items())]


def _key(told: dict[str, Any]) -> tuple[str, str, str]:
    return told["cluster"], told["application"], told["started_at"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        operators.deploy(world(tmp_path / name, 5))
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b")


def test_nothing_landed_is_refused(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.landed.clear()
    with pytest.raises(ValueError, match="nothing has landed"):
        operators.deploy(made)


def test_operations_of_one_object_are_a_minute_apart_and_inside_the_world(deployed: World) -> None:
    by_object = defaultdict(list)
    for told in deployed.truth.deployments:
        started, finished = (datetime.fromisoformat(told[k]) for k in ("started_at", "finished_at"))
        assert deployed.start <= started <= finished < deployed.end
        by_object[told["cluster"], told["application"]].append((started, finished))
    assert len(by_object) == 3 * (2 + 4 + 1 + 1)
    for spans in by_object.values():
        for (_, finished), (started, _) in itertools.pairwise(spans):
            assert started - finished >= timedelta(seconds=60)


def test_every_kind_of_trouble_happens(deployed: World) -> None:
    options = {option for d in deployed.truth.deployments for option in d["options"]}
    assert {"rollback", "requested"} <= options
    assert options & {"force", "replace", "prune"}
    for control in ("DEP-01", "DEP-02", "DEP-04"):
        assert violations(deployed, control), control
    assert violations(deployed, "DEP-01") & violations(deployed, "DEP-02")
    assert deployed.truth.counts["drift spans"] > 0
    assert deployed.truth.counts["deployments failed"] > 0


def test_violations_follow_from_the_operations(deployed: World) -> None:
    subjects: dict[str, set[str]] = {"DEP-01": set(), "DEP-02": set()}
    for told in deployed.truth.deployments:
        subject = f"{told['cluster']}/{told['application']}@{told['started_at']}"
        if told["revision_kind"] == "git" and told["position"] is None:
            subjects["DEP-01"].add(subject)
        by_person = not told["automated"] and told["initiated_by"] != BOT.argocd_user
        if by_person or "requested" in told["options"]:
            subjects["DEP-02"].add(subject)
    assert subjects == {control: violations(deployed, control) for control in subjects}


def test_carried_landings_lie_between_two_successes(deployed: World) -> None:
    baseline: dict[tuple[str, str], int] = {}
    carried_somewhere = 0
    for told in deployed.truth.deployments:
        place, target = told["position"], (told["app"], told["environment"])
        expected = []
        if told["status"] == "succeeded" and place is not None:
            before = baseline.get(_key(told)[:2])
            if before is not None:
                expected = [
                    x.head_sha
                    for x in deployed.landed
                    if before < x.position <= place and target in x.targets
                ]
            baseline[_key(told)[:2]] = place
        assert told["carried"] == expected
        carried_somewhere += len(expected)
    assert carried_somewhere > 0


def test_nothing_is_deployed_before_it_landed(deployed: World) -> None:
    landed = {x.head_sha: x for x in deployed.landed}
    for told in deployed.truth.deployments:
        if told["position"] is not None:
            landing = landed[told["revision"]]
            assert landing.position == told["position"]
            assert landing.landed_at <= datetime.fromisoformat(told["started_at"])


def test_what_production_carries_is_counted_once_a_quarter(deployed: World) -> None:
    broken = {x.head_sha for x in deployed.landed if x.broken}
    expected = {
        (head, told["quarter"])
        for told in deployed.truth.deployments
        if told["environment"] == "prod"
        for head in told["carried"]
        if head in broken
    }
    found = [v for v in deployed.truth.violations if v["control"] == "DEP-04"]
    assert sorted((v["subject"].partition("@")[2], v["quarter"]) for v in found) == sorted(expected)


def test_snapshots_hold_every_success_of_argo_cd(deployed: World) -> None:
    """Whatever an object forgets later, an earlier snapshot has; only self-heal of single resources is not kept."""
    seen = {}
    for cluster in deployed.environments:
        for item in _items(deployed, cluster, "applications"):
            history = item["status"].get("history", [])
            assert len(history) <= 10
            assert [h["id"] for h in history] == sorted(h["id"] for h in history)
            for entry in history:
                name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                seen[cluster, name, entry["deployStartedAt"]] = entry
    partial = {
        (cluster, e["involvedObject"]["namespace"] + "/" + e["involvedObject"]["name"], e["lastTimestamp"])
        for cluster in deployed.environments
        for e in _events(deployed, cluster)
        if e["message"].startswith("Partial sync operation")
    }
    done = _operations(deployed, "argocd", status="succeeded")
    kept = [d for d in done if (d["cluster"], d["application"], d["finished_at"]) not in partial]
    assert {_key(d) for d in kept} == set(seen)
    for told in kept:
        entry = seen[_key(told)]
        assert (entry["revision"], entry["deployedAt"]) == (told["revision"], told["finished_at"])
        assert entry["initiatedBy"] == (
            {"automated": True} if told["automated"] else {"username": told["initiated_by"]}
        )


def test_what_history_leaves_out_is_in_the_events(deployed: World) -> None:
    started, completed = set(), {}
    for cluster in deployed.environments:
        for event in _events(deployed, cluster):
            involved = event["involvedObject"]
            key = (cluster, f"{involved['namespace']}/{involved['name']}", event["lastTimestamp"])
            if event["reason"] == "OperationStarted":
                started.add(key)
            elif event["reason"] == "OperationCompleted":
                completed[key] = event
    failed = _operations(deployed, "argocd", status="failed")
    assert failed
    for told in failed:
        assert _key(told) in started
        end = completed[told["cluster"], told["application"], told["finished_at"]]
        assert end["message"].startswith(f"Sync operation to {told['revision']} failed: ")
        assert end["type"] == "Warning"


def test_flux_tells_every_operation_at_its_second_and_now_and_then_that_nothing_changed(
    deployed: World,
) -> None:
    told: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
    for cluster in deployed.environments:
        for event in _events(deployed, cluster):
            if event["source"]["component"] in ("kustomize-controller", "helm-controller"):
                involved = event["involvedObject"]
                revision = event["metadata"]["annotations"].get("kustomize.toolkit.fluxcd.io/revision")
                key = (cluster, f"{involved['namespace']}/{involved['name']}")
                told.setdefault(key, []).append((event["lastTimestamp"], revision))
    operations = {_key(operation) for operation in _operations(deployed, "flux")}
    times = {(*key, at) for key, events in told.items() for at, _ in events}
    assert times >= operations
    assert times - operations
    for key, events in told.items():
        current = None
        for at, revision in sorted(events):
            assert (*key, at) in operations or revision == current
            current = revision


def test_flux_histories_begin_at_reconciliations(deployed: World) -> None:
    operations = {_key(d): d for d in _operations(deployed, "flux")}
    for cluster in deployed.environments:
        for item in _items(deployed, cluster, "flux"):
            name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
            history = item["status"].get("history", [])
            assert len(history) <= 5
            for entry in history:
                if item["kind"] == "HelmRelease":
                    told = operations[cluster, name, entry["lastDeployed"]]
                    assert entry["chartVersion"] == told["revision"]
                else:
                    told = operations[cluster, name, entry["firstReconciled"]]
                    assert entry["metadata"]["revision"].endswith(f"@sha1:{told['revision']}")


def test_a_request_by_hand_is_seen_in_a_snapshot_just_before_its_reconciliation(deployed: World) -> None:
    handled = defaultdict(set)
    for cluster in deployed.environments:
        for item in _items(deployed, cluster, "flux"):
            value = item["status"].get("lastHandledReconcileAt")
            if value is not None:
                assert value == item["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]
                name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                handled[cluster, name].add(datetime.fromisoformat(value[:26] + "+00:00"))
    reconciled = defaultdict(list)
    for told in _operations(deployed, "flux"):
        reconciled[_key(told)[:2]].append(datetime.fromisoformat(told["started_at"]))
    first_after = {
        (*name, min(at for at in reconciled[name] if at >= value))
        for name, times in handled.items()
        for value in times
    }
    requested = {
        (*_key(d)[:2], datetime.fromisoformat(d["started_at"]))
        for d in deployed.truth.deployments
        if "requested" in d["options"]
    }
    assert requested
    assert first_after == requested


def test_sync_status_changes_are_a_chain(deployed: World) -> None:
    state: dict[tuple[str, str, str], str] = {}
    for cluster in deployed.environments:
        unique = {e["metadata"]["name"]: e for e in _events(deployed, cluster)}
        events = sorted(unique.values(), key=lambda e: e["lastTimestamp"])
        for event in events:
            words = event["message"].split()
            if event["reason"] == "ResourceUpdated" and words[1] == "sync":
                before, after = event["message"].partition("status: ")[2].split(" -> ")
                key = (cluster, event["involvedObject"]["name"], words[1])
                assert state.get(key, "") == before
                state[key] = after
    assert state


def test_snapshots_are_at_most_a_week_apart(deployed: World) -> None:
    for cluster in deployed.environments:
        for folder in ("applications", "flux"):
            days = sorted(
                {
                    key[: -len(key.split("/")[-1])]
                    for key, _ in objects(_source(deployed, cluster), f"{folder}/**/*.gz")
                }
            )
            dates = [datetime.strptime(day, f"{folder}/%Y/%m/%d/") for day in days]  # noqa: DTZ007
            assert all(b - a <= timedelta(days=7) for a, b in itertools.pairwise(dates))


def test_events_are_delivered_late_and_twice(deployed: World) -> None:
    late = total = 0
    for cluster in deployed.environments:
        for key, data in objects(_source(deployed, cluster), "events/**/*.gz"):
            hour = key.removeprefix("events/").removesuffix(".json.gz")
            for line in data.splitlines():
                event = json.loads(line)
                total += 1
                late += event["lastTimestamp"][:13].replace("-", "/").replace("T", "/") != hour
    names = [e["metadata"]["name"] for cluster in deployed.environments for e in _events(deployed, cluster)]
    assert late > 0
    assert len(set(names)) < len(names) == total == deployed.truth.counts["operator events"]
