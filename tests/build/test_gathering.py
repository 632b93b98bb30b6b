"""What is gathered does not depend on how much of it is held in memory, nor on how it was cut into objects."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import pipeline
from audit.build import Built, chunking, gathering, spool
from audit.evidence.manifest import Entry
from audit.evidence.store import Store
from audit.evidence.versions import Version
from audit.normalise import envelopes
from audit.period import Period
from audit.settings import Settings, load

AS_OF = datetime(2026, 10, 2, tzinfo=UTC)
SETTINGS = """
[organisation]
name = "NETBPF"
[[repositories]]
name = "netbpf/netbpf-gitops"
location = "netbpf-gitops"
[[clusters]]
name = "prod"
environment = "prod"
[[sources]]
name = "log"
location = "file:log"
cluster = "prod"
[[sources]]
name = "log-again"
location = "file:again"
cluster = "prod"
"""


def event(number: int, *, stage: str = "ResponseComplete", user: str = "ada", day: int = 1) -> dict[str, Any]:
    """A write to a cluster."""
    at = f"2026-{7 + day // 30:02}-{1 + day % 28:02}T10:00:{number % 60:02}.000000Z"
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"00000000-0000-0000-0000-{number:012}",
        "stage": stage,
        "requestURI": "/api/v1/namespaces/shop/configmaps/web",
        "verb": "patch",
        "user": {"username": f"{user}@netbpf.com"},
        "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "requestReceivedTimestamp": at,
        "stageTimestamp": at,
    } | ({"responseStatus": {"code": 200}} if stage == "ResponseComplete" else {})


def pull(number: int, updated: int) -> dict[str, Any]:
    """A pull request as a list of them has it."""
    return {
        "number": number,
        "state": "open",
        "title": f"Change {number}",
        "url": f"https://api.github.com/repos/NETBPF/netbpf-gitops/pulls/{number}",
        "html_url": f"https://github.com/NETBPF/netbpf-gitops/pull/{number}",
        "user": {"login": "ada-l"},
        "created_at": "2026-07-01T10:00:00Z",
        "updated_at": f"2026-08-{updated:02}T10:00:00Z",
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": None,
        "draft": False,
        "labels": [],
        "base": {"ref": "main", "sha": "a" * 40, "repo": {"full_name": "NETBPF/netbpf-gitops"}},
        "head": {"ref": f"change-{number}", "sha": "b" * 40, "repo": {"full_name": "NETBPF/netbpf-gitops"}},
    }


RECORDS = st.one_of(
    st.builds(
        event,
        st.integers(0, 6),
        stage=st.sampled_from(["RequestReceived", "ResponseComplete"]),
        user=st.sampled_from(["ada", "grace"]),
        day=st.integers(0, 80),
    ),
    st.builds(pull, st.integers(1, 4), st.integers(1, 20)),
    st.just("no record"),
)


def built(folder: Path, objects: dict[str, list[Any]]) -> Built:
    """Everything that a folder with some objects gives."""
    for name, records in objects.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    (folder / "audit.toml").write_text(SETTINGS, encoding="utf-8")
    settings = load(folder / "audit.toml")
    pipeline.collect(settings, AS_OF)
    return pipeline.build(settings)


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file, by its place."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "made-from"
    }


@hypothesis.settings(deadline=None, max_examples=6, phases=[hypothesis.Phase.generate])
@given(
    st.lists(RECORDS, min_size=1, max_size=25), st.lists(RECORDS, min_size=1, max_size=5), st.integers(1, 9)
)
def test_buckets_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, first: list[Any], second: list[Any], bucket: int
) -> None:
    """Whatever memory holds at once: the same rows, the same duplicates, the same counts."""
    objects = {"log/1.json": first, "log/2.json": second, "again/1.json": first[::2]}
    with pytest.MonkeyPatch.context() as patch:
        whole = built(tmp_path_factory.mktemp("whole"), objects)
        patch.setattr(gathering, "BUCKET", bucket)
        patch.setattr(spool, "GROUP", bucket)
        patch.setattr(chunking, "CHUNK_OBJECTS", 1)
        cut = built(tmp_path_factory.mktemp("cut"), objects)
    for name, rows in whole.tables.items():
        pd.testing.assert_frame_equal(cut.tables[name], rows)
    by = ["table", "source_name"]
    pd.testing.assert_frame_equal(
        cut.parsed.sort_values(by, ignore_index=True), whole.parsed.sort_values(by, ignore_index=True)
    )
    q3 = Period.quarter("2026Q3")
    pd.testing.assert_frame_equal(cut.counted(q3), whole.counted(q3))


def test_a_table_in_buckets_is_the_same_bytes_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is in several files of each source and month, none of which holds more than memory may."""
    monkeypatch.setattr(gathering, "BUCKET", 20)
    records = [event(number, day=number % 80) for number in range(100)]
    found = [built(tmp_path / name, {"log/1.json": records}) for name in ("one", "two")]
    assert digests(found[0].folder) == digests(found[1].folder)
    files = list((found[0].folder / "cluster_access").rglob("*.parquet"))
    assert {path.name for path in files} == {f"part-{number}.parquet" for number in range(5)}
    assert found[0].sizes()["cluster_access"] == 100
    assert not list(found[0].folder.glob("*.spilled"))


def test_counts_tell_the_quarters_rows_without_reading_more_than_times(tmp_path: Path) -> None:
    """Rows of the quarter and of others, by source and table; those without a time are of every quarter."""
    records = [event(1, day=1), event(2, day=80), pull(1, 5)]
    found = built(tmp_path, {"log/1.json": records})
    counts = found.counted(Period.quarter("2026Q3")).set_index(["source_name", "table"])
    assert counts.loc[("log", "cluster_access")].tolist() == [2, 0]
    counts = found.counted(Period.quarter("2026Q2")).set_index(["source_name", "table"])
    assert counts.loc[("log", "cluster_access")].tolist() == [0, 2]
    assert counts.loc[("log", "evidence_objects")].tolist() == [1, 0]


def test_what_was_read_before_envelopes_were_opened_otherwise_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a format's version: the same bytes may give other rows."""
    store = Store(tmp_path)
    entry = Entry("log", "file:log", "a", "", "", None, "", 1, "0" * 64, AS_OF)
    settings = Settings.model_validate(
        {"organisation": {"name": "NETBPF"}, "sources": [{"name": "log", "location": "file:log"}]}
    )
    folders = set()
    for version in (1, 1, 2):
        monkeypatch.setattr(envelopes, "VERSION", version)
        folders |= {chunk.folder for chunk in chunking.chunks(settings, store, [Version(entry, "")])}
    assert len(folders) == 2
