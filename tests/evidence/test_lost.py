"""What a source has or had and does not give stands in the manifest, in a table, and in EVD-04."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from audit import pipeline
from audit.controls import evd_04
from audit.controls.custody import concerned
from audit.controls.examples import frames
from audit.controls.interface import Context
from audit.controls.runner import run
from audit.evidence.manifest import load_all
from audit.evidence.store import Store
from audit.evidence.verify import verify
from audit.joins.counts import losses
from audit.period import Period
from audit.settings import Settings
from audit.trace import raw

AS_OF = datetime(2026, 10, 1, tzinfo=UTC)
LATER = datetime(2026, 10, 2, tzinfo=UTC)
Q3 = Period.quarter("2026Q3")
EVENT = (
    b'{"eventVersion":"1.11","eventID":"%d","eventTime":"2026-08-15T10:00:00Z","eventSource":"s3.amazonaws.com",'
    b'"eventName":"GetObject"}\n'
)


def _lost(settings: Settings, until: datetime = LATER) -> list[tuple[str, str, str]]:
    """(key, kind, reason) of what was not given."""
    sources = [(source.name, source.location) for source in settings.sources]
    rows = losses(load_all(Store(settings.store_path)), sources, until=until)
    return list(rows[["key", "kind", "reason"]].itertuples(index=False, name=None))


@pytest.fixture
def folder(tmp_path: Path) -> Settings:
    (tmp_path / "log").mkdir()
    for name in ("a", "b"):
        (tmp_path / "log" / name).write_bytes(EVENT % ord(name))
    return Settings.model_validate(
        {
            "organisation": {"name": "NETBPF"},
            "store": str(tmp_path / "store"),
            "sources": [{"name": "log", "location": f"file:{tmp_path / 'log'}"}],
        }
    )


def test_what_is_no_longer_listed_is_gone_and_told_once(folder: Settings, tmp_path: Path) -> None:
    """The store still has it. It is told when it was seen first, even where it came back."""
    pipeline.collect(folder, AS_OF)
    assert _lost(folder) == []
    (tmp_path / "log" / "b").rename(tmp_path / "b")
    pipeline.collect(folder, LATER)
    assert _lost(folder) == [("b", "gone", "")]
    assert _lost(folder, AS_OF) == []
    before = len(load_all(Store(folder.store_path)))
    assert pipeline.collect(folder, LATER).manifest is None
    (tmp_path / "b").rename(tmp_path / "log" / "b")
    pipeline.collect(folder, LATER)
    assert _lost(folder) == [("b", "gone", "")]
    assert len(load_all(Store(folder.store_path))) == before + 1  # it counts one more object than before
    assert verify(Store(folder.store_path)) == []


def test_what_could_not_be_read_is_told_with_its_reason(folder: Settings, tmp_path: Path) -> None:
    (tmp_path / "log" / "link").symlink_to("a")
    pipeline.collect(folder, AS_OF)
    assert _lost(folder) == [("link", "unread", "a symbolic link is not followed")]
    manifest = load_all(Store(folder.store_path))[-1]
    (told,) = raw.read([f"manifest:{manifest.sha256}"], pd.DataFrame({"sha256": []}), folder)
    assert told.text == "log: link  unread a symbolic link is not followed"


def test_a_source_that_can_not_be_listed_loses_nothing(folder: Settings, tmp_path: Path) -> None:
    pipeline.collect(folder, AS_OF)
    (tmp_path / "log").rename(tmp_path / "elsewhere")
    assert pipeline.collect(folder, LATER).problems
    assert _lost(folder) == []


def _put(server, bucket: str, key: str, body: bytes, **more: object) -> None:
    server.admin().put_object(Bucket=bucket, Key=key, Body=body, **more)


@pytest.mark.usefixtures("as_auditor")
def test_versions_that_were_never_read_are_told_and_others_are_not(s3_server, settings_for) -> None:
    settings = settings_for({"log": "s3://audit/lost"})
    for number in (1, 2):
        _put(s3_server, "audit", "lost/a", EVENT % number)
        _put(s3_server, "audit", "lost/b", EVENT % 3)  # the same again
    _put(s3_server, "audit", "lost/c", EVENT % 4)
    s3_server.admin().delete_object(Bucket="audit", Key="lost/c")
    pipeline.collect(settings, AS_OF)
    never_read = [("a", "superseded", ""), ("c", "deleted", ""), ("c", "superseded", "")]
    assert sorted(_lost(settings)) == never_read
    _put(s3_server, "audit", "lost/a", EVENT % 5)  # its version before was read
    pipeline.collect(settings, LATER)
    assert sorted(_lost(settings)) == never_read


@pytest.mark.usefixtures("as_auditor")
def test_locked_versions_with_checksums_leave_nothing_open(s3_server, settings_for) -> None:
    """And a store without them does: that is not taken for proof."""
    until = datetime(2040, 1, 1, tzinfo=UTC)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until, "ChecksumAlgorithm": "SHA256"}
    _put(s3_server, "locked", "kept/a", EVENT % 1, **lock)
    _put(s3_server, "plain", "kept/a", EVENT % 1)
    found = {}
    for bucket in ("locked", "plain"):
        settings = settings_for({"log": f"s3://{bucket}/kept"}, store=f"{settings_for({}).store}-{bucket}")
        pipeline.collect(settings, AS_OF)
        pipeline.build(settings)
        pipeline.mine(settings, AS_OF)
        checked = pipeline.check(settings, Q3, AS_OF)
        rows = checked.tables["evidence_objects"]
        assert checked.tables["exceptions"].empty
        concluded = checked.tables["conclusions"].set_index("control").loc["EVD-04"]
        found[bucket] = (rows["retention"].tolist(), concluded["conclusion"], concluded["gaps"])
    assert found["locked"] == (["COMPLIANCE until 2040-01-01T00:00:00Z"], "effective", "")
    assert found["plain"][:2] == ([""], "not tested")
    assert "1 of 1 objects have no version" in found["plain"][2]
    assert "1 of 1 objects have no lock on record" in found["plain"][2]


@pytest.mark.parametrize(
    ("first", "last", "collected", "expected"),
    [
        ("2026-06-30T22:00Z", "2026-07-01T00:00Z", "2026-10-02T00:00Z", "2026-07-01T00:00Z"),
        ("2026-06-30T22:00Z", "2026-06-30T23:59Z", "2026-10-02T00:00Z", None),
        ("2026-09-30T23:59Z", "2026-10-01T08:00Z", "2026-10-02T00:00Z", "2026-09-30T23:59Z"),
        ("2026-10-01T00:00Z", "2026-10-01T08:00Z", "2026-10-02T00:00Z", None),
        (None, None, "2026-07-01T00:00Z", ""),
        (None, None, "2026-06-30T23:59Z", None),
    ],
)
def test_the_quarter_is_concerned_by_what_speaks_of_it(
    folder: Settings, first: str | None, last: str | None, collected: str, expected: str | None
) -> None:
    """And by what speaks of no time, unless it was collected before; half-open."""
    text = f"evidence_objects\n| collected_at | source_name |\n| {collected} | log |\n"
    if first:
        text += (
            f"coverage\n| hour | first_at | last_at | source_name |\n| {first} | {first} | {last} | log |\n"
        )
    tables = frames(text.replace("Z", "").replace("T", " "))
    rows = concerned(tables, Context(folder, Q3, LATER))
    assert [("" if pd.isna(at) else f"{at:%Y-%m-%dT%H:%MZ}") for at in rows["at"]] == (
        [] if expected is None else [expected]
    )
    assert run(tables, folder, Q3, as_of=LATER, controls=(evd_04.CONTROL,))["exceptions"].empty
