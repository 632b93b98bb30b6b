"""What the log of Argo CD's API server tells: who asked for what, and what came of it."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import pytest
from evidence_records import lines, parse_bytes, read, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_records import ARGO_ACT, SYNC_FINISHED, SYNC_RECEIVED

from audit import tables as t
from audit.joins.dedupe import deduplicate
from audit.normalise.interface import Unreadable
from audit.normalise.logfmt import to_json


def row(record: dict[str, Any]) -> dict[str, Any]:
    (found,) = read(record).rows["operator_requests"]
    return found


def logfmt(record: dict[str, Any]) -> bytes:
    """A record as logrus writes it."""
    parts = (
        f"{key}={json.dumps(value) if isinstance(value, str) else value}" for key, value in record.items()
    )
    return " ".join(sorted(parts, key=lambda part: not part.startswith("time="))).encode() + b"\n"


def test_a_call_that_was_received_tells_who_asked_for_what() -> None:
    found = row(SYNC_RECEIVED)
    assert found.pop("at").isoformat() == "2026-07-01T09:00:00+00:00"
    assert json.loads(found.pop("detail")) == {
        "id": "7",
        "manifests": True,
        "prune": True,
        "revision": "main",
    }
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "stage": "received", "service": "ApplicationService", "method": "Sync", "user": "ada@netbpf.com",
        "subject": "u-1", "issuer": "https://sso.example", "groups": "devs ops", "app": "argocd/web", "project": "shop",
        "code": None, "address": None, "took": None, "line": 1,
    }  # fmt: skip


def test_a_call_that_is_finished_tells_what_came_of_it() -> None:
    found = row(SYNC_FINISHED)
    assert (found["stage"], found["method"], found["code"]) == ("finished", "Sync", "PermissionDenied")
    assert (found["user"], found["app"], found["address"]) == (None, None, "203.0.113.7:4711")


def test_calls_that_finish_in_one_second_are_told_apart_by_how_long_they_took() -> None:
    other = SYNC_FINISHED | {"grpc.time_ms": 3}
    found = parse_bytes(lines(SYNC_FINISHED, other, SYNC_FINISHED)).rows["operator_requests"]
    assert [each["took"] for each in found] == [12.5, 3.0, 12.5]
    kept, left_out = deduplicate("operator_requests", t.frame(t.OperatorRequests, found))
    assert (sorted(kept["line"]), left_out["line"].tolist()) == ([1, 2], [3])
    assert "grpc.time_ms is no time" in refused(SYNC_FINISHED | {"grpc.time_ms": "soon"})


def test_an_act_of_a_person_is_told_and_the_operators_own_is_noise() -> None:
    found = row(ARGO_ACT)
    assert (found["stage"], found["method"], found["user"], found["app"]) == (
        "event", "OperationStarted", "ada", "argocd/web",
    )  # fmt: skip
    assert found["detail"] == "ada initiated sync to main"
    older = {name: value for name, value in ARGO_ACT.items() if name not in ("user", "app-namespace")}
    assert (row(older)["user"], row(older)["app"]) == ("ada", "web")
    for message in ("Initiated automated sync to 'main'", "Updated sync status: Synced -> OutOfSync"):
        assert read(older | {"msg": message}).noise == 1
    assert (
        read(older | {"reason": "OperationCompleted", "msg": "Sync failed: ada deleted application"}).noise
        == 1
    )


def test_an_act_on_a_project_names_its_person_in_the_message_alone() -> None:
    about = {
        "level": "info",
        "msg": "Ada Lind updated project",
        "project": "shop",
        "reason": "ResourceUpdated",
        "type": "Normal",
    }
    found = row(about | {"time": "2026-07-01T09:00:01Z"})
    told = ("stage", "method", "user", "app", "project", "detail")
    assert [found[name] for name in told] == [
        "event",
        "ResourceUpdated",
        "Ada Lind",
        None,
        "shop",
        "Ada Lind updated project",
    ]


@pytest.mark.parametrize(
    ("method", "kept"),
    [("Rollback", 1), ("TerminateOperation", 1), ("UpdateSpec", 1), ("Delete", 1), ("DeleteResource", 1), ("Create", 1),
     ("Patch", 1), ("RunResourceAction", 1), ("RotateAuth", 1), ("CreateToken", 1), ("Anything", 1), ("List", 0), ("Get", 0),
     ("GetManifests", 0), ("ManagedResources", 0), ("ResourceTree", 0), ("RevisionMetadata", 0), ("PodLogs", 0), ("WatchResourceTree", 0)],
)  # fmt: skip
def test_every_call_but_one_that_only_reads_is_kept(method: str, kept: int) -> None:
    parsed = read(SYNC_RECEIVED | {"grpc.method": method})
    assert (parsed.kept, parsed.noise) == (kept, 1 - kept)


def test_overridden_parameters_are_named_and_their_values_kept_out() -> None:
    source = {
        "repoURL": "https://github.com/netbpf/x",
        "helm": {
            "parameters": [{"name": "db.password", "value": "pretend-secret"}],
            "values": "a: pretend-secret",
        },
        "kustomize": {"images": ["web=registry.example/web:2"]},
    }
    spec = {"project": "shop", "source": source}
    for content in (
        {"name": "web", "spec": spec},
        {"application": {"metadata": {"name": "web"}, "spec": spec}},
    ):
        found = row(SYNC_RECEIVED | {"grpc.method": "UpdateSpec", "grpc.request.content": content})
        assert json.loads(found["detail"]) == {
            "parameters": ["db.password", "image web=registry.example/web:2"]
        }
        assert (found["app"], found["project"]) == ("web", "shop")
        assert "pretend-secret" not in json.dumps(found, default=str)
    patch = {"name": "web", "patch": '{"x": "pretend-secret"}', "patchType": "merge"}
    found = row(SYNC_RECEIVED | {"grpc.method": "Patch", "grpc.request.content": patch})
    assert json.loads(found["detail"]) == {"patchType": "merge"}


def test_logfmt_tells_the_same_as_json() -> None:
    received = SYNC_RECEIVED | {"grpc.request.content": json.dumps(SYNC_RECEIVED["grpc.request.content"])}
    records = [received, SYNC_FINISHED, ARGO_ACT]
    written = b"".join(logfmt(record) for record in records)
    told, same = parse_bytes(written), parse_bytes(lines(*records))
    assert told.quarantined == []
    assert (told.records, told.kept) == (3, 3)
    place = {"evidence": ""}
    assert [each | place for each in told.rows["operator_requests"]] == [
        each | place for each in same.rows["operator_requests"]
    ]


@pytest.mark.parametrize(
    "content",
    [
        "&ApplicationSyncRequest{Name:*web,Revision:*main,DryRun:*false,Prune:*true,AppNamespace:*argocd,Project:*shop,}",
        'name:"web" revision:"main" dryRun:false prune:true appNamespace:"argocd" project:"shop"',
    ],
)
def test_a_request_as_go_prints_it(content: str) -> None:
    (found,) = parse_bytes(logfmt(SYNC_RECEIVED | {"grpc.request.content": content})).rows[
        "operator_requests"
    ]
    assert (found["app"], found["project"]) == ("argocd/web", "shop")
    assert json.loads(found["detail"]) == {"prune": "true", "revision": "main"}


def test_other_lines_are_noise_of_a_source_that_names_the_format_and_else_no_known_format() -> None:
    other = b'time="2026-07-01T09:00:00Z" level=info msg="invalidated cache for resource"\n'
    assert parse_bytes(other, format="argocd-log").noise == 1
    for line in (other, b'{"level":"info","msg":"git fetch","time":"2026-07-01T09:00:00Z"}\n'):
        ((number, offset, reason),) = parse_bytes(line).quarantined
        assert (number, offset) == (1, 0)
        assert reason.startswith(
            "no known format: a line of a program's log; where the source is one program's own"
        )


def test_what_is_no_logfmt_is_quarantined_line_by_line() -> None:
    good = logfmt(SYNC_FINISHED)
    bad = b'time="2026-07-01T09:00:00Z" grpc.service=x level="open\n'
    parsed = parse_bytes(good + bad + good.rstrip(), format="argocd-log")
    assert (parsed.kept, [(number, offset) for number, offset, _ in parsed.quarantined]) == (
        2,
        [(2, len(good))],
    )
    assert "not logfmt at character" in parsed.quarantined[0][2]
    twice = b'time="2026-07-01T09:00:00Z" level=info level=info\n'
    assert "'level' twice" in parse_bytes(twice, format="argocd-log").quarantined[0][2]
    assert "grpc.request.claims: " in refused(SYNC_RECEIVED | {"grpc.request.claims": "{"})


def test_a_line_of_logfmt_that_is_cut_off_is_not_read() -> None:
    whole = logfmt(SYNC_FINISHED) * 40
    data = gzip.compress(whole, mtime=0)
    for cut in range(len(data) // 2, len(data), 3):
        parsed = parse_bytes(data[:cut], format="argocd-log")
        assert len(parsed.quarantined) == 1, cut
        assert all(found["code"] == "PermissionDenied" for found in parsed.rows.get("operator_requests", []))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.from_regex(r"\A[a-z.]{1,8}\Z"), st.text(max_size=20), min_size=1))
def test_logfmt_gives_back_every_text(record: dict[str, str]) -> None:
    assert json.loads(to_json(logfmt(record).rstrip(b"\n"))) == record


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_after_the_start_of_a_line(data: bytes) -> None:
    for start in (b"time=", b'time="2026-07-01T09:00:00Z" level=info grpc.service=a grpc.method=b '):
        parse_bytes(start + data)
        parse_bytes(start + data, format="argocd-log")
    with contextlib.suppress(Unreadable):
        to_json(data)
