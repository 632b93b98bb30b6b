"""The clusters' audit logs hold what the truth says, in the formats of the real systems."""

import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from audit.simulator import clusters, operators
from audit.simulator.audit_delivery import deliver
from audit.simulator.world import World
from tests.simulator.stage import all_bytes, objects, values, violations, world

LIMIT = timedelta(minutes=170)
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
NO_CHANGE = {"exec", "attach", "portforward", "proxy", "log", "ephemeralcontainers", "token"}


@pytest.fixture(scope="module", params=[1, 2, 3])
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = world(tmp_path_factory.mktemp("evidence"), request.param, quarters=2)
    operators.deploy(made)
    clusters.log_access(made)
    return made


def _unwrapped(cluster: str, data: bytes) -> list[dict[str, Any]]:
    """The audit events of one object, out of whatever the cluster wraps them in."""
    documents = values(data)
    if cluster == "dev":
        return documents
    if cluster == "staging":
        return [item for document in documents for item in document["items"]]
    entries = [e for d in documents if d["messageType"] == "DATA_MESSAGE" for e in d["logEvents"]]
    return [json.loads(entry["message"]) for entry in entries]


def _events(made: World, cluster: str) -> list[tuple[str, dict[str, Any]]]:
    """(key, event), every record of it."""
    found = objects(made.evidence.folder / f"{cluster}-audit")
    return [(key, event) for key, data in found for event in _unwrapped(cluster, data)]


def _received(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["requestReceivedTimestamp"])


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made = world(tmp_path / name, 4)
        clusters.log_access(made)
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b")


def test_the_only_silences_are_those_of_the_truth(logged: World) -> None:
    expected = set()
    for cluster in logged.environments:
        times = sorted({_received(event) for _, event in _events(logged, cluster)})
        assert times[0] - logged.start < timedelta(minutes=5)
        assert logged.end - times[-1] < timedelta(minutes=5)
        for before, after in pairwise(times):
            if after - before > LIMIT:
                assert after - before > timedelta(hours=4)
                expected.add(f"{cluster}:{before:%Y-%m-%dT%H:%M:%SZ}/{after:%Y-%m-%dT%H:%M:%SZ}")
    assert expected == violations(logged, "EVD-02")
    assert expected


def test_silences_lie_within_one_quarter(logged: World) -> None:
    edges = clusters.quarter_starts(logged)
    assert edges == [logged.start, datetime(2026, 1, 1, tzinfo=UTC), logged.end]
    for subject in violations(logged, "EVD-02"):
        begin, end = (datetime.fromisoformat(part) for part in subject.partition(":")[2].split("/"))
        assert not any(begin <= edge <= end for edge in edges)


def test_violations_are_the_changes_that_people_made(logged: World) -> None:
    """Judged anew from the records alone, by the rule of the control."""
    roster = {p.kube_user: p.person for p in logged.people}
    found = set()
    for cluster in logged.environments:
        stages = defaultdict(list)
        for _, event in _events(logged, cluster):
            stages[event["auditID"]].append(event)
        for audit_id, events in stages.items():
            event = max(events, key=lambda e: e["stage"] != "RequestReceived")
            person = roster.get(event["user"]["username"])
            excused = any(
                (glass["person"], glass["cluster"]) == (person, cluster)
                and glass["opened"] <= f"{_received(event):%Y-%m-%dT%H:%M:%SZ}" < glass["closed"]
                for glass in logged.break_glass
            )
            if _by_person(event) and _changes(event) and not excused:
                found.add(f"{cluster}/{audit_id}")
    assert found == violations(logged, "CLU-01")


def _by_person(event: dict[str, Any]) -> bool:
    user, agent = event["user"]["username"], event["userAgent"]
    machine = user.startswith(("system:serviceaccount:", "system:node:", "system:kube-")) or user in (
        "system:apiserver",
        "netbpf-bot",
    )
    return not machine or agent.startswith(("kubectl/", "k9s/", "Lens/"))


def _changes(event: dict[str, Any]) -> bool:
    what = event["objectRef"]
    code = event.get("responseStatus", {}).get("code")
    return (
        event["verb"] in WRITES
        and what.get("subresource") not in NO_CHANGE
        and not what["resource"].endswith("reviews")
        and what["resource"] not in ("events", "leases")
        and "dryRun=All" not in event["requestURI"]
        and (code is None or code < 400)
    )


def test_each_guise_of_a_change_happens(logged: World) -> None:
    why = " ".join(v["why"] for v in logged.truth.violations if v["control"] == "CLU-01")
    for words in ("acting as", "from a laptop", "outcome unknown", "system:admin", "kubernetes-admin"):
        assert words in why
    assert logged.truth.counts["cluster acts in break-glass"] > 0


def test_an_audit_id_is_one_request(logged: World) -> None:
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    several = late = 0
    for cluster in logged.environments:
        for key, event in _events(logged, cluster):
            first = seen.setdefault((cluster, event["auditID"]), event)
            assert first["requestURI"] == event["requestURI"]
            assert first["requestReceivedTimestamp"] == event["requestReceivedTimestamp"]
            several += first["stage"] != event["stage"]
            day = f"{_received(event):%Y-%m-%d}"
            late += day not in key.replace("/", "-")
    assert several > 0
    assert late > 0


def test_events_are_of_the_kinds_and_versions_of_the_systems(logged: World) -> None:
    versions = defaultdict(set)
    for cluster in logged.environments:
        for _, event in _events(logged, cluster):
            versions[cluster].add(event.get("apiVersion"))
            assert event["requestReceivedTimestamp"].endswith(".000000Z")
            assert event["stageTimestamp"][:19] == event["requestReceivedTimestamp"][:19]
            assert ("metadata" in event) == ("timestamp" in event)
    both = {"audit.k8s.io/v1", "audit.k8s.io/v1beta1"}
    assert versions == {"dev": both, "staging": {None}, "prod": {"audit.k8s.io/v1"}}
    lists = {
        document["apiVersion"]
        for _, data in objects(logged.evidence.folder / "staging-audit")
        for document in values(data)
        if document["kind"] == "EventList"
    }
    assert lists == both


def test_prod_comes_as_firehose_brings_it(logged: World) -> None:
    kinds = set()
    for key, data in objects(logged.evidence.folder / "prod-audit"):
        assert datetime.strptime(key[:13], "%Y/%m/%d/%H")  # noqa: DTZ007
        assert b"\n" not in data
        for document in values(data):
            kinds.add(document["messageType"])
            if document["messageType"] == "DATA_MESSAGE":
                assert document["logGroup"] == "/aws/eks/prod/cluster"
                for entry in document["logEvents"]:
                    event = json.loads(entry["message"])
                    stage = datetime.fromisoformat(event["stageTimestamp"])
                    assert entry["timestamp"] == int(stage.timestamp() * 1000)
    assert kinds == {"DATA_MESSAGE", "CONTROL_MESSAGE"}


def test_garbage_is_counted_and_is_never_the_only_record(logged: World) -> None:
    broken = 0
    whole = {event["auditID"] for _, event in _events(logged, "dev")}
    for _, data in objects(logged.evidence.folder / "dev-audit"):
        for line in data.splitlines():
            try:
                json.loads(line)
            except json.JSONDecodeError:
                broken += 1
                rest = line.decode().partition('"auditID":"')[2]
                assert len(rest) < 36 or rest[:36] in whole
    assert broken == logged.truth.counts["garbage"] > 0


def test_controllers_apply_what_is_deployed(logged: World) -> None:
    applied = {
        (cluster, event["requestReceivedTimestamp"])
        for cluster in logged.environments
        for _, event in _events(logged, cluster)
        if event["verb"] == "patch" and event["user"]["username"].startswith("system:serviceaccount:")
    }
    silent = [
        (subject.partition(":")[0], *subject.partition(":")[2].split("/"))
        for subject in violations(logged, "EVD-02")
    ]
    for told in logged.truth.deployments:
        at = datetime.fromisoformat(told["started_at"]) + timedelta(seconds=2)
        quiet = any(
            told["cluster"] == cluster and begin < f"{at:%Y-%m-%dT%H:%M:%SZ}" < end
            for cluster, begin, end in silent
        )
        if told["status"] == "succeeded" and not quiet:
            assert (told["cluster"], f"{at:%Y-%m-%dT%H:%M:%S}.000000Z") in applied


def test_many_events_are_written_by_the_hour(tmp_path: Path) -> None:
    made = world(tmp_path, log_events=1_000_000)
    made.end = made.start + timedelta(days=4)
    assert clusters._slot_width(made) == 3600
    made.log_events = 20_000
    assert clusters._slot_width(made) == 86400


def test_an_object_can_hold_lines_that_are_cut_short() -> None:
    body = '"auditID":"a","requestReceivedTimestamp":"2026-07-01T09:00:00.000000Z"}'
    until = datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC)
    key, _, cut = deliver("dev", until, [body], random.Random(1), legacy=True, garbage=2)
    assert key.startswith("audit-2026-07-01T23-59-59.")
    assert cut == 2
